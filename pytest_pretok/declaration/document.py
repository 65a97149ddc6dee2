"""A TOML file -> what it holds, and the line of each key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pytest_pretok.declaration.toml_lines import key_lines
from pytest_pretok.faults import DeclarationError, Fault
from pytest_pretok.small_files import read_regular

_MOST_PARTS = 100
# tomllib takes the square of their number, in time, and the lines of keys in memory.
_ENDLESS = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{_MOST_PARTS}}}"
)


def read_document(file: Path, shown: str) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """What a file holds, and the lines of its keys; ``shown`` is what a fault calls it.

    Raises:
        DeclarationError: it cannot be read, or is no TOML.
    """
    line: int | None = None
    try:
        text = read_regular(file).decode("utf-8")
        if endless := _ENDLESS.search(text):
            line = text.count("\n", 0, endless.start()) + 1
            reason = f"no valid TOML: a key of more than {_MOST_PARTS} parts"
        else:
            return tomllib.loads(text), key_lines(text)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = "the file is not UTF-8"
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place.group(1)) if place else text.rstrip("\n").count("\n") + 1
        marked = text.startswith("\ufeff")
        what = "it begins with a byte order mark; save it as UTF-8 without one"
        reason = f"no valid TOML: {what if marked else error}"
    except RecursionError:
        reason = "no valid TOML: arrays or tables are nested too deeply"
    except ValueError:  # Python refuses to read whole numbers of more than 4,300 digits
        reason = "no valid TOML: a number has thousands of digits"
    raise DeclarationError([Fault(shown, line, "", reason)])
