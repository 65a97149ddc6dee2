"""What goes wrong on the way to remote data: mended where another try helps, told where not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pretok_schemas.findings import Outcome
from pytest_pretok.engines.local import Local
from pytest_pretok.scan import Shard, SplitScan, scan_split
from pytest_pretok.stores import base, fsspec_store
from tests.plugin.data import clean_rows
from tests.remote.servers import S3, Web
from tests.remote.test_verdicts import CONTAINERS, PLACES, jsonl, many, parquet, scan, server, told
from tests.support.verdicts import judge

__all__ = ["server"]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between tries, without waiting."""
    asked: list[float] = []
    monkeypatch.setattr(base, "time", SimpleNamespace(sleep=asked.append))
    return asked


def failed(found: SplitScan) -> set[str]:
    """The rules that failed."""
    return {rule for rule, one in found.findings.items() if one.outcome is Outcome.FAILED}


def reason(found: SplitScan) -> str:
    """Why the only shard could not be read; no rule may have passed."""
    (shard,) = found.shards
    assert shard.error is not None
    assert found.findings["unreadable-file"].outcome is Outcome.FAILED
    assert Outcome.PASSED not in {finding.outcome for finding in found.findings.values()}
    assert len(shard.error) <= 300
    assert "\n" not in shard.error
    return shard.error


MENDED = [(fault, at) for fault in ("500", "503", "429", "reset", "short") for at in (0, 3, 7)]


@pytest.mark.parametrize(("fault", "at"), [*MENDED, ("slow", 0)])
def test_another_try_helps(
    web: Web, monkeypatch: pytest.MonkeyPatch, waits: list[float], fault: str, at: int
) -> None:
    """One failure, whatever request it meets, changes nothing but the time that it takes."""
    if fault == "slow":
        monkeypatch.setenv("PRETOK_REMOTE_TIMEOUT", "2")
    url = web.put("a.parquet", parquet(clean_rows(60)))
    sound = scan([url])
    web.log.faults += [""] * at + [fault]
    found = scan([url])

    assert told(found.findings) == told(sound.findings)
    assert not web.log.faults
    # aiohttp itself asks once more where a connection that was used before is gone.
    assert len(waits) == 1 or fault == "reset"
    assert all(0 < wait < 1 for wait in waits)


def test_waits_grow(web: Web, waits: list[float]) -> None:
    """Each wait is longer than the one before."""
    url = web.put("a.parquet", parquet(clean_rows(6)))
    web.log.faults += ["503", "503"]

    assert not scan([url]).unreadable
    first, second = waits
    assert second > first


STOPS: dict[str, tuple[str, str]] = {
    "500": ("answered 500 at every try", "check again later"),
    "503": ("answered 503 at every try", "overloaded"),
    "reset": ("closed the connection at every try", "check again later"),
    "short": ("broke off at every try", "cut"),
    "403": ("access denied (403)", "new signed URL"),
    "401": ("not signed in (401)", "user name and password"),
    "404": ("no such object (404)", "spelling"),
    "410": ("no such object (404)", "deleted"),
    "whole": ("whole files where a part is asked for", "copy the file"),
    "long": ("whole files where a part is asked for", "copy the file"),
}


@pytest.mark.parametrize("fault", STOPS)
def test_no_try_helps(web: Web, fault: str) -> None:
    """What stays wrong fails, says what it is and what to do, and is not asked for ever."""
    url = web.put("a.parquet", parquet(clean_rows(60)))
    # The file is there when it is looked at; it goes wrong when it is read.
    web.log.faults += [""] * 3 + [fault] * 50
    web.log.served.clear()
    found = reason(scan([url]))

    for part in STOPS[fault]:
        assert part in found
    assert len(web.log.served) <= 12


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_in_the_middle(web: Web, container: str) -> None:
    """Whichever request is refused, the file was not read."""
    url = web.put("a", CONTAINERS[container](clean_rows(30)))
    assert not scan([url]).unreadable
    requests = len(web.log.served)
    for number in range(requests):
        web.log.faults[:] = ["!"] * number + ["!403"] * 50

        assert "access denied (403)" in reason(scan([url]))
    assert requests > 6


# What a request may meet, next to nothing at all; three tries in a row give up.
WEATHER = ("500", "503", "429", "reset", "short", "403", "404", "whole")


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_weather(web: Web, container: str) -> None:
    """Whatever comes in whatever order: the verdict of the file, or a file that was not read."""
    rng = random.Random(container)
    url = web.put("a", CONTAINERS[container](many()))
    sound = scan([url])
    assert {"token-out-of-vocab", "label-out-of-range"} <= failed(sound)
    for _ in range(6):
        share = rng.random() * 0.5
        web.log.faults[:] = [
            rng.choice(WEATHER) if rng.random() < share else "" for _ in range(100)
        ]
        found = scan([url])

        if found.unreadable:
            reason(found)
        else:
            assert told(found.findings) == told(sound.findings)


def test_signed_for_reading_alone(web: Web) -> None:
    """Nothing but a GET is ever asked of a web server: a signed URL allows no HEAD."""
    url = web.put("a.parquet", parquet(clean_rows(60)))

    assert not scan([url]).unreadable
    assert {served.method for served in web.log.served} == {"GET"}


def test_a_length_that_is_wrong(web: Web) -> None:
    """A server that is not sure how long its file is."""
    content = jsonl(clean_rows(60))
    url = web.put("a.jsonl", content)
    web.lengths["a.jsonl"] = len(content) + 100

    assert "fewer bytes than it said (416)" in reason(scan([url])) or "broke off" in reason(
        scan([url])
    )


def test_no_server() -> None:
    """A port that nobody listens on, and a name that nobody has."""
    for url in ("http://127.0.0.1:9/a.parquet", "http://nobody.invalid/a.parquet"):
        found = reason(scan([url]))
        assert "no connection to the store" in found
        assert "proxy" in found


