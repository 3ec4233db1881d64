"""What is promised, when the clock runs, and who takes a request further."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import CalendarSection, EscalationLevel, Policy, RosterWindow, TierSection
from rules.policy.explain.english import days, listed, quoted


def promises(policy: Policy) -> Iterator[str]:
    if not policy.tiers:
        yield "No time to answer is promised."
        return
    for tier in policy.tiers:
        yield from _tier(policy, tier)
    if (default := policy.tier(None)) is not None:
        yield f"A company without a tier of its own has {default.title}."


def _tier(policy: Policy, tier: TierSection) -> Iterator[str]:
    paid = "paid" if tier.paid else "not paid for as such"
    yield f"{tier.title} ({tier.name}) is {paid}, {'with' if tier.support else 'without'} support."
    if not tier.support:
        return
    for level in policy.severity.levels:
        first, ongoing = tier.first.get(level.name), tier.ongoing.get(level.name)
        yield (
            f"{tier.title}, {level.name}: first answer {_within(first)}, "
            f"each further one {_within(ongoing)}."
        )
    if tier.critical_channel is not None:
        yield (
            f"{tier.title}: whoever claims a critical level is told first: "
            f"{quoted(tier.critical_channel)}"
        )
    if tier.critical_first_in_portal:
        yield f"{tier.title}: a critical problem must be logged in the portal first."


def _within(span: str | None) -> str:
    return "not promised" if span is None else f"within {span}"


def clock(policy: Policy) -> Iterator[str]:
    clock = policy.clock
    match clock.starts:
        case "arrival":
            yield "The clock starts when the mail arrives."
        case "complete":
            yield "The clock starts once the request says all that it should."
    if clock.pauses_while_pending:
        yield "It stands while we wait for the customer."
    else:
        yield "It runs on while we wait for the customer."
    yield f"Staff are warned when {clock.warn_at * 100:.4g} % of the time has passed."
    if clock.remind_customer:
        yield "The customer is told when to expect the next answer."
    else:
        yield "The customer is not told when to expect the next answer."
    yield from _calendar(clock.calendar)


def _calendar(calendar: CalendarSection) -> Iterator[str]:
    if calendar.always:
        yield f"The desk is open round the clock; times are told in time zone {calendar.zone}."
        return
    yield (
        f"The desk is open {days(calendar.days)} from {calendar.opens} to {calendar.closes}, "
        f"time zone {calendar.zone}; business hours and days count only that time."
    )
    if calendar.country is not None:
        yield f"It is closed on the public holidays of {calendar.country}."
    if calendar.holidays:
        yield f"It is closed on {listed([day.isoformat() for day in calendar.holidays])}."


def escalation(policy: Policy) -> Iterator[str]:
    escalation = policy.escalation
    if escalation.levels:
        yield "A request goes up one level at a time:"
    else:
        yield "There is nobody to escalate to."
    for number, level in enumerate(escalation.levels, 1):
        yield _escalated(number, level)
        for window in level.roster:
            yield _on_duty(number, window)
    if escalation.spoken_first:
        yield "The first level must have answered, or been asked twice, before it goes on."
    else:
        yield "It may go on before the first level has answered."
    match escalation.critical_begins_in:
        case "anywhere":
            yield "The escalation of a critical problem begins wherever it is reported."
        case "portal":
            yield "The escalation of a critical problem begins once it is logged in the portal."


def _escalated(number: int, level: EscalationLevel) -> str:
    if level.contact is None:
        told = "whoever is on duty is told"
    else:
        told = f"{level.contact} is told" + (" while nobody is on duty" if level.roster else "")
    phone = f", phone {level.phone}" if level.phone else ""
    return f"Level {number}, {level.title}: {told}{phone}."


def _on_duty(number: int, window: RosterWindow) -> str:
    phone = f", phone {window.phone}" if window.phone else ""
    return (
        f"Level {number} is taken {days(window.days)} from {window.opens} to {window.closes}, "
        f"time zone {window.zone}, by {window.name}: {window.contact}{phone}."
    )
