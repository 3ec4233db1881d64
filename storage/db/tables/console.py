"""Who uses the console: users, how they log in, and their sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, UniqueConstraint
from sqlmodel import Field

from storage.db.columns import one_of, text, timestamp
from storage.db.tables.base import Row


class ConsoleUserRow(Row):
    """A person who may log in. Staff of a mailbox act on its tickets under the same address."""

    __tablename__ = "console_user"
    __table_args__ = (one_of("role", "viewer", "agent", "operator", "admin"),)
    address: str = Field(sa_column=Column(String(254), primary_key=True))
    role: str = Field(sa_column=Column(String(8), nullable=False))
    language: str = text(8)
    """Empty for the one that the browser asks for."""
    password: str = text(200)
    """Its Argon2 hash; empty until the user has chosen one."""
    invited_at: datetime = timestamp()


class ConsoleSessionRow(Row):
    """A browser that is logged in, by the SHA-256 of its cookie."""

    __tablename__ = "console_session"
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    address: str = Field(
        sa_column=Column(
            String(254), ForeignKey("console_user.address"), nullable=False, index=True
        )
    )
    begun_at: datetime = timestamp()
    seen_at: datetime = timestamp(index=True)
    """The time of its last request, to a few minutes."""


class ConsoleLinkRow(Row):
    """A link that works once, by the SHA-256 of its secret."""

    __tablename__ = "console_link"
    __table_args__ = (one_of("use", "password", "enter"),)
    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    address: str = Field(
        sa_column=Column(
            String(254), ForeignKey("console_user.address"), nullable=False, index=True
        )
    )
    use: str = Field(sa_column=Column(String(8), nullable=False))
    """`password` to choose one, `enter` to log in without one."""
    ends_at: datetime = timestamp(index=True)


class ConsoleIdentityRow(Row):
    """An account of an identity provider (OpenID Connect) by which a user logs in."""

    __tablename__ = "console_identity"
    __table_args__ = (UniqueConstraint("address", "issuer"),)
    issuer: str = Field(sa_column=Column(String(500), primary_key=True))
    subject: str = Field(sa_column=Column(String(255), primary_key=True))
    address: str = Field(
        sa_column=Column(String(254), ForeignKey("console_user.address"), nullable=False)
    )
    linked_at: datetime = timestamp()


class ConsoleNetworkRow(Row):
    """A network from which a user has logged in: attempts of strangers elsewhere do not count
    against it."""

    __tablename__ = "console_network"
    address: str = Field(
        sa_column=Column(String(254), ForeignKey("console_user.address"), primary_key=True)
    )
    network: str = Field(sa_column=Column(String(45), primary_key=True))
    seen_at: datetime = timestamp(index=True)
    """The time of the last login."""