def test_too_slow(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer in time."""
    monkeypatch.setenv("PRETOK_REMOTE_TIMEOUT", "0.5")
    monkeypatch.setenv("PRETOK_REMOTE_TRIES", "2")
    url = web.put("a.parquet", parquet(clean_rows(6)))
    web.log.faults += ["", "", "slow", "slow"]
    found = reason(scan([url]))

    assert "no answer in time" in found
    assert "PRETOK_REMOTE_TIMEOUT" in found


S3_STOPS: dict[str, tuple[str, str]] = {
    "AccessDenied": ("access denied (403)", "AWS_PROFILE"),
    "ExpiredToken": ("the credentials have expired (ExpiredToken)", "sign in again"),
    "InvalidAccessKeyId": ("credentials are refused (InvalidAccessKeyId)", "AWS_ACCESS_KEY_ID"),
    "SlowDown": ("answered 503 at every try", "check again later"),
    "InternalError": ("answered 500 at every try", "check again later"),
    "short": ("broke off at every try", "cut"),
}


@pytest.mark.parametrize("fault", S3_STOPS)
def test_s3_says_why(s3: S3, fault: str) -> None:
    """The words that S3 has for it are told as what they mean; all but a few are tried again."""
    url = s3.put("why.parquet", parquet(clean_rows(60)))
    s3.log.faults += ["", "", *[fault] * 50]
    s3.log.served.clear()
    found = reason(scan([url]))

    for part in S3_STOPS[fault]:
        assert part in found
    assert len(s3.log.served) <= 12


@pytest.mark.parametrize("fault", ["SlowDown", "InternalError", "short"])
def test_s3_another_try_helps(s3: S3, waits: list[float], fault: str) -> None:
    """One failure changes nothing."""
    url = s3.put("again.parquet", parquet(clean_rows(60)))
    sound = scan([url])
    s3.log.faults += ["", "", fault]

    assert told(scan([url]).findings) == told(sound.findings)
    assert not s3.log.faults
    assert len(waits) == 1


def test_no_credentials(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for what needs credentials where there are none."""
    url = s3.put("mine.parquet", parquet(clean_rows(6)))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    found = reason(scan([url]))

    assert "no credentials" in found
    assert "FSSPEC_S3_ANON=true" in found


@PLACES
def test_not_there(server: S3 | Web, place: str) -> None:
    """An object that nobody put there."""
    there = server.put("there.parquet", b"x")

    assert "no such object (404)" in reason(scan([there.replace("there", "elsewhere")]))


def test_a_folder_is_no_file(s3: S3) -> None:
    """A URL under which there are objects, but none of its own."""
    url = s3.put("box/a.parquet", b"x").removesuffix("/a.parquet")

    assert "a folder, not a file" in reason(scan([url]))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/a.parquet", "ftp:// is not supported; s3://"),
        ("s3://bucket/a.parquet", "needs the package s3fs, which is not installed; pip install"),
    ],
)
def test_stores_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, url: str, why: str) -> None:
    """Of a kind that nobody reads, or of one whose package this machine lacks."""
    monkeypatch.setattr(fsspec_store, "find_spec", lambda name: None if name == "s3fs" else name)

    assert why in reason(scan([url]))


class Meddling(Local):
    """Threads during whose run something happens."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(1)
        self.act = act

    def run(self, task: Any, units: Any, locked: bool = False, apart: bool = False) -> Any:
        """The results, and then the deed."""
        yield from super().run(task, units, locked, apart)
        self.act()
        self.act = lambda: None


CHANGES: dict[str, Callable[[S3 | Web, bytes], object]] = {
    "longer": lambda server, content: server.put("c.parquet", content + b"x"),
    "other": lambda server, content: server.put("c.parquet", content[:-1] + b"x"),
}


@PLACES
@pytest.mark.parametrize("change", CHANGES)
def test_an_object_that_changes(server: S3 | Web, place: str, change: str) -> None:
    """An object that is another one at the end of its scan fails, as a file does."""
    content = parquet(clean_rows(9))
    url = server.put("c.parquet", content)
    engine = Meddling(lambda: CHANGES[change](server, content))
    found = scan_split("train", [Shard(url, "c")], judge(), engine)

    assert "changed while it was read" in reason(found)


def test_an_object_that_is_removed(web: Web) -> None:
    """One that is gone at the end of its scan."""
    url = web.put("c.parquet", parquet(clean_rows(9)))
    found = scan_split("train", [Shard(url, "c")], judge(), Meddling(web.files.clear))

    assert "changed while it was read" in reason(found)


def test_a_store_that_is_gone_at_the_end(web: Web) -> None:
    """Where nobody can say whether it changed, it did not pass."""
    url = web.put("c.parquet", parquet(clean_rows(9)))
    refuse = Meddling(lambda: web.log.faults.extend(["!403"] * 9))
    found = reason(scan_split("train", [Shard(url, "c")], judge(), refuse))

    assert found.startswith("whether it changed while it was read cannot be told: access denied")


def test_secrets_are_not_told(web: Web) -> None:
    """User names, passwords and signatures are used, and shown nowhere."""
    content = parquet(clean_rows(9))
    host = web.put("p.parquet", content).removeprefix("http://")
    url = f"http://me:pass-word@{host}?X-Signature=sig-nature"
    sound = scan([url])
    web.log.faults += ["403"] * 50
    found = scan([url])

    assert not sound.unreadable
    assert {served.query for served in web.log.served} == {"X-Signature=sig-nature"}
    assert any(served.authorization.startswith("Basic ") for served in web.log.served)
    assert not re.search(r"pass-word|sig-nature|me:", repr(found.findings))
