"""Trying a mail: what would become of it, and why. Nothing of it is stored, and nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from functools import partial

from aiohttp import web

from gateway.describe_decision import effects_of
from gateway.mail_words import evidence, proof
from gateway.outgoing import sentences
from gateway.outgoing.mime import one_line
from gateway.shares import address_of
from gateway.web.console.context import Visit
from gateway.web.console.journal import reason_words, verdict_words
from gateway.web.console.mails import DrawnStep, drawn, room_for
from gateway.web.line_ends import SentMail, TooLong
from gateway.web.pages.forms import client_of_request
from rules.decision.model import Decision
from rules.mail import Delivery, Envelope, Mailbox
from rules.mail.addresses import domain_of, normalise
from rules.mail.header import stated_sender
from rules.mail.presented import Mask
from rules.sender.authentication import ASSUMED
from storage.mail.apply import Entry

HELO = "check.invalid"
LONGEST_SUBJECT = 200
FIELDS = ("from", "subject", "text", "source", "peer", "mailbox")


class TrialFault(Exception):
    """What is wrong with the form, as the key of a text."""


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What would become of the mail, as the page shows it."""

    verdict: str
    became: str
    why: str
    effects: Sequence[tuple[str, str]]
    steps: Sequence[DrawnStep]
    proof: str
    evidence: Sequence[tuple[str, str]]
    problem: str
    """Why it would be refused before any check, or cannot be read; empty for no reason."""


async def form(visit: Visit) -> web.Response:
    return await _page(visit)


async def preview(visit: Visit) -> web.Response:
    """What would become of the mail that was posted."""
    mailboxes = await visit.mailboxes()
    try:
        mailbox = _mailbox(visit, mailboxes)
        # In threads: to write a mail of a long text takes as long as to read a large header.
        raw = await asyncio.to_thread(_raw, visit, mailbox)
        sent = await _sent(visit, raw)
        envelope = await asyncio.to_thread(_envelope, visit, sent.raw, mailbox)
    except TrialFault as fault:
        return await _page(visit, error=str(fault), status=422)
    assumed = ASSUMED if visit.form.get("proven") else None
    with room_for(visit, len(sent.raw)):
        async with visit.turn():
            decided = await visit.context.ingest.preview(Delivery(envelope, sent.raw), assumed)
    if not decided:
        text = "This mailbox takes no mail any more."
        return await _page(visit, error=text, status=422)
    entry, decision = decided[0]
    mask = await visit.mask()
    outcome = await asyncio.to_thread(_outcome, visit, mask, entry, decision, sent.forbidden)
    return await _page(visit, outcome=outcome)


def _mailbox(visit: Visit, mailboxes: Sequence[Mailbox]) -> Mailbox:
    named = visit.form.get("mailbox", "")
    found = [each for each in mailboxes if named in ("", each.address)]
    if not found:
        raise TrialFault("Please choose a mailbox.")
    return found[0]


async def _sent(visit: Visit, raw: bytes) -> SentMail:
    """The mail with the line ends of SMTP. Raises TrialFault."""
    most = visit.context.api.uploads.connections.limits.mail_size_bytes
    try:
        client = client_of_request(visit.request)
        return await visit.context.line_ends.sent(raw, most, client)
    except TooLong:
        raise TrialFault("This mail is larger than any that is taken.") from None


def _raw(visit: Visit, mailbox: Mailbox) -> bytes:
    """The mail: the file, the source, or one that is made of the fields."""
    if visit.file:
        return visit.file
    if source := visit.form.get("source", "").lstrip():
        return source.encode()
    author = normalise(visit.form.get("from", "").strip())
    if author is None:
        raise TrialFault("Please give the sender's address, or a whole mail.")
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"], mail["To"] = author, mailbox.address
        mail["Subject"] = one_line(visit.form.get("subject", ""), LONGEST_SUBJECT)
        mail["Date"] = format_datetime(visit.now)
        mail["Message-ID"] = make_msgid(domain=domain_of(author))
        mail.set_content(visit.form.get("text", ""))
        return mail.as_bytes()
    except (ValueError, HeaderParseError):  # an address that this library cannot write
        raise TrialFault("Please give the sender's address, or a whole mail.") from None


def _envelope(visit: Visit, raw: bytes, mailbox: Mailbox) -> Envelope:
    peer = visit.form.get("peer", "").strip()
    if peer and address_of(peer) is None:
        raise TrialFault("Please give an IP address such as 192.0.2.7, or none.")
    return Envelope(
        peer=peer,
        helo=HELO,
        tls=False,
        mail_from=stated_sender(raw),
        rcpt_tos=(mailbox.address,),
    )


def _outcome(
    visit: Visit, mask: Mask, entry: Entry, decision: Decision, octets: str
) -> TrialOutcome:
    measured = entry.considered.measured
    text = "The mail has {octets}, so it is refused before any check."
    unread = getattr(entry.mail.body, "why", "")
    return TrialOutcome(
        verdict=decision.verdict.value,
        became=verdict_words(decision.verdict, visit.say),
        why=reason_words(decision.reason, visit.say),
        effects=[
            (visit.say(label), mask(effect.worded(partial(_template, visit))))
            for label, effect in effects_of(decision)
        ],
        steps=drawn(decision.trace, decision.verdict, mask, visit.say),
        proof=proof({"by": measured.by, "vouched_by": measured.vouched_by}).worded(visit.say),
        evidence=[
            (
                each.method,
                evidence(
                    {
                        "result": each.result,
                        "domain": each.domain,
                        "aligned": each.aligned,
                        "detail": each.detail,
                    }
                ).worded(visit.say),
            )
            for each in measured.evidence
        ],
        problem=visit.say(text, octets=octets) if octets else unread,
    )


def _template(visit: Visit, english: str) -> str:
    """Of a text of the console, or of a sentence of the rules."""
    return sentences.translations(visit.language).get(english) or visit.say(english)


async def _page(
    visit: Visit, error: str = "", outcome: TrialOutcome | None = None, status: int = 200
) -> web.Response:
    mailboxes = await visit.mailboxes()
    return visit.page(
        "try.html",
        status,
        mailboxes=mailboxes,
        typed={name: visit.form.get(name, "") for name in FIELDS},
        proven=bool(visit.form.get("proven")),
        has_file=bool(visit.file),
        outcome=outcome,
        error=error and visit.say(error),
    )
