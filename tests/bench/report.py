"""The figures of the rounds, their medians, and the table that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

REFERENCES = ("sink", "postfix")


@dataclass(frozen=True, slots=True)
class Figures:
    """One target in one round, or the medians of its rounds."""

    mails_per_s: float
    """Mails answered 250 after the final dot, by the client's clock."""
    p50_ms: float
    """From the final dot to the 250."""
    p99_ms: float
    cpu_ms: float
    """User and system time of all its processes per mail, including delivery."""
    peak_mib: float
    client_cpu_ms: float
    """The client's own CPU time per mail."""
    delivered_per_s: float
    """Mails per second until the last was delivered, which may be at its 250, and the last notice
    sent."""
    notices: float = 0
    """How many were sent."""
    oldest_due_s: float = 0
    """The longest that a notice had been due before it was sent, as samples showed it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of one target in one round."""

    target: str
    round: int
    figures: Figures
    replies: dict[str, int]
    refusals: list[str]
    faults: list[str]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of the table: medians over the rounds."""

    target: str
    figures: Figures
    ratios: dict[str, float]
    """For each reference target, the median ratio of mails/s in the same round."""
    rounds: int


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The value that this percentage of the values does not exceed (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def summarise(measured: Sequence[Measured]) -> list[TableLine]:
    """A line for each target, in the order of their first round."""
    return [_line(name, measured) for name in dict.fromkeys(each.target for each in measured)]


def _line(name: str, measured: Sequence[Measured]) -> TableLine:
    own = {each.round: each.figures for each in measured if each.target == name}
    ratios = {}
    for other in REFERENCES:
        reference = {each.round: each.figures for each in measured if each.target == other}
        both = own.keys() & reference.keys()
        if both:
            ratios[other] = median(own[r].mails_per_s / reference[r].mails_per_s for r in both)
    rows = [asdict(figures) for figures in own.values()]
    middle = Figures(**{key: median(row[key] for row in rows) for key in rows[0]})
    return TableLine(name, middle, ratios, len(own))


_HEAD = ("target", "mails/s", "p50 ms", "p99 ms", "CPU ms", "peak MiB")
_TAIL = ("x sink", "x postfix", "client ms", "delivered/s")
_SENDING = ("notices", "oldest due s")


def table(lines: Sequence[TableLine]) -> str:
    """Plain text, the figures right-aligned under their names."""
    sends = any(line.figures.notices for line in lines)
    head = (*_HEAD, *_TAIL, *(_SENDING if sends else ()))
    rows = [head, *((*_row(line), *(_sending(line) if sends else ())) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _row(line: TableLine) -> tuple[str, ...]:
    figures = line.figures
    ratios = [f"{line.ratios[name]:.2f}" if name in line.ratios else "-" for name in REFERENCES]
    return (
        line.target,
        f"{figures.mails_per_s:.0f}",
        f"{figures.p50_ms:.1f}",
        f"{figures.p99_ms:.1f}",
        f"{figures.cpu_ms:.2f}",
        f"{figures.peak_mib:.0f}",
        *ratios,
        f"{figures.client_cpu_ms:.2f}",
        f"{figures.delivered_per_s:.0f}",
    )


def _sending(line: TableLine) -> tuple[str, ...]:
    return f"{line.figures.notices:.0f}", f"{line.figures.oldest_due_s:.1f}"


LEGEND = """\
mails/s: 250 after the final dot.  ms: from the dot to the 250.  CPU: user and system of the whole
target per mail, including PostgreSQL and deliveries.  x: median ratio of mails/s to that target in
the same round.  delivered/s: until the last mail was delivered, and the last notice sent; CPU is
read then."""


def as_json(
    machine: dict[str, str], settings: dict[str, Any], measured: Sequence[Measured]
) -> dict[str, Any]:
    """All figures for further use: the medians and each round."""
    return {
        "machine": machine,
        "settings": settings,
        "medians": [asdict(line) for line in summarise(measured)],
        "rounds": [asdict(each) for each in measured],
    }
