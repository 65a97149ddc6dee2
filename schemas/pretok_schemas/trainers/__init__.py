"""The trainers with a contract, by name: one module of facts each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pretok_schemas.contract import Contract
from pretok_schemas.trainers import axolotl

TRAINERS: Mapping[str, Callable[[bool], Contract]] = {axolotl.NAME: axolotl.contract}
