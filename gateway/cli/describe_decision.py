"""What a decision would do, in words: `postern check` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from rules.decision.model import (
    AddComment,
    Bounced,
    Decision,
    Defer,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
    Unsubscribe,
)
from rules.service.participants import Addition
from rules.ticket.changes import (
    AddPerson,
    Assign,
    Change,
    Delete,
    Escalate,
    Merge,
    Publish,
    RemovePerson,
    Say,
    SetSeverity,
    SetStatus,
    SettlePerson,
    Workaround,
)
from rules.ticket.notices import NoticeOrder
from rules.ticket.sla import Clock
from rules.ticket.visibility import Visibility

Line = tuple[str, str]
"""A label and what stands beside it."""

_KINDS: Mapping[Visibility, str] = {
    Visibility.PUBLIC: "a public comment",
    Visibility.PRIVATE: "a flagged comment, which staff can accept,",
    Visibility.NOTE: "a note for staff",
    Visibility.FOLDED: "a folded comment",
}


def describe(decision: Decision) -> tuple[Line, ...]:
    """The action and all that comes with it; what does not apply is left out."""
    lines = (("would", _does(decision)), *_details(decision), *_mails(decision.orders))
    return tuple((label, said) for label, said in lines if said)


def _does(decision: Decision) -> str:
    match decision.action:
        case OpenTicket() as opening:
            after = f", a follow-up of #{opening.follows}" if opening.follows else ""
            enrolling = ", and enrol him" if opening.enrol else ""
            return f"open a ticket for {opening.requester}{after}{enrolling}: {opening.subject}"
        case AddComment() as adding:
            return f"write {_KINDS[adding.visibility]} on #{adding.ticket}"
        case Record(ticket=None):
            return "keep it, on no ticket"
        case Record(ticket=ticket):
            return f"keep it on #{ticket}, folded, and tell nobody there"
        case Unsubscribe(ticket=ticket, author=author):
            return f"send {author} no more mail about #{ticket}"
        case Hold():
            return "keep it in quarantine"
        case Refuse(dmarc=True):
            return "refuse it, as the sender's own domain asks"
        case Refuse(text=text):
            return f"refuse it: {text}"
        case Defer():
            return "have the sender try again later"
        case Repeat(journal_id=journal_id, answer=answer):
            return f"answer as the first time, when it came as {journal_id}: {answer}"
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
            yield "lacks", ", ".join(opening.missing)
            yield "fields", _fields(opening.fields)
            yield "joins", _people(opening.additions)
        case AddComment() as adding:
            moved = adding.moved
            yield "status", f"{moved.was} → {moved.became}" if moved is not None else ""
            yield "changes", ", ".join(map(_change, adding.changes))
            yield "due", _due(adding.clock_change.clock) if adding.clock_change is not None else ""
            yield "lacks", _still(adding.missing)
            yield "fields", _fields(adding.fields)
            yield "joins", _people(adding.additions)
        case Record(bounced=Bounced() as bounced):
            yield "bounced", f"{bounced.address}, {bounced.failure}: {bounced.why}"
            yield "suspends", bounced.address if bounced.suspends else ""
        case _:
            return


def _change(change: Change) -> str:
    match change:
        case SetStatus(status=status):
            return f"status {status}"
        case SetSeverity(level=level):
            return f"severity {level}"
        case Workaround():
            return "one level lower for a workaround"
        case Assign(address=address):
            return f"assign to {address or 'nobody'}"
        case AddPerson(address=address):
            return f"add {address}"
        case RemovePerson(address=address):
            return f"take {address} off"
        case SettlePerson(address=address, take_in=take_in):
            return f"{'take in' if take_in else 'leave out'} {address}"
        case Say(visibility=visibility):
            return f"write {_KINDS[visibility]}"
        case Publish(comment=comment):
            return f"publish comment {comment}"
        case Escalate():
            return "escalate"
        case Merge(into=into):
            return f"merge into #{into}"
        case Delete():
            return "delete"
        case _:
            assert_never(change)


def _mails(orders: Iterable[NoticeOrder]) -> Iterator[Line]:
    for order in orders:
        yield "mails", f"{order.kind.replace('_', ' ')} to {order.address}"


def _due(clock: Clock | None) -> str:
    return f"{clock.due_at:%Y-%m-%d %H:%M} UTC" if clock is not None else ""


def _still(missing: tuple[str, ...] | None) -> str:
    return "" if missing is None else ", ".join(missing) or "nothing any more"


def _fields(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in fields.items())


def _people(additions: Iterable[Addition]) -> str:
    return ", ".join(f"{a.address} ({a.part}, {a.presence})" for a in additions)
