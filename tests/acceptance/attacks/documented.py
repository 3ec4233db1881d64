"""The rows of docs/attacks.md, as the tests of this package check them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class DocumentedRow:
    """The documented result of a test; an empty field where the document names none."""

    reply: str
    """The code and enhanced code at the start of the reply."""
    verdict: str
    reason: str


VERDICT_NAMES = {
    "a comment": "commented",
    "a new ticket": "opened",
    "as the first time": "duplicate",
    "flagged": "flagged",
    "folded": "recorded",
    "held": "held",
}
"""The verdicts by their names in the document, where they follow the reply."""


@cache
def documented_rows() -> dict[str, list[DocumentedRow]]:
    """The rows of docs/attacks.md by the name of their test."""
    rows: dict[str, list[DocumentedRow]] = {}
    for line in (ROOT / "docs" / "attacks.md").read_text().splitlines():
        cells = line.split(" | ")
        for name in re.findall(r"`(test_\w+)`", cells[-1]) if line.startswith("| ") else []:
            rows.setdefault(name, []).append(read_row(cells[1:-1]))
    return rows


def read_row(cells: list[str]) -> DocumentedRow:
    """Read the cells between attack and test: reply and reason, or both in one cell."""
    reply = re.match(r"[245]\d\d \d\.\d\.\d+", cells[0])
    reason = re.search(r"`(\w+)`", cells[-1])
    verdict = VERDICT_NAMES.get(cells[0].partition(", ")[2], "")
    return DocumentedRow(reply[0] if reply else "", verdict, reason[1] if reason else "")
