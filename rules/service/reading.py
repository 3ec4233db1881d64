"""Which public comments on a ticket a customer reads: those that came since they joined it.

What came before was written to others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules.people import Person, Role
from rules.policy import Policy
from rules.service.permissions import is_open_to
from rules.ticket.model import Ticket


@dataclass(frozen=True, slots=True)
class Filed:
    """A public comment, as far as this decides who reads it."""

    author: str
    at: datetime
    """When it came to the ticket: later than it was written, for a mail that was held."""
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketReader:
    """A person who reads the public comments on a ticket."""

    address: str = ""
    since: datetime | None = None
    """None where they read all of them."""

    def withholds(self, comment: Filed) -> bool:
        """Whether it is not for them. Their own words are, whenever they wrote them."""
        if self.since is None or comment.author == self.address:
            return False
        return max(comment.at, comment.published_at or comment.at) < self.since


def reader_of(
    person: Person, ticket: Ticket, joined_at: datetime | None, policy: Policy
) -> TicketReader:
    """A person who may read the ticket, and joined it (again) at a time; None for one who is not on
    it. All of it is the requester's, whenever they became that."""
    reads_all = (
        person.role is Role.STAFF
        or person.address == ticket.requester
        or is_open_to(person, ticket, policy)
    )
    return TicketReader(person.address, None if reads_all else joined_at)
