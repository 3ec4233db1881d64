"""Describes the effects of a decision, for `postern check` and the console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from rules.decision.model import (
    AddComment,
    Bounced,
    Decision,
    Defer,
    EndSubscription,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
)
from rules.service.participants import Addition
from rules.ticket.notices import NoticeOrder
from rules.ticket.sla import Clock
from rules.ticket.visibility import Visibility

Line = tuple[str, str]
"""A label with its value."""

_KINDS: Mapping[Visibility, str] = {
    Visibility.PUBLIC: "a public comment",
    Visibility.PRIVATE: "a flagged comment, which staff can accept,",
    Visibility.NOTE: "a note for staff",
    Visibility.FOLDED: "a folded comment",
}


def describe(decision: Decision) -> tuple[Line, ...]:
    """The action with all its effects, line by line; what does not apply is left out."""
    lines = (("would", _action(decision)), *_details(decision), *_mails(decision.orders))
    return tuple((label, value) for label, value in lines if value)


def _action(decision: Decision) -> str:
    match decision.action:
        case OpenTicket() as opening:
            after = f", a follow-up of #{opening.follows}" if opening.follows else ""
            by = f", by {opening.author}" if opening.for_customer is not None else ""
            enrolment = ", and register them" if opening.enrol else ""
            return f"open a ticket for {opening.requester}{by}{after}{enrolment}: {opening.subject}"
        case AddComment() as adding:
            return f"write {_KINDS[adding.visibility]} on #{adding.ticket}"
        case Record(ticket=ticket, would_be=Visibility()):
            return f"store it on #{ticket}, folded, and name it in the digest"
        case Record(ticket=ticket, body_dropped=dropped):
            what = "store its header" if dropped else "store it"
            where = f" on #{ticket}, folded, and notify nobody" if ticket else ", on no ticket"
            return what + where
        case EndSubscription(ticket=ticket, author=author):
            return f"send {author} no more mail about #{ticket}"
        case Hold():
            return "hold it in quarantine"
        case Refuse(text=text):
            return f"refuse it: {text}"
        case Defer(cause="room"):
            return "ask the sending server to try again later, as there is no room now"
        case Defer(cause="rate"):
            return "ask the sending server to try again later, as it has sent too many mails"
        case Defer():
            return "ask the sending server to try again later"
        case Repeat(journal_id=journal_id, answer=answer):
            return f"answer as the first time, as {journal_id}: {answer}"
        case _:
            assert_never(decision.action)


def _details(decision: Decision) -> Iterator[Line]:
    match decision.action:
        case OpenTicket() as opening:
            claim = opening.severity.claim
            claimed = f" (claimed: {claim.level})" if claim is not None else ""
            yield "severity", f"{opening.severity.name}{claimed}"
            yield "tier", opening.tier
            yield "due", _due(opening.clock)
            yield "mentions", f"#{opening.mentions}" if opening.mentions else ""
            yield "missing", ", ".join(opening.missing)
            yield "fields", _fields(opening.fields)
            yield "joins", _people(opening.additions)
        case AddComment() as adding:
            moved = adding.moved
            yield "status", f"{moved.was} → {moved.became}" if moved is not None else ""
            yield "changes", "; ".join(map(str, adding.command_effects.done))
            yield "due", _due(adding.clock_change.clock) if adding.clock_change is not None else ""
            yield "missing", _still_missing(adding.missing)
            yield "fields", _fields(adding.fields.values)
            yield "joins", _people(adding.additions)
        case Record(bounced=Bounced() as bounced):
            yield "bounced", f"{bounced.address}, {bounced.failure}: {bounced.why}"
            yield "suspends", bounced.address if bounced.suspends else ""
        case _:
            return


def _mails(orders: Iterable[NoticeOrder]) -> Iterator[Line]:
    for order in orders:
        yield "mails", f"{order.kind.replace('_', ' ')} to {order.address}"


def _due(clock: Clock | None) -> str:
    return f"{clock.due_at:%Y-%m-%d %H:%M} UTC" if clock is not None else ""


def _still_missing(missing: tuple[str, ...] | None) -> str:
    return "" if missing is None else ", ".join(missing) or "nothing"


def _fields(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in fields.items())


def _people(additions: Iterable[Addition]) -> str:
    return ", ".join(f"{a.address} ({a.part}, {a.presence})" for a in additions)
