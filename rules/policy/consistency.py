"""Where the sections of a policy contradict each other, as messages for its author."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.policy.model import Policy
from rules.policy.tiers import TierSection
from rules.policy.translations import mistranslated
from rules.ticket.business_time import parse_span, passes_in_years
from rules.validation.messages import suggestion

MOST_PATTERNS = 200
"""Of claims, facts and fields."""


def contradictions(policy: Policy) -> list[str]:
    """Every error that no section can detect alone; each names its key and what to do."""
    return [
        *_claims(policy),
        *_patterns(policy),
        *_by_mail(policy),
        *_tiers(policy),
        *_twice(policy),
        *_clock(policy),
        *_answers(policy),
        *_escalation(policy),
        *_too_long(policy),
        *mistranslated(policy),
    ]


def _claims(policy: Policy) -> Iterator[str]:
    for number, claim in enumerate(policy.severity.claims):
        yield from _unknown_level(policy, f"severity.claims.{number}.level", claim.level)


def _patterns(policy: Policy) -> Iterator[str]:
    """Each is searched in every mail."""
    found = len(policy.severity.claims)
    found += sum(len(fact.patterns) for fact in policy.completeness.facts)
    found += sum(len(each.expressions) for each in policy.fields)
    if found > MOST_PATTERNS:
        yield f"{found} patterns in all; a policy has at most {MOST_PATTERNS}"


def _by_mail(policy: Policy) -> Iterator[str]:
    """Customers whose mail is not enough must read where requests are submitted."""
    match policy.requests_by_mail:
        case "full":
            return
        case "without_promise":
            section, key = "acknowledgement", "without_promise"
            written = key in policy.acknowledgement.model_fields_set
        case "refuse":
            section, key = "texts", "portal_only"
            written = key in policy.texts.model_fields_set
    if not written:
        yield (
            f"requests_by_mail: {policy.requests_by_mail!r}: customers cannot learn where the "
            f"portal is; write {section}.{key} with its address"
        )
    elif section == "acknowledgement" and not policy.acknowledgement.send:
        yield (
            "requests_by_mail: 'without_promise': nobody would read where to submit a request "
            "while acknowledgement.send = false; write send = true"
        )


def _tiers(policy: Policy) -> Iterator[str]:
    names = [tier.name for tier in policy.tiers]
    if names and policy.default_tier is None:
        yield f"default_tier is missing; name one of: {', '.join(names)}"
    elif policy.default_tier is not None and policy.default_tier not in names:
        hint = suggestion(policy.default_tier, names) or (
            f"expected one of: {', '.join(names)}" if names else "add [[tiers]] with this name"
        )
        yield f"default_tier: {policy.default_tier!r} is not the name of a tier ({hint})"
    for number, tier in enumerate(policy.tiers):
        for key, promises in (("first", tier.first), ("ongoing", tier.ongoing)):
            for level, span in promises.items():
                yield from _unknown_level(policy, f"tiers.{number}.{key}", level)
                if not tier.calendar:
                    yield from _without_hours(policy, f"tiers.{number}.{key}.{level}", span)
        yield from _calendar(policy, number, tier)
        if not tier.support and (tier.first or tier.ongoing):
            yield (
                f"tiers.{number}: {tier.name} has support = false but promises answers; "
                "remove one of the two"
            )
        if tier.critical_first_in_portal and not (
            tier.critical_channel or policy.severity.critical_channel
        ):
            yield (
                f"tiers.{number}.critical_first_in_portal: customers cannot learn where the "
                "portal is; write critical_channel"
            )


def _calendar(policy: Policy, number: int, tier: TierSection) -> Iterator[str]:
    """A tier's calendar that does not exist, or has no hours for what the tier promises."""
    if tier.calendar is None:
        return
    by_name = {calendar.name: calendar for calendar in policy.calendars}
    section = by_name.get(tier.calendar)
    if section is None:
        hint = suggestion(tier.calendar, by_name) or (
            f"expected one of: {', '.join(by_name)}" if by_name else "add [[calendars]] with it"
        )
        yield f"tiers.{number}.calendar: {tier.calendar!r} is not the name of a calendar ({hint})"
    elif section.always:
        for key, promises in (("first", tier.first), ("ongoing", tier.ongoing)):
            for level, span in promises.items():
                if parse_span(span).business:
                    yield (
                        f"tiers.{number}.{key}.{level}: {span!r} counts business hours, but the "
                        f"calendar {tier.calendar} has always = true; write always = false and "
                        "the hours there, or a span without 'business'"
                    )


