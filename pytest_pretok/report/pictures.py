"""Histograms as SVG, drawn by matplotlib and stripped to what a page needs.

Colours are those of the page: CSS variables, so that a picture follows it into the dark. Knows
numbers alone; no text of the data gets into a picture.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (360, 132)  # points, in which the text has TEXT; a page may stretch it
TEXT = 10
FEW = 9  # bins for which there is always room
BAR, BAD, INK, LINE = "#010101", "#020202", "#030303", "#040404"
# What is drawn in these colours gets those of the page.
_COLOURS = {BAR: "var(--bar)", BAD: "var(--bad)", INK: "var(--soft)", LINE: "var(--line)"}
_DROPPED = {"metadata", "defs", "title"}
_KEPT = {"d", "x", "y", "transform", "style"}


def lengths(histogram: Mapping[str, Any], limit: int | None) -> str:
    """The markup inside an SVG of `SIZE`: rows by length, with a line at the length limit.

    ``histogram`` is that of the JSON report. Bins that lie beyond the limit are drawn as bad ones.
    """
    start, width, rows = histogram["start"], histogram["width"], histogram["rows"]
    edges = [start + width * i for i in range(len(rows) + 1)]

    def draw(axes: Axes) -> None:
        over = [limit is not None and edge > limit for edge in edges[:-1]]
        within = [0 if bad else n for n, bad in zip(rows, over, strict=True)]
        beyond = [n if bad else 0 for n, bad in zip(rows, over, strict=True)]
        axes.stairs(within, edges, fill=True, color=BAR, linewidth=0)
        if any(beyond):
            axes.stairs(beyond, edges, fill=True, color=BAD, linewidth=0)
        if limit is not None and limit >= start:
            axes.axvline(limit, color=BAD, linewidth=1.2)
        spare = width * max(0, FEW - len(rows)) / 2  # a single bin is a bar, not a wall
        axes.set_xlim(start - spare, max(edges[-1] + spare, limit or 0))

    return _drawn(draw)


def shares(rows: Sequence[int]) -> str:
    """The markup inside an SVG of `SIZE`: rows by the share of their tokens that is trained.

    ``rows`` is ``trainable_shares`` of the JSON report; rows that train nothing stand apart.
    """
    width = 100 / (len(rows) - 1)

    def draw(axes: Axes) -> None:
        axes.stairs(rows[1:], [width * i for i in range(len(rows))], fill=True, color=BAR, lw=0)
        axes.stairs(rows[:1], [-2.4 * width, -1.4 * width], fill=True, color=BAD, linewidth=0)
        axes.set_xlim(-2.6 * width, 100)
        named = {-1.9 * width: "none", 0: "0", 25: "25", 50: "50", 75: "75", 100: "100 %"}
        axes.set_xticks(list(named), list(named.values()))

    return _drawn(draw)


def _drawn(draw: Any) -> str:
    import matplotlib as mpl  # lazy: start cost, and an extra
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    # Nobody's own settings: a report looks the same everywhere.
    with mpl.rc_context({**mpl.rcParamsDefault, "svg.fonttype": "none", "font.size": TEXT}):
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72))
        axes = figure.add_axes((0.1, 0.16, 0.86, 0.78))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}" if x >= 0 else ""))
        # Where the ground is needs no number.
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}" if y else ""))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        draw(axes)
        axes.set_ylim(bottom=0)
        axes.tick_params(length=0, labelcolor=INK, pad=4)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.spines["bottom"].set_color(LINE)
        axes.grid(axis="y", color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.patch.set_visible(False)
        for artist in axes.get_children():
            artist.set_clip_on(False)
        for line in axes.get_ygridlines():
            line.set_clip_on(False)
        figure.patch.set_visible(False)
        _fit(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _stripped(file.getvalue())


def _fit(axes: Axes) -> None:
    """Make room for the numbers at the left, which stand outside."""
    digits = max(len(label.get_text()) for label in axes.get_yticklabels())
    left = (digits * TEXT * 0.62 + 8) / SIZE[0]
    axes.set_position((left, 0.16, 0.955 - left, 0.76))


def _stripped(svg: str) -> str:
    """The drawing without prologue, ids, style sheet and fonts, in the colours of the page."""
    root = ElementTree.fromstring(svg)
    return "".join(_markup(child) for child in root)


def _markup(node: ElementTree.Element) -> str:
    tag = node.tag.rpartition("}")[2]
    if tag in _DROPPED:
        return ""
    inner = "".join(_markup(child) for child in node)
    if tag == "g":
        moved = {"transform"} & node.attrib.keys()
        return f'<g transform="{node.get("transform")}">{inner}</g>' if moved else inner
    attributes = {
        name: _style(value) if name == "style" else " ".join(value.split())
        for name, value in node.attrib.items()
        if name in _KEPT
    }
    shown = "".join(f' {name}="{value}"' for name, value in attributes.items() if value)
    return f"<{tag}{shown}>{(node.text or '').strip()}{inner}</{tag}>"


def _style(text: str) -> str:
    parts = [part.strip() for part in text.split(";")]
    kept = "; ".join(part for part in parts if part and not part.startswith("font"))
    return re.sub(r"#\w{6}", lambda found: _COLOURS.get(found[0], found[0]), kept)
