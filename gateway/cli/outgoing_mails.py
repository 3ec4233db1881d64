"""Commands on single outgoing mails: show why one was not sent, and have some tried again."""

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
from gateway.cli.short_ids import only
from gateway.cli.terminal import console, escape, say
from gateway.outgoing import templates
from gateway.outgoing.preview import Previews
from rules.ticket.notices import NoticeState
from storage.notices import by_hand, overview
from storage.notices.overview import NoticeSummary

RETRIED_ALONE = "only mails that are dead, or wait for another attempt, can be"
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As `postern outbox list` shows it.")]


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
    settings = load_config(config)
    with exit_on_error():
        known = policies.load(settings.policies.folder)
        previews = Previews(
            clock=clock.now,
            templates=templates.load(settings.policies.templates),
            links_begin=settings.http.links_begin,
        )
    of_mailbox = partial(policies.of_mailbox, known)
    try:
        with exit_on_error():
            mail = read(config, partial(previews.of, notice=notice, policy_of=of_mailbox))
    except ValueError as error:
        return (f"(it cannot be written: {error})",)
    if mail is None:
        return ()
    heading = "as it would be written now; reply addresses and links are the recipient's alone"
    return (f"({heading})", f"Subject: {mail.subject}", "", *mail.text.strip().splitlines())


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
        config, partial(by_hand.retry, ids=chosen, now=clock.now(), by=f"console:{account()}")
    )
    if chosen is not None and done < len(set(chosen)):
        left = len(set(chosen)) - done
        fail(os.EX_DATAERR, f"{done} tried again; {left} not, since {RETRIED_ALONE}")
    say(f"{done} tried again")


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
