"""How commands write to the terminal: everything that they print goes through this module.

Names, subjects, addresses and errors come from strangers. The console escapes what a terminal would
act on: control characters, ANSI sequences, marks that change the direction of text, characters
without width; and it knows no markup.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from rules.decision.reasons import Verdict

_WIDE = 1000
"""Columns where the output is not a terminal, so that another program reads whole tables."""
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Without width, though Unicode counts them as printable."""


class SafeConsole(Console):
    """A console that no text can command."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(escape_but_lines(text), style)


_closed: set[str] = set()


def is_output_closed() -> bool:
    """Whether our parent closed the standard output, so that nobody sees what is printed."""
    return "stdout" in _closed


def repair_streams() -> None:
    """Make every standard stream usable.

    A character that the terminal's character set does not have is escaped: the words of a stranger
    must not end a command. A stream that our parent closed is /dev/null, so that no command fails
    before it can say what is wrong.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            _closed.add(name)
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


console = SafeConsole(
    markup=False,
    emoji=False,
    highlight=False,
    soft_wrap=True,
    width=None if os.isatty(1) else _WIDE,
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
    """Stored text made safe for one line of a terminal: control and format characters, line ends
    among them, are shown as `\\u001b`."""
    return "".join(c if c.isprintable() and c not in _FILLERS else f"\\u{ord(c):04x}" for c in text)


def escape_but_lines(text: str) -> str:
    """The same, with line ends as they are."""
    return text if _is_safe(text) else "\n".join(map(escape, text.split("\n")))


def _is_safe(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").isprintable()


def say(message: str) -> None:
    """Print one line."""
    console.print(Text(escape(message)))


def say_error(message: str) -> None:
    """Print to standard error."""
    print(escape_but_lines(message), file=sys.stderr)  # noqa: T201 - the one writer


def print_for_scripts(line: str) -> None:
    """Print a value or JSON for another program, at once; valid JSON stays valid JSON."""
    print(_UNSAFE.sub(_in_json, line), flush=True)  # noqa: T201 - the one writer


def discard_output() -> None:
    """What could not be written to standard output is not tried again at the end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


_UNSAFE = re.compile(r"[^\x20-\x7e\n]")


def _in_json(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() and character not in _FILLERS and _can_be_written(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _can_be_written(character: str) -> bool:
    try:
        character.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print escaped values in columns without lines; long values are folded."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape(value)) for value in row))
    console.print(table)
