"""The tables. Every row names its mailbox: the tenant, and the key to shard by.

Times are aware UTC datetimes. Enumerations are stored as text, so that the rows can be read with
`psql` or `sqlite3` without a key.

The tables that grow with the mail carry `mailbox_id` without a foreign key: mailboxes are never
deleted, and a check for each row would lock the single mailbox row in every transaction.
"""

from __future__ import annotations

from storage.db.tables.base import metadata, table
from storage.db.tables.console import ConsoleLinkRow, ConsoleSessionRow, ConsoleUserRow
from storage.db.tables.desk import AnnouncedRow, DigestRow, WithheldRow
from storage.db.tables.mails import (
    COUNTED_BY_NETWORK,
    COUNTED_BY_PROVIDER,
    HAS_CONTENT,
    RECORDED,
    TAKEN,
    WAITING_OR_REFUSED,
    WITHOUT_COMMENT,
    DeferralRow,
    JournalRow,
    MailIdentityRow,
    MailRow,
    RawMailRow,
    RefusalsRow,
    ThreadReferenceRow,
)
from storage.db.tables.notices import (
    DEAD,
    FROM_INSIDE,
    FROM_OUTSIDE,
    BouncedRow,
    NodeRow,
    NoticeRow,
)
from storage.db.tables.registry import (
    ApiTokenRow,
    CompanyDomainRow,
    CompanyRow,
    ContractRow,
    MailboxRow,
    PersonRow,
    SavedReplyRow,
    SigningKeyRow,
)
from storage.db.tables.tickets import (
    ASSIGNED,
    CLAIMED,
    CRITICAL_SOURCES,
    DUE,
    FLAGGED,
    FOLDED,
    PROPOSED,
    WAITS,
    AttachmentRow,
    AuditRow,
    CommentRow,
    ParticipantRow,
    RequestKeyRow,
    TicketRow,
    TicketTagRow,
)

__all__ = [
    "ASSIGNED",
    "CLAIMED",
    "COUNTED_BY_NETWORK",
    "COUNTED_BY_PROVIDER",
    "CRITICAL_SOURCES",
    "DEAD",
    "DUE",
    "FLAGGED",
    "FOLDED",
    "FROM_INSIDE",
    "FROM_OUTSIDE",
    "HAS_CONTENT",
    "PROPOSED",
    "RECORDED",
    "TAKEN",
    "WAITING_OR_REFUSED",
    "WAITS",
    "WITHOUT_COMMENT",
    "AnnouncedRow",
    "ApiTokenRow",
    "AttachmentRow",
    "AuditRow",
    "BouncedRow",
    "CommentRow",
    "CompanyDomainRow",
    "CompanyRow",
    "ConsoleLinkRow",
    "ConsoleSessionRow",
    "ConsoleUserRow",
    "ContractRow",
    "DeferralRow",
    "DigestRow",
    "JournalRow",
    "MailIdentityRow",
    "MailRow",
    "MailboxRow",
    "NodeRow",
    "NoticeRow",
    "ParticipantRow",
    "PersonRow",
    "RawMailRow",
    "RefusalsRow",
    "RequestKeyRow",
    "SavedReplyRow",
    "SigningKeyRow",
    "ThreadReferenceRow",
    "TicketRow",
    "TicketTagRow",
    "WithheldRow",
    "metadata",
    "table",
]
