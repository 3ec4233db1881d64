"""Escalation: the level that a request goes to, and the contact on duty at that level.

A request to escalate does not change the severity. It goes up one level at a time, from level 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.mail.addresses import normalise
from rules.policy import EscalationLevel, Policy, RosterWindow, TierSection
from rules.policy.roster import edges
from rules.sentence import Sentence, sentence

_LOOK_AHEAD = timedelta(days=15)
"""Every window opens weekly; if the clocks skip it, a week later."""


@dataclass(frozen=True, slots=True)
class Contact:
    """The person to notify."""

    name: str
    address: str
    phone: str
    """Empty if the policy names none."""


@dataclass(frozen=True, slots=True)
class NextLevel:
    """The request goes to the contact of this level."""

    level: int
    """1 is the first."""
    title: str
    contact: Contact
    reason: Sentence | None = None
    """Why it is not the next level; None if it is."""


@dataclass(frozen=True, slots=True)
class EscalationRefused:
    """Nobody is notified; the reason states what the requester can do instead."""

    reason: Sentence


def next_level(
    current: int,
    *,
    staff_spoke: bool,
    critical_claimed: bool,
    by_portal: bool,
    policy: Policy,
    at: datetime,
    tier: TierSection | None = None,
) -> NextLevel | EscalationRefused:
    """The level that a request to escalate goes to.

    `current` is the ticket's level, 0 before the first escalation. `staff_spoke`: staff have
    answered on the ticket in public, or were asked twice. `by_portal`: the ticket was logged or
    confirmed in the portal. `tier` is the customer's; its critical channel takes precedence over
    the policy's.
    """
    levels = policy.escalation.levels
    if not levels:
        return EscalationRefused(
            sentence("There is nobody to escalate to; write to the ticket, and staff will see it.")
        )
    if critical_claimed and not by_portal and policy.escalation.critical_begins_in == "portal":
        return EscalationRefused(_critical_channel(policy, tier))
    if current >= len(levels):
        return EscalationRefused(_highest_level(levels[-1].title, on_duty(levels[-1], at)))
    if current == 1 and policy.escalation.spoken_first and not staff_spoke:
        return NextLevel(
            1,
            levels[0].title,
            on_duty(levels[0], at),
            sentence(
                "{title} has not answered yet and is asked again; "
                "{next_title} follows after that answer, or with the next request.",
                title=levels[0].title,
                next_title=levels[1].title,
            ),
        )
    following = levels[current]
    return NextLevel(current + 1, following.title, on_duty(following, at))


def on_duty(level: EscalationLevel, at: datetime) -> Contact:
    """The contact at a time: that of the first roster window that is open then.

    If no window is open, the level's own contact; without one, that of the next window to open.
    """
    window = level.on_duty(at)
    if window is None and level.contact is not None:
        return Contact(level.title, _normalised(level.contact), level.phone)
    window = window or _opens_next(level, at)
    return Contact(window.name, _normalised(window.contact), window.phone or level.phone)


def _highest_level(title: str, contact: Contact) -> Sentence:
    if not contact.phone:
        return sentence(
            "This is already with the highest level: {title} ({contact}).",
            title=title,
            contact=contact.name,
        )
    return sentence(
        "This is already with the highest level: {title} ({contact}, phone {phone}).",
        title=title,
        contact=contact.name,
        phone=contact.phone,
    )


def _critical_channel(policy: Policy, tier: TierSection | None) -> Sentence:
    """The policy's own text on its critical channel, else ours."""
    channel = (tier and tier.critical_channel) or policy.severity.critical_channel
    if channel:
        return sentence("{text}", text=channel)
    return sentence(
        "A critical problem is escalated once it is logged in the portal; "
        "please log it there first."
    )


def _opens_next(level: EscalationLevel, at: datetime) -> RosterWindow:
    for edge in sorted(edges(level.roster, at, at + _LOOK_AHEAD)):
        if (window := level.on_duty(edge)) is not None:
            return window
    return level.roster[0]


def _normalised(address: str) -> str:
    return normalise(address) or address
