"""Describes the effects of a decision, for `postern check` and the console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from rules.sentence import Phrase, literal, phrase
from rules.service.participants import Addition
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeOrder
from rules.ticket.severity import MailSeverity
from rules.ticket.sla import Clock
from rules.ticket.visibility import Visibility

Line = tuple[str, str]
"""A label with its value."""
Effect = tuple[str, Phrase]
"""The same, of which both can be translated."""

_KINDS: Mapping[Visibility, str] = {
    Visibility.PUBLIC: "write a public comment on #{ticket}",
    Visibility.PRIVATE: "write a flagged comment, which staff can accept, on #{ticket}",
    Visibility.NOTE: "write a note for staff on #{ticket}",
    Visibility.FOLDED: "write a folded comment on #{ticket}",
}


LABELS = frozenset(
    (
        *("would", "severity", "tier", "due", "mentions", "missing", "fields", "joins"),
        *("status", "changes", "bounced", "suspends", "mails"),
    )
)


def describe(decision: Decision) -> tuple[Line, ...]:
    """The action with all its effects, line by line; what does not apply is left out."""
    return tuple((label, str(value)) for label, value in effects_of(decision))


def effects_of(decision: Decision) -> tuple[Effect, ...]:
    """The same for a reader of another language."""
    lines = (("would", _action(decision)), *_details(decision), *_mails(decision.orders))
    return tuple((label, value) for label, value in lines if value is not None)


def _action(decision: Decision) -> Phrase:
    match decision.action:
        case OpenTicket() as opening:
            return _opening(opening)
        case AddComment() as adding:
            return phrase(_KINDS[adding.visibility], ticket=adding.ticket)
        case Record() as record:
            return _recording(record)
        case EndSubscription(ticket=ticket, author=author):
            text = "send {author} no more mail about #{ticket}"
            return phrase(text, author=author, ticket=ticket)
        case Hold():
            return phrase("hold it in quarantine")
        case Refuse(text=reply):
            return phrase("refuse it: {reply}", reply=reply)
        case Defer(cause="room"):
            return phrase("ask the sending server to try again later, as there is no room now")
        case Defer(cause="rate"):
            text = "ask the sending server to try again later, as it has sent too many mails"
            return phrase(text)
        case Defer():
            return phrase("ask the sending server to try again later")
        case Repeat(journal_id=journal_id, answer=answer):
            text = "answer as the first time, as {journal_id}: {answer}"
            return phrase(text, journal_id=journal_id, answer=answer)
        case _:
            assert_never(decision.action)


def _opening(opening: OpenTicket[MailSeverity]) -> Phrase:
    opened = phrase("open a ticket for {requester}", requester=opening.requester)
    if opening.for_customer is not None:
        opened = phrase("{opened}, by {author}", opened=opened, author=opening.author)
    if opening.follows:
        opened = phrase("{opened}, a follow-up of #{ticket}", opened=opened, ticket=opening.follows)
    if opening.enrol:
        opened = phrase("{opened}, and register them", opened=opened)
    return phrase("{opened}: {subject}", opened=opened, subject=opening.subject)


def _recording(record: Record) -> Phrase:
    if record.would_be is not None:
        text = "store it on #{ticket}, folded, and name it in the digest"
    elif record.ticket and record.body_dropped:
        text = "store its header on #{ticket}, folded, and notify nobody"
    elif record.ticket:
        text = "store it on #{ticket}, folded, and notify nobody"
    else:
        text = "store its header, on no ticket" if record.body_dropped else "store it, on no ticket"
    return phrase(text, ticket=record.ticket)


def _details(decision: Decision) -> Iterator[tuple[str, Phrase | None]]:
    match decision.action:
        case OpenTicket() as opening:
            yield "severity", _severity(opening.severity)
            yield "tier", _written(opening.tier)
            yield "due", _due(opening.clock)
            yield "mentions", _written(f"#{opening.mentions}" if opening.mentions else "")
            yield "missing", _written(", ".join(opening.missing))
            yield "fields", _fields(opening.fields)
            yield "joins", _people(opening.additions)
        case AddComment() as adding:
            moved = adding.moved
            yield "status", _moved(moved.was, moved.became) if moved is not None else None
            done = [Phrase(each.english, dict(each.values)) for each in adding.command_effects.done]
            yield "changes", _joined(done, "{before}; {next}")
            yield (
                "due",
                _due(adding.clock_change.clock) if adding.clock_change is not None else None,
            )
            yield "missing", _still_missing(adding.missing)
            yield "fields", _fields(adding.fields.values)
            yield "joins", _people(adding.additions)
        case Record(bounced=Bounced() as bounced):
            yield "bounced", literal(f"{bounced.address}, {bounced.failure}: {bounced.why}")
            yield "suspends", _written(bounced.address if bounced.suspends else "")
        case _:
            return


def _mails(orders: Iterable[NoticeOrder]) -> Iterator[Effect]:
    for order in orders:
        kind = phrase(order.kind.replace("_", " "))
        yield "mails", phrase("{kind} to {address}", kind=kind, address=order.address)


def _written(text: str) -> Phrase | None:
    return literal(text) if text else None


def _severity(severity: MailSeverity) -> Phrase:
    if severity.claim is None:
        return literal(severity.name)
    return phrase("{level} (claimed: {claimed})", level=severity.name, claimed=severity.claim.level)


def _moved(was: Status, became: Status) -> Phrase:
    return phrase("{was} → {became}", was=phrase(was.value), became=phrase(became.value))


def _due(clock: Clock | None) -> Phrase | None:
    return literal(f"{clock.due_at:%Y-%m-%d %H:%M} UTC") if clock is not None else None


def _still_missing(missing: tuple[str, ...] | None) -> Phrase | None:
    if missing is None:
        return None
    return _written(", ".join(missing)) or phrase("nothing")


def _fields(fields: Mapping[str, str]) -> Phrase | None:
    return _written(", ".join(f"{name} = {value}" for name, value in fields.items()))


def _people(additions: Iterable[Addition]) -> Phrase | None:
    text = "{address} ({part}, {presence})"
    return _joined(
        [
            phrase(text, address=a.address, part=phrase(a.part), presence=phrase(a.presence))
            for a in additions
        ],
        "{before}, {next}",
    )


def _joined(phrases: Sequence[Phrase], between: str) -> Phrase | None:
    if not phrases:
        return None
    joined, *rest = phrases
    for each in rest:
        joined = Phrase(between, {"before": joined, "next": each})
    return joined
