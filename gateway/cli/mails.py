"""Commands about mails: what became of them, what would become of one, and taking one in."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.text import Text

from gateway import app as gateway_app
from gateway import log
from gateway.app import Parts
from gateway.authentication.authenticator import peer_address
from gateway.cli.common import ConfigOption, console, fail, failing_well, load_config, read
from gateway.cli.describe_decision import describe
from rules import replies
from rules.decision.model import Decision, Step, Verdict
from rules.mail import Delivery, Envelope, StrangerHandling, as_sent, header
from rules.mail.header import Author
from rules.replies import Reply
from rules.sender.authentication import from_dict
from storage.mail import journal
from storage.mail.journal import JournalEntry, JournalFilter
from storage.registry import mailboxes

FOLLOW_S = 0.5
OVERLAP = timedelta(seconds=30)
"""A row can become visible after a younger one: so much of the past is looked at again."""

EARLIEST = datetime(1970, 2, 1, tzinfo=UTC)

STYLES = {
    "opened": "bold green",
    "commented": "green",
    "flagged": "yellow",
    "recorded": "dim",
    "held": "bold yellow",
    "duplicate": "dim",
    "refused": "red",
    "deferred": "bold red",
}


def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as mails come.")] = False,
    verdict: Annotated[Verdict | None, typer.Option(help="Only mails of this verdict.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only mails from this address.")] = None,
    ticket: Annotated[int | None, typer.Option(help="Only mails on this ticket.")] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, help="How many to begin with.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: ConfigOption = None,
) -> None:
    wanted = JournalFilter(verdict, sender.lower() if sender else None, ticket)
    shown: dict[UUID, datetime] = {}
    try:
        entries = read(config, lambda connection: journal.newest(connection, wanted, lines))
        _show(entries, shown, as_json)
        while follow:
            time.sleep(FOLLOW_S)
            start = max(shown.values(), default=EARLIEST) - OVERLAP
            _show(read(config, partial(journal.since, wanted=wanted, moment=start)), shown, as_json)
    except KeyboardInterrupt:
        return


def _show(entries: Sequence[JournalEntry], shown: dict[UUID, datetime], as_json: bool) -> None:
    for entry in entries:
        if entry.id in shown:
            continue
        shown[entry.id] = entry.received_at
        if as_json:
            print(json.dumps(_as_json(entry)), flush=True)  # noqa: T201 - the output asked for
        else:
            console.print(_line(entry))


def _line(entry: JournalEntry) -> Text:
    line = Text(f"{entry.received_at:%Y-%m-%d %H:%M:%S}  ")
    line.append(f"{entry.verdict:<9}", style=STYLES.get(entry.verdict, ""))
    line.append(f" {entry.reason:<20} ")
    line.append(f"{'#' + str(entry.ticket) if entry.ticket else '-':<8}")
    line.append(f"{clean(entry.author or entry.mail_from or '<>')}  ")
    line.append(clean(entry.subject)[:60], style="italic")
    line.append(f"  {entry.id}", style="dim")
    return line


def explain(
    name: Annotated[str, typer.Argument(metavar="JOURNAL_ID|MESSAGE_ID")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a mail.")] = False,
    config: ConfigOption = None,
) -> None:
    entries = read(config, lambda connection: journal.find(connection, name))
    if not entries:
        fail(os.EX_DATAERR, f"no mail {name} in the journal; `postern tail` shows the last ids")
    authserv_id = load_config(config).smtp.hostname
    for entry in entries:
        if as_json:
            results = {"authentication_results": "".join(_results(entry, authserv_id))}
            print(json.dumps(_as_json(entry) | results))  # noqa: T201 - the output asked for
            continue
        console.print(_line(entry))
        _facts(
            ("from", entry.author or "(no single mailbox)"),
            ("envelope", f"<{entry.mail_from}> to {', '.join(entry.rcpt_tos)}"),
            ("peer", f"{entry.peer or 'local'}, HELO {entry.helo or '-'}"),
            ("proof", entry.authentication.get("by") or "nothing aligned"),
            ("message", f"{entry.message_id or '(no id)'}, {entry.size_bytes} octets"),
            ("answered", entry.reply),
        )
        _evidence(entry.authentication)
        _facts(*(("header", line) for line in _results(entry, authserv_id)))
        _trace(entry.trace)


def _results(entry: JournalEntry, authserv_id: str) -> list[str]:
    """The lines of an Authentication-Results field (RFC 8601) that says what was found."""
    if not entry.authentication:
        return []
    return from_dict(entry.authentication).to_results_header(authserv_id).split("\r\n")


def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    mail_from: Annotated[
        str | None, typer.Option(help="The envelope sender; the author where none is named.")
    ] = None,
    rcpt: Annotated[
        list[str] | None, typer.Option(help="A recipient; our mailbox where none is named.")
    ] = None,
    peer: Annotated[str, typer.Option(help="The address that the mail comes from.")] = "127.0.0.1",
    config: ConfigOption = None,
) -> None:
    raw = as_sent(file.read_bytes())
    with failing_well():
        delivery = _delivery(config, raw, mail_from, tuple(rcpt or ()), peer, "check.invalid")
        decided = asyncio.run(_preview(config, delivery))
    if not decided:
        fail(os.EX_NOUSER, f"none of {', '.join(delivery.envelope.rcpt_tos)} is a mailbox of ours")
    for mailbox, decision, degraded in decided:
        said = Text(decision.verdict, style=STYLES[decision.verdict])
        console.print(Text(f"{mailbox}: ").append(said).append(f", {decision.reason}"))
        _facts(*describe(decision))
        if degraded:
            _facts(("degraded", degraded))
        _trace(decision.trace)


def pipe(
    mail_from: Annotated[str, typer.Option(help="The envelope sender; empty for bounces.")] = "",
    rcpt: Annotated[list[str] | None, typer.Option(help="A recipient; repeat for more.")] = None,
    peer: Annotated[
        str, typer.Option(help="The client that gave the mail to your MTA.")
    ] = "127.0.0.1",
    helo: Annotated[str, typer.Option(help="What that client called itself.")] = "",
    strangers: Annotated[
        StrangerHandling | None,
        typer.Option(help="What becomes of strangers' mail; as the policy says where unset."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    raw = as_sent(sys.stdin.buffer.read())
    if not raw:
        fail(os.EX_DATAERR, "nothing on standard input; it is to be one raw mail")
    try:
        with failing_well():
            delivery = _delivery(config, raw, mail_from, tuple(rcpt or ()), peer, helo, strangers)
            reply = asyncio.run(_take(config, delivery))
    except typer.Exit as failure:
        # A broken store or configuration is ours to mend; the MTA keeps the mail until then.
        raise typer.Exit(os.EX_TEMPFAIL) from failure
    except Exception as error:
        # So is a bug. At most other codes an MTA bounces.
        log.configure("error", "json")
        log.failed(error, Delivery(Envelope(peer, helo, False, mail_from, tuple(rcpt or ())), raw))
        raise typer.Exit(os.EX_TEMPFAIL) from error
    print(reply, file=sys.stderr)  # noqa: T201 - the MTA's log
    if reply.temporary:
        raise typer.Exit(os.EX_TEMPFAIL)
    if not reply.accepted:
        raise typer.Exit(os.EX_NOPERM)


async def _preview(config: Path | None, delivery: Delivery) -> list[tuple[str, Decision, str]]:
    async with _parts(config) as parts:
        return [
            (entry.mailbox.address, decision, getattr(entry.mail.body, "why", ""))
            for entry, decision in await parts.ingest.preview(delivery)
        ]


async def _take(config: Path | None, delivery: Delivery) -> Reply:
    async with _parts(config) as parts:
        return replies.for_all(await parts.ingest.take(delivery))


@asynccontextmanager
async def _parts(config: Path | None) -> AsyncIterator[Parts]:
    settings = load_config(config)
    log.configure("error", settings.log.format)
    async with gateway_app.parts(settings) as parts:
        yield parts


def _delivery(
    config: Path | None,
    raw: bytes,
    mail_from: str | None,
    recipients: tuple[str, ...],
    peer: str,
    helo: str,
    strangers: StrangerHandling | None = None,
) -> Delivery:
    if peer and peer_address(peer) is None:
        fail(os.EX_USAGE, f"--peer {peer}: write the client's IP address, such as 192.0.2.7")
    if mail_from is None:
        author = header.author(header.read(raw))
        mail_from = author.address if isinstance(author, Author) else ""
    if not recipients:
        recipients = (read(config, lambda c: mailboxes.mailbox_named(c, None)).address,)
    return Delivery(Envelope(peer, helo, False, mail_from, recipients, strangers), raw)


def _facts(*facts: tuple[str, str]) -> None:
    for name, value in facts:
        console.print(Text(f"  {name:<10}", style="dim").append(clean(value), style="not dim"))


def _evidence(authentication: dict[str, Any]) -> None:
    for each in authentication.get("evidence", ()):
        aligned = "aligned" if each["aligned"] else "not aligned"
        detail = f", {each['detail']}" if each["detail"] else ""
        _facts((each["method"], f"{each['result']} {each['domain']} ({aligned}{detail})"))
    for warning in authentication.get("warnings", ()):
        _facts(("warning", warning))


def _trace(steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps, 1):
        line = Text(f"  {number}. {step.check.replace('_', ' '):<14}", style="bold")
        line.append(f"{clean(step.saw)}: ", style="not bold")
        console.print(line.append(clean(step.outcome), style="not bold cyan"))


def _as_json(entry: JournalEntry) -> dict[str, Any]:
    fields = {f.name: getattr(entry, f.name) for f in dataclasses.fields(entry)}
    fields["id"] = str(entry.id)
    fields["received_at"] = entry.received_at.isoformat()
    fields["trace"] = [dataclasses.asdict(step) for step in entry.trace]
    return fields


def clean(text: str) -> str:
    """What a stranger wrote, safe for a terminal: control and format characters are escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
