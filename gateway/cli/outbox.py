"""Commands on outgoing mail: list it, show why one was not sent, and send it again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from gateway import clock, policies
from gateway.cli.common import (
    ConfigOption,
    account,
    exit_on_error,
    fail,
    load_config,
    read,
    write,
)
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.short_ids import only
from gateway.cli.terminal import console, escape, say
from rules.ticket.notices import NoticeState
from storage.db.database import Connection
from storage.notices import overview
from storage.notices.outbox import Notice
from storage.notices.overview import NoticeFilter, NoticeSummary
from storage.registry import mailboxes, signing_keys

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


@app.command(
    "show", help="Show one outgoing mail: its state, the error of the last attempt, and its text."
)
def show(notice: IdArgument, config: ConfigOption = None) -> None:
    chosen = _id(config, notice)
    found = read(config, partial(overview.find, notice=chosen))
    if found is None:
        fail(os.EX_DATAERR, _no_mail(notice))
    for label, value in _facts(found):
        console.print(Text(f"{label:<9} {escape(value)}"))
    console.print()
    for line in _text(config, found.id):
        console.print(Text(f"  {escape(line)}"))


def _text(config: Path | None, notice: UUID) -> Sequence[str]:
    """The mail as it would be written now, without what is the recipient's alone; or why not."""
    from gateway.outgoing import templates  # noqa: PLC0415
    from gateway.outgoing.compose import Composer  # noqa: PLC0415

    settings = load_config(config)

    def query(connection: Connection) -> tuple[Notice | None, Composer]:
        known = mailboxes.list_mailboxes(connection, inactive_too=True)
        composer = Composer(
            signing_keys.load_keys(connection),
            settings.http.links_begin,
            templates=templates.load(settings.policies.templates),
            own_addresses=frozenset(each.address for each in known),
            mailboxes=tuple(each.id for each in known),
            clock=clock.now,
        )
        return overview.load_notice(connection, notice), composer

    try:
        loaded, composer = read(config, query)
        if loaded is None:
            return ()
        with exit_on_error():
            policy = policies.of_mailbox(policies.load(settings.policies.folder), loaded.mailbox)
        mail = composer.preview(loaded, policy)
    except ValueError as error:
        return (f"(it cannot be written: {error})",)
    heading = "as it would be written now; reply addresses and links are the recipient's alone"
    return (f"({heading})", f"Subject: {mail.subject}", "", *mail.text.strip().splitlines())


@app.command("retry", help="Try dead mails again, as if they were new; the audit trail names you.")
def retry(
    notices: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID…", help="As `postern outbox list --dead` shows them."),
    ] = None,
    all_dead: Annotated[bool, typer.Option("--dead", help="Try every dead mail again.")] = False,
    config: ConfigOption = None,
) -> None:
    if all_dead == bool(notices):
        fail(os.EX_USAGE, "name ID … or --dead; `postern outbox list --dead` shows the mails")
    chosen = None if all_dead else [_id(config, each) for each in notices or ()]
    done = write(
        config, partial(overview.retry, ids=chosen, now=clock.now(), by=f"console:{account()}")
    )
    if chosen is not None and done < len(set(chosen)):
        left = len(set(chosen)) - done
        fail(os.EX_DATAERR, f"{done} tried again; {left} not, since only dead mails can be")
    say(f"{done} tried again")


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
        ("sent", f"{notice.sent_at:%Y-%m-%d %H:%M:%S}" if notice.sent_at else ""),
        ("caused by", _cause(notice)),
        ("error", notice.last_error),
    )
    return [(label, value) for label, value in facts if value]


def _cause(notice: NoticeSummary) -> str:
    if notice.cause is not None:
        return f"mail {notice.cause} (`postern explain` shows it)"
    door = notice.source.replace("_", " ")
    return f"{notice.actor or 'postern'} by {door}" if door else ""


def _no_mail(notice: str) -> str:
    return f"no outgoing mail {notice}; `postern outbox list` shows the last ones"


def _id(config: Path | None, text: str) -> UUID:
    """The id of an outgoing mail that was typed whole, or its beginning."""
    found = read(config, partial(overview.ids_named, text=text))
    return only(found, text, "postern outbox list", _no_mail(text))
