"""The plugin as its users run it: command lines, ids, exit codes, texts and reports."""
