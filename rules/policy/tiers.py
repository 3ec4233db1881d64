"""What a customer's support plan promises."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rules.policy.base import Name, Section, SpanText, Text
from rules.ticket.business_time import parse_span
from rules.ticket.sla import Target

Promises = Annotated[
    dict[str, SpanText],
    Field(description='must be a table such as { High = "4 business hours", Low = "5 days" }'),
]
"""Spans by the name of a level. A level that is left out has no promise."""


class TierSection(Section):
    """A support plan."""

    name: Name
    title: Text
    paid: bool = True
    """Whether the plan is paid for: then the account team may be notified of new tickets."""
    support: bool = True
    """Without support, a mail is refused with the text `community`."""
    first: Promises = Field(default_factory=dict)
    """The time until the first answer by staff; a contract may override it."""
    ongoing: Promises = Field(default_factory=dict)
    """The time from each answer by staff to the next; a contract may override it."""
    calendar: Name | None = None
    """A calendar of `calendars`, whose hours count instead of those of `clock.calendar`."""
    phone: Text | None = None
    """How to reach the phone support that the plan includes."""
    critical_channel: Text | None = None
    """Takes precedence over the `critical_channel` of the severities."""
    critical_first_in_portal: bool = False
    """Whether the sender of a critical claim is asked to log it in the portal first."""

    def target(self, level: str) -> Target:
        """What is promised for a level."""
        first, ongoing = self.first.get(level), self.ongoing.get(level)
        return Target(
            first=parse_span(first) if first is not None else None,
            ongoing=parse_span(ongoing) if ongoing is not None else None,
        )
