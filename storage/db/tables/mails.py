"""Received mail: the journal, mails by identity, threads, deferrals and the raw bytes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Text, Uuid
from sqlmodel import Field

from storage.db.columns import UtcTimestamp, counter, flag, foreign_key, one_of, text, timestamp
from storage.db.tables.base import Row, index_where

WITHOUT_COMMENT = "verdict NOT IN ('opened', 'commented')"
"""Journal rows to which no comment, and therefore no filed mail, leads: only these few need indexes
of their own. An index costs each mail one page anywhere in it, written twice. A query must contain
this exact condition, or it scans the table."""

TAKEN = "(verdict IN ('opened', 'commented', 'flagged') OR reason = 'unsubscribed')"
"""Journal rows of mails that count against the limits of their author. Anybody can have mails in
an author's name refused, and a refused mail must not cost that author's next one anything. A query
must contain this exact condition."""

WAITING_OR_REFUSED = "verdict IN ('held', 'refused')"
"""Journal rows by which a mail that is tried again is found; a query must contain this exact
condition."""

RECORDED = (
    "verdict = 'recorded' AND reason <> 'unsubscribed'"
    " AND (network = '' OR reason = 'automatic_folded')"
)
"""Journal rows of automatic mail whose author is proven: of registered people, and what is folded
since a person may have written it. What anybody can send in an author's name is not among them. A
query must contain this exact condition."""

COUNTED_BY_NETWORK = "network <> ''"
COUNTED_BY_PROVIDER = "provider <> ''"
"""Journal rows of mails that anybody could make us store; a query must contain this exact condition
too."""


UNREAD = "unread"
"""Journal rows of refusals that their senders did not see; a query must contain this exact
condition."""

HAS_CONTENT = "content <> ''"
"""Rows of mails whose other copies are recognised by their content; a query must contain it."""


class JournalRow(Row):
    """One row for every mail offered after DATA, refused ones included; ids are UUIDv7."""

    __tablename__ = "journal"
    __table_args__ = (
        # Each verdict and reason in the order of lists: new rows are always the last.
        Index("ix_journal_verdict", "verdict", "reason", "received_at"),
        index_where(
            WITHOUT_COMMENT, "ix_journal_uncommented_message_id", "mailbox_id", "message_id"
        ),
        index_where(WITHOUT_COMMENT, "ix_journal_uncommented_ticket_id", "ticket_id"),
        index_where(TAKEN, "ix_journal_taken_author", "mailbox_id", "author", "received_at"),
        index_where(WAITING_OR_REFUSED, "ix_journal_waiting_identity", "mailbox_id", "identity"),
        index_where(RECORDED, "ix_journal_recorded", "mailbox_id", "received_at", "author"),
        index_where(
            COUNTED_BY_NETWORK, "ix_journal_network", "network", "received_at", "kept_bytes"
        ),
        index_where(COUNTED_BY_PROVIDER, "ix_journal_provider", "provider", "received_at"),
        index_where(UNREAD, "ix_journal_unread", "mailbox_id", "received_at"),
    )
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    mailbox_id: int = foreign_key()
    received_at: datetime = timestamp(index=True)
    """When the mail was decided: on its arrival, or on its release."""
    verdict: str = Field(sa_column=Column(String(10), nullable=False))
    reason: str = Field(sa_column=Column(String(40), nullable=False))
    ticket_id: int | None = foreign_key(nullable=True)
    peer: str = Field(sa_column=Column(String(45), nullable=False))
    helo: str = Field(sa_column=Column(String(255), nullable=False))
    mail_from: str = Field(sa_column=Column(String(320), nullable=False))
    rcpt_tos: str = Field(sa_column=Column(Text, nullable=False))
    author: str = Field(sa_column=Column(String(254), nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    message_id: str = Field(sa_column=Column(String(252), nullable=False))
    identity: str = Field(sa_column=Column(String(64), nullable=False))
    size_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    reply: str = Field(sa_column=Column(String(500), nullable=False))
    trace: str = Field(sa_column=Column(Text, nullable=False))
    """JSON: a list of [check, saw, outcome]."""
    authentication: str = Field(sa_column=Column(Text, nullable=False))
    """JSON: the verdict on the sender with the evidence for it."""
    network: str = text(43)
    """The client's network, if the mail was stored and anybody could have sent it; else empty."""
    provider: str = text(43)
    """The IPv6 /32 around that network; empty for any other."""
    kept_bytes: int = Field(default=0, sa_column=counter())
    """So many octets of raw mail were stored with this row."""
    unread: bool = flag()
    """It was refused, and its sender did not see that, since another mailbox took the mail."""


