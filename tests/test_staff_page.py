"""The table of commands in docs/staff.md, and their names elsewhere, are those of the one table."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.listed import ListedCommand, loaded
from gateway.ticket_requests import TicketPatch
from rules.commands.table import ENTRIES, CommandEntry

PAGE = Path(__file__).parents[1] / "docs" / "staff.md"
BEGINS, ENDS = "<!-- commands: made from rules/commands/table.py -->", "<!-- end of commands -->"


def in_table(entry: CommandEntry) -> str:
    usage, german = (each.replace("|", "\\|") for each in (entry.usage, entry.usage_in("de")))
    effect = entry.effect.english.removeprefix("{usage}: ")
    customers = "; customers too" if entry.by_customers else ""
    return f"| `{usage}` | `{german}` | {effect}{customers} | {also(entry)} |"


def also(entry: CommandEntry) -> str:
    return " ".join(f"`{name}`" for name in (entry.option, entry.key) if name)


def table_of_commands() -> str:
    head = "| command | in German | | `tickets set`, API |\n|---|---|---|---|"
    return "\n".join((BEGINS, head, *map(in_table, ENTRIES), ENDS))


def test_the_page_has_the_table_of_commands() -> None:
    page = PAGE.read_text(encoding="utf-8")
    here = page[page.index(BEGINS) : page.index(ENDS) + len(ENDS)]

    assert here == table_of_commands()


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.key], ids=lambda e: e.name)
def test_the_api_and_the_command_line_have_the_names_of_the_table(entry: CommandEntry) -> None:
    command = loaded(ListedCommand("set", "", "ticket_changes", "change"))
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}

    assert entry.key in TicketPatch.model_fields
    assert entry.option in options
