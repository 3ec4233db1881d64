"""Response times, when the clock runs, and to whom a request is escalated."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import (
    CalendarSection,
    Duty,
    EscalationLevel,
    Policy,
    RosterWindow,
    TierSection,
)
from rules.policy.base import DAYS
from rules.policy.explain.english import days, listed, quoted


def promises(policy: Policy) -> Iterator[str]:
    if not policy.tiers:
        yield "No response times are promised."
        return
    for tier in policy.tiers:
        yield from _tier(policy, tier)
    if (default := policy.tier(None)) is not None:
        yield f"A company without a tier of its own has {default.title}."


def _tier(policy: Policy, tier: TierSection) -> Iterator[str]:
    paid = "a paid plan" if tier.paid else "not a paid plan"
    yield f"{tier.title} ({tier.name}) is {paid}, {'with' if tier.support else 'without'} support."
    if not tier.support:
        return
    for level in policy.severity.levels:
        first, ongoing = tier.first.get(level.name), tier.ongoing.get(level.name)
        yield (
            f"{tier.title}, {level.name}: first answer {_within(first)}, "
            f"each further answer {_within(ongoing)}."
        )
    if tier.calendar is not None:
        yield f"{tier.title}: business hours and days are those of the calendar {tier.calendar}."
    if tier.phone is not None:
        yield f"{tier.title} includes phone support: {quoted(tier.phone)}"
    if tier.critical_channel is not None:
        yield (
            f"{tier.title}: the answer to a critical claim begins with: "
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
            yield (
                "The clock starts when the request states every required fact, or else "
                f"{clock.longest_wait} after the request arrived."
            )
    if clock.pauses_while_pending:
        yield "It is paused while the ticket waits for the customer."
    else:
        yield "It keeps running while the ticket waits for the customer."
    yield f"Staff are warned when {clock.warn_at * 100:.4g} % of the time has passed."
    if clock.remind_customer:
        yield "The customer is informed when to expect the next answer."
    else:
        yield "The customer is not informed when to expect the next answer."
    yield from _calendar(clock.calendar)
    for calendar in policy.calendars:
        yield from _calendar(calendar, f"Calendar {calendar.name}: ")


def _calendar(calendar: CalendarSection, name: str = "") -> Iterator[str]:
    support = f"{name}{'support' if name else 'Support'} is"
    if calendar.always:
        yield f"{support} available 24/7; times are given in time zone {calendar.zone}."
        return
    yield (
        f"{support} available {days(calendar.days)} from {calendar.opens} to {calendar.closes}, "
        f"time zone {calendar.zone}; business hours and days count only this time."
    )
    for day in (each for each in DAYS if each in calendar.other_hours):
        opens, _, closes = calendar.other_hours[day].partition("-")
        hours = f"from {opens.strip()} to {closes.strip()}"
        yield f"{support} available on {days((day,))} {hours}."
    if calendar.country is not None:
        yield f"{support} not available on the public holidays of {calendar.country}."
    if calendar.holidays:
        off = listed([day.isoformat() for day in calendar.holidays])
        yield f"{support} not available on {off}."


def follow_up(policy: Policy) -> Iterator[str]:
    levels, feedback, review = policy.follow_up.levels, policy.feedback, policy.review
    if levels:
        yield (
            f"An answer to a ticket at {listed(levels, 'or')} states when the next follow-up is "
            "due; staff whose answer names no next steps receive a receipt that says so."
        )
    else:
        yield "No answer needs to name the next steps."
    if policy.follow_up.via_manager:
        yield (
            "Where a company is updated through its success manager, such an answer also goes to "
            "the success manager."
        )
    if feedback.in_answers:
        yield "Each answer by staff has a link by which the customer rates the help."
    if feedback.ask:
        yield f"One mail asks for feedback on a resolved ticket: {quoted(feedback.text)}"
    if review.levels:
        yield (
            f"When a ticket at {listed(review.levels, 'or')} is resolved, one mail asks for a "
            "review instead. The reply is kept with the ticket as a note."
        )
        if review.text is not None:
            yield f"The mail that asks for a review says: {quoted(review.text)}"
    if not (feedback.in_answers or feedback.ask or review.levels):
        yield "No feedback is requested."


def on_call(policy: Policy) -> Iterator[str]:
    what = "critical claims, tickets that become critical, and due times"
    duty = policy.on_call
    if duty is None:
        yield f"All staff are alerted of {what}."
        return
    yield f"Of {what}, {_notified(duty)}."
    for window in duty.roster:
        yield _on_duty("for alerts", window)


def escalation(policy: Policy) -> Iterator[str]:
    escalation = policy.escalation
    if escalation.levels:
        yield "An escalation goes up one level at a time:"
    else:
        yield "There is nobody to escalate to."
    for number, level in enumerate(escalation.levels, 1):
        yield from _level(number, level)
    if escalation.how is not None:
        yield f"Customers are informed how to escalate: {quoted(escalation.how)}"
    if escalation.spoken_first:
        yield "Level 1 must have answered, or been asked twice, before level 2 is notified."
    else:
        yield "Level 2 may be notified before level 1 has answered."
    match escalation.critical_begins_in:
        case "anywhere":
            yield "A critical problem can be escalated wherever it was reported."
        case "portal":
            yield "A critical problem can be escalated once it is logged in the portal."


def _level(number: int, level: EscalationLevel) -> Iterator[str]:
    yield f"Level {number}, {level.title}: {_notified(level)}."
    for window in level.roster:
        yield _on_duty(f"at level {number}", window)
    if level.assigned_first:
        yield (
            f"At level {number}, the staff person whom the ticket is assigned to is notified "
            "before anybody else."
        )
    if level.answer_within is not None:
        yield f"Level {number} has {level.answer_within} to answer before the next is notified."


def _notified(duty: Duty) -> str:
    if duty.contact is None:
        notified = "the person on duty is notified"
    else:
        when = " while nobody is on duty" if duty.roster else ""
        notified = f"{duty.contact} is notified{when}"
    return f"{notified}, phone {duty.phone}" if duty.phone else notified


def _on_duty(where: str, window: RosterWindow) -> str:
    phone = f", phone {window.phone}" if window.phone else ""
    return (
        f"On duty {where} {days(window.days)} from {window.opens} to {window.closes}, "
        f"time zone {window.zone}: {window.name}, {window.contact}{phone}."
    )
