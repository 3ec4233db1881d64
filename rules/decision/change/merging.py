"""Merging: a ticket becomes part of another, with all its people."""

from __future__ import annotations

from collections.abc import Sequence, Set

from rules.decision.after import after
from rules.decision.change.facts import ChangeFacts
from rules.decision.change.merged_severity import merged_severity
from rules.decision.change.tags import carried_tags
from rules.decision.effects import (
    ChangeRefused,
    Effect,
    Effects,
    MergedInto,
    clock_effects,
    no_such_ticket,
    notified,
)
from rules.mail.addresses import domain_of, is_free_mail
from rules.people import ParticipantKind, Presence
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import asking, notifications, sla_rules
from rules.service.limits import NoticeBudget
from rules.service.participants import Addition, stays_removed
from rules.ticket.changes import CRITICAL_SOURCES, Merge
from rules.ticket.model import Ticket
from rules.ticket.payloads import StatusPayload


def merge(
    ticket: Ticket, change: Merge, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    into = facts.tickets.get(change.into)
    if into is None or into.deleted:
        return no_such_ticket(change.into)
    if (why := _obstacle(ticket, into, facts)) is not None:
        return ChangeRefused(why)
    severity = merged_severity(ticket, into, facts, policy)
    if isinstance(severity, ChangeRefused):
        return severity
    begins = _submitted(ticket, after(into, severity.rows, facts.at), facts, policy)
    tags = carried_tags(ticket, into)
    there = {p.address for p in into.participants}
    # Everybody on the merged ticket sees the other from now on; its requester becomes a user there.
    # Who was removed stays so: a reply to all with their address must not bring them back.
    carried = tuple(
        Addition(
            address=p.address,
            person=None,
            part=ParticipantKind.USER if p.part is ParticipantKind.REQUESTER else p.part,
            presence=p.presence,
            language=p.language,
            muted=p.muted,
        )
        for p in ticket.participants
        if p.address not in there and (p.presence is not Presence.REMOVED or stays_removed(p))
    )
    # With the merge staff also accept people who are active here and only proposed there.
    active = {p.address for p in ticket.participants if p.presence is Presence.ACTIVE}
    muted = {p.address for p in ticket.participants if p.muted}
    accepted = tuple(
        p.address
        for p in into.participants
        if p.presence is Presence.PENDING and p.address in active - muted
    )
    orders = notifications.status_change(
        ticket, StatusPayload("merged", became=f"into #{into.id}"), policy, by_staff=True
    )
    done = sentence("#{ticket} is now part of #{into}", ticket=ticket.id, into=into.id)
    stays_off = tuple(
        sentence(
            "{address} does not read #{into}, since they were removed from it; add them if they "
            "are to",
            address=p.address,
            into=into.id,
        )
        for p in into.participants
        if stays_removed(p) and p.address in active
    )
    rows = (
        MergedInto(into.id, carried, accepted, (*severity.rows, *begins, *tags.rows)),
        *notified(orders if policy.notices.status else ()),
    )
    return Effects(rows, (done, *stays_off, *severity.done, *tags.done))


def _submitted(
    ticket: Ticket, into: Ticket, facts: ChangeFacts, policy: Policy
) -> tuple[Effect, ...]:
    """What waits to be submitted in the portal waits no more once a request from there is part of
    it: its promise begins."""
    waits = into.waits_for_portal
    if not waits or ticket.door not in CRITICAL_SOURCES:
        return ()
    begins = sla_rules.accepted(policy, into, facts.at)
    if begins is None:
        return ()
    orders = asking.completed(into, into.missing, policy, NoticeBudget.STAFF)
    return (*clock_effects(begins), *notified(orders))


def _obstacle(ticket: Ticket, into: Ticket, facts: ChangeFacts) -> Sentence | None:
    """Why the tickets cannot be merged; None if they can."""
    if into.id == ticket.id:
        return sentence("#{ticket} cannot be merged into itself", ticket=ticket.id)
    if into.merged_into is not None:
        return sentence(
            "#{into} was merged into #{other}; merge into that one",
            into=into.id,
            other=into.merged_into,
        )
    # Only requests of staff are of no company: a customer's is of theirs, by whatever door it came.
    if into.company != ticket.company:
        return sentence("#{into} belongs to another company", into=into.id)
    if readers := _of_others(ticket, into, facts):
        return sentence(
            "{people} would read #{into}, which is of no company; add them there first, or "
            "remove them from #{ticket}",
            people=", ".join(readers),
            into=into.id,
            ticket=ticket.id,
        )
    if _leads_to(into, ticket.id, facts):
        return sentence(
            "#{ticket} follows #{into}; merge #{into} into #{ticket} instead",
            ticket=ticket.id,
            into=into.id,
        )
    if into.status.is_over and not ticket.status.is_over:
        return sentence(
            "#{into} is {status}; reopen it, or nobody sees #{ticket}",
            into=into.id,
            status=into.status,
            ticket=ticket.id,
        )
    return None


def _of_others(ticket: Ticket, into: Ticket, facts: ChangeFacts) -> Sequence[str]:
    """Customers who would read the other ticket, though the two have people of several
    organisations: requests of staff are of no company, and those on them may be of any."""
    if ticket.company is not None:
        return ()
    removed = {p.address for p in into.participants if stays_removed(p)}
    here, there = _customers(ticket, facts) - removed, _customers(into, facts)
    organisations = {_organisation(address) for address in (*here, *there)}
    return [] if len(organisations) == 1 or not there else sorted(here - there)


def _organisation(address: str) -> str:
    """The domain; at a provider of free mail everybody is on their own."""
    domain = domain_of(address)
    return address if is_free_mail(domain) else domain


def _customers(ticket: Ticket, facts: ChangeFacts) -> Set[str]:
    staff = {each.address for each in facts.staff}
    return {
        p.address
        for p in ticket.participants
        if p.presence is Presence.ACTIVE and p.address not in staff
    }


def _leads_to(ticket: Ticket, number: int, facts: ChangeFacts) -> bool:
    """Whether replies to a ticket lead to another: if merged, each would lead to the other."""
    visited: set[int] = set()
    waiting = [ticket.id]
    while waiting:
        current = waiting.pop()
        if current == number:
            return True
        if current in visited:
            continue
        visited.add(current)
        found = facts.tickets.get(current)
        if found is not None:
            waiting += [n for n in (found.merged_into, found.follow_up) if n is not None]
    return False
