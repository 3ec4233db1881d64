"""What a customer's support plan promises."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rules.policy.base import Name, Section, SpanText, Text
from rules.ticket.business_time import parse_span
from rules.ticket.sla import Target

Promises = Annotated[
    dict[str, SpanText],
    Field(description='this is a table; write { High = "4 business hours", Low = "5 days" }'),
]
"""By the name of a level. A level that is left out has no promise."""


class TierSection(Section):
    """A support plan."""

    name: Name
    title: Text
    paid: bool = True
    """Whether it is paid for as such: then the account team is told of new tickets."""
    support: bool = True
    """Without support, a mail is answered with the text `community`."""
    first: Promises = Field(default_factory=dict)
    """Until the first answer by staff."""
    ongoing: Promises = Field(default_factory=dict)
    """From each answer by staff to the next, unless the contract says otherwise."""
    critical_channel: Text | None = None
    """Goes before that of the severities."""
    critical_first_in_portal: bool = False
    """Whether a mail that claims to be critical is told to log it through the portal first."""

    def target(self, level: str) -> Target:
        """What is promised for a level."""
        first, ongoing = self.first.get(level), self.ongoing.get(level)
        return Target(
            first=parse_span(first) if first is not None else None,
            ongoing=parse_span(ongoing) if ongoing is not None else None,
        )
