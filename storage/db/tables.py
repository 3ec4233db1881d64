"""The tables. Every row names its mailbox: that is the tenant, and the key to shard by.

Times are aware UTC datetimes. Enumerations are stored as their words, so that a person who reads
the database with `psql` or `sqlite3` needs no key to it.

The tables that grow with the mail carry `mailbox_id` without a foreign key: mailboxes are never
deleted, and a check for each row would lock the one mailbox row from every transaction at once.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import (
    text as sql_text,
)
from sqlmodel import Field, SQLModel

from storage.db.columns import counter, flag, foreign_key, id_, one_of, text, timestamp

CRITICAL_SOURCES = ("console", "api")
"""Where a critical severity may come from. Mail is not among them, and the database knows."""

LEFT_NO_COMMENT = "verdict NOT IN ('opened', 'commented')"
"""Rows of the journal that no comment, and so no filed mail either, leads to: the few that need an
index of their own. An index costs each mail a page anywhere in it, written twice. A query has to
say this in the same words, or it scans."""

metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def _index_where(condition: str, name: str, *columns: str) -> Index:
    """An index of the rows that meet a condition: the others cost it nothing."""
    where = sql_text(condition)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class MailboxRow(SQLModel, table=True):
    __tablename__ = "mailbox"
    id: int | None = id_()
    address: str = Field(sa_column=Column(String(254), nullable=False, unique=True))
    policy: str = Field(sa_column=Column(String(40), nullable=False))
    active: bool = True


class SigningKeyRow(SQLModel, table=True):
    """What tokens and Message-IDs are signed with: one set for all nodes. The newest signs."""

    __tablename__ = "signing_key"
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = timestamp()


class CompanyRow(SQLModel, table=True):
    __tablename__ = "company"
    __table_args__ = (UniqueConstraint("mailbox_id", "name"),)
    id: int | None = id_()
    mailbox_id: int = foreign_key("mailbox.id")
    name: str = Field(sa_column=Column(String(200), nullable=False))
    active: bool = True
    account_team: str = text()
    """Addresses, with spaces between: told of new tickets where the policy says so."""
    success_manager: str = text(254)
    channel: str = text(200)
    """The way of contact that the company prefers, in its own words."""


class ContractRow(SQLModel, table=True):
    """A company's tier from a moment on, until the next contract starts."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("company_id", "starts_at"),)
    id: int | None = id_()
    mailbox_id: int = foreign_key("mailbox.id")
    company_id: int = foreign_key("company.id")
    tier: str = Field(sa_column=Column(String(40), nullable=False))
    starts_at: datetime = timestamp()
    targets: str = text(default="{}")
    """JSON: `{"first": {level: span}, "ongoing": {...}}`, agreed beside the tier's own."""


class CompanyDomainRow(SQLModel, table=True):
    __tablename__ = "company_domain"
    mailbox_id: int = foreign_key("mailbox.id", primary_key=True)
    domain: str = Field(sa_column=Column(String(253), primary_key=True))
    company_id: int = foreign_key("company.id", index=True)


class PersonRow(SQLModel, table=True):
    """A registered person: a user of a company, or staff."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "address"),
        Index("ix_person_mailbox_id_domain", "mailbox_id", "domain"),
        _index_where("role = 'staff'", "ix_person_staff", "mailbox_id"),
        one_of("role", "user", "staff"),
        CheckConstraint("role = 'staff' OR company_id IS NOT NULL", name="user_has_a_company"),
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key("mailbox.id")
    address: str = Field(sa_column=Column(String(254), nullable=False))
    domain: str = Field(sa_column=Column(String(253), nullable=False))
    """Of the address: whether anybody of a domain is registered is asked for each mail."""
    name: str = Field(default="", sa_column=Column(String(200), nullable=False))
    role: str = Field(sa_column=Column(String(8), nullable=False))
    company_id: int | None = foreign_key("company.id", nullable=True, index=True)
    active: bool = True
    machine: bool = False
    language: str = text(8)
    """Of the notices that this person gets; empty for the policy's."""


class ApiTokenRow(SQLModel, table=True):
    """A bearer token by the SHA-256 of its text: the text itself is shown once and not kept."""

    __tablename__ = "api_token"
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    name: str = Field(sa_column=Column(String(80), nullable=False))
    scope: str = Field(sa_column=Column(String(40), nullable=False))
    created_at: datetime = timestamp()


