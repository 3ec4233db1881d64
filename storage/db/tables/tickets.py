"""Tickets: participants, comments with their attachments, and the audit trail."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlmodel import Field

from rules.ticket.audit import AuditEvent
from rules.ticket.sources import CRITICAL_SOURCES as SOURCES
from rules.ticket.sources import REQUEST_SOURCES, Source
from storage.db.columns import counter, flag, foreign_key, id_, one_of, text, timestamp
from storage.db.tables.base import Row, index_where

CRITICAL_SOURCES = tuple(source.value for source in SOURCES)
"""The sources that may set a critical severity. Mail is not one; the database enforces it."""


WAITS = "waiting <> ''"
"""Tickets whose clock waits; a query must contain this exact condition."""
DUE = "due_at IS NOT NULL"
"""Tickets on which an answer is due; the same."""
ASSIGNED = "assignee <> '' AND deleted_at IS NULL"
"""Tickets that somebody works on; a query must contain both conditions."""
UNASSIGNED = "assignee = '' AND deleted_at IS NULL AND status <> 'resolved' AND status <> 'closed'"
"""Tickets that nobody works on and that are not over; the same."""
CLAIMED = "critical_claimed"
"""Tickets that are claimed as critical; the same."""


class TicketRow(Row):
    __tablename__ = "ticket"
    __table_args__ = (
        one_of("status", "open", "pending", "resolved", "closed"),
        one_of("severity_source", *REQUEST_SOURCES),
        # The third barrier: even if the code fails, no mail makes a ticket critical.
        CheckConstraint(
            f"NOT critical OR severity_source IN {CRITICAL_SOURCES!r}",
            name="mail_is_never_critical",
        ),
        Index("ix_ticket_mailbox_id_updated_at", "mailbox_id", "updated_at"),
        # The lists of a status, a company and a requester, in the order in which they are shown.
        Index("ix_ticket_status", "mailbox_id", "status", "updated_at"),
        Index("ix_ticket_company", "company_id", "updated_at"),
        Index("ix_ticket_requester", "requester", "updated_at"),
        # What waits for a desk or for one of its people.
        index_where(DUE, "ix_ticket_due_at", "mailbox_id", "due_at"),
        index_where(
            ASSIGNED, "ix_ticket_assignee", "mailbox_id", "assignee", "status", "updated_at"
        ),
        index_where(UNASSIGNED, "ix_ticket_unassigned", "mailbox_id", "status", "updated_at"),
        index_where(CLAIMED, "ix_ticket_claimed", "mailbox_id", "status", "updated_at"),
        # One follow-up to a closed ticket, even if several replies arrive at the same time.
        Index("uq_ticket_follows", "follows", unique=True),
        index_where(WAITS, "ix_ticket_waiting", "mailbox_id", "opened_at"),
        index_where("tell_at IS NOT NULL", "ix_ticket_tell_at", "tell_at"),
        index_where("snooze_until IS NOT NULL", "ix_ticket_snooze_until", "snooze_until"),
        index_where("split_from IS NOT NULL", "ix_ticket_split_from", "split_from"),
        {"sqlite_autoincrement": True},  # a number is never reused
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    subject: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(default="open", sa_column=Column(String(10), nullable=False))
    severity: str = Field(sa_column=Column(String(40), nullable=False))
    severity_source: str = Field(sa_column=Column(String(10), nullable=False))
    critical: bool = False
    severity_claimed: str | None = Field(default=None, sa_column=Column(String(40)))
    critical_claimed: bool = False
    requester: str = Field(sa_column=Column(String(254), nullable=False))
    company_id: int | None = foreign_key("company.id", nullable=True)
    mentions: int | None = foreign_key(nullable=True)
    opened_at: datetime = timestamp()
    updated_at: datetime = timestamp()
    message_id: str = text(252)
    """Of the mail that opened it: the root of the thread in every mail client."""
    status_at: datetime | None = timestamp(nullable=True)
    """When the status last changed; NULL while it is the first."""
    merged_into: int | None = foreign_key(nullable=True)
    follows: int | None = foreign_key(nullable=True)
    """The closed ticket that this one continues."""
    deleted_at: datetime | None = timestamp(nullable=True)
    """A tombstone: the number is never reused, and no mail restores the ticket."""
    assignee: str = text(254)
    tier: str = text(40)
    """The tier in force when the ticket was opened."""
    targets: str = text(default="{}")
    """JSON: what the contract then in force promised besides the tier."""
    fields: str = text(default="{}")
    """JSON: the values that the policy's patterns extracted from the text."""
    missing: str = text(default="[]")
    """JSON: names of the facts still missing from the request."""
    escalation_level: int = Field(default=0, sa_column=counter())
    first_due_at: datetime | None = timestamp(nullable=True)
    first_answered_at: datetime | None = timestamp(nullable=True)
    clock: str = text()
    """JSON: the current clock; empty where nothing is promised or the ticket is over."""
    due_at: datetime | None = timestamp(nullable=True)
    """When the next answer is due."""
    tell_at: datetime | None = timestamp(nullable=True)
    """When the next notification on the clock is due: the warning, then the breach."""
    waiting: str = text()
    """JSON: what the clock waits for; empty where it waits for nothing. At most one of `clock` and
    this is set."""
    calendar: str = text(40)
    """The calendar in force when the ticket was opened; empty for the policy's."""
    door: str = text(10)
    """The `Source` that opened it; empty in rows from before this was stored, for a mail."""
    escalated_at: datetime | None = timestamp(nullable=True)
    """When an escalation level was last reached, or asked again."""
    feedback_asked: bool = flag()
    """A request for feedback or a review was sent: there is one for each ticket."""
    rating: str = text(10)
    """The customer's feedback: `good` or `bad`; empty without."""
    version: int = Field(default=0, sa_column=counter())
    """Counts the transactions that have written on it; each names the version it was decided on."""
    snooze_until: datetime | None = timestamp(nullable=True)
    """Until when staff set it aside; NULL while nobody has."""
    split_from: int | None = foreign_key(nullable=True)
    """The ticket out of whose text this one was made."""


