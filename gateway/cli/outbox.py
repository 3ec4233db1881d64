"""Commands on outgoing mail: list it, show why one was not sent, and send it again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from gateway import clock
from gateway.cli.common import ConfigOption, fail, read, write
from gateway.cli.terminal import console, escape, say
from rules.ticket.notices import NoticeState
from storage.db.database import Connection
from storage.notices import outbox
from storage.notices.outbox import NoticeSummary

app = typer.Typer(no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As `postern outbox list` shows it.")]
_COLOURS = {NoticeState.DUE: "yellow", NoticeState.SENT: "green", NoticeState.DEAD: "red"}


@app.command("list", help="List outgoing mails, the newest first, and count them by state.")
def list_mails(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, help="The number of mails to show.")
    ] = 20,
    dead: Annotated[
        bool, typer.Option("--dead", help="Show only mails that are dead: tried no more.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    state = NoticeState.DEAD if dead else None

    def query(connection: Connection) -> tuple[Sequence[NoticeSummary], dict[str, int]]:
        return outbox.listing(connection, state, lines), outbox.counts(connection)

    notices, counts = read(config, query)
    for notice in notices:
        console.print(_line(notice))
    summary = ", ".join(f"{counts.get(each.value, 0)} {each.value}" for each in NoticeState)
    console.print(Text(summary, style="dim"))


@app.command("show", help="Show one outgoing mail, with the error of the last attempt.")
def show(notice: IdArgument, config: ConfigOption = None) -> None:
    found = read(config, partial(outbox.find, notice=_id(notice)))
    if found is None:
        fail(os.EX_DATAERR, f"no outgoing mail {notice}; `postern outbox list` shows the last ones")
    for label, value in _facts(found):
        console.print(Text(f"{label:<9} {escape(value)}"))


@app.command("requeue", help="Try dead mails again, as if they were new.")
def requeue(
    notices: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID…", help="As `postern outbox list --dead` shows them."),
    ] = None,
    all_dead: Annotated[
        bool, typer.Option("--all-dead", help="Try every dead mail again.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    if all_dead == bool(notices):
        fail(os.EX_USAGE, "name ID … or --all-dead; `postern outbox list --dead` shows the mails")
    chosen = None if all_dead else [_id(each) for each in notices or ()]
    done = write(config, partial(outbox.requeue, ids=chosen, now=clock.now()))
    if chosen is not None and done < len(set(chosen)):
        left = len(set(chosen)) - done
        fail(os.EX_DATAERR, f"{done} requeued; {left} not, since only dead mails can be")
    say(f"{done} requeued")


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


def _facts(notice: NoticeSummary) -> Sequence[tuple[str, str]]:
    """Labels with values; what does not apply is left out."""
    due = f"{notice.due_at:%Y-%m-%d %H:%M:%S}" if notice.state is NoticeState.DUE else ""
    facts = (
        ("id", str(notice.id)),
        ("state", notice.state.value),
        ("kind", notice.kind),
        ("mailbox", notice.mailbox),
        ("ticket", f"#{notice.ticket}" if notice.ticket else ""),
        ("to", notice.address),
        ("ordered", f"{notice.created_at:%Y-%m-%d %H:%M:%S}"),
        ("next try", due),
        ("attempts", str(notice.attempts)),
        ("error", notice.last_error),
    )
    return [(label, value) for label, value in facts if value]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        fail(os.EX_USAGE, f"{text} is not the id of a mail; `postern outbox list` shows the ids")
