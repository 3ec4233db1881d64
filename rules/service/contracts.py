"""What a contract promises in the hours of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rules.policy import Policy
from rules.sentence import Phrase, phrase
from rules.service.calendars import calendar_in_force, calendar_of
from rules.ticket.business_time import parse_span, passes_in_years
from rules.validation.messages import suggestion

AgreedTargets = dict[str, dict[str, str]]
"""`first` and `ongoing`, spans by the names of levels."""


@dataclass(frozen=True, slots=True)
class ContractFault:
    """Why a contract cannot be made under a policy."""

    why: Phrase
    targets: str = ""
    """`first` or `ongoing`, if one of these spans is the reason; `why` begins with it."""


def first_day(day: str, policy: Policy) -> datetime | None:
    """When a day such as 2026-07-01 begins in the time zone of the policy's calendar, in UTC; None
    for what is no day."""
    try:
        zone = ZoneInfo(policy.clock.calendar.zone)
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def agreed_targets(
    wanted: Mapping[str, Mapping[str, str]], tier: str, calendar: str, policy: Policy
) -> AgreedTargets | ContractFault:
    """What is promised besides a tier, from some day on: levels by their names, where they may be
    wanted by an alias, and spans as they are written. `calendar` is empty for that of the tier."""
    for kind, name, known in (
        ("tier", tier, [each.name for each in policy.tiers]),
        ("calendar", calendar, ["", *(each.name for each in policy.calendars)]),
    ):
        if name not in known:
            named = [each for each in known if each]
            expected = f"expected one of: {', '.join(named) or f'(no {kind}s)'}"
            text = "no {kind} {name} in the policy {policy} ({hint})"
            hint = suggestion(name, named) or expected
            return ContractFault(
                phrase(text, kind=phrase(kind), name=repr(name), policy=policy.name, hint=hint)
            )
    agreed: AgreedTargets = {}
    for key, spans in wanted.items():
        for alias, span in spans.items():
            level = next((each for each in policy.levels if each.has_name(alias)), None)
            if level is None:
                levels = ", ".join(each.name for each in policy.levels)
                text = "{key}: no severity {name}; expected one of: {known}"
                return ContractFault(phrase(text, key=key, name=repr(alias), known=levels), key)
            if level.name in agreed.get(key, {}):
                text = "{key}: {level} is named twice"
                return ContractFault(phrase(text, key=key, level=level.name), key)
            try:
                agreed.setdefault(key, {})[level.name] = str(parse_span(span))
            except ValueError:
                text = (
                    "{key} {level}: {span} is not a valid duration: write a whole number and a "
                    "unit, such as '2 business hours', '5 business days', '30 minutes' or '4h', "
                    "at most a year"
                )
                why = phrase(text, key=key, level=level.name, span=repr(span))
                return ContractFault(why, key)
    # Not where the time does not pass in years in the hours that count: each mail would fail.
    for key, name, span, where in endless_promises(agreed, calendar, tier, policy):
        text = (
            "{key} {level}: {span} is more than five years in the hours of {where} of the policy "
            "{policy}; write a shorter time, or name a calendar with more hours"
        )
        values = {"key": key, "level": name, "span": repr(span), "where": where}
        return ContractFault(phrase(text, **values, policy=policy.name), key)
    return agreed


def endless_promises(
    targets: Mapping[str, Mapping[str, str]], agreed: str, tier: str, policy: Policy
) -> Iterator[tuple[str, str, str, Phrase]]:
    """The spans of a contract that do not pass in years in the hours that count: `first` or
    `ongoing`, the level, the span, and whose hours these are. `agreed` is its calendar."""
    name = calendar_in_force(agreed, policy.tier(tier), policy)
    calendar = calendar_of(policy, name)
    where = phrase("the calendar {name}", name=name) if name else phrase("clock.calendar")
    for key, spans in targets.items():
        for level, span in spans.items():
            if not passes_in_years(parse_span(span), calendar):
                yield key, level, span, where
