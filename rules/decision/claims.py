"""A claim of severity in a reply: what it does, and who is notified of it.

It never changes the severity. It is kept next to it, staff read it with the comment, and a critical
one is answered with the critical channel, at most once an hour for each author, and alerts the
person on call, at most once an hour on a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from rules.decision.case import Case
from rules.decision.content import body_text
from rules.decision.effects import ClaimMade
from rules.identity import ProofLevel, Standing
from rules.mail.language import author_language
from rules.mail.subjects import bare_subject, subject_besides
from rules.people import Presence
from rules.sentence import sentence
from rules.service import notifications
from rules.service.limits import HOUR
from rules.ticket.claims import claim_in_reply
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertTopic, NewCommentPayload
from rules.ticket.severity import Claim
from rules.ticket.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reply claims."""

    claim: Claim | None = None
    effect: ClaimMade | None = None
    """None where nothing is claimed, or where the claim has no effect on the ticket."""
    orders: tuple[NoticeOrder, ...] = ()
    notes: tuple[str, ...] = ()
    """For the trace."""
    receipt_has_channel: bool = False
    """The claim is critical, and nothing but the address or the token of its author proves it: the
    receipt of the mail, which only they get, has the critical channel."""


def heard_in_reply(case: Case, ticket: Ticket, visibility: Visibility) -> Heard:
    """What a customer's comment of this visibility claims."""
    if case.by_machine or not _is_customer(case, ticket):
        return Heard()
    bare = bare_subject(case.mail.subject, case.policy.subject_tag.format)
    anew = subject_besides(bare, ticket.subject)
    claim = claim_in_reply(case.policy.claim_vocabulary, anew, body_text(case.mail))
    if claim is None:
        return Heard()
    proven = case.sender.proof_level >= ProofLevel.PROVEN
    published = proven and visibility is Visibility.PUBLIC
    effect = _effect(case, ticket, claim) if published else None
    notes = (f"it claims {claim.level}",)
    if not claim.critical:
        return Heard(claim, effect, notes=notes)
    if not proven:
        return Heard(claim, notes=notes, receipt_has_channel=True)
    orders, said = _critical(case, ticket)
    return Heard(claim, effect, orders, (*notes, *said))


def _is_customer(case: Case, ticket: Ticket) -> bool:
    """Not staff, and not a contact of another company who only got a notice about the ticket."""
    sender = case.sender
    if sender.standing is Standing.STAFF:
        return False
    if ticket.participant(sender.address) is not None:
        return True
    if sender.standing not in (Standing.USER, Standing.COLLEAGUE):
        return False
    is_of_theirs = sender.company is not None and sender.company.id == ticket.company
    return is_of_theirs or not case.facts.notified_of


def with_claim(orders: Iterable[NoticeOrder], heard: Heard) -> tuple[NoticeOrder, ...]:
    """The orders, of which those of the comment to staff say what it claims."""
    if heard.claim is None:
        return tuple(orders)
    return tuple(_naming(order, heard.claim.level) for order in orders)


def besides(orders: tuple[NoticeOrder, ...], heard: Heard) -> tuple[NoticeOrder, ...]:
    """The orders, and those of the claim for whom has none of that kind: one mail alerts enough."""
    there = {(o.kind, o.address) for o in orders if not o.withheld}
    more = tuple(o for o in heard.orders if (o.kind, o.address) not in there)
    instead = {(o.kind, o.address) for o in more}
    return (*(o for o in orders if (o.kind, o.address) not in instead), *more)


def _naming(order: NoticeOrder, level: str) -> NoticeOrder:
    if not isinstance(order.payload, NewCommentPayload):
        return order
    return replace(order, payload=replace(order.payload, claims=level))


def _effect(case: Case, ticket: Ticket, claim: Claim) -> ClaimMade | None:
    """The latest claim is kept. A critical one is not forgotten for a lesser: staff clear it."""
    was = ticket.severity_claimed
    critical = not ticket.critical and (claim.critical or ticket.critical_claimed)
    if claim.level == (was or ticket.severity) and critical == ticket.critical_claimed:
        return None
    return ClaimMade(case.sender.address, was, claim.level, critical)


def _critical(case: Case, ticket: Ticket) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The critical channel for the author of a critical claim and the alert of the person on call;
    and what the trace says of them. No budget withholds them."""
    channel, of_channel = _channel(case, ticket)
    alerts, of_alerts = _alerts(case, ticket)
    return (*channel, *alerts), (of_channel, *of_alerts)


def _channel(case: Case, ticket: Ticket) -> tuple[tuple[NoticeOrder, ...], str]:
    """Once an hour for each author: nobody's claim delays the answer to somebody else's."""
    author = case.sender.address
    if _is_lately(ticket.critical_told_at.get(author), case.facts.decided_at):
        return (), "the critical channel was sent to its author within the hour"
    if not case.is_of_a_person:
        return (), "a list or a machine sent it"
    own = case.sender.person.language if case.sender.person is not None else ""
    language = ticket.language_of(author) or own or author_language(case.mail.header)
    channel = (NoticeOrder(NoticeKind.CRITICAL_CHANNEL, author, language),)
    return channel, "its author is sent the critical channel"


def _alerts(case: Case, ticket: Ticket) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """Once an hour on a ticket; the alert that somebody who is not on it caused does not count for
    a claim of somebody who is."""
    now, author = case.facts.decided_at, case.sender.address
    if ticket.critical:
        return (), ("nobody is alerted: the ticket is critical already",)
    member = ticket.participant(author)
    within = member is not None and member.presence is Presence.ACTIVE
    last = ticket.alerted_from_within_at if within else ticket.critical_alerted_at
    if _is_lately(last, now):
        return (), ("nobody is alerted: a claim alerted within the hour",)
    alerts = notifications.alert_on_call(
        case.policy,
        now,
        AlertTopic.CLAIM,
        sentence(
            "{author} claims by mail that #{ticket} is critical", author=author, ticket=ticket.id
        ),
        author=author,
        unreachable=case.facts.unreachable,
        staff=case.facts.staff,
        claimed=True,
        outside=not within,
    )
    return alerts, ()


def _is_lately(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at < HOUR
