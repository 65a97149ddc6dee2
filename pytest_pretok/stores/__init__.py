"""Stores: local files, object stores, web servers and the Hub, opened by one set of functions.

Knows bytes, sizes and names; must not know containers, rules or pytest. `fsspec_store` alone knows
fsspec; a library is imported with the first URL that needs it.
"""

from __future__ import annotations

from pytest_pretok.stores.base import Info, Store, StoreError
from pytest_pretok.stores.opening import (
    Location,
    Stamp,
    identity,
    info_of,
    lies_in,
    located,
    missing_package,
    open_bytes,
    open_head,
    open_parts,
    open_stream,
    read_small,
    size_of,
    stamp_of,
    store_of,
)
from pytest_pretok.stores.ranges import Meter, count_fetched, metered
from pytest_pretok.stores.remote_path import SCHEMES, RemotePath, fault_of, is_url, redacted

__all__ = [
    "SCHEMES",
    "Info",
    "Location",
    "Meter",
    "RemotePath",
    "Stamp",
    "Store",
    "StoreError",
    "count_fetched",
    "fault_of",
    "identity",
    "info_of",
    "is_url",
    "lies_in",
    "located",
    "metered",
    "missing_package",
    "open_bytes",
    "open_head",
    "open_parts",
    "open_stream",
    "read_small",
    "redacted",
    "size_of",
    "stamp_of",
    "store_of",
]
