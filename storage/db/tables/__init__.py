"""The tables. Every row names its mailbox: the tenant, and the key to shard by.

Times are aware UTC datetimes. Enumerations are stored as text, so that the rows can be read with
`psql` or `sqlite3` without a key.

The tables that grow with the mail carry `mailbox_id` without a foreign key: mailboxes are never
deleted, and a check for each row would lock the single mailbox row in every transaction.

A module of tables is loaded at the first import of one of its names from here. Making a table takes
SQLModel longer than most queries take, and a command reads few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.db.tables.base import *  # noqa: F403 - `_NAMES` has what is meant
    from storage.db.tables.console import *  # noqa: F403
    from storage.db.tables.desk import *  # noqa: F403
    from storage.db.tables.mails import *  # noqa: F403
    from storage.db.tables.notices import *  # noqa: F403
    from storage.db.tables.registry import *  # noqa: F403
    from storage.db.tables.tickets import *  # noqa: F403

_NAMES = {
    "base": ("metadata", "table"),
    "console": (
        "ConsoleIdentityRow",
        "ConsoleLinkRow",
        "ConsoleNetworkRow",
        "ConsoleSessionRow",
        "ConsoleUserRow",
    ),
    "desk": ("AnnouncedRow", "DigestRow", "EmptyDeskRow", "WithheldRow"),
    "mails": (
        "COUNTED_BY_NETWORK",
        "COUNTED_BY_PROVIDER",
        "HAS_CONTENT",
        "RECORDED",
        "TAKEN",
        "UNREAD",
        "WAITING_OR_REFUSED",
        "WITHOUT_COMMENT",
        "DeferralRow",
        "JournalRow",
        "MailIdentityRow",
        "MailRow",
        "RawMailRow",
        "RefusalsRow",
        "ThreadReferenceRow",
    ),
    "notices": (
        "DEAD",
        "FROM_INSIDE",
        "FROM_OUTSIDE",
        "URGENT",
        "BouncedRow",
        "NodeRow",
        "NoticeRow",
        "RelayRefusalRow",
    ),
    "registry": (
        "ApiTokenRow",
        "CompanyDomainRow",
        "CompanyRow",
        "ContractRow",
        "MailboxRow",
        "PersonRow",
        "SavedReplyRow",
        "SigningKeyRow",
    ),
    "tickets": (
        "ASSIGNED",
        "CLAIMED",
        "CRITICAL_SOURCES",
        "DUE",
        "FLAGGED",
        "FOLDED",
        "PROPOSED",
        "UNASSIGNED",
        "WAITS",
        "AttachmentRow",
        "AuditRow",
        "CommentRow",
        "ParticipantRow",
        "RequestKeyRow",
        "TicketRow",
        "TicketTagRow",
    ),
}
"""What each module has."""


def __getattr__(name: str) -> Any:
    """A name of one of the modules, at its first use; `metadata` has every table."""
    home = next((module for module, names in _NAMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "metadata":
        for each in _NAMES:
            import_module(f"{__name__}.{each}")
    return globals().setdefault(name, getattr(import_module(f"{__name__}.{home}"), name))
