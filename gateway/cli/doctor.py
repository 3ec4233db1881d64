"""The command that explains how a mail came here, and which setting is missing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway import policies
from gateway.authentication.authenticator import Trust
from gateway.cli.command_services import command_services
from gateway.cli.common import ConfigOption, exit_on_error, fail, read
from gateway.cli.journal import print_evidence, print_facts
from gateway.cli.mails import envelope_of_options, with_recipient
from gateway.cli.missing_settings import Judged, Setting, judge, missing_settings
from gateway.cli.terminal import console
from gateway.services import Services
from gateway.shares import address_of
from rules.decision.reasons import Reason
from rules.mail import Delivery, as_sent
from rules.mail import header as headers
from rules.mail.addresses import domain_of
from rules.mail.front_doors import SeenDoor, door_of
from rules.mail.header import Author, Header
from rules.sender.authentication import as_dict
from storage.mail import journal
from storage.mail.journal import JournalEntry

PAGE = "docs/front-doors.md"
_OF_THE_SENDER = {
    Reason.NOT_ENROLLED: "the author's company is registered, and the author is not: "
    "`postern user add`",
    Reason.STRANGER: "the author is not registered: `postern company add`, `postern user add`",
    Reason.STRANGER_HELD: "the author is not registered: `postern company add`, `postern user add`",
    Reason.STRANGER_RELAYED: "the author is not registered: `postern company add`, "
    "`postern user add`",
    Reason.DEACTIVATED: "the author is deactivated: `postern user activate`",
    Reason.SUSPENDED: "the author's company is suspended: `postern company activate`",
}

_OF_ITS_ID = (
    "client and envelope, where no option states them, are those of the mail with this Message-ID "
    "in the journal; anybody can write an id, so compare the mails: `postern explain {journal}`"
)
_ELSE = "or anybody can send it a sealed mail without a signed To and have it filed"


def doctor(
    mail: Annotated[
        Path,
        typer.Option(
            "--mail",
            exists=True,
            dir_okay=False,
            readable=True,
            help="A raw mail (RFC 5322), such as a mail client saves.",
        ),
    ],
    peer: Annotated[
        str | None, typer.Option(help="The client's IP address. Default: as in the journal.")
    ] = None,
    mail_from: Annotated[
        str | None,
        typer.Option(help="The envelope sender. Default: as in the journal, or Return-Path."),
    ] = None,
    rcpt: Annotated[
        str | None,
        typer.Option(help="The recipient. Default: as in the journal, or the only mailbox."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    raw = as_sent(mail.read_bytes())
    header = headers.read(raw)
    ids = headers.message_ids(header, "message-id")
    came = read(config, partial(journal.find, name=ids[0])) if ids else []
    last = came[-1] if came else None
    if mail_from is None:
        mail_from = last.mail_from if last else _return_path(header)
    recipients = [rcpt] if rcpt else list(last.rcpt_tos[:1]) if last else []
    envelope = envelope_of_options(
        (last.peer if last else "") if peer is None else peer,
        last.helo if last else "",
        mail_from,
        recipients,
    )
    with exit_on_error():
        delivery = Delivery(with_recipient(envelope, config), raw)
        missing = asyncio.run(_examine(config, delivery, header, last))
    if missing:
        raise typer.Exit(os.EX_CONFIG)


def _return_path(header: Header) -> str:
    """The envelope sender that the server which stored the mail wrote on top of it."""
    return header.get("return-path").strip().strip("<>")


def _relay_of(trust: Trust, peer: str) -> str:
    """The name of the listed relay with this address; empty if none has it."""
    address = address_of(peer)
    names = (name or peer for network, name in trust.relays if address and address in network)
    return next(names, "")


async def _examine(
    config: Path | None, delivery: Delivery, header: Header, came: JournalEntry | None
) -> bool:
    """Prints the report; returns whether a setting is missing."""
    async with command_services(config) as services:
        snapshot = await services.ingest.runtime.mailbox_cache.current()
        mailbox = snapshot.mailbox_for(delivery.envelope.rcpt_tos[0])
        if mailbox is None:
            fail(os.EX_NOUSER, f"{delivery.envelope.rcpt_tos[0]} is not a mailbox of ours")
        relay = _relay_of(services.ingest.authenticator.trust, delivery.envelope.peer)
        seen = door_of(header, delivery.envelope.mail_from, relay)
        judged = await judge(services, delivery)
        missing = (
            ()
            if judged.is_filed
            else await missing_settings(services, delivery, header, seen, mailbox)
        )
        _print(services, delivery, seen, judged, missing, came)
        shared = partial(policies.shared_addresses, services.runtime.policies)
        for each in await services.runtime.read(shared):
            if mailbox.address in each.mailboxes:
                print_facts(("note", str(each)))
    return bool(missing)


def _print(
    services: Services,
    delivery: Delivery,
    seen: SeenDoor,
    judged: Judged,
    missing: Sequence[Setting],
    came: JournalEntry | None,
) -> None:
    envelope, measured = delivery.envelope, judged.entry.considered.measured
    console.print(f"{seen.door}, for {judged.entry.mailbox.address}", markup=False)
    print_facts(*(("saw", sign) for sign in seen.signs))
    print_facts(("envelope", f"<{envelope.mail_from}> from {envelope.peer or '(no address)'}"))
    if came is not None:
        print_facts(("came", f"{came.received_at:%Y-%m-%d %H:%M}: {came.reply}"))
    written = judged.entry.mail.author
    if not isinstance(written, Author):
        proven = f"nobody: {written.why}"
    elif measured.aligned:
        proven = f"{written.address} by {measured.by}"
    else:
        proven = f"nothing proves {written.address}"
    print_facts(("proven", proven))
    print_evidence(as_dict(measured))
    print_facts(("decided", f"{judged.decision.verdict}, {judged.decision.reason}"))
    for setting in missing:
        where = f"policy {setting.policy}" if setting.policy else "the configuration"
        print_facts(("missing", f"{setting.text} in {where}"), ("only if", setting.only_if))
    if came is not None:
        print_facts(("note", _OF_ITS_ID.format(journal=came.id)))
    print_facts(*(("note", note) for note in _notes(services, delivery, seen, judged, missing)))


def _notes(
    services: Services,
    delivery: Delivery,
    seen: SeenDoor,
    judged: Judged,
    missing: Sequence[Setting],
) -> Iterator[str]:
    if missing:
        yield f"a setting concerns all mail: see {PAGE}"
    elif judged.is_filed:
        yield "no setting is missing"
    elif why := _OF_THE_SENDER.get(judged.decision.reason):
        yield why
    else:
        yield f"no setting makes this mail its author's; {PAGE} has what each door needs"
    if not delivery.envelope.peer:
        yield "without --peer neither SPF nor a listed relay or peer was taken into account"
    forwarder = domain_of(delivery.envelope.mail_from.lower())
    if forwarder in services.ingest.authenticator.trust.forwarders:
        listed = f"{forwarder} is listed under forwarders"
        yield f"{listed}: it must seal what it forwards (ARC), {_ELSE}"
    policy = services.ingest.runtime.policy_of(judged.entry.mailbox)
    strangers = services.config.smtp.strangers or policy.strangers
    if seen.passes_on and strangers == "refuse":
        yield 'a refusal here makes the forwarder bounce: set strangers = "hold" for its listener'
