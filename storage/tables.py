"""The tables. Every row names its mailbox: that is the tenant, and the key to shard by.

Times are aware UTC datetimes. Enumerations are stored as their words, so that a person who reads
the database with `psql` or `sqlite3` needs no key to it.

The tables that grow with the mail carry `mailbox_id` without a foreign key: mailboxes are never
deleted, and a check for each row would lock the one mailbox row from every transaction at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel

CRITICAL_SOURCES = ("console", "api")
"""Where a critical severity may come from. Mail is not among them, and the database knows."""

Number = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in INTEGER columns, which hold 64 bits anyway."""


metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime; microseconds since 1970 on SQLite, which has no type for it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Integer())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value!r}")
        if dialect.name == "sqlite":
            return round((value - _EPOCH).total_seconds() * 1_000_000)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromtimestamp(value / 1_000_000, UTC)
        moment: datetime = value
        return moment.astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _key(table: str | None = None, **options: Any) -> Any:
    arguments = [ForeignKey(table)] if table else []
    nullable = options.pop("nullable", False)
    return Field(sa_column=Column(Number, *arguments, nullable=nullable, **options))


def _id() -> Any:
    return Field(default=None, sa_column=Column(Number, primary_key=True, autoincrement=True))


def _moment(nullable: bool = False, index: bool = False) -> Any:
    return Field(sa_column=Column(Moment(), nullable=nullable, index=index))


def _words(column: str, *words: str) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


class MailboxRow(SQLModel, table=True):
    __tablename__ = "mailbox"
    id: int | None = _id()
    address: str = Field(sa_column=Column(String(254), nullable=False, unique=True))
    policy: str = Field(sa_column=Column(String(40), nullable=False))
    active: bool = True


class SigningKeyRow(SQLModel, table=True):
    """What tokens and Message-IDs are signed with: one set for all nodes. The newest signs."""

    __tablename__ = "signing_key"
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _moment()


class CompanyRow(SQLModel, table=True):
    __tablename__ = "company"
    __table_args__ = (UniqueConstraint("mailbox_id", "name"),)
    id: int | None = _id()
    mailbox_id: int = _key("mailbox.id")
    name: str = Field(sa_column=Column(String(200), nullable=False))
    active: bool = True


class CompanyDomainRow(SQLModel, table=True):
    __tablename__ = "company_domain"
    mailbox_id: int = _key("mailbox.id", primary_key=True)
    domain: str = Field(sa_column=Column(String(253), primary_key=True))
    company_id: int = _key("company.id", index=True)


class PersonRow(SQLModel, table=True):
    """A registered person: a user of a company, or staff."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "address"),
        Index("ix_person_mailbox_id_domain", "mailbox_id", "domain"),
        _words("role", "user", "staff"),
        CheckConstraint("role = 'staff' OR company_id IS NOT NULL", name="user_has_a_company"),
    )
    id: int | None = _id()
    mailbox_id: int = _key("mailbox.id")
    address: str = Field(sa_column=Column(String(254), nullable=False))
    domain: str = Field(sa_column=Column(String(253), nullable=False))
    """Of the address: whether anybody of a domain is registered is asked for each mail."""
    name: str = Field(default="", sa_column=Column(String(200), nullable=False))
    role: str = Field(sa_column=Column(String(8), nullable=False))
    company_id: int | None = _key("company.id", nullable=True, index=True)
    active: bool = True
    machine: bool = False


class ApiTokenRow(SQLModel, table=True):
    """A bearer token by the SHA-256 of its text: the text itself is shown once and not kept."""

    __tablename__ = "api_token"
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    name: str = Field(sa_column=Column(String(80), nullable=False))
    scope: str = Field(sa_column=Column(String(40), nullable=False))
    created_at: datetime = _moment()


class TicketRow(SQLModel, table=True):
    __tablename__ = "ticket"
    __table_args__ = (
        _words("status", "open", "pending", "resolved", "closed"),
        _words("severity_source", "mail", "staff_mail", "console", "api"),
        # The third barrier: whatever the code does, no mail makes a ticket critical.
        CheckConstraint(
            f"NOT critical OR severity_source IN {CRITICAL_SOURCES!r}",
            name="mail_is_never_critical",
        ),
        Index("ix_ticket_mailbox_id_updated_at", "mailbox_id", "updated_at"),
        {"sqlite_autoincrement": True},  # a number is never given twice
    )
    id: int | None = _id()
    mailbox_id: int = _key()
    subject: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(default="open", sa_column=Column(String(10), nullable=False))
    severity: str = Field(sa_column=Column(String(40), nullable=False))
    severity_source: str = Field(sa_column=Column(String(10), nullable=False))
    critical: bool = False
    severity_claimed: str | None = Field(default=None, sa_column=Column(String(40)))
    critical_claimed: bool = False
    requester: str = Field(sa_column=Column(String(254), nullable=False))
    company_id: int | None = _key("company.id", nullable=True)
    mentions: int | None = _key(nullable=True)
    opened_at: datetime = _moment()
    updated_at: datetime = _moment()


class ParticipantRow(SQLModel, table=True):
    __tablename__ = "participant"
    __table_args__ = (
        UniqueConstraint("ticket_id", "address"),
        Index("ix_participant_mailbox_id_address", "mailbox_id", "address"),
        _words("part", "requester", "user", "guest", "follower"),
        _words("presence", "active", "pending", "removed"),
    )
    id: int | None = _id()
    mailbox_id: int = _key()
    ticket_id: int = _key("ticket.id")
    address: str = Field(sa_column=Column(String(254), nullable=False))
    person_id: int | None = _key("person.id", nullable=True)
    part: str = Field(sa_column=Column(String(10), nullable=False))
    presence: str = Field(sa_column=Column(String(8), nullable=False))
    joined_at: datetime = _moment()


class JournalRow(SQLModel, table=True):
    """One row for every mail offered after DATA, refused ones included; ids are UUIDv7."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_mailbox_id_message_id", "mailbox_id", "message_id"),
        Index("ix_journal_ticket_id", "ticket_id"),
    )
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    mailbox_id: int = _key()
    received_at: datetime = _moment(index=True)
    verdict: str = Field(sa_column=Column(String(10), nullable=False))
    reason: str = Field(sa_column=Column(String(40), nullable=False))
    ticket_id: int | None = _key(nullable=True)
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
        Index(
            "ix_mail_held",
            "mailbox_id",
            "journal_id",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        _words("state", "filed", "held", "discarded"),
    )
    mailbox_id: int = _key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    journal_id: UUID = Field(sa_column=Column(Uuid(), nullable=False, unique=True))
    message_id: str = Field(sa_column=Column(String(252), nullable=False))
    ticket_id: int | None = _key("ticket.id", nullable=True, index=True)
    answer: str = Field(sa_column=Column(String(500), nullable=False))
    state: str = Field(sa_column=Column(String(10), nullable=False))
    """`filed`; `held` in quarantine; `discarded` from it."""
    raw_digest: str = Field(sa_column=Column(String(64), nullable=False))


