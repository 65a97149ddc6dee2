"""``python -m pytest_pretok``: the command ``pretok``, where no script of that name is on the PATH.

Knows the command line alone.
"""

from __future__ import annotations

from pytest_pretok.cli import main

if __name__ == "__main__":
    main(prog_name="pretok")
