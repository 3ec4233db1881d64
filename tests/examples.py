"""How many examples a property is tested with.

`make test` looks for gross faults, with few of them. `make soak-properties` runs the same tests
with many times as many.
"""

from __future__ import annotations

import os

TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))


def examples(number: int) -> int:
    """For `settings(max_examples=…)`: this many in `make test`."""
    return number * TIMES
