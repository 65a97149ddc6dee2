"""The exceptions of stores' own libraries, as they raise them, in our words."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from azure.core import exceptions as azure
from botocore import exceptions as boto
from gcsfs.retry import HttpError
from google.auth.exceptions import DefaultCredentialsError
from huggingface_hub import errors as hub

from pytest_pretok.stores.failures import explain


def answer(status: int) -> Any:
    """A response as azure's exceptions look at it."""
    return SimpleNamespace(status_code=status, reason="", headers={})


def after(error: Exception, cause: Exception) -> Exception:
    """An exception that another one led to."""
    error.__cause__ = cause
    return error


def named(name: str) -> Exception:
    """An exception of a class of that name, which takes a response that is hard to make up."""
    made: Exception = type(name, (Exception,), {})("x")
    return made


SEEN: list[tuple[str, Exception, str, bool, bool, bool]] = [
    # scheme, exception; part of the reason, another try, absent, this machine's
    ("gs", OSError("Forbidden: b/x\nno"), "access denied (403)", False, False, True),
    ("gs", FileNotFoundError("b/x"), "no such object", False, True, False),
    ("gs", HttpError({"code": 503, "message": "x"}), "answered 503", True, False, False),
    ("gs", HttpError({"code": 401, "message": "x"}), "gcloud auth", False, False, True),
    ("gs", DefaultCredentialsError("x"), "no credentials", False, False, True),
    ("az", azure.ClientAuthenticationError("x"), "AZURE_STORAGE", False, False, True),
    ("az", azure.ServiceRequestError("x"), "no connection", True, False, True),
    (
        *("az", azure.HttpResponseError("x", response=answer(403))),
        *("access denied (403)", False, False, True),
    ),
    (
        *("az", azure.ResourceNotFoundError("x", response=answer(404))),
        *("no such object", False, True, False),
    ),
    ("s3", boto.NoCredentialsError(), "FSSPEC_S3_ANON", False, False, True),
    ("s3", boto.ReadTimeoutError(endpoint_url="x"), "no answer in time", True, False, False),
    ("s3", boto.EndpointConnectionError(endpoint_url="x"), "no connection", True, False, True),
    ("s3", boto.ProfileNotFound(profile="x"), "AWS_PROFILE", False, False, True),
    ("http", aiohttp.ServerDisconnectedError(), "closed the connection", True, False, False),
    ("http", aiohttp.ClientPayloadError(), "broke off", True, False, False),
    ("http", TimeoutError(), "no answer in time", True, False, False),
    ("http", ssl.SSLCertVerificationError("x"), "certificate", False, False, True),
    (
        *("hf", after(FileNotFoundError("x"), hub.OfflineModeIsEnabled("x"))),
        *("HF_HUB_OFFLINE", False, False, True),
    ),
    ("hf", named("GatedRepoError"), "accept its conditions there", False, False, False),
    ("hf", named("EntryNotFoundError"), "there is no such object", False, True, False),
    ("s3", ValueError("at https://me:pw@h/a?sig=1"), "at https://h/a", False, False, False),
]


class Answered(Exception):
    """An answer of a store as its library raises it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@pytest.mark.parametrize(
    ("status", "part", "again", "absent"),
    [
        (404, "there is no such object", False, True),
        (410, "there is no such object", False, True),
        (416, "the store has fewer bytes than it said", False, False),
        (301, "the data is elsewhere; look at its region", False, False),
        (418, "the request makes no sense to it", False, False),
        (503, "overloaded or out of order", True, False),
    ],
)
def test_what_a_status_means(status: int, part: str, again: bool, absent: bool) -> None:
    """The number alone, where the library says no more."""
    found = explain(Answered(status), "http")

    assert part in found.reason
    assert (found.again, found.absent) == (again, absent)


@pytest.mark.parametrize(("scheme", "error", "part", "again", "absent", "here"), SEEN)
def test_what_it_means(
    scheme: str, error: Exception, part: str, again: bool, absent: bool, here: bool
) -> None:
    """What is told, and whether another try or another machine may help."""
    found = explain(error, scheme)

    assert part in found.reason
    assert (found.again, found.absent, found.here) == (again, absent, here)
