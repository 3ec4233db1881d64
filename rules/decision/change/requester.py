"""The requester of a ticket changes, by staff alone."""

from __future__ import annotations

from rules.decision.after import after
from rules.decision.change.facts import ChangeFacts
from rules.decision.change.people import added_by_staff, address_to_add, no_mail
from rules.decision.effects import (
    ChangeRefused,
    Effect,
    Effects,
    PersonAdded,
    PresenceChanged,
    notified,
)
from rules.decision.staff_effects import RequesterChanged
from rules.people import ParticipantKind, Person, Presence, Role
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.ticket.changes import SetRequester
from rules.ticket.model import Ticket
from rules.ticket.payloads import StatusPayload


def set_requester(
    ticket: Ticket, change: SetRequester, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """A registered user of the ticket's company; the one before them stays on the ticket."""
    address = address_to_add(
        change.address, facts.own_addresses, facts.mailbox, policy, by_staff=facts.by_staff
    )
    if isinstance(address, ChangeRefused):
        return address
    done = sentence("{address} is the requester of #{ticket}", address=address, ticket=ticket.id)
    if address == ticket.requester:
        return Effects(done=(done,))
    person = facts.people.get(address)
    if (why := _obstacle(ticket, address, person)) is not None:
        return ChangeRefused(why)
    joins = _joins(ticket, address, person)
    if isinstance(joins, ChangeRefused):
        return joins
    company = person.company.id if person is not None and person.company is not None else None
    is_staff = ticket.requester in {each.address for each in facts.staff}
    left_as = ParticipantKind.FOLLOWER if is_staff else ParticipantKind.USER
    changed = RequesterChanged(ticket.requester, address, left_as, company, ticket.company is None)
    rows: tuple[Effect, ...] = (*joins, changed)
    if policy.notices.status:
        orders = notifications.status_change(
            after(ticket, rows, facts.at),
            StatusPayload("requester", ticket.requester, address),
            policy,
            by_staff=facts.by_staff,
        )
        rows = (*rows, *notified(orders))
    return Effects(rows, (done, *no_mail(address, person)))


def _obstacle(ticket: Ticket, address: str, person: Person | None) -> Sentence | None:
    if person is None or person.role is Role.STAFF:
        return sentence(
            "{address} is not a registered user; register them first, or add them with #cc",
            address=address,
        )
    if person.company is None or not person.active or not person.company.active:
        return sentence("{address} or their company is deactivated", address=address)
    if ticket.company not in (None, person.company.id):
        return sentence(
            "{address} belongs to another company than #{ticket}",
            address=address,
            ticket=ticket.id,
        )
    return None


def _joins(
    ticket: Ticket, address: str, person: Person | None
) -> tuple[Effect, ...] | ChangeRefused:
    """How they come onto the ticket; nothing where they are on it."""
    member = ticket.participant(address)
    if member is None:
        joins = added_by_staff(address, person)
        return joins if isinstance(joins, ChangeRefused) else (PersonAdded(joins),)
    if member.presence is Presence.ACTIVE:
        return ()
    return (PresenceChanged(address, member.presence, Presence.ACTIVE),)
