"""Effects of what staff alone may request; `effects` has the others, and the union of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules.people import ParticipantKind, StaffNotices
from rules.ticket.model import Ticket


@dataclass(frozen=True, slots=True)
class TagAdded:
    tag: str


@dataclass(frozen=True, slots=True)
class TagRemoved:
    tag: str


@dataclass(frozen=True, slots=True)
class Snoozed:
    was: datetime | None
    became: datetime | None
    """Until when; None if it is not snoozed."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RequesterChanged:
    """They are on the ticket already."""

    was: str
    became: str
    left_as: ParticipantKind
    """What the one before them is from now on."""
    company: int | None
    """Of the new one."""
    gives_company: bool = False
    """The ticket had none: it is theirs from now on."""


@dataclass(frozen=True, slots=True)
class NoticesPreferred:
    """Of a staff person, and not of the ticket."""

    address: str
    became: StaffNotices


def woken(ticket: Ticket) -> tuple[Snoozed, ...]:
    """A reply of a customer ends the snooze of their ticket."""
    until = ticket.snooze_until
    return (Snoozed(until, None, "a reply"),) if until is not None else ()
