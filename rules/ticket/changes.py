"""What people at the desk, or in the portal, do to a ticket: one value for each act."""

from __future__ import annotations

from dataclasses import dataclass

from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility


@dataclass(frozen=True, slots=True)
class SetStatus:
    status: Status
    why: str = ""


@dataclass(frozen=True, slots=True)
class SetSeverity:
    """To any level of the policy. Whether it may be a critical one hangs on where it comes from."""

    level: str
    why: str


@dataclass(frozen=True, slots=True)
class Workaround:
    """There is a way around the problem: one level lower, where the policy says so."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Assign:
    address: str
    """Of a staff person; empty for nobody."""


@dataclass(frozen=True, slots=True)
class AddPerson:
    address: str


@dataclass(frozen=True, slots=True)
class RemovePerson:
    address: str


@dataclass(frozen=True, slots=True)
class SettlePerson:
    """Somebody who was proposed is taken in, or left out."""

    address: str
    take_in: bool


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class Publish:
    """A flagged comment is accepted: from now on everybody on the ticket reads it."""

    comment: int


@dataclass(frozen=True, slots=True)
class Escalate:
    why: str


@dataclass(frozen=True, slots=True)
class Merge:
    into: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Leaves a tombstone: the number is never given again."""

    why: str


Change = (
    SetStatus
    | SetSeverity
    | Workaround
    | Assign
    | AddPerson
    | RemovePerson
    | SettlePerson
    | Say
    | Publish
    | Escalate
    | Merge
    | Delete
)
