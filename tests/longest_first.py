"""How parallel workers share the tests: what takes long begins first, and short tests fill the end.

Many of the long ones wait for clocks and processes, so the short ones compute beside them.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

LONG = (
    "tests/acceptance/test_enumeration.py",
    "tests/faults/",
    "tests/fuzz/test_fixed_seed.py",
    "tests/gateway/web/console/test_pages_in_browser.py",
    "tests/gateway/web/console/test_decisions_in_browser.py",
    "tests/properties/",
    "tests/acceptance/test_corpus.py",
    "tests/acceptance/test_",
    "tests/bench/",
    "tests/gateway/cli/",
    "tests/acceptance/",
)
"""Beginnings of paths, the longest first."""
SPLIT = (
    "tests/faults/test_kill.py",
    "tests/faults/test_notices.py",
    "tests/faults/test_store_",
    "tests/fuzz/test_fixed_seed.py",
    "tests/properties/test_never_critical.py",
    "tests/properties/test_sla_oracle.py",
)
"""Files whose tests share no server, so that several workers may run them at once."""


def rank(path: str) -> int:
    """The place of a test among the others; those of one rank keep their order."""
    return next((place for place, long in enumerate(LONG) if path.startswith(long)), len(LONG))


class LongestFirst(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each worker a file at a time, in the order of the collection.

    xdist's own order, by the number of tests, would leave the long tests for the end.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(SPLIT) else nodeid.partition("::")[0]
