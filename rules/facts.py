"""All that the rules may know besides the mail itself, gathered once, before the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rules.mail import Envelope, Mailbox
from rules.sender.authentication import Authentication
from rules.sender.pointers import Pointer
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Clock


class Role(StrEnum):
    USER = "user"
    STAFF = "staff"


class ParticipantKind(StrEnum):
    """What a participant is on a ticket."""

    REQUESTER = "requester"
    USER = "user"
    GUEST = "guest"
    FOLLOWER = "follower"
    """A staff person."""


class Presence(StrEnum):
    ACTIVE = "active"
    PENDING = "pending"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Company:
    id: int
    name: str
    active: bool
    tier: str = ""
    """Of the contract in force now; empty where there is none, and the policy's default holds."""
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What that contract promises beside the tier: `first` and `ongoing`, spans by level."""
    account_team: tuple[str, ...] = ()
    success_manager: str = ""
    channel: str = ""
    """The way of contact that the company prefers."""


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    address: str
    name: str
    role: Role
    active: bool
    machine: bool
    """A user that is a program: its automatic mail may open tickets."""
    company: Company | None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Participant:
    id: int
    address: str
    part: ParticipantKind
    presence: Presence
    muted: bool = False
    """Unsubscribed: still on the ticket, but written to no more."""
    reachable: bool = True
    """Neither deactivated, nor of a suspended company, nor an address that mail comes back from."""
    language: str = ""

    @property
    def is_notified(self) -> bool:
        """Whether what happens on the ticket is sent to him."""
        return self.presence is Presence.ACTIVE and self.reachable and not self.muted

    @property
    def is_staff(self) -> bool:
        return self.part is ParticipantKind.FOLLOWER


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    company: int | None
    participants: tuple[Participant, ...]
    status: Status = Status.OPEN
    status_at: datetime | None = None
    """When the status last changed."""
    requester: str = ""
    subject: str = ""
    severity: str = ""
    tier: str = ""
    """In force when the ticket arrived."""
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the contract in force then promised beside the tier."""
    clock: Clock | None = None
    missing: tuple[str, ...] = ()
    """Names of the facts that the request lacks."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What was lifted out of its words, by the policy's names."""
    critical_claimed: bool = False
    in_portal: bool = False
    """Its severity was set in the portal or at the desk, and not by a mail."""
    escalation_level: int = 0
    staff_spoke: bool = False
    """Staff have answered in public."""
    assignee: str = ""
    merged_into: int | None = None
    deleted: bool = False
    follow_up: int | None = None
    """The ticket that goes on from this one."""
    reopened: int = 0
    """How often within the last hour."""
    sent: Mapping[str, int] = field(default_factory=dict)
    """How many notices about it were ordered for an address within the last hour."""

    def participant(self, address: str) -> Participant | None:
        return next((p for p in self.participants if p.address == address), None)

    def language_of(self, address: str) -> str:
        """Empty where nothing tells."""
        member = self.participant(address)
        return member.language if member is not None else ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was answered when the same mail came before."""

    journal_id: UUID
    answer: str
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff person of the mailbox."""

    address: str
    language: str


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
