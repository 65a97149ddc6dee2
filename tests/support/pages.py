"""Pages as a reader that we did not write sees them: elements, attributes, text."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import html5lib


def parsed(text: str) -> Element:
    """The document of a page, which must be correct HTML."""
    root: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return root


def elements(page: Element, tag: str, kind: str = "") -> list[Element]:
    """The elements of a tag (with or without a namespace) that have a class."""
    return [
        node
        for node in page.iter()
        if isinstance(node.tag, str)
        and node.tag.rpartition("}")[2] == tag
        and (not kind or kind in (node.get("class") or "").split())
    ]


def text_of(node: Element) -> str:
    """What stands in an element, with single blanks."""
    return " ".join("".join(node.itertext()).split())


def attributes(page: Element) -> Iterator[tuple[str, str, str]]:
    """Tag, name and value of every attribute."""
    for node in page.iter():
        for name, value in node.attrib.items():
            yield str(node.tag), name.rpartition("}")[2], value
