"""What becomes of a mailbox's open tickets under another policy: what it does not have any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rules.policy.model import Policy

NUMBERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TicketTerms:
    """What an open ticket has of the policy that it was opened under."""

    number: int
    severity: str
    tier: str
    calendar: str
    escalation_level: int
    fields: Collection[str]
    missing: Collection[str]


class Left(StrEnum):
    """What a policy may be without."""

    LEVEL = "level"
    TIER = "tier"
    CALENDAR = "calendar"
    ESCALATION = "escalation level"
    FIELD = "field"
    FACT = "fact"


@dataclass(frozen=True, slots=True)
class Orphan:
    """Open tickets with something that a policy does not have."""

    left: Left
    name: str
    tickets: tuple[int, ...]
    """Their numbers, in order."""
    becomes: str
    """What becomes of them."""

    def __str__(self) -> str:
        """`2 open tickets have the level "High" (#1, #2): …`."""
        one = len(self.tickets) == 1
        shown = ", ".join(f"#{number}" for number in self.tickets[:NUMBERS_SHOWN])
        more = ", …" if len(self.tickets) > NUMBERS_SHOWN else ""
        verb = {
            Left.LEVEL: "is at the level" if one else "are at the level",
            Left.ESCALATION: "was escalated to level" if one else "were escalated to level",
            Left.FACT: "does not state" if one else "do not state",
        }.get(self.left, f"has the {self.left}" if one else f"have the {self.left}")
        name = self.name if self.left is Left.ESCALATION else f'"{self.name}"'
        count = f"{len(self.tickets)} open ticket{'' if one else 's'}"
        return f"{count} {verb} {name} ({shown}{more}): {self.becomes}"


def orphans(tickets: Iterable[TicketTerms], new: Policy) -> tuple[Orphan, ...]:
    """What the open tickets of a mailbox have that its new policy does not, and what it becomes."""
    numbers: dict[tuple[Left, str], set[int]] = defaultdict(set)
    for ticket in tickets:
        for left, name in _left_by(ticket, new):
            numbers[left, name].add(ticket.number)
    order = list(Left)
    return tuple(
        Orphan(left, name, tuple(sorted(numbers[left, name])), _becomes(left, new))
        for left, name in sorted(numbers, key=lambda key: (order.index(key[0]), key[1]))
    )


def _left_by(ticket: TicketTerms, new: Policy) -> Iterator[tuple[Left, str]]:
    if ticket.severity not in {level.name for level in new.levels}:
        yield Left.LEVEL, ticket.severity
    if ticket.tier and ticket.tier not in {tier.name for tier in new.tiers}:
        yield Left.TIER, ticket.tier
    if ticket.calendar and ticket.calendar not in new.named_calendars:
        yield Left.CALENDAR, ticket.calendar
    if ticket.escalation_level > len(new.escalation.levels):
        yield Left.ESCALATION, str(ticket.escalation_level)
    known = {field.name for field in new.fields}
    yield from ((Left.FIELD, name) for name in ticket.fields if name not in known)
    asked = {fact.name for fact in new.completeness.facts}
    yield from ((Left.FACT, name) for name in ticket.missing if name not in asked)


def _becomes(left: Left, new: Policy) -> str:
    match left:
        case Left.LEVEL:
            return (
                "due times that run stay, and no further answer is promised until staff set "
                f"another severity: {', '.join(level.name for level in new.levels)}."
            )
        case Left.TIER:
            default = new.tier(None)
            if default is None:
                return "due times that run stay, and no further answer is promised."
            return (
                f"due times that run stay; from the next answer on, the times of {default.title} "
                "apply."
            )
        case Left.CALENDAR:
            return "from the next answer on, the hours of [clock.calendar] count."
        case Left.ESCALATION:
            levels = len(new.escalation.levels)
            if not levels:
                return "nobody is notified of a further request to escalate."
            return f"the next request goes to level {levels}, the highest."
        case Left.FIELD:
            return "the value stays with the ticket, but no mail adds one."
        case Left.FACT:
            return (
                "it is not recognised any more; staff may declare the request complete "
                "(#complete), and a clock that waits for it starts at the time that is set."
            )
