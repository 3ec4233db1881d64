"""The received mails that queues have: what is held, folded, or waits to be published."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, literal, select, text

from rules.decision.reasons import Reason
from rules.service.digests import FOLDED_FOR, REFUSED_FOR
from rules.ticket.desk import Queue
from rules.ticket.lifecycle import Status
from storage.db.tables import (
    FLAGGED,
    FOLDED,
    UNREAD,
    CommentRow,
    JournalRow,
    MailRow,
    TicketRow,
    table,
)
from storage.desk.announced import is_announced, still_waits
from storage.mail.quarantine import OF_STRANGERS

_mail, _journal = table(MailRow), table(JournalRow)
_comment, _ticket = table(CommentRow), table(TicketRow)

Entries = Select[Any]

_LINE = (
    _journal.c.id.label("item"),
    _journal.c.received_at.label("at"),
    _journal.c.author.label("sender"),
    _journal.c.subject.label("subject"),
    _journal.c.reason.label("reason"),
    literal("").label("ticket"),
)
"""What a digest says of a mail that is on no ticket."""


def held_entries(mailboxes: Collection[int]) -> Entries:
    """The held mails that digests name: those of proven senders first."""
    return every_held(mailboxes).where(_journal.c.reason.not_in(OF_STRANGERS))


def of_strangers(mailboxes: Collection[int]) -> Entries:
    return every_held(mailboxes).where(_journal.c.reason.in_(OF_STRANGERS))


def every_held(mailboxes: Collection[int]) -> Entries:
    """Those that digests name, and those of strangers."""
    return (
        select(
            _mail.c.mailbox_id,
            case((_journal.c.network != "", 1), else_=0).label("by_anybody"),
            *_LINE,
        )
        .join_from(_mail, _journal, _mail.c.journal_id == _journal.c.id)
        .where(_mail.c.mailbox_id.in_(sorted(mailboxes)), _mail.c.state == "held")
    )


def refused_entries(mailboxes: Collection[int], now: datetime) -> Entries:
    """The mails that were refused in a reply that their senders did not see. Nobody but people who
    are known there can cause one, and a repeat causes no second one."""
    return select(_journal.c.mailbox_id, literal(0).label("by_anybody"), *_LINE).where(
        _journal.c.mailbox_id.in_(sorted(mailboxes)),
        text(f"journal.{UNREAD}"),  # exactly the condition of the index
        still_waits(
            _journal.c.received_at,
            REFUSED_FOR,
            now,
            is_announced(_journal.c.mailbox_id, Queue.REFUSED, _journal.c.id),
        ),
    )


def flagged_entries(mailboxes: Collection[int]) -> Entries:
    """The comments that wait for staff."""
    return (
        select(_comment.c.mailbox_id, _comment.c.written_at.label("at"))
        .join_from(_comment, _ticket, _comment.c.ticket_id == _ticket.c.id)
        .where(
            _comment.c.mailbox_id.in_(sorted(mailboxes)),
            text(f"comment.{FLAGGED}"),  # exactly the condition of the index
            _ticket.c.status != Status.CLOSED.value,
            _ticket.c.deleted_at.is_(None),
        )
    )


def folded_entries(mailboxes: Collection[int], now: datetime) -> Entries:
    """The folded mails that digests name, on closed tickets too: there nothing else says it."""
    return (
        select(
            _comment.c.mailbox_id,
            _comment.c.journal_id.label("item"),
            _comment.c.written_at.label("at"),
            literal(0).label("by_anybody"),
            _comment.c.author.label("sender"),
            _comment.c.subject.label("subject"),
            literal(Reason.AUTOMATIC_FOLDED.value).label("reason"),
            _comment.c.ticket_id.label("ticket"),
        )
        .join_from(_comment, _ticket, _comment.c.ticket_id == _ticket.c.id)
        .where(
            _comment.c.mailbox_id.in_(sorted(mailboxes)),
            text(f"comment.{FOLDED}"),  # exactly the condition of the index
            still_waits(
                _comment.c.written_at,
                FOLDED_FOR,
                now,
                is_announced(_comment.c.mailbox_id, Queue.FOLDED, _comment.c.journal_id),
            ),
            _ticket.c.deleted_at.is_(None),
        )
    )
