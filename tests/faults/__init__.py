"""Faults while a check runs, in real processes: signals, full disks, files that change, no memory."""
