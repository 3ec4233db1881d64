"""Charts as figures that a template draws in SVG: no script, and every number also in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 180
GAP = 0.2
"""Of a bar's room, left empty."""
LONGEST_BAR = 400


@dataclass(frozen=True, slots=True)
class Segment:
    """A rectangle; `kind` is its class, which gives its colour."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Stacks:
    """Bars over time, each divided by kind, with the line of the highest."""

    segments: Sequence[Segment]
    labels: Sequence[tuple[float, str]]
    """Below the bars: where each begins, and its text."""
    highest: int
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class BarRow:
    """A row of a table, with its number as a bar as well."""

    label: str
    number: int
    kind: str
    width: float
    path: str = ""
    """The list of what is counted, where there is one."""


def stacks(
    times: Sequence[str], numbers: Sequence[Mapping[str, int]], kinds: Sequence[str], every: int
) -> Stacks:
    """A bar for each time, from the first kind at the bottom; every so many times has a label."""
    highest = max((sum(each.values()) for each in numbers), default=0)
    room = WIDTH / max(1, len(times))
    segments = []
    for at, counted in enumerate(numbers):
        top = float(HEIGHT)
        for kind in kinds:
            if not (number := counted.get(kind, 0)):
                continue
            height = round(number / highest * HEIGHT, 2)
            top -= height
            x, width = round((at + GAP / 2) * room, 2), round((1 - GAP) * room, 2)
            segments.append(Segment(kind, x, round(top, 2), width, height))
    labels = [(round(at * room, 2), text) for at, text in enumerate(times) if at % every == 0]
    return Stacks(segments, labels, highest)


def bars(counted: Sequence[tuple[str, int, str]]) -> Sequence[BarRow]:
    """A bar for each label with its number and kind, in this order."""
    highest = max((number for _, number, _ in counted), default=0) or 1
    return [
        BarRow(label, number, kind, round(number / highest * LONGEST_BAR, 2))
        for label, number, kind in counted
    ]