class TicketTagRow(Row):
    """A tag that staff gave to a ticket."""

    __tablename__ = "ticket_tag"
    __table_args__ = (Index("ix_ticket_tag_mailbox_id_tag", "mailbox_id", "tag", "ticket_id"),)
    mailbox_id: int = foreign_key()
    ticket_id: int = foreign_key("ticket.id", primary_key=True)
    tag: str = Field(sa_column=Column(String(40), primary_key=True))
    """In lower case and without a space, as it is shown and looked for."""


class RequestKeyRow(Row):
    """A request to open or to change a ticket, whose sender may repeat it: it is done once."""

    __tablename__ = "request_key"
    mailbox_id: int = foreign_key(primary_key=True)
    actor: str = Field(sa_column=Column(String(254), primary_key=True))
    key: str = Field(sa_column=Column(String(200), primary_key=True))
    digest: str = Field(sa_column=Column(String(64), nullable=False))
    """SHA-256 of the request: another one under the same key is refused."""
    ticket_id: int = foreign_key("ticket.id")
    effects: str = text(default="[]")
    """JSON: the sentences that report its changes."""
    made_at: datetime = timestamp(index=True)


PROPOSED = "presence = 'pending'"
"""People on whom nobody has decided yet; the same."""


class ParticipantRow(Row):
    __tablename__ = "participant"
    __table_args__ = (
        UniqueConstraint("ticket_id", "address"),
        Index("ix_participant_mailbox_id_address", "mailbox_id", "address"),
        index_where(PROPOSED, "ix_participant_proposed", "mailbox_id", "joined_at"),
        one_of("part", "requester", "user", "guest", "follower"),
        one_of("presence", "active", "pending", "removed"),
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    ticket_id: int = foreign_key("ticket.id")
    address: str = Field(sa_column=Column(String(254), nullable=False))
    person_id: int | None = foreign_key("person.id", nullable=True)
    part: str = Field(sa_column=Column(String(10), nullable=False))
    presence: str = Field(sa_column=Column(String(8), nullable=False))
    joined_at: datetime = timestamp()
    muted: bool = flag()
    """Unsubscribed: still on the ticket, but no longer notified."""
    language: str = text(8)
    """The language of the participant's mails; empty where it is not known."""


FLAGGED = "visibility = 'private'"
"""Comments that wait for staff; a query must contain this exact condition."""
FOLDED = "folded_as IS NOT NULL"
"""Folded comments that a person may have written; the same."""


class CommentRow(Row):
    __tablename__ = "comment"
    __table_args__ = (
        # Of the few that came by no mail, whose author's are counted.
        index_where(
            "journal_id IS NULL", "ix_comment_unmailed_author", "mailbox_id", "author", "written_at"
        ),
        index_where(FLAGGED, "ix_comment_flagged", "mailbox_id", "written_at"),
        index_where(FOLDED, "ix_comment_folded", "mailbox_id", "author", "written_at"),
        one_of("visibility", "public", "private", "note", "folded"),
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    ticket_id: int = foreign_key("ticket.id", index=True)
    journal_id: UUID | None = Field(default=None, sa_column=Column(Uuid(), nullable=True))
    """The mail that brought the comment; NULL where it came from the console or the API."""
    author: str = Field(sa_column=Column(String(254), nullable=False))
    proof: str = text(300)
    """How its author is proven, as `proof_of` words it, or the door that they wrote by; empty for
    comments of before this was stored."""
    visibility: str = Field(sa_column=Column(String(8), nullable=False))
    subject: str = text()
    """Of its mail, without our tags and marks of a reply; empty for a comment that came by no mail,
    and for those of before this was stored."""
    files_digest: str = text(64)
    """Of the raw mail with its files, where they were sent over the API; else empty."""
    text: str = Field(sa_column=Column(Text, nullable=False))
    degraded: str | None = Field(default=None, sa_column=Column(String(200)))
    """Why the body could not be read; the raw mail then remains to be looked at."""
    charset_guessed: bool = flag()
    """The mail named no usable character set: it was guessed, and the text may be wrong."""
    has_html: bool | None = Field(default=None, sa_column=Column(Boolean, nullable=True))
    """Whether its mail has HTML; NULL for comments of before this was stored."""
    written_at: datetime = timestamp()
    folded_as: str | None = Field(default=None, sa_column=Column(String(8)))
    """Of a folded comment that a person may have written: its visibility otherwise."""
    meant_as_note: bool = flag()
    """Of a flagged comment of staff: it was sent to their note address."""


class AttachmentRow(Row):
    """A pointer into the raw mail; the bytes are not stored a second time."""

    __tablename__ = "attachment"
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    comment_id: int = foreign_key("comment.id", index=True)
    part: str = Field(sa_column=Column(String(100), nullable=False))
    name: str = Field(sa_column=Column(String(255), nullable=False))
    content_type: str = Field(sa_column=Column(String(127), nullable=False))
    size_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    content_id: str = Field(sa_column=Column(String(252), nullable=False))
    inline: bool


class AuditRow(Row):
    """Who changed what on a ticket, and why; `AuditEvent` documents what each value holds."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_ticket_id", "ticket_id", "at"),
        one_of("source", *Source),
        one_of("event", *AuditEvent),
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    ticket_id: int = foreign_key("ticket.id")
    at: datetime = timestamp()
    actor: str = Field(sa_column=Column(String(254), nullable=False))
    source: str = Field(sa_column=Column(String(10), nullable=False))
    event: str = Field(sa_column=Column(String(20), nullable=False))
    subject: str = text()
    was: str = Field(sa_column=Column(Text, nullable=False))
    became: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    journal_id: UUID | None = Field(default=None, sa_column=Column(Uuid()))
