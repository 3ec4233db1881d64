"""The people that the rules know: users and staff, their companies, participants of tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    USER = "user"
    STAFF = "staff"


class StaffNotices(StrEnum):
    """Of which tickets a staff person is notified; alerts and escalations reach them anyway."""

    ALL = "all"
    MINE = "mine"
    """Those that are assigned to them, or that they follow."""
    DIGEST = "digest"
    """None singly: an hourly digest has what waits and what changed."""


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
    """Of the contract now in force; empty without one: the policy's default tier applies."""
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What that contract promises besides the tier: `first` and `ongoing`, spans by level."""
    account_team: tuple[str, ...] = ()
    success_manager: str = ""
    channel: str = ""
    """The contact channel that the company prefers."""
    visibility: str = ""
    """`company` or `private`: who of it reads its tickets; empty for what the policy says."""
    calendar: str = ""
    """Of the contract now in force: a calendar of the policy; empty for the tier's."""


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
    """Unsubscribed: still on the ticket, but no longer notified."""
    reachable: bool = True
    """Not deactivated, not of a suspended company, and not an address that bounces our mail."""
    language: str = ""

    @property
    def is_notified(self) -> bool:
        """Whether the participant is notified of what happens on the ticket."""
        return self.presence is Presence.ACTIVE and self.reachable and not self.muted

    @property
    def is_staff(self) -> bool:
        return self.part is ParticipantKind.FOLLOWER


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff person of the mailbox."""

    address: str
    language: str
    name: str = ""
    notices: StaffNotices = StaffNotices.ALL
    reachable: bool = True
    """False once so much mail to the address has bounced that it gets none."""
