"""All that the rules may know besides the mail itself, gathered once, before the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rules.mail import Envelope, Mailbox
from rules.people import Company, Person, Staff
from rules.sender.authentication import Authentication
from rules.sender.pointers import Pointer
from rules.ticket.model import Ticket


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was answered when the same mail came before."""

    journal_id: UUID
    answer: str
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Returned:
    """The notice whose own return path a mail came back to."""

    notice: UUID
    address: str
    """Whom it was for."""
    ticket: int | None
    hard_before: int
    """How often mail to that address had failed for good before."""
    counted: bool
    """The notice was reported before, or had not gone out: another report of it counts no more."""


@dataclass(frozen=True, slots=True)
class Recent:
    """One mail of the author that was decided within the last hour."""

    decided_at: datetime
    opened: bool
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    decided_at: datetime
    """When it is decided: when the mail came, but for one that was held in between."""
    mailbox: Mailbox
    own_addresses: frozenset[str]
    """Every address that we serve: none of them ever becomes a participant."""
    envelope: Envelope
    authentication: Authentication
    pointers: tuple[Pointer, ...]
    people: Mapping[str, Person]
    """The registered among the author and the addresses in To and Cc."""
    author_company: Company | None
    """The company whose mail domain the author's address has."""
    domain_known: bool
    """Somebody of the author's domain is registered, or a company has it."""
    tickets: Mapping[int, Ticket]
    """The tickets that the signals point to, and those that they lead on to."""
    known_ids: Mapping[str, int]
    """Message-IDs of mails that we received, and the ticket that each is on."""
    named_before: Mapping[str, tuple[int, ...]]
    """Message-IDs that mails of tickets named before we had them, and those tickets."""
    earlier: Earlier | None
    id_seen: bool
    """The Message-ID came before, with other bytes."""
    acknowledged_at: datetime | None
    """When the author was last sent an acknowledgement."""
    invited_at: datetime | None
    """When the author was last sent a sign-up notice."""
    deferred_since: datetime | None
    """When this very mail was first told to come again because the DNS did not answer."""
    staff: tuple[Staff, ...] = ()
    """The active staff of the mailbox."""
    bounced: frozenset[str] = frozenset()
    """Of the addresses in To and Cc, those that mail of ours comes back from."""
    recent: tuple[Recent, ...] = ()
    """The author's mails within the last hour, in any order."""
    returned: Returned | None = None
    looped: bool = False
    """It carries our own loop mark: somebody sends our mails back to us."""
    came_at: datetime | None = None
    """When it came; None where it is decided at once."""
    refused: str = ""
    """Why the commands of this very mail could not be done, where that was tried."""

    @property
    def opens_at(self) -> datetime:
        """When the clock of a ticket that this mail opens begins."""
        return self.came_at or self.decided_at
