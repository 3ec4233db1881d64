"""docs/operators.md lists the events of the log, each in the first column of its table."""

from __future__ import annotations

import re
from pathlib import Path

from rules.decision.reasons import Verdict

TOP = Path(__file__).parents[1]
_LOGGED = re.compile(r'\b(?:logger\.\w+|write)\(\s*"(\w+)"')
VERDICTS = {each.value for each in Verdict}
"""The events of one mail, which no function names."""


def logged() -> set[str]:
    sources = [path.read_text("utf-8") for path in sorted(TOP.glob("gateway/**/*.py"))]
    return {name for source in sources for name in _LOGGED.findall(source)}


def listed() -> set[str]:
    page = (TOP / "docs" / "operators.md").read_text("utf-8")
    _, _, chapter = page.partition("\n## Log events\n")
    table = [line for line in chapter.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    return {name for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])}


def test_the_page_lists_every_event() -> None:
    assert listed() == logged() | VERDICTS
