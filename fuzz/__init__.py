"""Fuzzing of the gate: damaged files through our scan and through a slow reader that is not ours.

Allowed outcomes are the slow reader's verdict or `unreadable-file`; see ``python -m fuzz --help``.
"""
