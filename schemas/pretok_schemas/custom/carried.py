"""People's own code as bytes, for workers that need not have its modules."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import cast

_EVERYWHERE = {"pretok_schemas", "pandera", "pyarrow", "builtins", "__main__"}  # on every worker


def packed_with(thing: object, modules: Iterable[str]) -> bytes:
    """Something as bytes, together with the packages of some modules that it comes from.

    By reference where there is no cloudpickle, or where they hold what no process can share.
    """
    try:
        import cloudpickle  # there is no worker on another machine without it
    except ImportError:
        return pickle.dumps(thing)
    tops = {module.partition(".")[0] for module in modules} - _EVERYWHERE
    packages = [sys.modules[top] for top in sorted(tops) if top in sys.modules]
    for package in packages:
        cloudpickle.register_pickle_by_value(package)
    try:
        return cast(bytes, cloudpickle.dumps(thing))
    except (TypeError, pickle.PicklingError):
        return pickle.dumps(thing)
    finally:
        for package in packages:
            cloudpickle.unregister_pickle_by_value(package)


def travels() -> bool:
    """Whether rules of people's own can be sent to processes that need not have their modules."""
    return find_spec("cloudpickle") is not None
