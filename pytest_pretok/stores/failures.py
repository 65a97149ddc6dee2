"""What the exceptions of stores' libraries mean, in words for people.

Knows them by their names and the numbers that they carry: none of the libraries is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_pretok.stores.base import Failure, StoreError
from pytest_pretok.stores.remote_path import redacted

SIGN_IN = {
    "s3": "look at AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret",
    "gs": "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
    "az": "look at AZURE_STORAGE_ACCOUNT_NAME and its key, SAS token or connection string",
    "abfs": "look at AZURE_STORAGE_ACCOUNT_NAME and its key, SAS token or connection string",
    "hf": "run hf auth login, or set HF_TOKEN",
    "http": "look at the user name and password, or make a new signed URL",
    "https": "look at the user name and password, or make a new signed URL",
}
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired")
_NO_CREDENTIALS = (
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
    *("TokenRetrievalError", "UnauthorizedSSOTokenError", "SSOTokenLoadError"),
    *("DefaultCredentialsError", "RefreshError", "ClientAuthenticationError", "ProfileNotFound"),
)
_NO_ROUTE = (
    *("ClientConnectorError", "ClientConnectorDNSError", "EndpointConnectionError"),
    *("ConnectError", "ConnectionRefusedError", "gaierror", "ServiceRequestError"),
    *("ProxyConnectionError", "ClientProxyConnectionError"),
)
_NO_TRUST = ("ClientConnectorCertificateError", "SSLCertVerificationError", "SSLError")
_BROKEN = (
    *("ClientPayloadError", "IncompleteRead", "IncompleteReadError", "ContentLengthError"),
    *("RemoteProtocolError", "ResponseStreamingError", "IncompleteBody", "ShortBody"),
)
_RESET = (
    *("ServerDisconnectedError", "ClientOSError", "ConnectionResetError", "ConnectionAbortedError"),
    *("ConnectionClosedError", "BrokenPipeError", "ReadError", "WriteError", "HTTPClientError"),
)
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class ShortBody(Exception):
    """Fewer bytes came than were asked for."""


def explain(error: Exception, scheme: str) -> Failure:
    """What went wrong, by the exception and all that led to it."""
    chain = list(_chain(error))
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    codes = {code for one in chain if (code := _code(one))}
    status = next((number for one in chain if (number := _status(one))), None)
    own = next((one for one in chain if isinstance(one, StoreError)), None)
    if own is not None:
        return Failure(own.reason, here=own.here)
    return (
        _of_the_hub(names)
        or _of_credentials(names, codes, scheme)
        # aiohttp calls a body that broke off a 400.
        or _of_the_way(names, chain)
        or _of_status(status, scheme)
        or _of_nothing(chain, scheme)
        or Failure(f"the store failed: {_text(error)}")
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: BaseException | None = error
    while left is not None and id(left) not in seen:
        seen.add(id(left))
        yield left
        left = left.__cause__ or (None if left.__suppress_context__ else left.__context__)


def _code(error: BaseException) -> str | None:
    """The word by which S3 names an error."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    code = response.get("Error", {}).get("Code")
    return code if isinstance(code, str) else None


