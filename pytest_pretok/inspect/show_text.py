"""A row as text for a terminal: tokens in colours or with marks, wrapped to a width.

Knows tokens alone: no files, no numpy. Whatever the data holds, nothing but our own colours
reaches the terminal as a control sequence.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pretok_schemas.rendering import percent
from pretok_schemas.text import plural, printable
from pytest_pretok.inspect.tokens import Anatomy, Fate, Token

MOST_TOKENS = 2000  # shown unless more are asked for
INDENT = "  "
LINE_END = "\u23ce"  # stands before the break that a newline in the data makes
TAB = "\u21e5"

_RESET = "\x1b[0m"
_COLOURS = {
    Fate.TRAINED: "1;30;42",
    Fate.IGNORED: "2",
    Fate.MASKED: "2;9",
    Fate.WRONG: "1;97;41",
}
_SPECIAL = {
    Fate.TRAINED: "1;95;42",
    Fate.IGNORED: "35",
    Fate.MASKED: "2;9;35",
    Fate.WRONG: "1;97;41",
}
# Where there are no colours, stretches of one kind stand between marks.
_MARKS = {
    Fate.TRAINED: ("{+", "+}"),
    Fate.IGNORED: ("", ""),
    Fate.MASKED: ("[-", "-]"),
    Fate.WRONG: ("<!", "!>"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of visible text without a line break in it; ``style`` is an SGR code or empty."""

    text: str
    style: str = ""
    breaks: bool = False  # a new line begins behind it
    gap: bool = False  # a line break may stand for it


def visible(text: str) -> str:
    """Text with line ends, tabs and whatever does not print made visible, on one line."""
    shown = text.replace("\r\n", "\\r\n").replace("\n", LINE_END).replace("\t", TAB)
    return printable(shown)


def legend(colour: bool, ids: bool) -> str:
    """What the colours or marks mean."""
    wrong = "wrong (id, label)" if ids else "wrong (text, id, label)"
    names = {
        Fate.TRAINED: "trained",
        Fate.IGNORED: "ignored",
        Fate.MASKED: "masked",
        Fate.WRONG: wrong,
    }
    if colour:
        shown = [f"\x1b[{_COLOURS[fate]}m{name}{_RESET}" for fate, name in names.items()]
        return "   ".join([*shown, f"\x1b[{_SPECIAL[Fate.IGNORED]}mspecial{_RESET}"])
    shown = [f"{_MARKS[fate][0]}{name}{_MARKS[fate][1]}" for fate, name in names.items()]
    return "   ".join([*shown, "*special"])


def header(
    name: str, number: int, shard: str, in_shard: int, alone: bool, row: Anatomy, width: int
) -> list[str]:
    """Where the row stands, how long its lists are, and which rules it breaks."""
    place = f"{shard} row {in_shard}"
    where = [f"{name}: {place}" if alone else f"{name} row {number}: {place}"]
    lengths = [f"{printable(name, 40)} {size:,}" for name, size in row.lengths.items()]
    lengths += [f"{printable(name, 40)} {why}" for name, why in row.missing.items()]
    facts = ", ".join(lengths)
    if row.trainable is not None:
        share = f" ({percent(row.trainable / len(row.tokens))})" if row.tokens else ""
        facts += f"; {plural(row.trainable, 'trainable token')}{share}"
    broken = ", ".join(f"{rule} ({severity})" for rule, severity in row.broken)
    says = f"breaks {broken}" if broken else "breaks no rule that one row alone can break"
    if "absent" in row.missing.values():
        says += "; what is absent is for missing-column to report"
    return [
        *where,
        *(INDENT + line for line in _words(facts, width - len(INDENT))),
        *(INDENT + line for line in _words(says, width - len(INDENT))),
    ]


def _words(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 20),
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def window_of(text: str | None, size: int) -> tuple[int, int]:
    """The first and the stop of ``A:B``, as a slice of ``size`` tokens; `MOST_TOKENS` by default.

    Raises:
        ValueError: the text is no such pair.
    """
    if text is None:
        return 0, min(size, MOST_TOKENS)
    first, colon, last = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is no window of tokens: write A:B, A: or :B")
    start, stop, _ = slice(int(first) if first else None, int(last) if last else None).indices(size)
    return start, max(start, stop)


def body(
    tokens: Sequence[Token], start: int, stop: int, width: int, colour: bool, ids: bool
) -> Iterator[str]:
    """The tokens from ``start`` to before ``stop`` as lines of at most ``width`` columns."""
    if start:
        yield f"{INDENT}... {plural(start, 'token')} before"
    pieces = _pieces(tokens[start:stop], colour, ids)
    yield from (INDENT + line for line in _lines(pieces, max(20, width - len(INDENT) - 1)))
    left = len(tokens) - stop
    if left > 0:
        yield f"{INDENT}... {plural(left, 'more token')} (--tokens {stop}: shows them)"


def _pieces(tokens: Sequence[Token], colour: bool, ids: bool) -> Iterator[Piece]:
    as_ids = ids or all(token.text is None for token in tokens)
    for at, token in enumerate(tokens):
        text = _number(token.id) if as_ids else _text(token)
        before = tokens[at - 1].fate if at else None
        after = tokens[at + 1].fate if at + 1 < len(tokens) else None
        gap = Piece(" ", gap=True) if as_ids and at + 1 < len(tokens) else None
        if token.fate is Fate.WRONG:
            label = _number(token.label)
            text = f"{text},{label}" if as_ids else f"{text},{_number(token.id)},{label}"
        if not colour and token.special:
            text = f"*{text}"
        style = (_SPECIAL if token.special else _COLOURS)[token.fate] if colour else ""
        opening, closing = ("", "") if colour else _MARKS[token.fate]
        each = token.fate is Fate.WRONG
        if opening and (each or before is not token.fate):
            text = opening + text
        ends = each or after is not token.fate
        yield from _broken(text, style, closing if ends else "")
        if gap:
            yield gap


def _broken(text: str, style: str, closing: str) -> Iterator[Piece]:
    """The text in pieces, with a break behind each line end of the data."""
    lines = text.split(LINE_END)
    for line in lines[:-1]:
        last = line is lines[-2] and not lines[-1]
        yield Piece(line + LINE_END + (closing if last else ""), style, breaks=True)
    if lines[-1]:
        yield Piece(lines[-1] + closing, style)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _text(token: Token) -> str:
    return visible(token.text) if token.text else f"<{_number(token.id)}>"


def columns_of(text: str) -> int:
    """Columns that a printable text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _lines(pieces: Iterable[Piece], width: int) -> Iterator[str]:
    """Pieces on lines of at most ``width`` columns; one that is longer is cut."""
    line, used = "", 0
    for piece in pieces:
        for part, own in _cut(piece.text, width):
            if used and used + own > width:
                yield line
                line, used = "", 0
            if piece.gap and not used:
                continue
            line += f"\x1b[{piece.style}m{part}{_RESET}" if piece.style else part
            used += own
        if piece.breaks:
            yield line
            line, used = "", 0
    if used:
        yield line


def _cut(text: str, width: int) -> Iterator[tuple[str, int]]:
    own = columns_of(text)
    if own <= width:
        yield text, own
        return
    part, used = "", 0
    for one in text:
        size = columns_of(one)
        if used + size > width:
            yield part, used
            part, used = "", 0
        part, used = part + one, used + size
    yield part, used
