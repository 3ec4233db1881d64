"""The summary that `make soak` prints: one row for each kind of fault, ready for the docs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LOST = ("lost", "incomplete")
DOUBLED = ("duplicated", "commented_twice")
HEADINGS = (
    "fault",
    "store",
    "acknowledged",
    "lost",
    "doubled",
    "other faults",
    "notices",
    "lost",
    "twice",
    "restart to first 250: median, slowest",
    "meanwhile",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result of one test on one store."""

    fault: str
    store_url: str
    acknowledged: int
    faults: Mapping[str, Sequence[str]]
    notices: int
    """Different ones that the relay accepted."""
    notices_lost: int
    """Ordered and never accepted by the relay."""
    notices_twice: Sequence[str]
    first_250_s: Sequence[float] = ()
    meanwhile: str

    def cells(self) -> Sequence[object]:
        others = self.faults.keys() - {*LOST, *DOUBLED}
        restart = "-"
        if self.first_250_s:
            median, slowest = statistics.median(self.first_250_s), max(self.first_250_s)
            restart = f"{median:.2f} s, {slowest:.2f} s"
        return (
            self.fault,
            self.store_url.split(":")[0],
            self.acknowledged,
            *(self._number(kinds) for kinds in (LOST, DOUBLED, others)),
            self.notices,
            self.notices_lost,
            len(self.notices_twice),
            restart,
            self.meanwhile,
        )

    def _number(self, kinds: Iterable[str]) -> int:
        return sum(len(self.faults.get(kind, ())) for kind in kinds)


ROWS: list[Row] = []
"""Filled by the tests of this process, printed at its end."""


def table() -> list[str]:
    rows = [HEADINGS, ["---"] * len(HEADINGS), *(row.cells() for row in ROWS)]
    return ["| " + " | ".join(map(str, cells)) + " |" for cells in rows]
