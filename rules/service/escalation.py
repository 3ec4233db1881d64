"""Escalation: to which level a request goes, and who is on duty there at that hour.

A request to escalate changes no severity. It goes up one level at a time, the first level first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.mail.addresses import normalise
from rules.policy import EscalationLevel, Policy, RosterWindow, TierSection
from rules.policy.roster import edges

_LOOK_AHEAD = timedelta(days=15)
"""A window opens every week; where the clocks skip it, in the week after."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is told."""

    name: str
    address: str
    phone: str
    """Empty where the policy names none."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The contact of this level gets the request."""

    level: int
    """1 is the first."""
    title: str
    contact: Contact
    why: str = ""
    """In words, where it is not the level that comes next."""


@dataclass(frozen=True, slots=True)
class EscalationRefused:
    """Nobody is told; `why` says what to do instead, in words for whoever asked."""

    why: str


def raise_level(
    current: int,
    staff_spoke: bool,
    critical_claimed: bool,
    by_portal: bool,
    policy: Policy,
    at: datetime,
    tier: TierSection | None = None,
) -> Raised | EscalationRefused:
    """Where a request to escalate goes. `current` is the ticket's level; 0 before any.

    `staff_spoke`: staff have answered on the ticket in public, or were asked twice. `by_portal`:
    the ticket was logged in the portal, or confirmed there. `tier` is the customer's; its critical
    channel goes before that of the policy.
    """
    levels = policy.escalation.levels
    if not levels:
        return EscalationRefused(
            "There is nobody to escalate to; write to the ticket, and staff see it."
        )
    if critical_claimed and not by_portal and policy.escalation.critical_begins_in == "portal":
        return EscalationRefused(_by_the_channel(policy, tier))
    if current >= len(levels):
        top = on_duty(levels[-1], at)
        phone = f", phone {top.phone}" if top.phone else ""
        return EscalationRefused(
            f"This is with the highest level already: {levels[-1].title} ({top.name}{phone})."
        )
    if current == 1 and policy.escalation.spoken_first and not staff_spoke:
        return Raised(
            1,
            levels[0].title,
            on_duty(levels[0], at),
            f"{levels[0].title} has not answered yet and is asked again; "
            f"{levels[1].title} comes after that answer, or with the next request.",
        )
    following = levels[current]
    return Raised(current + 1, following.title, on_duty(following, at))


def on_duty(level: EscalationLevel, at: datetime) -> Contact:
    """Who is told at an instant: the first window of the roster that is open then.

    Where none is open it is the level's own contact; without one, whoever's window opens next.
    """
    window = level.on_duty(at)
    if window is None and level.contact is not None:
        return Contact(level.title, _spelt(level.contact), level.phone)
    window = window or _opens_next(level, at)
    return Contact(window.name, _spelt(window.contact), window.phone or level.phone)


def _by_the_channel(policy: Policy, tier: TierSection | None) -> str:
    channel = (tier and tier.critical_channel) or policy.severity.critical_channel
    return channel or (
        "The escalation of a critical problem begins once it is logged in the portal; "
        "please log it there first."
    )


def _opens_next(level: EscalationLevel, at: datetime) -> RosterWindow:
    for edge in sorted(edges(level.roster, at, at + _LOOK_AHEAD)):
        if (window := level.on_duty(edge)) is not None:
            return window
    return level.roster[0]


def _spelt(address: str) -> str:
    return normalise(address) or address
