"""Response times, when the clock runs, and what answers contain."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import CalendarSection, Policy, TierSection
from rules.policy.base import DAYS
from rules.policy.explain.english import Explained, days, listed, month_and_day, quoted


def promises(policy: Policy) -> Iterator[Explained]:
    if not policy.tiers:
        yield Explained("tiers.none", "No response times are promised.")
        return
    for tier in policy.tiers:
        yield from _tier(policy, tier)
    if (default := policy.tier(None)) is not None:
        yield Explained("default_tier", f"A company without a tier of its own has {default.title}.")
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
        paid = "a paid tier" if tier.paid else "not a paid tier"
        yield Explained(
            "tiers",
            f"{tier.title} ({tier.name}) is {paid} and has no support: its users' mail is refused.",
        )
        return
    paid = "is a paid support tier" if tier.paid else "has support, but is not a paid support tier"
    yield Explained("tiers", f"{tier.title} ({tier.name}) {paid}.")
    for level in policy.severity.levels:
        first, ongoing = tier.first.get(level.name), tier.ongoing.get(level.name)
        yield Explained(
            "tiers.times",
            f"{tier.title}, {level.name}: first answer {_within(first)}, "
            f"each further answer {_within(ongoing)}.",
        )
    if tier.calendar is not None:
        yield Explained(
            "tiers.calendar",
            f"{tier.title}: the hours of support are those of the calendar {tier.calendar}.",
        )
    if tier.phone is not None:
        yield Explained("tiers.phone", f"{tier.title} includes phone support: {quoted(tier.phone)}")
    if tier.critical_channel is not None:
        yield Explained(
            "tiers.critical_channel",
            f"{tier.title}: the answer to a critical claim begins with: "
            f"{quoted(tier.critical_channel)}",
        )
    if tier.critical_first_in_portal:
        yield Explained(
            "tiers.critical_first_in_portal",
            f"{tier.title}: a critical problem must be logged in the portal first.",
        )


def _within(span: str | None) -> str:
    return "not promised" if span is None else f"within {span}"


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
            "clock.pauses_while_pending", "It is paused while the ticket waits for the customer."
        )
    else:
        yield Explained(
            "clock.runs_while_pending",
            "It keeps running while the ticket waits for the customer.",
        )
    yield Explained(
        "clock.warn_at",
        f"Staff are warned when {clock.warn_at * 100:.4g} % of the time has passed.",
    )
    if clock.remind_customer:
        yield Explained(
            "clock.remind_customer",
            "When a further answer is nearly due, the customer is informed when to expect it.",
        )
    else:
        yield Explained(
            "clock.no_reminder", "The customer is not reminded when a further answer is nearly due."
        )
    yield from _calendar(clock.calendar)
    for calendar in policy.calendars:
        yield from _calendar(calendar, f"For plans and contracts with calendar {calendar.name}: ")


def hours(calendar: CalendarSection) -> list[str]:
    """When the support of a calendar is available."""
    return [each.text for each in _calendar(calendar)]


def _calendar(calendar: CalendarSection, name: str = "") -> Iterator[Explained]:
    support = f"{name}{'support' if name else 'Support'} is"
    if calendar.always:
        yield Explained(
            "calendar.always",
            f"{support} available 24/7; times are given in time zone {calendar.zone}.",
        )
        return
    usual = [day for day in calendar.days if day not in calendar.other_hours]
    hours = f"{days(usual)} from {calendar.opens} to {calendar.closes}" if usual else "as follows"
    yield Explained(
        "calendar.hours",
        f"{support} available {hours}, time zone {calendar.zone}; business hours and days count "
        "only this time.",
    )
    for day in (each for each in DAYS if each in calendar.other_hours):
        opens, _, closes = calendar.other_hours[day].partition("-")
        hours = f"from {opens.strip()} to {closes.strip()}"
        yield Explained("calendar.other_hours", f"{support} available on {days((day,))} {hours}.")
    if calendar.country is not None:
        yield Explained(
            "calendar.country",
            f"{support} not available on the public holidays of {calendar.country}.",
        )
    if calendar.holidays:
        off = listed([day.isoformat() for day in calendar.holidays])
        yield Explained("calendar.holidays", f"{support} not available on {off}.")
    if calendar.yearly_holidays:
        off = listed([month_and_day(each) for each in calendar.yearly_holidays])
        yield Explained(
            "calendar.yearly_holidays", f"{support} not available on {off} of any year."
        )


def follow_up(policy: Policy) -> Iterator[Explained]:
    levels, feedback, review = policy.follow_up.levels, policy.feedback, policy.review
    if levels:
        yield Explained(
            "follow_up.levels",
            f"An answer to a ticket at {listed(levels, 'or')} states when the next follow-up is "
            "due; staff whose answer names no next steps receive a receipt that says so.",
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
            yield Explained("feedback.text", f"It says: {quoted(feedback.text)}")
    if review.levels:
        yield Explained(
            "review.levels",
            f"When a ticket at {listed(review.levels, 'or')} is resolved, one mail asks for a "
            "review instead. The reply is kept with the ticket as a note.",
        )
        if review.text is not None:
            yield Explained(
                "review.text", f"The mail that asks for a review says: {quoted(review.text)}"
            )
    if not (feedback.in_answers or feedback.ask or review.levels):
        yield Explained("feedback.none", "No feedback is requested.")
