"""Where scan units run. An engine is ``run(task, units) -> Iterator[(index, result | Lost)]``."""
