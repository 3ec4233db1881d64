"""Which calendar counts for a ticket: its contract's, its tier's, or the policy's."""

from __future__ import annotations

from rules.policy import Policy, TierSection
from rules.ticket.business_time import Calendar


def calendar_in_force(agreed: str, tier: TierSection | None, policy: Policy) -> str:
    """The name of the calendar that counts for a new ticket; empty for the policy's.

    `agreed` is the contract's; one that the policy does not have counts as none.
    """
    if agreed in policy.named_calendars:
        return agreed
    return (tier.calendar or "") if tier is not None else ""


def calendar_of(policy: Policy, name: str) -> Calendar:
    """The calendar that a ticket was opened under. The policy's where the ticket has none, or one
    that the policy does not have any more."""
    return policy.named_calendars.get(name, policy.calendar)


def zone_of(policy: Policy, name: str) -> str:
    """The time zone in which people read the due times of a ticket with this calendar."""
    zones = {each.name: each.zone for each in policy.calendars}
    return zones.get(name, policy.clock.calendar.zone)
