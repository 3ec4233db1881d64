"""What a back-test compares of two decisions, and what it reports of all mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

from rules.decision.model import (
    AddComment,
    Decision,
    Defer,
    EndSubscription,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
)
from rules.decision.reasons import Verdict
from rules.sentence import Phrase, literal, phrase
from rules.service.participants import Addition
from rules.ticket.notices import NoticeOrder
from rules.ticket.sla import Stage
from storage.mail.recorded import KEPT, RecordedMail


class Aspect(StrEnum):
    """What of two decisions is compared; each is named like its field of `Outcome`."""

    VERDICT = "verdict"
    REASON = "reason"
    TICKET = "ticket"
    FOLLOWS = "follows"
    SEVERITY = "severity"
    CRITICAL_CLAIMED = "critical_claimed"
    MISSING = "missing"
    FIELDS = "fields"
    JOINS = "joins"
    ORDERS = "orders"
    FIRST_DUE = "first_due"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision comes to, as far as somebody notices it."""

    verdict: Verdict
    reason: str
    ticket: int | None = None
    """None also for a new one."""
    follows: int | None = None
    severity: str | None = None
    critical_claimed: bool = False
    missing: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[str, ...] = ()
    """Each as `address (part, presence)`, in the order of the alphabet."""
    orders: Mapping[str, int] = field(default_factory=dict)
    """How many outgoing mails of each kind."""
    first_due: datetime | None = None


ASPECT_NAMES: Mapping[Aspect, str] = MappingProxyType(
    {
        Aspect.CRITICAL_CLAIMED: "critical claimed",
        Aspect.FOLLOWS: "follow-up of",
        Aspect.ORDERS: "mails sent",
        Aspect.FIRST_DUE: "first answer due",
    }
)


def name_of(aspect: Aspect) -> str:
    return ASPECT_NAMES.get(aspect, aspect.value)


def value_of(outcome: Outcome, aspect: Aspect) -> Phrase:
    """In words; nothing of it is made safe for a terminal."""
    value = getattr(outcome, aspect.value)
    match value:
        case None | () | {} if not value:
            return phrase("none")
        case bool():
            return phrase("yes") if value else phrase("no")
        case datetime():
            return literal(f"{value:%Y-%m-%d %H:%M}")
        case tuple():
            return literal(", ".join(value))
        case Mapping() if aspect is Aspect.ORDERS:
            return _mails(value)
        case Mapping():
            return literal(", ".join(f"{key} {each}" for key, each in value.items()))
        case int():
            return literal(f"#{value}")
        case _:
            return literal(str(value))


def _mails(numbers: Mapping[str, int]) -> Phrase:
    """How many outgoing mails of each kind, of one at least."""
    first, *others = (
        phrase("{kind}: {number}", kind=phrase(kind.replace("_", " ")), number=number)
        for kind, number in numbers.items()
    )
    for each in others:
        first = phrase("{before}; {next}", before=first, next=each)
    return first


@dataclass(frozen=True, slots=True)
class Difference:
    """One mail that the new policy decides otherwise."""

    mail: RecordedMail
    was: Outcome
    """By the policy in force."""
    would_be: Outcome
    aspects: tuple[Aspect, ...]


@dataclass(slots=True)
class Report:
    """What a back-test found; it grows mail by mail."""

    mailboxes: tuple[str, ...]
    lines: Mapping[Verdict, int] = field(default_factory=dict)
    """All lines of the journal in that time, by their verdicts."""
    cut_at: datetime | None = None
    """The time of the oldest mail that was decided, where enough were; None if all of them were."""
    mails: int = 0
    different: int = 0
    aspects: Counter[Aspect] = field(default_factory=Counter)
    shown: list[Difference] = field(default_factory=list)
    """The newest first."""
    moved_on: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What the journal has, what the policy in force decides now, and for how many mails."""

    @property
    def lost(self) -> int:
        """Lines that should have a mail, and have none."""
        return sum(self.lines.get(verdict, 0) for verdict in KEPT) - self.mails

    def add(self, mail: RecordedMail, was: Outcome, would_be: Outcome, limit: int) -> None:
        """Count one mail, and show it if it differs and fewer than `limit` are shown."""
        self.mails += 1
        journal, today = f"{mail.verdict}, {mail.reason}", _today(was, mail)
        if journal != today:
            self.moved_on[journal, today] += 1
        aspects = differing_aspects(was, would_be)
        if not aspects:
            return
        self.different += 1
        self.aspects.update(aspects)
        if len(self.shown) < limit:
            # A shown mail may be large, and nobody reads its bytes again.
            self.shown.append(Difference(replace(mail, raw=b""), was, would_be, aspects))


def _today(was: Outcome, mail: RecordedMail) -> str:
    """What the policy in force decides now; that it leads to another ticket is noted without its
    number, so that such mails add up."""
    elsewhere = was.ticket is not None and was.ticket != mail.ticket
    return f"{was.verdict}, {was.reason}{' on another ticket' if elsewhere else ''}"


def differing_aspects(was: Outcome, would_be: Outcome) -> tuple[Aspect, ...]:
    """In what two outcomes differ.

    Where a mail would go another way altogether, that and its reason are named: the rest follows.
    """
    found = tuple(a for a in Aspect if getattr(was, a.value) != getattr(would_be, a.value))
    if Aspect.VERDICT in found:
        return tuple(a for a in found if a in (Aspect.VERDICT, Aspect.REASON))
    return found


def outcome_of(decision: Decision) -> Outcome:
    """What a decision comes to."""
    plain = Outcome(decision.verdict, decision.reason.value)
    match decision.action:
        case OpenTicket() as opening:
            return replace(
                plain,
                follows=opening.follows,
                severity=opening.severity.name,
                critical_claimed=opening.severity.critical_claimed,
                missing=opening.missing,
                fields=dict(opening.fields),
                joins=_joins(opening.additions),
                orders=_kinds(opening.orders),
                first_due=opening.clock.due_at if opening.clock is not None else None,
            )
        case AddComment() as adding:
            clock = adding.clock_change.clock if adding.clock_change is not None else None
            first = clock is not None and clock.stage is Stage.FIRST
            return replace(
                plain,
                ticket=adding.ticket,
                missing=adding.missing or (),
                fields=dict(adding.fields.values),
                joins=_joins(adding.additions),
                orders=_kinds(adding.orders),
                first_due=clock.due_at if clock is not None and first else None,
            )
        case Record(ticket=ticket, orders=orders) | EndSubscription(ticket=ticket, orders=orders):
            return replace(plain, ticket=ticket, orders=_kinds(orders))
        case Hold(orders=orders):
            return replace(plain, orders=_kinds(orders))
        case Repeat(ticket=ticket):
            return replace(plain, ticket=ticket)
        case Refuse() | Defer():
            return plain
        case _:
            assert_never(decision.action)


def _joins(additions: tuple[Addition, ...]) -> tuple[str, ...]:
    return tuple(sorted(f"{a.address} ({a.part}, {a.presence})" for a in additions))


def _kinds(orders: tuple[NoticeOrder, ...]) -> Mapping[str, int]:
    return dict(sorted(Counter(order.kind.value for order in orders).items()))
