"""The figures of the rounds, their medians, and the table that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

YARDSTICKS = ("sink", "postfix")


@dataclass(frozen=True, slots=True)
class Figures:
    """One target in one round, or the medians of its rounds."""

    mails_per_s: float
    """Answered 250 after the dot, by the client's clock."""
    p50_ms: float
    """From the final dot to the 250."""
    p99_ms: float
    cpu_ms: float
    """User and system time of all its processes for one mail, delivery included."""
    peak_mib: float
    client_cpu_ms: float
    """The client's own CPU for one mail."""
    delivered_per_s: float
    """Mails per second until the last was where it belongs; `mails_per_s` where the 250 says so."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one target in one round."""

    target: str
    round: int
    figures: Figures
    replies: dict[str, int]
    refusals: list[str]
    faults: list[str]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: medians over the rounds."""

    target: str
    figures: Figures
    ratios: dict[str, float]
    """The median of mails/s over those of each yardstick in the same round."""
    rounds: int


def summarise(measured: Sequence[Measured]) -> list[Line]:
    """A line for each target, in the order of their first round."""
    return [_line(name, measured) for name in dict.fromkeys(each.target for each in measured)]


def _line(name: str, measured: Sequence[Measured]) -> Line:
    own = {each.round: each.figures for each in measured if each.target == name}
    ratios = {}
    for yardstick in YARDSTICKS:
        beside = {each.round: each.figures for each in measured if each.target == yardstick}
        both = own.keys() & beside.keys()
        if both:
            ratios[yardstick] = median(own[r].mails_per_s / beside[r].mails_per_s for r in both)
    rows = [asdict(figures) for figures in own.values()]
    middle = Figures(**{key: median(row[key] for row in rows) for key in rows[0]})
    return Line(name, middle, ratios, len(own))


_HEAD = ("target", "mails/s", "p50 ms", "p99 ms", "CPU ms", "peak MiB")
_TAIL = ("x sink", "x postfix", "client ms", "delivered/s")


def table(lines: Sequence[Line]) -> str:
    """Plain text, the figures right-aligned under their names."""
    rows = [(*_HEAD, *_TAIL), *(_row(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _row(line: Line) -> tuple[str, ...]:
    f = line.figures
    ratios = [f"{line.ratios[y]:.2f}" if y in line.ratios else "-" for y in YARDSTICKS]
    return (
        line.target,
        f"{f.mails_per_s:.0f}",
        f"{f.p50_ms:.1f}",
        f"{f.p99_ms:.1f}",
        f"{f.cpu_ms:.2f}",
        f"{f.peak_mib:.0f}",
        *ratios,
        f"{f.client_cpu_ms:.2f}",
        f"{f.delivered_per_s:.0f}",
    )


LEGEND = """\
mails/s: 250 after the final dot.  ms: from the dot to the 250.  CPU: user and system of the whole
target for one mail, PostgreSQL and deliveries included.  x: median of mails/s against that target
in the same round.  delivered/s: until the last mail was in its place."""


def as_json(
    machine: dict[str, str], settings: dict[str, Any], measured: Sequence[Measured]
) -> dict[str, Any]:
    """Everything, for documents: the medians and each round."""
    return {
        "machine": machine,
        "settings": settings,
        "medians": [asdict(line) for line in summarise(measured)],
        "rounds": [asdict(each) for each in measured],
    }
