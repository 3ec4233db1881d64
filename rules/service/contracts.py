"""What a contract promises in the hours of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.policy import Policy
from rules.service.calendars import calendar_in_force, calendar_of
from rules.ticket.business_time import parse_span, passes_in_years


def endless_promises(
    targets: Mapping[str, Mapping[str, str]], agreed: str, tier: str, policy: Policy
) -> Iterator[tuple[str, str, str, str]]:
    """The spans of a contract that do not pass in years in the hours that count: `first` or
    `ongoing`, the level, the span, and whose hours these are. `agreed` is its calendar."""
    name = calendar_in_force(agreed, policy.tier(tier), policy)
    calendar = calendar_of(policy, name)
    where = f"the calendar {name}" if name else "clock.calendar"
    for key, spans in targets.items():
        for level, span in spans.items():
            if not passes_in_years(parse_span(span), calendar):
                yield key, level, span, where
