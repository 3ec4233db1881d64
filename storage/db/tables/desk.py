"""What staff were notified of besides tickets: which entries of the queues a digest has named."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, String, Uuid
from sqlmodel import Field

from storage.db.columns import counter, foreign_key, timestamp
from storage.db.tables.base import Row


class AnnouncedRow(Row):
    """An entry of a queue that a digest has named to the staff of its mailbox."""

    __tablename__ = "announced"
    mailbox_id: int = foreign_key(primary_key=True)
    queue: str = Field(sa_column=Column(String(10), primary_key=True))
    item: UUID = Field(sa_column=Column(Uuid(), primary_key=True))
    """The id of the entry; made from its name where it has none."""
    announced_at: datetime = timestamp(index=True)


class DigestRow(Row):
    """When the last digest of a mailbox was ordered: no node orders another one within the hour."""

    __tablename__ = "digest"
    mailbox_id: int = foreign_key(primary_key=True, autoincrement=False)
    last_at: datetime = timestamp()


class EmptyDeskRow(Row):
    """When it was last said that mail reaches nobody of the staff of a mailbox: no node says it
    again within the hour."""

    __tablename__ = "empty_desk"
    mailbox_id: int = foreign_key(primary_key=True, autoincrement=False)
    last_at: datetime = timestamp()


class WithheldRow(Row):
    """Notices that a budget withheld from an address, until a digest names them."""

    __tablename__ = "withheld"
    mailbox_id: int = foreign_key(primary_key=True)
    ticket_id: int = foreign_key("ticket.id", primary_key=True)
    address: str = Field(sa_column=Column(String(254), primary_key=True))
    number: int = Field(sa_column=counter())
    since: datetime = timestamp()