class TicketRow(SQLModel, table=True):
    __tablename__ = "ticket"
    __table_args__ = (
        one_of("status", "open", "pending", "resolved", "closed"),
        one_of("severity_source", "mail", "staff_mail", "console", "api"),
        # The third barrier: whatever the code does, no mail makes a ticket critical.
        CheckConstraint(
            f"NOT critical OR severity_source IN {CRITICAL_SOURCES!r}",
            name="mail_is_never_critical",
        ),
        Index("ix_ticket_mailbox_id_updated_at", "mailbox_id", "updated_at"),
        Index("ix_ticket_company_id", "company_id"),
        # One follow-up to a closed ticket, however many replies arrive at the same moment.
        Index("uq_ticket_follows", "follows", unique=True),
        _index_where("tell_at IS NOT NULL", "ix_ticket_tell_at", "tell_at"),
        {"sqlite_autoincrement": True},  # a number is never given twice
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
    """Of the mail that opened it: what every client's thread of it begins with."""
    status_at: datetime | None = timestamp(nullable=True)
    """When the status last changed; none while it is the first."""
    merged_into: int | None = foreign_key(nullable=True)
    follows: int | None = foreign_key(nullable=True)
    """The closed ticket that this one goes on from."""
    deleted_at: datetime | None = timestamp(nullable=True)
    """A tombstone: its number is never given again, and no mail brings it back."""
    assignee: str = text(254)
    tier: str = text(40)
    """In force when the ticket arrived."""
    targets: str = text(default="{}")
    """JSON: what the contract in force then promised beside the tier."""
    fields: str = text(default="{}")
    """JSON: what the policy's patterns lifted out of the words."""
    missing: str = text(default="[]")
    """JSON: names of the facts that the request still lacks."""
    escalation_level: int = Field(default=0, sa_column=counter())
    first_due_at: datetime | None = timestamp(nullable=True)
    first_answered_at: datetime | None = timestamp(nullable=True)
    clock: str = text()
    """JSON: the running clock; empty where nothing is promised, or all is done."""
    due_at: datetime | None = timestamp(nullable=True)
    """When the next answer is due."""
    tell_at: datetime | None = timestamp(nullable=True)
    """When the next word on the clock is due: the warning, then the breach."""
    rating: str = text(10)
    """What the customer said of the help he got: `good` or `bad`."""


class ParticipantRow(SQLModel, table=True):
    __tablename__ = "participant"
    __table_args__ = (
        UniqueConstraint("ticket_id", "address"),
        Index("ix_participant_mailbox_id_address", "mailbox_id", "address"),
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
    """Unsubscribed: still on the ticket, but written to no more."""
    language: str = text(8)
    """That he was seen to write in; empty where nothing told."""


class JournalRow(SQLModel, table=True):
    """One row for every mail offered after DATA, refused ones included; ids are UUIDv7."""

    __tablename__ = "journal"
    __table_args__ = (
        _index_where(
            LEFT_NO_COMMENT, "ix_journal_uncommented_message_id", "mailbox_id", "message_id"
        ),
        _index_where(LEFT_NO_COMMENT, "ix_journal_uncommented_ticket_id", "ticket_id"),
        Index("ix_journal_mailbox_id_author", "mailbox_id", "author", "received_at"),
    )
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    mailbox_id: int = foreign_key()
    received_at: datetime = timestamp(index=True)
    """When the mail was decided: as it came, or as it was released."""
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


class MailRow(SQLModel, table=True):
    """A mail that we answered with 250, by its identity: what makes a repeat a repeat."""

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_mailbox_id_message_id", "mailbox_id", "message_id"),
        _index_where("state = 'held'", "ix_mail_held", "mailbox_id", "journal_id"),
        one_of("state", "filed", "held", "discarded"),
    )
    mailbox_id: int = foreign_key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    journal_id: UUID = Field(sa_column=Column(Uuid(), nullable=False, unique=True))
    message_id: str = Field(sa_column=Column(String(252), nullable=False))
    ticket_id: int | None = foreign_key("ticket.id", nullable=True)
    """Without an index: who comes from a ticket goes by its comments, which name the journal."""
    answer: str = Field(sa_column=Column(String(500), nullable=False))
    state: str = Field(sa_column=Column(String(10), nullable=False))
    """`filed`; `held` in quarantine; `discarded` from it."""
    raw_digest: str = Field(sa_column=Column(String(64), nullable=False))


class ThreadReferenceRow(SQLModel, table=True):
    """A Message-ID that a ticket's mail names as its ancestor, but which we have not received."""

    __tablename__ = "thread_reference"
    mailbox_id: int = foreign_key(primary_key=True)
    message_id: str = Field(sa_column=Column(String(252), primary_key=True))
    ticket_id: int = foreign_key("ticket.id", primary_key=True)


class DeferralRow(SQLModel, table=True):
    """A mail that was told to come again, and since when: patience is counted from there."""

    __tablename__ = "deferral"
    mailbox_id: int = foreign_key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    since: datetime = timestamp(index=True)


class RawMailRow(SQLModel, table=True):
    """The bytes of a mail by their SHA-256, compressed: stored once, and the source of truth."""

    __tablename__ = "raw_mail"
    mailbox_id: int = foreign_key(primary_key=True)
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    size_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    zstd: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CommentRow(SQLModel, table=True):
    __tablename__ = "comment"
    __table_args__ = (one_of("visibility", "public", "private", "note", "folded"),)
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    ticket_id: int = foreign_key("ticket.id", index=True)
    journal_id: UUID | None = Field(default=None, sa_column=Column(Uuid(), nullable=True))
    """The mail that it came by; none where it was written in the console or over the API."""
    author: str = Field(sa_column=Column(String(254), nullable=False))
    visibility: str = Field(sa_column=Column(String(8), nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    degraded: str | None = Field(default=None, sa_column=Column(String(200)))
    """Why the body could not be read; the raw mail then speaks for itself."""
    charset_guessed: bool = flag()
    """Nothing said in which character set the text was, and some of it may be wrong."""
    written_at: datetime = timestamp()


class AttachmentRow(SQLModel, table=True):
    """Points into the raw mail; the bytes are not stored a second time."""

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


class AuditRow(SQLModel, table=True):
    """Who changed what on a ticket, from what to what, and why."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_ticket_id", "ticket_id", "at"),
        one_of("source", "mail", "staff_mail", "console", "api", "web", "system"),
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key()
    ticket_id: int = foreign_key("ticket.id")
    at: datetime = timestamp()
    actor: str = Field(sa_column=Column(String(254), nullable=False))
    source: str = Field(sa_column=Column(String(10), nullable=False))
    what: str = Field(sa_column=Column(String(20), nullable=False))
    was: str = Field(sa_column=Column(Text, nullable=False))
    became: str = Field(sa_column=Column(Text, nullable=False))
    why: str = Field(sa_column=Column(Text, nullable=False))
    journal_id: UUID | None = Field(default=None, sa_column=Column(Uuid()))


class BouncedRow(SQLModel, table=True):
    """An address that mail of ours came back from; suspended ones are written to no more."""

    __tablename__ = "bounced"
    mailbox_id: int = foreign_key(primary_key=True)
    address: str = Field(sa_column=Column(String(254), primary_key=True))
    hard: int = Field(sa_column=counter())
    last_at: datetime = timestamp()
    why: str = Field(sa_column=Column(Text, nullable=False))
    suspended_at: datetime | None = timestamp(nullable=True)


class NoticeRow(SQLModel, table=True):
    """An outgoing mail, written in the transaction that causes it, sent later."""

    __tablename__ = "notice"
    __table_args__ = (
        one_of("state", "due", "sent", "dead"),
        Index("ix_notice_state_due_at", "state", "due_at"),
        Index("ix_notice_ticket_id_created_at", "ticket_id", "created_at"),
        Index("ix_notice_mailbox_id_address_kind", "mailbox_id", "address", "kind", "created_at"),
    )
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    mailbox_id: int = foreign_key()
    ticket_id: int | None = foreign_key("ticket.id", nullable=True)
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    comment_id: int | None = foreign_key(nullable=True)
    """The words that it carries."""
    detail: str = text(default="{}")
    """JSON: what else the template needs, as text."""
    language: str = text(8)
    address: str = Field(sa_column=Column(String(254), nullable=False))
    cause: UUID | None = Field(default=None, sa_column=Column(Uuid()))
    """The journal row of the mail that this answers; none where a web page asked for it."""
    state: str = Field(default="due", sa_column=Column(String(5), nullable=False))
    created_at: datetime = timestamp()
    due_at: datetime = timestamp()
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    last_error: str = Field(default="", sa_column=Column(Text, nullable=False))
    sent_at: datetime | None = timestamp(nullable=True)


def table(row: type[SQLModel]) -> Table:
    """The Core table of a row class: the hot path builds its statements from it."""
    found = metadata.tables[str(row.__tablename__)]
    assert isinstance(found, Table)
    return found
