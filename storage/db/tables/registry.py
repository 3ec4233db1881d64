"""The registry: mailboxes with their signing keys, companies, people and API tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field

from storage.db.columns import foreign_key, id_, one_of, text, timestamp
from storage.db.tables.base import Row, index_where


class MailboxRow(Row):
    __tablename__ = "mailbox"
    id: int | None = id_()
    address: str = Field(sa_column=Column(String(254), nullable=False, unique=True))
    policy: str = Field(sa_column=Column(String(40), nullable=False))
    active: bool = True


class SigningKeyRow(Row):
    """The keys that sign tokens and Message-IDs: one set for all nodes. The newest one signs."""

    __tablename__ = "signing_key"
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = timestamp()


class CompanyRow(Row):
    __tablename__ = "company"
    __table_args__ = (UniqueConstraint("mailbox_id", "name"),)
    id: int | None = id_()
    mailbox_id: int = foreign_key("mailbox.id")
    name: str = Field(sa_column=Column(String(200), nullable=False))
    active: bool = True
    account_team: str = text()
    """Addresses, separated by spaces: notified of new tickets if the policy sets it."""
    success_manager: str = text(254)
    channel: str = text(200)
    """The contact channel that the company prefers, as free text."""
    visibility: str = text(8)
    """`company` or `private`: who of it reads its tickets; empty for what the policy says."""
    updates_by: str = text(8)
    """`manager` if updates go by way of its success manager; empty if not."""


class ContractRow(Row):
    """A company's tier from `starts_at` until the next contract starts."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("company_id", "starts_at"),)
    id: int | None = id_()
    mailbox_id: int = foreign_key("mailbox.id")
    company_id: int = foreign_key("company.id")
    tier: str = Field(sa_column=Column(String(40), nullable=False))
    starts_at: datetime = timestamp()
    targets: str = text(default="{}")
    """JSON: `{"first": {level: span}, "ongoing": {...}}`, agreed in addition to the tier's."""
    calendar: str = text(40)
    """The name of a calendar of the policy; empty for the tier's."""


class CompanyDomainRow(Row):
    __tablename__ = "company_domain"
    mailbox_id: int = foreign_key("mailbox.id", primary_key=True)
    domain: str = Field(sa_column=Column(String(253), primary_key=True))
    company_id: int = foreign_key("company.id", index=True)


class PersonRow(Row):
    """A registered person: a user of a company, or staff."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "address"),
        Index("ix_person_mailbox_id_domain", "mailbox_id", "domain"),
        index_where("role = 'staff'", "ix_person_staff", "mailbox_id"),
        one_of("role", "user", "staff"),
        CheckConstraint("role = 'staff' OR company_id IS NOT NULL", name="user_has_a_company"),
    )
    id: int | None = id_()
    mailbox_id: int = foreign_key("mailbox.id")
    address: str = Field(sa_column=Column(String(254), nullable=False))
    domain: str = Field(sa_column=Column(String(253), nullable=False))
    """The domain of the address: each mail asks whether anybody of a domain is registered."""
    name: str = Field(default="", sa_column=Column(String(200), nullable=False))
    role: str = Field(sa_column=Column(String(8), nullable=False))
    company_id: int | None = foreign_key("company.id", nullable=True, index=True)
    active: bool = True
    machine: bool = False
    language: str = text(8)
    """The language of notices to this person; empty for the policy's."""
    notices: str = text(8)
    """Of which tickets a staff person is notified: `all`, `mine` or `digest`; empty for `all`."""


class SavedReplyRow(Row):
    """A text with placeholders that staff of a mailbox send by its name."""

    __tablename__ = "saved_reply"
    mailbox_id: int = foreign_key("mailbox.id", primary_key=True)
    name: str = Field(sa_column=Column(String(40), primary_key=True))
    """In lower case and without a space."""
    language: str = Field(sa_column=Column(String(8), primary_key=True))
    """Empty for readers of every language."""
    changed_at: datetime = timestamp()
    changed_by: str = text(254)
    text: str = Field(sa_column=Column(Text, nullable=False))


class ApiTokenRow(Row):
    """A bearer token, stored as its SHA-256: the token itself is shown once and not kept."""

    __tablename__ = "api_token"
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    name: str = Field(sa_column=Column(String(80), nullable=False))
    scope: str = Field(sa_column=Column(String(80), nullable=False))
    created_at: datetime = timestamp()