class DeferralRow(SQLModel, table=True):
    """A mail that was told to come again, and since when: patience is counted from there."""

    __tablename__ = "deferral"
    mailbox_id: int = _key(primary_key=True)
    identity: str = Field(sa_column=Column(String(64), primary_key=True))
    since: datetime = _moment(index=True)


class RawMailRow(SQLModel, table=True):
    """The bytes of a mail by their SHA-256, compressed: stored once, and the source of truth."""

    __tablename__ = "raw_mail"
    mailbox_id: int = _key(primary_key=True)
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    size_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    zstd: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CommentRow(SQLModel, table=True):
    __tablename__ = "comment"
    __table_args__ = (_words("visibility", "public", "private", "note", "folded"),)
    id: int | None = _id()
    mailbox_id: int = _key()
    ticket_id: int = _key("ticket.id", index=True)
    journal_id: UUID = Field(sa_column=Column(Uuid(), nullable=False))
    author: str = Field(sa_column=Column(String(254), nullable=False))
    visibility: str = Field(sa_column=Column(String(8), nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    degraded: str | None = Field(default=None, sa_column=Column(String(200)))
    """Why the body could not be read; the raw mail then speaks for itself."""
    written_at: datetime = _moment()


class AttachmentRow(SQLModel, table=True):
    """Points into the raw mail; the bytes are not stored a second time."""

    __tablename__ = "attachment"
    id: int | None = _id()
    mailbox_id: int = _key()
    comment_id: int = _key("comment.id", index=True)
    part: str = Field(sa_column=Column(String(100), nullable=False))
    name: str = Field(sa_column=Column(String(255), nullable=False))
    content_type: str = Field(sa_column=Column(String(127), nullable=False))
    size_bytes: int = Field(sa_column=Column(Integer, nullable=False))
    content_id: str = Field(sa_column=Column(String(252), nullable=False))
    inline: bool


class NoticeRow(SQLModel, table=True):
    """An outgoing mail, written in the transaction that causes it, sent later."""

    __tablename__ = "notice"
    __table_args__ = (
        _words("state", "due", "sent", "dead"),
        Index("ix_notice_state_due_at", "state", "due_at"),
        Index("ix_notice_mailbox_id_address_kind", "mailbox_id", "address", "kind", "created_at"),
    )
    id: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    mailbox_id: int = _key()
    ticket_id: int | None = _key("ticket.id", nullable=True, index=True)
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    participant_id: int | None = _key("participant.id", nullable=True)
    """Whose reply address it carries; none for an invitation, which is about no ticket."""
    address: str = Field(sa_column=Column(String(254), nullable=False))
    cause: UUID | None = Field(default=None, sa_column=Column(Uuid()))
    """The journal row of the mail that this answers; none where a web page asked for it."""
    state: str = Field(default="due", sa_column=Column(String(5), nullable=False))
    created_at: datetime = _moment()
    due_at: datetime = _moment()
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    last_error: str = Field(default="", sa_column=Column(Text, nullable=False))
    sent_at: datetime | None = _moment(nullable=True)


def table(row: type[SQLModel]) -> Table:
    """The Core table of a row class: the hot path builds its statements from it."""
    found = metadata.tables[str(row.__tablename__)]
    assert isinstance(found, Table)
    return found
