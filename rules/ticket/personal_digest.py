"""What waits for one staff person, as it is read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LISTED = 15
"""Tickets of each kind in one digest, the most urgent; of more, the number is given."""
COUNTED = 200
"""So many of each kind at most are counted."""


@dataclass(frozen=True, slots=True)
class WaitingTicket:
    number: int
    subject: str
    status: str
    since: datetime
    """When it last changed."""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersonalDigest:
    """Snoozed tickets are in none of the lists; each has one more than is counted, if there is."""

    assigned: tuple[WaitingTicket, ...] = ()
    unassigned: tuple[WaitingTicket, ...] = ()
    changed: tuple[WaitingTicket, ...] = ()
    """Those that have changed since the last digest, except what was assigned to this person or
    taken from them."""
    withheld: tuple[tuple[int, int], ...] = ()
    """Tickets, each with how many mails about it were not sent to this person."""
    flagged: int = 0
    """Comments and drafts that wait for staff."""
    received: tuple[WaitingTicket, ...] = ()
    """Assigned to this person since the last digest, and still theirs."""
    taken: tuple[WaitingTicket, ...] = ()
    """Theirs until then, and not theirs any more."""
