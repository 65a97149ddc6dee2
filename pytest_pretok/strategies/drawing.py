"""The strategies: rows, tables of them, and datasets that can be written.

The only module that imports Hypothesis. Nothing is filtered: what is drawn is valid as it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import strategies as st

from pretok_schemas.contract import IDS, IGNORE, LABELS, Contract
from pytest_pretok.strategies.plan import PERIOD, Plan, Row, Settings
from pytest_pretok.strategies.writing import CONTAINERS, Container, Dataset

if TYPE_CHECKING:
    from typing import Unpack

BREAK = 32  # every so many tokens one ends whatever repeats
SHARE = 100  # one of so many tokens is trained at least
BOUNDARY = 3  # ids before the loss begins that no two rows of a table share
BEGINNING = 2  # ids behind BOS, of rows that mask nothing, that no two rows share
MOST_SHARDS = 3


def rows(
    contract: str | Contract = "axolotl", **settings: Unpack[Settings]
) -> st.SearchStrategy[Row]:
    """Rows that keep a contract, as dicts of lists by column name.

    A row is a first token (BOS, where there is one), a prompt without loss, and an answer with
    loss that ends with an end id. ``settings`` are those of `Plan.of`. Shrinks to three tokens:
    the first, the smallest id that is not special, and an end id.

    Raises:
        ValueError: there is no such contract, or no row can be as the settings ask.
    """
    plan = Plan.of(contract, **settings)
    return _drafts(plan).map(plan.stored)


def tables(
    contract: str | Contract = "axolotl",
    *,
    min_rows: int = 1,
    max_rows: int = 12,
    **settings: Unpack[Settings],
) -> st.SearchStrategy[pa.Table]:
    """Tables of such rows, of the types of `Contract.to_arrow`.

    No two rows are alike, nor does the loss of two begin behind the same ids: a table breaks no
    rule, whether it fails or warns, in `pretok_schemas.validate` and `pytest_pretok.check` with the
    same settings.

    Raises:
        ValueError: as for `rows`; or ``min_rows`` is below 1 or above ``max_rows``.
    """
    plan = Plan.of(contract, **settings)
    if not 1 <= min_rows <= max_rows:
        raise ValueError(f"min_rows is {min_rows} and max_rows {max_rows}; a table has a row")
    several = st.lists(
        _drafts(plan), min_size=min_rows, max_size=max_rows, unique_by=_distinct(plan)
    )
    return several.map(lambda drafts: plan.table([plan.stored(draft) for draft in drafts]))


def datasets(
    contract: str | Contract = "axolotl",
    container: Container = "parquet",
    *,
    min_rows: int = 1,
    max_rows: int = 12,
    **settings: Unpack[Settings],
) -> st.SearchStrategy[Dataset]:
    """Tables with the way to write them: `Dataset.write`, into a folder of the test's own.

    ``container`` is one of `CONTAINERS`. Parquet comes in one file or up to three shards, and in
    row groups of any size. Shrinks to one file.

    Raises:
        ValueError: as for `tables`; or there is no such container.
    """
    if container not in CONTAINERS:
        raise ValueError(f"unknown container {container!r}; there are: {', '.join(CONTAINERS)}")
    drawn = tables(contract, min_rows=min_rows, max_rows=max_rows, **settings)
    shards = MOST_SHARDS if container in ("parquet", "save-to-disk") else 1

    def cut(table: pa.Table) -> st.SearchStrategy[Dataset]:
        return st.builds(
            Dataset,
            st.just(table),
            st.just(container),
            shards=st.integers(1, min(shards, table.num_rows)),
            rows_together=st.integers(1, table.num_rows).map(lambda n: table.num_rows + 1 - n),
        )

    return drawn.flatmap(cut)


@st.composite
def _drafts(draw: st.DrawFn, plan: Plan) -> Row:
    """A valid row by roles (see `Plan.draft`)."""
    count = draw(st.integers(plan.min_size, plan.max_size))
    prompt = count - draw(st.integers(max(1, -(-count // SHARE)), count - 2))
    ends = plan.eos_token_ids
    end = None if ends is None else draw(st.sampled_from(ends))
    ids: list[int] = [] if plan.bos_token_id is None else [plan.bos_token_id]
    while len(ids) < count - (end is not None):
        ids.append(_token(draw, plan, ids, last=len(ids) == count - 1))
    return plan.draft(ids if end is None else [*ids, end], prompt)


def _token(draw: st.DrawFn, plan: Plan, before: list[int], last: bool) -> int:
    """An id that is not special.

    The first one recurs nowhere in its row (no start of a document in the middle), the last one is
    another than the one before it (no padding), and now and then one differs from all that came
    shortly before (no endless repetition).
    """
    taken = {*plan.specials, *before[:1]}
    if last:
        taken |= {*before[-1:]}
    if before and len(before) % BREAK == 0:
        taken |= {*before[-PERIOD:]}
    token = draw(st.integers(0, plan.vocab_size - 1 - len(taken)))
    for one in sorted(taken):
        token += one <= token
    return token


def _distinct(plan: Plan) -> Callable[[Row], Hashable]:
    """What no two rows of a table share: the ids behind which the loss begins.

    Where everything is trained it is the first ids behind BOS: a common beginning would be taken
    for a template whose prompts are not masked.
    """
    role = next((one for one in (LABELS, *plan.contract.loss_masks) if one in plan.names), None)
    if role is None:
        first = int(plan.bos_token_id is not None)
        return lambda draft: tuple(draft[IDS][first : first + BEGINNING])
    silent = IGNORE if role == LABELS else 0

    def boundary(draft: Row) -> Hashable:
        begin = next(at for at, value in enumerate(draft[role]) if value != silent)
        return tuple(draft[IDS][max(0, begin - BOUNDARY) : begin])

    return boundary
