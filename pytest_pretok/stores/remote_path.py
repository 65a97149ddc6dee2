"""URLs of remote data as paths: names, parents, and how they may be shown. Opens nothing.

Has the few words of `pathlib` that say something about names; must not know any store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

SCHEMES = ("s3", "gs", "az", "abfs", "http", "https", "hf")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.S)
_SECRET = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/?#@]*@)?(?P<rest>\S*)")
_WEB = ("http", "https")
_CONTAINERS = ("az", "abfs")  # what stands before their @ is a container's name


def is_url(text: str) -> bool:
    """Whether a text is a URL, of whatever scheme."""
    return _URL.match(text) is not None


def fault_of(text: str) -> str | None:
    """Why nothing can be read under a URL, whatever its store holds; None if it may be."""
    found = _URL.match(text)
    scheme = found["scheme"] if found else ""
    if found is None or scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        return f"{scheme}:// is not supported; {known} are"
    rest = found["rest"]
    if scheme == "hf" and not re.match(r"datasets/[^/]+/[^/]+", rest):
        return "a URL of the Hub is hf://datasets/ORG/NAME[@REVISION]/PATH"
    if not re.match(r"[A-Za-z0-9\[]" if scheme in _WEB else r"[A-Za-z0-9]", rest):
        return f"the URL names nothing behind {scheme}://"
    if scheme in _WEB and _has_star(rest):
        return f"{scheme}:// cannot list files, so that it takes no pattern: name each file"
    return None


def _has_star(rest: str) -> bool:
    return "*" in rest.split("?")[0]


def redacted(text: str) -> str:
    """A text whose URLs have lost user names, passwords and queries, which may be signatures."""
    return _SECRET.sub(_redact, text)


def _redact(found: re.Match[str]) -> str:
    scheme, rest = found["scheme"], found["rest"]
    name = scheme.removesuffix("://").lower()
    if name in _CONTAINERS:
        own = found.group(0).removeprefix(scheme)
        rest = own if ":" not in own.split("@")[0] else rest
    mark = rest.find("?")
    # A question mark in a key is a pattern's; where something is set behind it, it is a query.
    if mark >= 0 and (name in _WEB or "=" in rest[mark:]):
        rest = rest[:mark]
    return f"{scheme}{rest.split('#')[0] if name in _WEB else rest}"


@dataclass(frozen=True, slots=True, order=True, repr=False)
class RemotePath:
    """A URL, whole: ``str`` gives it with any credentials in it; `shown` is for people."""

    text: str

    def __post_init__(self) -> None:
        if self.text.endswith("/") and not self.is_web:
            object.__setattr__(self, "text", self.text.rstrip("/"))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"RemotePath({self.shown!r})"

    @property
    def scheme(self) -> str:
        """The name of the kind of store."""
        return self.text.partition("://")[0]

    @property
    def is_web(self) -> bool:
        """Whether it is asked for over plain HTTP, where nothing can be listed."""
        return self.scheme in _WEB

    @property
    def shown(self) -> str:
        """The URL without user names, passwords and queries."""
        return redacted(self.text)

    @property
    def bare(self) -> str:
        """The URL without its query, with any credentials before its host."""
        query = self.text.find("?")
        is_query = query >= 0 and (self.is_web or "=" in self.text[query:])
        return self.text[:query] if is_query else self.text

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.bare.rstrip("/").rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its last suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The last suffix of the name, with its dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> RemotePath:
        """The folder that it is in; a bucket is its own."""
        head, _, _ = self.bare.rstrip("/").rpartition("/")
        return self if head.endswith((":/", ":")) else RemotePath(head)

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.bare.rstrip('/')}/{name}") if name else self

    def with_name(self, name: str) -> RemotePath:
        """Its neighbour of another name."""
        return self.parent / name

    def is_relative_to(self, other: object) -> bool:
        """Whether it is another URL or lies in it."""
        if not isinstance(other, RemotePath):
            return False
        return self == other or self.text.startswith(f"{other.text.rstrip('/')}/")

    def parts_below(self, folder: RemotePath) -> tuple[str, ...]:
        """The names from a folder down to it; none where it does not lie in the folder."""
        if not self.is_relative_to(folder):
            return ()
        below = self.bare[len(folder.text) :]
        return tuple(part for part in below.split("/") if part)
