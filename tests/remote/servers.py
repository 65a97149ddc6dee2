"""Servers on this machine that keep a log of what they served, and go wrong when they are told to.

Must not import the project.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

QUIET = 8  # seconds that a slow answer takes: longer than the limits of the tests that ask for one


@dataclass(frozen=True)
class Served:
    """One answer: how many bytes of its body were sent, and what was asked with it."""

    method: str
    path: str
    status: int
    size: int
    authorization: str = ""
    query: str = ""
    part: str = ""  # the range that was asked for


@dataclass
class Log:
    """What a server answered, in order; ``faults`` are what is to go wrong, next first.

    A fault is about the next GET, with a ! before it about the next request of any kind.
    """

    served: list[Served] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fetched(self, part: str = "") -> int:
        """Bytes of bodies of objects whose path holds a text.

        Listings and errors do not count, nor does the one byte by which a file is looked at. The
        same request twice running counts once: clients ask anew, unseen by whoever calls them,
        where a connection broke before the answer had come.
        """
        asked = [(s.method, s.path, s.query, s.part) for s in self.served]
        first = [now != before for now, before in zip(asked, [None, *asked], strict=False)]
        gets = [s for s, new in zip(self.served, first, strict=True) if new and s.method == "GET"]
        told = [s for s in gets if s.status in (200, 206) and s.size > 1]
        return sum(s.size for s in told if part in s.path and "list-type" not in s.query)

    def asked(self, part: str = "") -> list[str]:
        """The methods and states of all answers about paths that hold a text."""
        return [f"{s.method} {s.status}" for s in self.served if part in s.path]

    def take(self, method: str) -> str:
        """The next fault, if it is about this method."""
        if self.faults and (method == "GET" or self.faults[0].startswith("!")):
            return self.faults.pop(0).lstrip("!")
        return ""


@dataclass
class Web:
    """A plain web server: files by their paths."""

    url: str
    files: dict[str, bytes]
    log: Log
    tags: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)  # that it claims, where they are wrong

    def put(self, path: str, content: bytes) -> str:
        """Keep a file; its URL."""
        self.files[path] = content
        self.tags[path] = f'"{hash(content):x}"'
        return f"{self.url}/{path}"


class _Handler(BaseHTTPRequestHandler):
    web: Web
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_GET(self) -> None:
        self._answer("GET")

    def _answer(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path).lstrip("/")
        fault = self.web.log.take(method)
        content = self.web.files.get(path)
        if fault.isdecimal() or content is None:
            self._send(method, path, int(fault or 404), b"no\n", {})
            return
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self._note(method, path, 0, 0)
            self.connection.close()
            return
        if fault == "slow":
            time.sleep(QUIET)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        headers = {"ETag": self.web.tags[path], "Last-Modified": formatdate(0, usegmt=True)}
        if method == "GET" and asked and fault != "whole":
            start, stop = int(asked[1]), min(int(asked[2]) + 1, len(content))
            if start >= len(content):
                none = {"Content-Range": f"bytes */{len(content)}"}
                self._send(method, path, 416, b"", none)
                return
            total = self.web.lengths.get(path, len(content))
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
            more = b"more" if fault == "long" else b""
            self._send(method, path, 206, content[start:stop] + more, headers, fault)
        else:
            self._send(method, path, 200, content, headers, fault)

    def _send(
        self,
        method: str,
        path: str,
        status: int,
        body: bytes,
        headers: dict[str, str],
        fault: str = "",
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = b"" if method == "HEAD" else body
        if fault == "short":
            body = body[: len(body) // 2]
            self.close_connection = True
        self._note(method, path, status, len(body))
        self.wfile.write(body)

    def _note(self, method: str, path: str, status: int, size: int) -> None:
        sign_in = self.headers.get("Authorization", "")
        query = urlsplit(self.path).query
        part = self.headers.get("Range", "")
        self.web.log.served.append(Served(method, path, status, size, sign_in, query, part))


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what some tests are about."""


