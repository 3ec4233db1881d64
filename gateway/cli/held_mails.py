"""Commands on one held mail: show, release or discard it."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Annotated, assert_never

import typer
from rich.text import Text

from gateway.cli.command_services import command_services
from gateway.cli.common import (
    ConfigOption,
    account,
    exit_on_error,
    fail,
    read,
    write,
)
from gateway.cli.short_ids import only
from gateway.cli.terminal import console, escape
from gateway.parsing.reading import read as read_mail
from gateway.reception import StatedByStaff
from rules.decision.content import body_of
from rules.decision.foreseen import Foreseen
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Body, Delivery
from rules.mail.header import Author
from rules.sender.authentication import Authentication
from rules.sender.stated_author import AuthorFault, stated_author
from rules.service.digests import held_because
from storage.db.ledger import Conflict
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail

IdArgument = Annotated[
    str, typer.Argument(metavar="JOURNAL_ID", help="As `postern held list` shows it.")
]


def show(journal_id: IdArgument, config: ConfigOption = None) -> None:
    mail = _held(config, journal_id)
    with exit_on_error():
        try:
            delivery, foreseen = asyncio.run(_previewed(config, mail))
        except Conflict:
            fail(os.EX_DATAERR, f"{journal_id} is no longer held")
    parsed = read_mail(delivery.raw)
    console.print(Text(f"{mail.reason}  {escape(mail.author or '(no single author)')}"))
    console.print(Text(" ".join(map(str, foreseen.effects))))
    for name in ("from", "to", "cc", "date", "subject"):
        for value in parsed.header.get_all(name):
            console.print(Text(f"  {name:<8} {escape(value)}"))
    console.print()
    body = body_of(parsed)
    text = body.text if isinstance(body, Body) else f"({body.why})"
    for line in text.splitlines():
        console.print(Text(f"  {escape(line.expandtabs())}"))


def release(
    journal_id: IdArgument,
    enrol: Annotated[
        bool,
        typer.Option(
            "--enrol",
            help="First register the author with the company of their domain; only of a mail that "
            "is held as not_enrolled.",
        ),
    ] = False,
    author: Annotated[
        str | None, typer.Option(help="The author, where From does not name exactly one.")
    ] = None,
    as_new: Annotated[
        bool,
        typer.Option("--as-new", help="Open a new ticket, even if the mail refers to another."),
    ] = False,
    onto: Annotated[
        int | None, typer.Option(help="File it on this ticket, whatever the mail refers to.")
    ] = None,
    why: Annotated[
        str, typer.Option("--reason", help="Why you release it; kept in the ticket's audit trail.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    mail = _held(config, journal_id)
    if as_new and onto is not None:
        fail(os.EX_USAGE, "give either --as-new or --onto NUMBER, not both")
    if enrol and not mail.may_enrol:
        fail(
            os.EX_DATAERR,
            f"its author cannot be registered with it, since it is held as {mail.reason}; only one "
            f"that is held as {Reason.NOT_ENROLLED} is proven to be theirs. To vouch for them "
            "nevertheless, use `postern user add` first",
        )
    by = _author(mail, author)
    address = by.address if by is not None else mail.author
    stated = StatedByStaff(author=by, as_new=as_new, onto=onto, why=why)
    with exit_on_error():
        try:
            receipt = asyncio.run(_release(config, mail, stated, enrol=enrol))
        except Conflict:
            fail(os.EX_DATAERR, f"{journal_id} is no longer held")
    if receipt is None:
        fail(
            os.EX_DATAERR,
            f"no active company owns the domain of {address}; "
            f"try `postern user add {address} --company NAME`",
        )
    if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
        because = held_because(receipt.reason)
        fail(os.EX_DATAERR, f"still held. {because} See `postern explain {receipt.journal_id}`.")
    console.print(_effect(receipt))


def _effect(receipt: Receipt) -> str:
    match receipt.verdict, receipt.ticket:
        case verdict, None:
            return verdict
        case Verdict.DUPLICATE, ticket:
            return f"already filed as #{ticket}"
        case Verdict.OPENED, ticket:
            return f"opened as #{ticket}"
        case Verdict.FLAGGED, ticket:
            return f"filed on #{ticket}, for staff alone"
        case _, ticket:
            return f"filed on #{ticket}"


def discard(journal_id: IdArgument, config: ConfigOption = None) -> None:
    mail = _held(config, journal_id)
    if not write(config, partial(quarantine.discard, journal_id=mail.journal_id)):
        fail(os.EX_DATAERR, f"{journal_id} is no longer held")
    console.print("discarded, and its content deleted")


def _author(mail: HeldMail, stated: str | None) -> Author | None:
    """The author that is stated; None for the one that the mail names."""
    author = stated_author(mail.author, stated or "")
    if isinstance(author, AuthorFault):
        fail(os.EX_USAGE, _worded(author, mail, stated))
    return author


def _worded(fault: AuthorFault, mail: HeldMail, stated: str | None) -> str:
    match fault:
        case AuthorFault.NOT_VALID:
            return f"--author {stated}: not a valid email address"
        case AuthorFault.MISSING:
            return "From does not name exactly one author; add --author ADDRESS"
        case AuthorFault.NAMED:
            return f"the mail names its author, {mail.author}; omit --author"
        case _:
            assert_never(fault)


async def _previewed(config: Path | None, mail: HeldMail) -> tuple[Delivery, Foreseen]:
    """The mail, and what a release of it does."""
    async with command_services(config) as services:
        delivery = await services.runtime.read(partial(quarantine.delivery, mail=mail))
        vouched = Authentication.by_staff(account())
        _, foreseen = await services.ingest.preview_release(mail, delivery, vouched)
        return delivery, foreseen


async def _release(
    config: Path | None, mail: HeldMail, stated: StatedByStaff, *, enrol: bool
) -> Receipt | None:
    """None if the author cannot be registered; then nothing is changed."""
    async with command_services(config) as services:
        find = partial(quarantine.delivery, mail=mail)
        delivery = await services.runtime.read(find)
        vouched = Authentication.by_staff(account())
        if enrol:
            receipt, _ = await services.ingest.release_enrolled(mail, delivery, vouched, stated)
            return receipt
        return await services.ingest.release(mail, delivery, vouched, stated)


def _held(config: Path | None, journal_id: str) -> HeldMail:
    found = read(config, partial(quarantine.ids_named, text=journal_id))
    not_held = f"{journal_id} is not held; `postern held list` shows the held mails"
    key = only(found, journal_id, "postern held list", not_held)
    mail = read(config, partial(quarantine.find, journal_id=key))
    if mail is None:
        fail(os.EX_DATAERR, not_held)
    return mail