def _status(error: BaseException) -> int | None:
    """The number by which HTTP names an error, wherever a library keeps it."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(response, "status_code", None)
    names = ("status", "status_code", "code")
    if found is None:
        found = next((getattr(error, name) for name in names if hasattr(error, name)), None)
    return found if isinstance(found, int) and 300 <= found < 600 else None


def _of_the_hub(names: set[str]) -> Failure | None:
    if "GatedRepoError" in names:
        return Failure(
            "a gated dataset of the Hub: accept its conditions there, and sign in "
            "(hf auth login, or HF_TOKEN)"
        )
    if "RevisionNotFoundError" in names:
        return Failure("the dataset on the Hub has no such revision")
    if "RepositoryNotFoundError" in names:
        return Failure(
            "no such dataset on the Hub, or a private one that is not open to you: look at the "
            f"spelling; {SIGN_IN['hf']}"
        )
    if names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}:
        return Failure(
            "HF_HUB_OFFLINE is set, and the Hub's local cache does not have it", here=True
        )
    if names & {"EntryNotFoundError", "RemoteEntryNotFoundError"}:
        return Failure(_ABSENT, absent=True)
    return None


def _of_credentials(names: set[str], codes: set[str], scheme: str) -> Failure | None:
    sign_in = SIGN_IN[scheme]
    expired = next((code for code in _EXPIRED if code in codes), None)
    if expired is not None:
        return Failure(f"the credentials have expired ({expired}): sign in again", here=True)
    if names & set(_NO_CREDENTIALS):
        hint = "; FSSPEC_S3_ANON=true reads public data without any" if scheme == "s3" else ""
        return Failure(f"no credentials that work were found: {sign_in}{hint}", here=True)
    wrong = codes & {"InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"}
    if wrong:
        return Failure(f"the credentials are refused ({min(wrong)}): {sign_in}", here=True)
    return None


_ABSENT = "there is no such object (404): look at the spelling, and whether it was moved or deleted"


def _of_status(status: int | None, scheme: str) -> Failure | None:
    if status is None:
        return None
    if status == 401:
        return Failure(f"not signed in (401): {SIGN_IN[scheme]}", here=True)
    if status == 403:
        # S3 says so of what is not there, too, to those who may not list the bucket.
        why = "it may not be read with these credentials, or is not there"
        return Failure(f"access denied (403): {why}; {SIGN_IN[scheme]}", here=True)
    if status in (404, 410):
        return Failure(_ABSENT, absent=True)
    if status == 416:
        return Failure(
            "the store has fewer bytes than it said (416): the object was cut or replaced; "
            "check it again once it is written"
        )
    if status in _BUSY:
        why = "it is overloaded or out of order: check again later"
        return Failure(f"the store answered {status} at every try; {why}", again=True)
    if 300 <= status < 400:
        return Failure(f"the store answered {status}: the data is elsewhere; look at its region")
    return Failure(f"the store answered {status}: the request makes no sense to it")


def _of_the_way(names: set[str], chain: list[BaseException]) -> Failure | None:
    if names & set(_NO_TRUST):
        what = (
            "look at its address, and whether a proxy stands between (SSL_CERT_FILE, AWS_CA_BUNDLE)"
        )
        return Failure(f"the store's certificate is not trusted: {what}", here=True)
    if names & set(_NO_ROUTE):
        what = "look at the name, the network, a proxy, and the address of the store"
        return Failure(f"no connection to the store: {what}", again=True, here=True)
    if any("Timeout" in name for name in names):
        what = "the network or the store is too slow, see PRETOK_REMOTE_TIMEOUT"
        return Failure(f"no answer in time, at every try: {what}", again=True)
    if names & set(_BROKEN):
        told = next((f" ({one})" for one in chain if isinstance(one, ShortBody)), "")
        why = "the store or a proxy cuts off what it sends, or the object was cut while it was read"
        return Failure(f"the body broke off at every try{told}: {why}", again=True)
    if names & set(_RESET):
        return Failure(
            "the store closed the connection at every try: check again later", again=True
        )
    return None


def _of_nothing(chain: list[BaseException], scheme: str) -> Failure | None:
    if isinstance(chain[0], FileNotFoundError):
        return Failure(_ABSENT, absent=True)
    # gcsfs tells no number, but begins so.
    if isinstance(chain[0], PermissionError) or str(chain[0]).startswith("Forbidden"):
        return _of_status(403, scheme)
    return None


def _text(error: Exception) -> str:
    """What an exception says, in one line and without what may be a secret."""
    lines = str(error).strip().splitlines()
    name = type(error).__name__
    return redacted(f"{name}: {lines[0][:150]}" if lines else name)
