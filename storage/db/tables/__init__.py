"""The tables. Every row names its mailbox: that is the tenant, and the key to shard by.

Times are aware UTC datetimes. Enumerations are stored as their words, so that a person who reads
the database with `psql` or `sqlite3` needs no key to it.

The tables that grow with the mail carry `mailbox_id` without a foreign key: mailboxes are never
deleted, and a check for each row would lock the one mailbox row from every transaction at once.
"""

from __future__ import annotations

from storage.db.tables.base import metadata, table
from storage.db.tables.mails import (
    LEFT_NO_COMMENT,
    DeferralRow,
    JournalRow,
    MailRow,
    RawMailRow,
    ThreadReferenceRow,
)
from storage.db.tables.notices import BouncedRow, NoticeRow
from storage.db.tables.registry import (
    ApiTokenRow,
    CompanyDomainRow,
    CompanyRow,
    ContractRow,
    MailboxRow,
    PersonRow,
    SigningKeyRow,
)
from storage.db.tables.tickets import (
    CRITICAL_SOURCES,
    AttachmentRow,
    AuditRow,
    CommentRow,
    ParticipantRow,
    TicketRow,
)

__all__ = [
    "CRITICAL_SOURCES",
    "LEFT_NO_COMMENT",
    "ApiTokenRow",
    "AttachmentRow",
    "AuditRow",
    "BouncedRow",
    "CommentRow",
    "CompanyDomainRow",
    "CompanyRow",
    "ContractRow",
    "DeferralRow",
    "JournalRow",
    "MailRow",
    "MailboxRow",
    "NoticeRow",
    "ParticipantRow",
    "PersonRow",
    "RawMailRow",
    "SigningKeyRow",
    "ThreadReferenceRow",
    "TicketRow",
    "metadata",
    "table",
]
