"""Faults while a check runs: signals, full disks, files that change, no memory."""
