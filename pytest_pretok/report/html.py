"""The HTML report: one page for people, in one file that loads nothing and runs nothing.

Every text that gets into the page is escaped by the template engine, and made visible before.
"""

from __future__ import annotations

import re
from typing import Any

from pretok_schemas.text import printable
from pytest_pretok.report import pictures
from pytest_pretok.report.page import page_of


def render(report: dict[str, Any]) -> str:
    """The report as a page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # lazy: an extra
    from markupsafe import Markup, escape

    def shown(value: Any) -> Any:
        return printable(value) if isinstance(value, str) and type(value) is str else value

    environment = Environment(
        loader=PackageLoader("pytest_pretok.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = lambda text: Markup(
        re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(printable(text)))
    )
    environment.filters["length_picture"] = lambda it: Markup(
        pictures.lengths(it.histogram, it.limit)
    )
    environment.filters["share_picture"] = lambda it: Markup(pictures.shares(it.rows))
    return environment.get_template("report.html.j2").render(
        page=page_of(report), picture_size=pictures.SIZE, text_size=pictures.TEXT
    )
