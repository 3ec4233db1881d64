"""Commands that decide one mail: `check` shows the decision, `pipe` takes the mail in."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway import log, log_output
from gateway.cli.command_services import command_services
from gateway.cli.common import ConfigOption, exit_on_error, fail, read
from gateway.cli.journal import print_facts, print_trace
from gateway.cli.terminal import VERDICT_STYLES, console, say_error
from gateway.describe_decision import describe
from gateway.shares import address_of
from rules import replies
from rules.decision.model import Decision
from rules.mail import (
    Delivery,
    Envelope,
    StrangerHandling,
    as_sent,
    forbidden_octets,
)
from rules.mail.header import stated_sender
from rules.replies import Reply
from storage.registry.mailboxes import mailbox_named

_REFUSED_EVERYWHERE = "the mail has {}, so it is refused, as over SMTP (550 5.6.11, RFC 5321 2.3.8)"


def check(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="A raw mail (RFC 5322)."),
    ],
    mail_from: Annotated[
        str | None, typer.Option(help="The envelope sender. Default: the author.")
    ] = None,
    rcpt: Annotated[
        list[str] | None,
        typer.Option(help="A recipient; repeat the option for more. Default: the only mailbox."),
    ] = None,
    peer: Annotated[str, typer.Option(help="The client's IP address.")] = "127.0.0.1",
    config: ConfigOption = None,
) -> None:
    raw = as_sent(file.read_bytes())
    if found := forbidden_octets(raw):
        say_error(f"{file}: {_REFUSED_EVERYWHERE.format(found)}; what follows ignores that")
    if mail_from is None:
        mail_from = stated_sender(raw)
    envelope = envelope_of_options(peer, "check.invalid", mail_from, rcpt)
    with exit_on_error():
        delivery = Delivery(with_recipient(envelope, config), raw)
        decisions = asyncio.run(_preview(config, delivery))
    if not decisions:
        fail(os.EX_NOUSER, f"none of {', '.join(delivery.envelope.rcpt_tos)} is a mailbox of ours")
    for mailbox, decision, degraded in decisions:
        verdict = Text(decision.verdict, style=VERDICT_STYLES[decision.verdict])
        console.print(Text(f"{mailbox}: ").append(verdict).append(f", {decision.reason}"))
        print_facts(*describe(decision))
        if degraded:
            print_facts(("degraded", degraded))
        print_trace(decision.trace)


def pipe(
    mail_from: Annotated[str, typer.Option(help="The envelope sender; empty for bounces.")] = "",
    rcpt: Annotated[
        list[str] | None,
        typer.Option(help="A recipient; repeat the option for more. Default: the only mailbox."),
    ] = None,
    peer: Annotated[
        str,
        typer.Option(
            help="The IP address of the client that gave the mail to the MTA. Without it only "
            "signatures prove the author."
        ),
    ] = "",
    helo: Annotated[str, typer.Option(help="The client's HELO name.")] = "",
    strangers: Annotated[
        StrangerHandling | None,
        typer.Option(help="What happens to mail from strangers. Default: as the policy says."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    raw = as_sent(sys.stdin.buffer.read())
    if not raw:
        fail(os.EX_DATAERR, "nothing on standard input; expected one raw mail")
    if found := forbidden_octets(raw):
        fail(os.EX_DATAERR, f"standard input: {_REFUSED_EVERYWHERE.format(found)}")
    try:
        envelope = envelope_of_options(peer, helo, mail_from, rcpt, strangers)
        with exit_on_error():
            delivery = Delivery(with_recipient(envelope, config), raw)
            reply = asyncio.run(_take(config, delivery))
    except typer.Exit as failure:
        # A broken store or configuration is ours to fix; the MTA keeps the mail until then.
        raise typer.Exit(os.EX_TEMPFAIL) from failure
    except Exception as error:
        # So is a bug. At most other codes an MTA bounces.
        log_output.configure("error", "json")
        log.failed(error, Delivery(envelope, raw))
        raise typer.Exit(os.EX_TEMPFAIL) from error
    say_error(str(reply))
    if reply.temporary:
        raise typer.Exit(os.EX_TEMPFAIL)
    if not reply.accepted:
        raise typer.Exit(os.EX_NOPERM)


async def _preview(config: Path | None, delivery: Delivery) -> list[tuple[str, Decision, str]]:
    """The address of each mailbox with its decision, and why the body is unreadable, if it is."""
    async with command_services(config) as services:
        return [
            (entry.mailbox.address, decision, getattr(entry.mail.body, "why", ""))
            for entry, decision in await services.ingest.preview(delivery)
        ]


async def _take(config: Path | None, delivery: Delivery) -> Reply:
    async with command_services(config) as services:
        if not services.connections.has_disk(len(delivery.raw)):
            return replies.TOO_LITTLE_DISK
        return replies.for_all(await services.ingest.take(delivery))


def envelope_of_options(
    peer: str,
    helo: str,
    mail_from: str,
    recipients: list[str] | None,
    strangers: StrangerHandling | None = None,
) -> Envelope:
    """The envelope of the options. Ends the command for a peer that is not an IP address."""
    if peer and address_of(peer) is None:
        fail(os.EX_USAGE, f"--peer {peer}: must be the client's IP address, such as 192.0.2.7")
    return Envelope(
        peer=peer,
        helo=helo,
        tls=False,
        mail_from=mail_from,
        rcpt_tos=tuple(recipients or ()),
        strangers=strangers,
    )


def with_recipient(envelope: Envelope, config: Path | None) -> Envelope:
    """The envelope, addressed to the only mailbox where it names no recipient."""
    if envelope.rcpt_tos:
        return envelope
    mailbox = read(config, lambda connection: mailbox_named(connection, None))
    return replace(envelope, rcpt_tos=(mailbox.address,))
