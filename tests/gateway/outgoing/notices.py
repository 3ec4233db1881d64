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
from rules.sentence import sentence
from rules.ticket.desk import DigestLine, DigestTotal
from rules.ticket.notice_payloads import Payload
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import (
    AlertPayload,
    ApprovalPayload,
    AssignmentPayload,
    CompletedPayload,
    ConsoleLoginPayload,
    DigestPayload,
    EscalationPayload,
    KeptPayload,
    MorePayload,
    MyDigestPayload,
    NewLogin,
    QuestionsPayload,
    ReceiptPayload,
    SlaPayload,
    StatusPayload,
)
from rules.ticket.sla import Stage
from rules.ticket.visibility import Visibility
from storage.notices.comments import NoticeComment
from storage.notices.outbox import Notice, NoticeTicket
from tests.rules.building import KEYS, MAILBOX, NOON, default_policy

LINKS_BEGIN = "https://postern.example"
COMPOSER = Composer(KEYS, LINKS_BEGIN)
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
COMMENT = NoticeComment(
    author="bob@acme.example",
    name="Bob",
    by_staff=False,
    visibility=Visibility.PUBLIC,
    text="It prints again.",
    degraded=False,
    attachments=(),
    at=NOON,
)
PAYLOADS: dict[NoticeKind, Payload] = {
    NoticeKind.STATUS: StatusPayload("status", "open", "resolved", why="It prints."),
    NoticeKind.APPROVAL: ApprovalPayload(("carl@elsewhere.example", "dora@elsewhere.example")),
    NoticeKind.ALERT: AlertPayload("Mail to gil@globex.example comes back."),
    NoticeKind.ASSIGNMENT: AssignmentPayload("Tina Team", "Sam Support", yours=True),
    NoticeKind.SLA_WARNING: SlaPayload(Stage.FIRST),
    NoticeKind.SLA_BREACH: SlaPayload(Stage.ONGOING),
    NoticeKind.ESCALATION: EscalationPayload(2, "Director", by=ANN, why="Three days"),
    NoticeKind.DIGEST: DigestPayload(
        (
            DigestLine(
                "held",
                item=str(UUID(int=9)),
                sender="new@acme.example",
                subject="The printer is on fire",
                reason="not_enrolled",
                since="2026-11-23T12:00:00+00:00",
                until="2026-12-07T12:00:00+00:00",
            ),
            DigestLine(
                "dead", sender=ANN, subject="550 no such user", reason="comment", ticket="7"
            ),
            DigestLine("suspended", sender=ANN, subject="550 no such user", ticket="7,8"),
            DigestLine(
                "withheld", sender=ANN, reason="3", since="2026-11-23T12:00:00+00:00", ticket="7"
            ),
            DigestLine(
                "refused",
                item=str(UUID(int=10)),
                sender=ANN,
                subject="Printer",
                reason="portal_only",
                since="2026-11-23T12:00:00+00:00",
            ),
            DigestLine("full", sender=ANN, reason="50"),
            DigestLine("invited", sender="old@acme.example", since="2026-11-20T12:00:00+00:00"),
        ),
        more=3,
        totals=(DigestTotal("held", "4", "2026-11-23T12:00:00+00:00"), DigestTotal("flagged", "2")),
    ),
    NoticeKind.CONSOLE_LOGIN: ConsoleLoginPayload(
        NewLogin.ACCOUNT, "https://id.help.example", "192.0.2.0/24"
    ),
    NoticeKind.MY_DIGEST: MyDigestPayload((sentence("Nothing waits for you."),)),
    NoticeKind.KEPT: KeptPayload("Printer"),
    NoticeKind.MORE: MorePayload("2026-11-23T11:05:00+00:00"),
    NoticeKind.STAFF_MORE: MorePayload("2026-11-23T11:05:00+00:00"),
    NoticeKind.MANAGER_MORE: MorePayload("2026-11-23T11:05:00+00:00"),
    NoticeKind.QUESTIONS: QuestionsPayload(("Where does it run?",), "2026-11-23T16:00:00+00:00"),
    NoticeKind.COMPLETED: CompletedPayload(("environment",)),
    NoticeKind.RECEIPT: ReceiptPayload(text="Done:\n- status: resolved"),
}
ABOUT_NO_TICKET = (
    NoticeKind.INVITATION,
    NoticeKind.DIGEST,
    NoticeKind.MY_DIGEST,
    NoticeKind.KEPT,
    NoticeKind.EMPTY_DESK,
)
CARRY_A_COMMENT = (
    NoticeKind.COMMENT,
    NoticeKind.NEW_TICKET,
    NoticeKind.NEW_COMMENT,
    NoticeKind.NEXT_STEPS,
)
NOT_ON_THE_TICKET = (
    NoticeKind.ESCALATION,
    NoticeKind.ACCOUNT_TEAM,
    NoticeKind.NEXT_STEPS,
    NoticeKind.MANAGER_MORE,
)


def about(**changes: Any) -> NoticeTicket:
    return replace(ABOUT, **changes)


def a_comment(text: str = COMMENT.text, **changes: Any) -> NoticeComment:
    return replace(COMMENT, text=text, **changes)


def a_notice(kind: NoticeKind = NoticeKind.ACKNOWLEDGEMENT, **changes: Any) -> Notice:
    ticket = about(participant=None) if kind in NOT_ON_THE_TICKET else ABOUT
    ordinary = Notice(
        id=UUID(int=5),
        kind=kind,
        mailbox=MAILBOX,
        about=None if kind in ABOUT_NO_TICKET else ticket,
        comment=COMMENT if kind in CARRY_A_COMMENT else None,
        address=ANN,
        name="Ann",
        language="",
        payload=PAYLOADS.get(kind, kind.traits.payload()),
        answers="<1@client.example>",
        created_at=NOON,
        attempts=1,
        person=3,
    )
    return replace(ordinary, **changes)


def read(outgoing: Outgoing) -> EmailMessage:
    parsed = email.message_from_bytes(outgoing.raw, policy=email_policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def written(
    kind: NoticeKind = NoticeKind.ACKNOWLEDGEMENT,
    policy: Policy | None = None,
    composer: Composer = COMPOSER,
    **changes: Any,
) -> EmailMessage:
    """The mail of a notice, as its recipient's client reads it."""
    return read(composer.write(a_notice(kind, **changes), policy or default_policy()))


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


TEATIME = datetime(2026, 11, 23, 16, tzinfo=UTC)
