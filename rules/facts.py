"""All that the rules may know besides the mail itself, gathered once, before the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rules.authentication import Authentication
from rules.mail import Envelope, Mailbox
from rules.threads import Signal


class Role(StrEnum):
    USER = "user"
    STAFF = "staff"


class Part(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Participant:
    id: int
    address: str
    part: Part
    presence: Presence


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    company: int | None
    participants: tuple[Participant, ...]

    def participant(self, address: str) -> Participant | None:
        return next((p for p in self.participants if p.address == address), None)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was answered when the same mail came before."""

    journal_id: UUID
    answer: str
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    received_at: datetime
    mailbox: Mailbox
    own_addresses: frozenset[str]
    """Every address that we serve: none of them ever becomes a participant."""
    envelope: Envelope
    authentication: Authentication
    signals: tuple[Signal, ...]
    people: Mapping[str, Person]
    """The registered among the author and the addresses in To and Cc."""
    author_company: Company | None
    """The company whose mail domain the author's address has."""
    domain_known: bool
    """Somebody of the author's domain is registered, or a company has it."""
    author_known: bool
    """That, or the author is on a ticket here: only then is the sender looked into at all."""
    tickets: Mapping[int, Ticket]
    """The tickets that the signals point to."""
    known_ids: Mapping[str, int]
    """Message-IDs of mails that we received, and the ticket that each is on."""
    earlier: Earlier | None
    id_seen: bool
    """The Message-ID came before, with other bytes."""
    acknowledged_at: datetime | None
    """When the author was last sent an acknowledgement."""
    invited_at: datetime | None
    """When the author was last sent a sign-up notice."""
    deferred_since: datetime | None
    """When this very mail was first told to come again because the DNS did not answer."""
