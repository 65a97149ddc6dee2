"""How many examples Hypothesis tries, and how.

Rows are drawn from a seed, which does not shrink: a failure is reported as it is found, with the
seed. Runs repeat themselves; with PRETOK_TIMES=20 in the environment they try 20 times as many
examples, other ones each time.
"""

from __future__ import annotations

import os

from hypothesis import Phase, settings

TIMES = int(os.environ.get("PRETOK_TIMES", "1"))


def examples(count: int) -> settings:
    """Settings of a test that tries so many examples."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        database=None,
        derandomize=TIMES == 1,
        phases=(Phase.explicit, Phase.generate),
    )
