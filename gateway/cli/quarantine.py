"""Commands on the quarantine."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from gateway import app as gateway_app
from gateway import log
from gateway.cli.common import (
    ConfigOption,
    account,
    console,
    fail,
    failing_well,
    load_config,
    read,
    write,
)
from gateway.cli.mails import clean
from gateway.parsing.parser import read as read_mail
from rules.decision.model import Verdict
from rules.decision.receipt import Receipt
from rules.mail import Body
from rules.mail.addresses import normalise
from rules.mail.header import Author
from rules.sender.authentication import Authentication
from storage.db.ledger import Conflict
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.notices import invitations
from storage.notices.invitations import Enrolled

held = typer.Typer(no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="JOURNAL_ID", help="As `held list` shows it.")]


@held.command("list", help="List what is held, the oldest first.")
def listing(config: ConfigOption = None) -> None:
    for mail in read(config, quarantine.held_mails):
        line = Text(f"{mail.came_at:%Y-%m-%d %H:%M}  ")
        line.append(f"{mail.reason:<17} ", style="yellow")
        line.append(f"{clean(mail.author or mail.envelope.mail_from or '<>')}  ")
        line.append(clean(mail.subject)[:60], style="italic")
        console.print(line.append(f"  {mail.journal_id}", style="dim"))


@held.command("show", help="Show a held mail's text; `explain` shows why it is held.")
def show(journal_id: IdArgument, config: ConfigOption = None) -> None:
    mail = _held(config, journal_id)
    delivery = read(config, partial(quarantine.delivery, mail=mail))
    parsed = read_mail(delivery.raw)
    console.print(Text(f"{mail.reason}  {clean(mail.author or '(no single author)')}"))
    for name in ("from", "to", "cc", "date", "subject"):
        for value in parsed.header.get_all(name):
            console.print(Text(f"  {name:<8} {clean(value)}"))
    console.print()
    text = parsed.body.text if isinstance(parsed.body, Body) else f"({parsed.body.why})"
    for line in text.splitlines():
        console.print(Text(f"  {clean(line.expandtabs())}"))


@held.command("release", help="File a held mail: you vouch for its author.")
def release(
    journal_id: IdArgument,
    enrol: Annotated[
        bool, typer.Option("--enrol", help="Enrol the author in the company of his domain first.")
    ] = False,
    author: Annotated[
        str | None, typer.Option(help="Who wrote it, where From names no single mailbox.")
    ] = None,
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Open a ticket, whatever other the mail points to.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    mail = _held(config, journal_id)
    wording = _Wording(author, as_new)
    address = wording.author_address() or mail.author
    if not address:
        fail(os.EX_USAGE, "From names no single mailbox: say who wrote it with --author ADDRESS")
    if enrol:
        done = write(
            config,
            lambda c: invitations.accept(c, mail.mailbox, address, ""),
        )
        if done is Enrolled.NOT:
            company = f"postern user add {address} --company NAME"
            fail(os.EX_DATAERR, f"the domain of {address} is of no active company; try `{company}`")
    with failing_well():
        try:
            receipt = asyncio.run(_release(config, mail, wording))
        except Conflict:
            fail(os.EX_DATAERR, f"{journal_id} is not held any more")
    if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
        fail(os.EX_DATAERR, f"still held: {receipt.reason}; `postern explain {receipt.journal_id}`")
    what = "filed before" if receipt.verdict is Verdict.DUPLICATE else receipt.verdict
    console.print(f"{what} as #{receipt.ticket}" if receipt.ticket else what)


@held.command("discard", help="Take a mail out of quarantine without filing it.")
def discard(journal_id: IdArgument, config: ConfigOption = None) -> None:
    mail = _held(config, journal_id)
    if not write(config, partial(quarantine.discard, journal_id=mail.journal_id)):
        fail(os.EX_DATAERR, f"{journal_id} is not held any more")
    console.print("discarded; the raw mail stays stored")


@dataclass(frozen=True, slots=True)
class _Wording:
    """What the releasing person says of the mail."""

    author: str | None
    as_new: bool

    def author_address(self) -> str | None:
        if self.author is None:
            return None
        address = normalise(self.author)
        if address is None:
            fail(os.EX_USAGE, f"{self.author} is no mail address")
        return address


async def _release(config: Path | None, mail: HeldMail, wording: _Wording) -> Receipt:
    settings = load_config(config)
    log.configure("error", settings.log.format)
    async with gateway_app.parts(settings) as parts:
        find = partial(quarantine.delivery, mail=mail)
        delivery = await asyncio.to_thread(parts.database.read, find)
        address = wording.author_address()
        return await parts.ingest.release(
            mail,
            delivery,
            Authentication.by_staff(account()),
            author=Author(address) if address else None,
            as_new=wording.as_new,
        )


def _held(config: Path | None, journal_id: str) -> HeldMail:
    try:
        wanted = UUID(journal_id)
    except ValueError:
        fail(os.EX_USAGE, f"{journal_id} is no journal id; `postern held list` shows them")
    mail = read(config, partial(quarantine.find, journal_id=wanted))
    if mail is None:
        fail(os.EX_DATAERR, f"{journal_id} is not held; `postern held list` shows what is")
    return mail
