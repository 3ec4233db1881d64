"""The history of a ticket, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.web.console.context import Visit
from gateway.web.console.ticket_words import event_words, source_words
from rules.mail.presented import Mask
from storage.ticket.views import AuditView


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A line of the history."""

    at: datetime
    text: str
    reason: str
    actor: str
    by: str
    mail: str
    """The path of the mail that it came by; empty if it came by none."""


def history_entry(visit: Visit, entry: AuditView, mask: Mask) -> HistoryEntry:
    return HistoryEntry(
        entry.at,
        mask(event_words(entry, visit.language, visit.say)),
        mask(entry.reason),
        entry.actor,
        source_words(entry.source, visit.say),
        f"/mails/{entry.journal_id}" if entry.journal_id is not None else "",
    )
