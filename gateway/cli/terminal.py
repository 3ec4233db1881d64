"""How commands write to the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from rules.decision.model import Verdict

_WIDE = 1000
"""Columns where the output is not a terminal, so that another program reads whole tables."""

console = Console(
    markup=False,
    emoji=False,
    highlight=False,
    soft_wrap=True,
    width=None if sys.stdout.isatty() else _WIDE,
)

VERDICT_STYLES: Mapping[str, str] = {
    Verdict.OPENED: "bold green",
    Verdict.COMMENTED: "green",
    Verdict.FLAGGED: "yellow",
    Verdict.RECORDED: "dim",
    Verdict.HELD: "bold yellow",
    Verdict.DUPLICATE: "dim",
    Verdict.REFUSED: "red",
    Verdict.DEFERRED: "bold red",
}


def escape(text: str) -> str:
    """Stored text made safe for a terminal: control and format characters are escaped.

    Every command passes text that came from a mail through this function before it prints it.
    """
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print escaped values in columns without lines; long values are folded."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
