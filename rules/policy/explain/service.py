"""Response times, when the clock runs, and what answers contain."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import CalendarSection, Policy, TierSection
from rules.policy.base import DAYS
from rules.policy.explain.english import (
    Explained,
    days,
    either,
    listed,
    month_and_day,
    quoted,
    span,
)
from rules.sentence import Phrase, phrase


def promises(policy: Policy) -> Iterator[Explained]:
    if not policy.tiers:
        yield Explained("tiers.none", "No response times are promised.")
        return
    for tier in policy.tiers:
        yield from _tier(policy, tier)
    if (default := policy.tier(None)) is not None:
        yield Explained(
            "default_tier",
            "A company without a tier of its own has {title}.",
            title=default.title,
        )
    yield Explained(
        "tiers.contract",
        "Response times and a calendar that a company's contract names take precedence over those "
        "of its tier.",
    )
    yield Explained(
        "tiers.from",
        "A tier applies from a day on; a ticket keeps the tier and the contract of when it was "
        "opened.",
    )


def _tier(policy: Policy, tier: TierSection) -> Iterator[Explained]:
    if not tier.support:
        yield Explained(
            "tiers",
            "{title} ({name}) is a paid tier and has no support: its users' mail is refused."
            if tier.paid
            else "{title} ({name}) is not a paid tier and has no support: its users' mail is "
            "refused.",
            title=tier.title,
            name=tier.name,
        )
        return
    yield Explained(
        "tiers",
        "{title} ({name}) is a paid support tier."
        if tier.paid
        else "{title} ({name}) has support, but is not a paid support tier.",
        title=tier.title,
        name=tier.name,
    )
    for level in policy.severity.levels:
        first, ongoing = tier.first.get(level.name), tier.ongoing.get(level.name)
        yield Explained(
            "tiers.times",
            "{title}, {level}: first answer {first}, each further answer {ongoing}.",
            title=tier.title,
            level=level.name,
            first=_within(first),
            ongoing=_within(ongoing),
        )
    if tier.calendar is not None:
        yield Explained(
            "tiers.calendar",
            "{title}: the hours of support are those of the calendar {calendar}.",
            title=tier.title,
            calendar=tier.calendar,
        )
    if tier.phone is not None:
        yield Explained(
            "tiers.phone",
            "{title} includes phone support: {phone}",
            title=tier.title,
            phone=quoted(tier.phone),
        )
    if tier.critical_channel is not None:
        yield Explained(
            "tiers.critical_channel",
            "{title}: the answer to a critical claim begins with: {critical_channel}",
            title=tier.title,
            critical_channel=quoted(tier.critical_channel),
        )
    if tier.critical_first_in_portal:
        yield Explained(
            "tiers.critical_first_in_portal",
            "{title}: a critical problem must be logged in the portal first.",
            title=tier.title,
        )


def _within(promise: str | None) -> Phrase:
    return phrase("within {span}", span=span(promise)) if promise else phrase("not promised")


def clock(policy: Policy) -> Iterator[Explained]:
    clock = policy.clock
    match clock.starts:
        case "arrival":
            yield Explained("clock.starts.arrival", "The clock starts when the request arrives.")
        case "complete":
            yield Explained(
                "clock.starts.complete",
                "The clock starts when the request states every required fact.",
            )
    if clock.pauses_while_pending:
        yield Explained(
            "clock.pauses_while_pending",
            "It is paused while the ticket waits for the customer.",
        )
    else:
        yield Explained(
            "clock.runs_while_pending",
            "It keeps running while the ticket waits for the customer.",
        )
    yield Explained(
        "clock.warn_at",
        "Staff are warned when {percent} % of the time has passed.",
        percent=f"{clock.warn_at * 100:.4g}",
    )
    if clock.remind_customer:
        yield Explained(
            "clock.remind_customer",
            "When a further answer is nearly due, the customer is informed when to expect it.",
        )
    else:
        yield Explained(
            "clock.no_reminder",
            "The customer is not reminded when a further answer is nearly due.",
        )
    yield from _calendar(clock.calendar)
    for calendar in policy.calendars:
        yield from _calendar(calendar, calendar.name)


def hours(calendar: CalendarSection) -> list[Phrase]:
    """When the support of a calendar is available."""
    return [each.phrase for each in _calendar(calendar)]


def _calendar(calendar: CalendarSection, name: str = "") -> Iterator[Explained]:
    support = (
        phrase("For plans and contracts with calendar {name}: support is", name=name)
        if name
        else phrase("Support is")
    )
    if calendar.always:
        yield Explained(
            "calendar.always",
            "{support} available 24/7; times are given in time zone {zone}.",
            support=support,
            zone=calendar.zone,
        )
        return
    usual = [day for day in calendar.days if day not in calendar.other_hours]
    hours = _hours(days(usual), calendar.opens, calendar.closes) if usual else phrase("as follows")
    yield Explained(
        "calendar.hours",
        "{support} available {hours}, time zone {zone}; business hours and days count "
        "only this time.",
        support=support,
        hours=hours,
        zone=calendar.zone,
    )
    for day in (each for each in DAYS if each in calendar.other_hours):
        opens, _, closes = calendar.other_hours[day].partition("-")
        yield Explained(
            "calendar.other_hours",
            "{support} available on {hours}.",
            support=support,
            hours=_hours(days((day,)), opens.strip(), closes.strip()),
        )
    if calendar.country is not None:
        yield Explained(
            "calendar.country",
            "{support} not available on the public holidays of {country}.",
            support=support,
            country=calendar.country,
        )
    if calendar.holidays:
        off = listed([day.isoformat() for day in calendar.holidays])
        yield Explained(
            "calendar.holidays",
            "{support} not available on {off}.",
            support=support,
            off=off,
        )
    if calendar.yearly_holidays:
        off = listed([month_and_day(each) for each in calendar.yearly_holidays])
        yield Explained(
            "calendar.yearly_holidays",
            "{support} not available on {off} of any year.",
            support=support,
            off=off,
        )


def _hours(on: Phrase, opens: str, closes: str) -> Phrase:
    return phrase("{days} from {opens} to {closes}", days=on, opens=opens, closes=closes)


def follow_up(policy: Policy) -> Iterator[Explained]:
    levels, feedback, review = policy.follow_up.levels, policy.feedback, policy.review
    if levels:
        yield Explained(
            "follow_up.levels",
            "An answer to a ticket at {levels} states when the next follow-up is due; "
            "staff whose answer names no next steps receive a receipt that says so.",
            levels=either(levels),
        )
    else:
        yield Explained("follow_up.none", "No answer needs to name the next steps.")
    if policy.follow_up.via_manager:
        yield Explained(
            "follow_up.via_manager",
            "Such an answer also goes to the success manager of a company that is updated through "
            "them (postern company updates NAME manager).",
        )
    if feedback.in_answers:
        yield Explained(
            "feedback.in_answers",
            "Each answer by staff has a link by which the requester rates the help.",
        )
    if feedback.ask:
        yield Explained("feedback.ask", "One mail asks for feedback on a resolved ticket.")
        if feedback.text is not None:
            yield Explained("feedback.text", "It says: {text}", text=quoted(feedback.text))
    if review.levels:
        yield Explained(
            "review.levels",
            "When a ticket at {levels} is resolved, one mail asks for a review instead. "
            "The reply is kept with the ticket as a note.",
            levels=either(review.levels),
        )
        if review.text is not None:
            yield Explained(
                "review.text",
                "The mail that asks for a review says: {text}",
                text=quoted(review.text),
            )
    if not (feedback.in_answers or feedback.ask or review.levels):
        yield Explained("feedback.none", "No feedback is requested.")