class MailRow(Row):
    """A mail that we answered with 250, by its identity: a repeat is recognised by it, or by one
    of `mail_identity`, until the mail is forgotten."""

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_message_id", "mailbox_id", "message_id", "ticket_id", "author"),
        index_where("state = 'held'", "ix_mail_held", "mailbox_id", "journal_id"),
        index_where(HAS_CONTENT, "uq_mail_content", "mailbox_id", "content", unique=True),
        one_of("state", "filed", "held", "discarded"),
    )
    mailbox_id: int = foreign_key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    journal_id: UUID = Field(sa_column=Column(Uuid(), nullable=False, unique=True))
    message_id: str = Field(sa_column=Column(String(252), nullable=False))
    ticket_id: int | None = foreign_key("ticket.id", nullable=True)
    """Not indexed: the mails of a ticket are found by its comments, which name the journal row."""
    answer: str = Field(sa_column=Column(String(500), nullable=False))
    state: str = Field(sa_column=Column(String(10), nullable=False))
    """`filed`; `held` in quarantine; `discarded` from it."""
    raw_digest: str = Field(sa_column=Column(String(64), nullable=False))
    """Empty once the raw mail was freed: it was discarded, or its time is over."""
    author: str = text(254)
    """Who brought its Message-ID to the ticket; empty where an id of others led it there."""
    content: str = text(64)
    """What a copy by another route has in common with it; empty for a lesser copy, see
    `rules.sender.signature_scope`."""


class MailIdentityRow(Row):
    """A further identity of a mail: what one of its signatures covers. No two mails share one."""

    __tablename__ = "mail_identity"
    __table_args__ = (
        ForeignKeyConstraint(
            ["mailbox_id", "mail"], ["mail.mailbox_id", "mail.identity"], ondelete="CASCADE"
        ),
        Index("ix_mail_identity_mail", "mailbox_id", "mail"),
    )
    mailbox_id: int = foreign_key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    mail: str = Field(sa_column=Column(String(64), nullable=False))
    """The identity of its row in `mail`."""


class ThreadReferenceRow(Row):
    """A Message-ID that a ticket's mail references, but that we have not received."""

    __tablename__ = "thread_reference"
    mailbox_id: int = foreign_key(primary_key=True)
    message_id: str = Field(sa_column=Column(String(252), primary_key=True))
    ticket_id: int = foreign_key("ticket.id", primary_key=True)
    author: str = text(254)
    """Of the ticket's mail."""


class DeferralRow(Row):
    """A mail that was answered with "try again", and since when; the patience counts from then."""

    __tablename__ = "deferral"
    mailbox_id: int = foreign_key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    since: datetime = timestamp(index=True)


class RefusalsRow(Row):
    """Mails of which nothing is kept, from one client network within one hour. Beyond its quota a
    network has them counted here, in place of a row in the journal for each."""

    __tablename__ = "refusals"
    network: str = Field(sa_column=Column(String(43), primary_key=True))
    hour: datetime = Field(sa_column=Column(UtcTimestamp(), primary_key=True))
    """Its beginning."""
    journaled: int = Field(default=0, sa_column=counter())
    """With a row of their own."""
    counted: int = Field(default=0, sa_column=counter())
    """Without one."""


class RawMailRow(Row):
    """The bytes of a mail by their SHA-256, compressed: stored once, and the source of truth."""

    __tablename__ = "raw_mail"
    mailbox_id: int = foreign_key(primary_key=True)
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    size_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    zstd: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    refs: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    """So many mails have these bytes; the row is deleted with the last of them."""
