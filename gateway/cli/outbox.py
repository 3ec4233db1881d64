"""Commands on outgoing mail: its list; `outgoing_mails` shows one, or sends some again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.common import ConfigOption, read
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.listed import ListedCommand, group_with
from gateway.cli.terminal import console, escape, say
from rules.ticket.notice_states import NoticeState
from storage.db.database import Connection
from storage.notices import overview
from storage.notices.overview import NoticeFilter, NoticeSummary

app = typer.Typer(
    no_args_is_help=True,
    cls=group_with(
        ListedCommand(
            "show",
            "Show one outgoing mail: its state, the error of the last attempt, and its text.",
            "outgoing_mails",
            "show",
        ),
        ListedCommand(
            "retry",
            "Try dead mails again, as if they were new, or waiting ones at once.",
            "outgoing_mails",
            "retry",
        ),
    ),
)

_COLOURS = {NoticeState.DUE: "yellow", NoticeState.SENT: "green", NoticeState.DEAD: "red"}


@app.command("list", help="List outgoing mails, the newest first, and count them by state.")
def list_mails(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, help="The number of mails to show.")
    ] = 20,
    dead: Annotated[
        bool, typer.Option("--dead", help="Show only mails that are dead: tried no more.")
    ] = False,
    ticket: Annotated[
        int | None, typer.Option(min=1, help="Show only mails about this ticket.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Show only mails to this address.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    wanted = NoticeFilter(NoticeState.DEAD if dead else None, ticket, to)

    def query(connection: Connection) -> tuple[Sequence[NoticeSummary], dict[str, int]]:
        return overview.listing(connection, wanted, lines), overview.counts(connection)

    notices, counts = read(config, query)
    if as_json:
        print_json_lines(notices)
        return
    for notice in notices:
        console.print(_line(notice))
    if not notices and wanted != NoticeFilter():
        say("no such outgoing mail")
    summary = ", ".join(f"{number} {state}" for state, number in counts.items())
    console.print(Text(summary, style="dim"))


def _line(notice: NoticeSummary) -> Text:
    line = Text(f"{notice.created_at:%Y-%m-%d %H:%M}  ")
    line.append(f"{notice.state.value:<5}", style=_COLOURS[notice.state])
    line.append(f"{notice.kind:<16}")
    line.append(f"#{notice.ticket:<7}" if notice.ticket else " " * 8, style="bold")
    line.append(f"{escape(notice.address)}  ")
    line.append(str(notice.id), style="dim")
    if notice.last_error:
        line.append(f"  {escape(notice.last_error)[:100]}", style="italic")
    return line
