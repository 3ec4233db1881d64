"""Outgoing mail: notices, and the addresses that mail returned from."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Integer, String, Text, Uuid
from sqlmodel import Field

from rules.ticket.notices import NoticeKind
from storage.db.columns import counter, flag, foreign_key, one_of, text, timestamp
from storage.db.tables.base import Row, index_where

FROM_INSIDE, FROM_OUTSIDE = "inside", "outside"
"""Of the alert of a reply that claims to be critical: whether its author is on the ticket."""


DEAD = "state NOT IN ('due', 'sent')"
"""Mails that are tried no more; a query must contain this exact condition. An equality would have
SQLite take the index of states, which has another order."""

_URGENT_KINDS = ", ".join(sorted(f"'{kind}'" for kind in NoticeKind if kind.traits.urgent))
URGENT = f"state = 'due' AND kind IN ({_URGENT_KINDS})"
"""Mails that are sent before all others; a query must contain this exact condition."""


class NoticeRow(Row):
    """An outgoing mail, written in the transaction that causes it and sent later."""

    __tablename__ = "notice"
    __table_args__ = (
        one_of("state", "due", "sent", "dead"),
        Index("ix_notice_state_due_at", "state", "due_at"),
        Index("ix_notice_created_at", "created_at"),
        index_where(DEAD, "ix_notice_dead", "created_at"),
        index_where(URGENT, "ix_notice_urgent", "due_at"),
        Index("ix_notice_ticket_id_created_at", "ticket_id", "created_at"),
        Index("ix_notice_mailbox_id_address_kind", "mailbox_id", "address", "kind", "created_at"),
        index_where("claimed_by IS NOT NULL", "ix_notice_claimed_by", "claimed_by"),
        index_where("cause IS NOT NULL", "ix_notice_cause", "cause"),
    )
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    mailbox_id: int = foreign_key()
    ticket_id: int | None = foreign_key("ticket.id", nullable=True)
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    comment_id: int | None = foreign_key(nullable=True)
    """The comment that it carries."""
    detail: str = text(default="{}")
    """JSON: further text that the template needs."""
    language: str = text(8)
    address: str = Field(sa_column=Column(String(254), nullable=False))
    cause: UUID | None = Field(default=None, sa_column=Column(Uuid()))
    """The journal row of the mail that this answers; NULL where no mail caused it."""
    source: str = text(10)
    """The door of the change that caused it, as the audit trail has it; empty for rows of before
    this was stored."""
    actor: str = text(254)
    """Who made that change: the same as in its audit event; empty for the system itself."""
    state: str = Field(default="due", sa_column=Column(String(5), nullable=False))
    created_at: datetime = timestamp()
    """When it was ordered, or is to be sent if that is later: what budgets count from."""
    due_at: datetime = timestamp()
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    last_error: str = Field(default="", sa_column=Column(Text, nullable=False))
    sent_at: datetime | None = timestamp(nullable=True)
    claim: str = text(7)
    """`FROM_INSIDE` or `FROM_OUTSIDE`; empty for every other mail."""
    claimed_by: UUID | None = Field(default=None, sa_column=Column(Uuid(), nullable=True))
    """The node that sends it now; NULL while anybody may claim it."""


class NodeRow(Row):
    """A running server that has claimed notices: the others see by it whether it lives."""

    __tablename__ = "node"
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    beats: int = Field(sa_column=counter())
    """Raised every few seconds while the node holds claims."""


class BouncedRow(Row):
    """An address that our mail bounced from; suspended ones receive no more mail."""

    __tablename__ = "bounced"
    mailbox_id: int = foreign_key(primary_key=True)
    address: str = Field(sa_column=Column(String(254), primary_key=True))
    hard: int = Field(sa_column=counter())
    last_at: datetime = timestamp()
    why: str = Field(sa_column=Column(Text, nullable=False))
    suspended_at: datetime | None = timestamp(nullable=True)


class RelayRefusalRow(Row):
    """A mail whose recipient the relay has refused for good, though it may be tried again."""

    __tablename__ = "relay_refusal"
    notice_id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    """That of no notice while the relay is down, for everybody."""
    address: str = Field(sa_column=Column(String(254), nullable=False))
    at: datetime = timestamp()
    """The first time."""
    why: str = Field(sa_column=Column(Text, nullable=False))
    given_up: bool = flag()
    """Nothing blamed the relay yet."""
    counted: bool = flag()
    """It was counted against the address."""
    accepted_since: bool = flag()
    """The relay has accepted another mail since, and this one is still to be tried."""
