"""Runs one program and prints what it cost, as JSON; reads ``{command, folder}`` from stdin.

A process begins with the memory of the one that started it, and its peak counts that: this one
imports next to nothing, so that the peak is the program's own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

asked = json.load(sys.stdin)
with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
    began = time.perf_counter()
    process = subprocess.Popen(asked["command"], stdout=out, stderr=err, cwd=asked["folder"])
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    out.seek(0)
    err.seek(0)
    output, complaint = (stream.read().decode(errors="replace") for stream in (out, err))
json.dump(
    {
        "code": process.returncode,
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
        "output": output,
        "complaint": complaint,
    },
    sys.stdout,
)
