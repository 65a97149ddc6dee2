"""Whether text holds JSON Lines or a JSON array, told by content; knows no file and no Arrow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pytest_pretok.readers.base import QUOTED, UnreadableFile

TOKEN_COLUMNS = ("input_ids", "attention_mask", "labels", "tokens")
BLANK = b" \t\r\n"
_EXPECTED = "expected one object a line, or an array of objects"
_HEAD = 2**16  # bytes looked at
_FIRST_KEY = re.compile(rb'\{\s*"((?:[^"\\]|\\.)*)"')
_NAMES = "|".join(TOKEN_COLUMNS).encode()
# A list of numbers must follow: descriptions of datasets, reports among them, name the columns too,
# and a tokenizer.json has lists of texts under "tokens".
_COLUMN = re.compile(rb'"(?:%s)"\s*:\s*\[\s*(?:\[|-?[0-9]|null|\]|$)' % _NAMES)
_COLUMN_LISTS = re.compile(rb'"(?:%s)"\s*:\s*\[\s*\[' % _NAMES)
_ROWS_IN_KEY = re.compile(rb'"[^"]*"\s*:\s*\[\s*\{[^{}\[\]]*"(?:%s)"\s*:' % _NAMES)


def json_kind(content: Iterator[bytes]) -> str:
    """``"json"`` for an array, ``"jsonl"`` for an object a line.

    A file of a single line is looked at more closely: an object that holds all rows in itself is
    refused. Whether every line or element is sound is for later.

    Raises:
        UnreadableFile: text of another kind, or one JSON object that holds the rows.
    """
    head, ended = _head(content)
    if not head:
        raise UnreadableFile("nothing but white space")
    if head.startswith(b"["):
        return "json"
    if not head.startswith(b"{"):
        shown = head[:QUOTED].decode("utf-8", "replace")
        raise UnreadableFile(
            f"neither JSON nor any known format: begins with {shown!r}", foreign=True
        )
    line, _, rest = head.partition(b"\n")
    if line.rstrip(BLANK).endswith((b"{", b"[", b",", b":")):
        what = f"a JSON object over several lines{_first_key(head)}"
        raise UnreadableFile(f"{what}; {_EXPECTED}", foreign=not _COLUMN.search(head))
    if rest.strip(BLANK):
        return "jsonl"
    if ended:
        _refuse_rows_in_object(line)
    elif (found := _rows_within(head)) and not _goes_on(content, b"\n" in head):
        raise UnreadableFile(f"one JSON object{_first_key(head)} with {found}; {_EXPECTED}")
    return "jsonl"


def _head(content: Iterator[bytes]) -> tuple[bytes, bool]:
    head = b""
    for piece in content:
        head = (head + piece).lstrip(BLANK)
        if len(head) >= _HEAD:
            return head, False
    return head, True


def _goes_on(content: Iterator[bytes], broken: bool) -> bool:
    for piece in content:
        after = piece
        if not broken:
            _, newline, after = piece.partition(b"\n")
            broken = bool(newline)
        if broken and after.strip(BLANK):
            return True
    return False


def _first_key(head: bytes) -> str:
    found = _FIRST_KEY.match(head)
    return (
        f" that begins with the key {found[1][:60].decode('utf-8', 'replace')!r}" if found else ""
    )


def _rows_within(head: bytes) -> str | None:
    if _COLUMN_LISTS.search(head):
        return "lists of lists, a column each"
    return "the rows in a list of its own" if _ROWS_IN_KEY.search(head) else None


def _refuse_rows_in_object(line: bytes) -> None:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return  # The reader names the line.
    names = ", ".join(map(repr, list(value)[:4]))
    if _are_columns(value):
        what = f"one JSON object with a list of lists a column ({names})"
        raise UnreadableFile(f"{what}; {_EXPECTED}")
    if any(_are_rows(held) for held in value.values()):
        what = f"one JSON object with the rows in a list ({names})"
        raise UnreadableFile(f"{what}; {_EXPECTED}")


def _are_columns(value: dict[str, Any]) -> bool:
    held = [value[name] for name in TOKEN_COLUMNS if name in value]
    # One inner list is a row with a batch axis, which is a fault of the column, not of the file.
    return bool(held) and all(
        isinstance(column, list)
        and len(column) > 1
        and all(isinstance(row, list) for row in column)
        for column in held
    )


def _are_rows(held: object) -> bool:
    return isinstance(held, list) and any(
        isinstance(row, dict) and not row.keys().isdisjoint(TOKEN_COLUMNS) for row in held
    )