def _answers(policy: Policy) -> Iterator[str]:
    for key, levels in (("follow_up", policy.follow_up.levels), ("review", policy.review.levels)):
        for level in levels:
            yield from _unknown_level(policy, f"{key}.levels", level)
    if policy.follow_up.via_manager and not policy.follow_up.levels:
        yield (
            "follow_up.via_manager: no answer goes to a success manager, since follow_up.levels "
            "names no level"
        )


def _twice(policy: Policy) -> Iterator[str]:
    yield from _repeated("calendars", [calendar.name for calendar in policy.calendars])
    yield from _repeated("tiers", [tier.name for tier in policy.tiers])
    yield from _repeated("completeness.facts", [fact.name for fact in policy.completeness.facts])
    yield from _repeated("fields", [field.name for field in policy.fields])


def _repeated(key: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{key}: the name {name!r} is used more than once"


def _clock(policy: Policy) -> Iterator[str]:
    if policy.clock.starts == "complete" and not policy.completeness.facts:
        yield (
            "clock.starts: 'complete': the policy names no fact that a request must state; "
            'add [[completeness.facts]], or write starts = "arrival"'
        )

    again, longest = policy.completeness.ask_again_after, policy.clock.longest_wait
    yield from _without_hours(policy, "clock.waits_at_most", policy.clock.waits_at_most)
    yield from _without_hours(policy, "completeness.ask_again_after", again)
    if policy.clock.starts != "complete" or again is None:
        return
    if parse_span(again).surely_not_before(parse_span(longest)):
        yield (
            f"completeness.ask_again_after: {again!r}: the clock starts {longest} after the "
            "request, so nobody would be asked again; write a shorter time, or a longer "
            "clock.waits_at_most"
        )


def _without_hours(policy: Policy, key: str, span: str | None) -> Iterator[str]:
    """A span in business time where there are no business hours."""
    if span is not None and policy.clock.calendar.always and parse_span(span).business:
        yield (
            f"{key}: {span!r} counts business hours, but support is available 24/7; write "
            "always = false and the hours in [clock.calendar], or a span without 'business'"
        )


def _escalation(policy: Policy) -> Iterator[str]:
    highest = len(policy.escalation.levels) - 1
    for number, level in enumerate(policy.escalation.levels):
        key = f"escalation.levels.{number}.answer_within"
        yield from _without_hours(policy, key, level.answer_within)
        if level.answer_within is not None and number == highest:
            yield (
                f"{key} has no effect on the highest level; remove it, or add another level after "
                "this one"
            )


def _too_long(policy: Policy) -> Iterator[str]:
    """Business time that does not pass in years: every mail that it is promised to would fail."""
    spans = {key: span for key, span in _spans(policy) if parse_span(span).business}
    if not spans:  # and a calendar need not be made
        return
    calendars = {"clock.calendar": policy.calendar} | {
        f"the calendar {name}": each for name, each in policy.named_calendars.items()
    }
    for key, written in spans.items():
        for name, calendar in calendars.items():
            if not passes_in_years(parse_span(written), calendar):
                yield (
                    f"{key}: {written!r} is more than five years in the hours of {name}; write a "
                    "shorter time, or more hours there"
                )


def _spans(policy: Policy) -> Iterator[tuple[str, str]]:
    yield "clock.waits_at_most", policy.clock.longest_wait
    if (again := policy.completeness.ask_again_after) is not None:
        yield "completeness.ask_again_after", again
    for number, level in enumerate(policy.escalation.levels):
        if level.answer_within is not None:
            yield f"escalation.levels.{number}.answer_within", level.answer_within
    for number, tier in enumerate(policy.tiers):
        for key, promises in (("first", tier.first), ("ongoing", tier.ongoing)):
            yield from ((f"tiers.{number}.{key}.{each}", span) for each, span in promises.items())


def _unknown_level(policy: Policy, key: str, name: str) -> Iterator[str]:
    levels = policy.severity.levels
    names = [level.name for level in levels]
    if name in names:
        return
    for level in levels:
        if name.casefold() in (level.name.casefold(), *(a.casefold() for a in level.aliases)):
            yield f"{key}: {name!r} is an alias of a level; write {level.name}"
            return
    hint = suggestion(name, names) or f"expected one of: {', '.join(names)}"
    yield f"{key}: {name!r} is not the name of a level ({hint})"
