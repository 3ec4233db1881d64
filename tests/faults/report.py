"""The summary that `make soak` prints: one row for each kind of fault, ready for the docs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ROWS: list[tuple[str, str, str, str, str, str]] = []
"""Filled by the tests of this process, printed at its end."""
HEADINGS = ("fault", "store", "acknowledged", "lost or doubled", "notices twice", "remarks")


def add(
    fault: str,
    store_url: str,
    acknowledged: Mapping[str, object],
    faults: Mapping[str, Sequence[str]],
    twice: Sequence[str],
    remarks: str,
) -> None:
    found = sum(len(each) for each in faults.values())
    store = store_url.split(":")[0]
    ROWS.append((fault, store, str(len(acknowledged)), str(found), str(len(twice)), remarks))


def table() -> list[str]:
    lines = [HEADINGS, ("---",) * len(HEADINGS), *ROWS]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
