"""Notices for tests: an ordinary one of each kind, changed only where it matters."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email import policy as email_policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from gateway.outgoing.compose import Composer
from gateway.outgoing.delivery import Outgoing
from rules.policy import Policy
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.notices.outbox import Notice, NoticeComment, NoticeTicket
from tests.rules.building import KEYS, MAILBOX, NOON, default_policy

LINKS_BEGIN = "https://postern.example"
WRITER = Composer(KEYS, LINKS_BEGIN)
ANN = "ann@acme.example"

ABOUT = NoticeTicket(
    ticket=7,
    participant=70,
    subject="Printer",
    status="open",
    severity="Normal",
    severity_claimed=None,
    critical_claimed=False,
    requester=ANN,
    company="Acme",
    tier="",
    fields={},
    missing=(),
    opened_by="<0@client.example>",
    due_at=None,
)
WORDS = NoticeComment(
    author="bob@acme.example",
    name="Bob",
    by_staff=False,
    visibility=Visibility.PUBLIC,
    text="It prints again.",
    degraded=False,
    attachments=(),
)
DETAILS: dict[NoticeKind, dict[str, str]] = {
    NoticeKind.STATUS: {"what": "status", "was": "open", "became": "resolved", "why": "It prints."},
    NoticeKind.APPROVAL: {"addresses": "carl@elsewhere.example dora@elsewhere.example"},
    NoticeKind.ALERT: {"what": "Mail to gil@globex.example comes back."},
    NoticeKind.SLA_WARNING: {"stage": "first"},
    NoticeKind.SLA_BREACH: {"stage": "ongoing"},
    NoticeKind.ESCALATION: {"level": "2", "title": "Director", "by": ANN, "why": "Three days"},
    NoticeKind.RECEIPT: {"text": "Done:\n- status: resolved"},
}
CARRY_WORDS = (NoticeKind.COMMENT, NoticeKind.NEW_TICKET, NoticeKind.NEW_COMMENT)
NOT_ON_THE_TICKET = (NoticeKind.ESCALATION, NoticeKind.ACCOUNT_TEAM)


def about(**changes: Any) -> NoticeTicket:
    return replace(ABOUT, **changes)


def words(text: str = WORDS.text, **changes: Any) -> NoticeComment:
    return replace(WORDS, text=text, **changes)


def a_notice(kind: NoticeKind = NoticeKind.ACKNOWLEDGEMENT, **changes: Any) -> Notice:
    ticket = about(participant=None) if kind in NOT_ON_THE_TICKET else ABOUT
    ordinary = Notice(
        id=UUID(int=5),
        kind=kind,
        mailbox=MAILBOX,
        about=None if kind is NoticeKind.INVITATION else ticket,
        words=WORDS if kind in CARRY_WORDS else None,
        address=ANN,
        name="Ann",
        language="",
        detail=DETAILS.get(kind, {}),
        answers="<1@client.example>",
        created_at=NOON,
        attempts=1,
    )
    return replace(ordinary, **changes)


def read(outgoing: Outgoing) -> EmailMessage:
    parsed = email.message_from_bytes(outgoing.raw, policy=email_policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def written(
    kind: NoticeKind = NoticeKind.ACKNOWLEDGEMENT,
    policy: Policy | None = None,
    writer: Composer = WRITER,
    **changes: Any,
) -> EmailMessage:
    """The mail of a notice, as its recipient's client reads it."""
    return read(writer.write(a_notice(kind, **changes), policy or default_policy()))


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


TEATIME = datetime(2026, 11, 23, 16, tzinfo=UTC)