@contextmanager
def web_server() -> Iterator[Web]:
    """A web server with range requests, until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    web = Web(f"http://127.0.0.1:{server.server_port}", {}, Log())
    handler.web = web  # type: ignore[attr-defined]
    with _running(server):
        yield web


@contextmanager
def _running(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Hub:
    """A Hub with one dataset, ``org/data``: its files by revision and path."""

    url: str
    files: dict[str, dict[str, bytes]]
    log: Log
    token: str = ""


class _HubHandler(BaseHTTPRequestHandler):
    """The endpoints of https://huggingface.co/docs/hub/api that reading a dataset takes."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_HEAD(self) -> None:
        self._answer("HEAD", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, method: str, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        is_data = "/resolve/" in path
        fault = self.hub.log.take(method) if is_data else ""
        if fault:
            self._send(method, int(fault), b"")
            return
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            # What is private is not there for others.
            self._send(method, 401, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        info = re.fullmatch(r"/api/datasets/org/data(?:/revision/(.+))?", path)
        listing = re.fullmatch(r"/api/datasets/org/data/(paths-info|tree)/([^/]+)/?(.*)", path)
        data = re.fullmatch(r"/datasets/org/data/resolve/([^/]+)/(.+)", path)
        found = info or listing or data
        revision = found[2 if found is listing else 1] or "main" if found else ""
        names = [name for name in self.hub.files if revision in (name, _sha(name))]
        files = self.hub.files[names[0]] if names else None
        if not path.startswith(("/api/datasets/org/data", "/datasets/org/data/")):
            self._send(method, 401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif files is None:
            self._send(method, 404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif info:
            told = {"_id": "1", "id": "org/data", "sha": _sha(names[0]), "private": True}
            siblings = [{"rfilename": path} for path in files]
            self._send(method, 200, json.dumps({**told, "tags": [], "siblings": siblings}).encode())
        elif listing and listing[1] == "paths-info":
            asked = parse_qs(body.decode())["paths"]
            self._send(method, 200, json.dumps(_entries(files, asked)).encode())
        elif listing:
            inside = {p: b for p, b in files.items() if not listing[3] or p.startswith(listing[3])}
            whole = "recursive=true" in self.path.lower()
            paths = list(inside) if whole else _children(inside, listing[3])
            self._send(method, 200, json.dumps(_entries(files, paths)).encode())
        elif data and data[2] in files:
            self._part(method, files[data[2]], _sha(names[0]))
        else:
            self._send(method, 404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def _part(self, method: str, content: bytes, commit: str) -> None:
        oid = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        headers = {"ETag": f'"{oid}"', "X-Repo-Commit": commit}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None:
            self._send(method, 200, content, headers)
            return
        start, stop = int(asked[1]), min(int(asked[2]) + 1, len(content))
        told = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
        self._send(method, 206, content[start:stop], {**headers, **told})

    def _send(
        self, method: str, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = b"" if method == "HEAD" else body
        sign_in = self.headers.get("Authorization", "")
        path = unquote(urlsplit(self.path).path)
        part = self.headers.get("Range", "")
        self.hub.log.served.append(Served(method, path, status, len(body), sign_in, "", part))
        self.wfile.write(body)


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _children(files: dict[str, bytes], folder: str) -> list[str]:
    depth = folder.count("/") + 1 if folder else 0
    return list(dict.fromkeys("/".join(path.split("/")[: depth + 1]) for path in files))


def _entries(files: dict[str, bytes], paths: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in paths:
        if path in files:
            oid = hashlib.sha1(files[path], usedforsecurity=False).hexdigest()
            found.append({"type": "file", "path": path, "size": len(files[path]), "oid": oid})
        elif any(one.startswith(f"{path}/") for one in files):
            found.append({"type": "directory", "path": path, "size": 0, "oid": _sha(path)})
    return found


@contextmanager
def hub_server() -> Iterator[Hub]:
    """A Hub of this machine, until the block ends."""
    handler = type("Handler", (_HubHandler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    hub = Hub(f"http://127.0.0.1:{server.server_port}", {"main": {}}, Log())
    handler.hub = hub  # type: ignore[attr-defined]
    with _running(server):
        yield hub


_ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{}</Code><Message>told to</Message><RequestId>1</RequestId></Error>"""
_STATUS = {
    "AccessDenied": "403 Forbidden",
    "ExpiredToken": "400 Bad Request",
    "InvalidAccessKeyId": "403 Forbidden",
    "SlowDown": "503 Slow Down",
    "InternalError": "500 Internal Server Error",
}


@dataclass
class S3:
    """moto's S3 behind a door that counts, and goes wrong for objects when it is told to."""

    url: str
    log: Log
    client: Any

    def put(self, key: str, content: bytes, bucket: str = "bucket") -> str:
        """Keep an object; its URL."""
        self.client.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"


class _Door:
    """A WSGI application in front of another."""

    def __init__(self, inner: Any, log: Log) -> None:
        self._inner = inner
        self._log = log

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        listing = "list-type" in environ.get("QUERY_STRING", "")
        fault = "" if listing else self._log.take(method)
        status = ""

        def begin(told: str, headers: Any, *rest: Any) -> Any:
            nonlocal status
            status = told
            return start_response(told, headers, *rest)

        if fault in _STATUS:
            body = _ERROR.format(fault).encode() if method != "HEAD" else b""
            headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
            begin(_STATUS[fault], headers)
            content = [body]
        else:
            content = list(self._inner(environ, begin))
            if fault == "short":
                content = [b"".join(content)[: sum(map(len, content)) // 2]]
        size = 0 if method == "HEAD" else sum(map(len, content))
        sign_in = environ.get("HTTP_AUTHORIZATION", "")
        query = environ.get("QUERY_STRING", "")
        part = environ.get("HTTP_RANGE", "")
        self._log.served.append(Served(method, path, int(status[:3]), size, sign_in, query, part))
        return content


@contextmanager
def s3_server() -> Iterator[S3]:
    """An S3 of this machine with an empty bucket ``bucket``, until the block ends."""
    import boto3
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing is printed."""

    log = Log()
    door = _Door(DomainDispatcherApplication(create_backend_app), log)
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=Silent)
    url = f"http://127.0.0.1:{server.server_port}"
    with _running(server):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        client.create_bucket(Bucket="bucket")
        yield S3(url, log, client)
        client.close()
