"""The list of tickets; `ticket_page` shows one, and `ticket_changes` changes it."""

from __future__ import annotations

import os

import typer
from rich.text import Text

from gateway.cli.common import ConfigOption, fail, read
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.listed import ListedCommand, group_with
from gateway.cli.terminal import console, escape
from gateway.cli.ticket_options import LinesOption, OfTagOption, StatusOption
from rules.ticket.tags import as_tag
from storage.ticket.summaries import TicketSummary, newest

app = typer.Typer(
    cls=group_with(
        ListedCommand(
            "show", "Show one ticket with its comments and history.", "ticket_page", "show"
        ),
        ListedCommand(
            "set",
            "Change a ticket: everything that is named, or nothing after an error.",
            "ticket_changes",
            "change",
        ),
    )
)


@app.callback(invoke_without_command=True)
def list_by_default(
    context: typer.Context,
    lines: LinesOption = 20,
    status: StatusOption = None,
    tag: OfTagOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    if context.invoked_subcommand is None:
        list_tickets(lines, status, tag, as_json, config)


@app.command("list", help="List the tickets that changed last.")
def list_tickets(
    lines: LinesOption = 20,
    status: StatusOption = None,
    tag: OfTagOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    wanted = as_tag(tag) if tag is not None else None
    if tag is not None and wanted is None:
        fail(os.EX_USAGE, f"--tag {tag!r} is not a tag")
    found = read(config, lambda connection: newest(connection, lines, status, wanted))
    if as_json:
        print_json_lines(found)
        return
    for summary in found:
        console.print(line_of(summary))


def line_of(summary: TicketSummary) -> Text:
    """A ticket in a list."""
    line = Text(f"#{summary.number:<7}", style="bold")
    line.append(f"{summary.status:<9}", style="not bold")
    line.append(f"{escape(summary.severity):<10}", style="not bold yellow")
    line.append(f"{escape(summary.requester)}  ", style="not bold")
    return line.append(escape(summary.subject), style="not bold italic")
