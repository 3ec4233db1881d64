"""The people that the rules know: users and staff, their companies, participants of tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
class Staff:
    """A staff person of the mailbox."""

    address: str
    language: str
