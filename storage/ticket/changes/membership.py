"""Changes to who is on a ticket."""

from __future__ import annotations

from sqlalchemy import select

from rules.mail.addresses import normalise
from rules.people import Participant, ParticipantKind, Presence, Role
from rules.service import notifications
from rules.service.participants import Addition, added_by_user
from rules.ticket.model import Ticket
from storage.db.tables import PersonRow, table
from storage.registry import lookup
from storage.ticket import participants, write
from storage.ticket.changes.case import Case, ChangeRefused

_person = table(PersonRow)


def add_person(case: Case, ticket: Ticket, wanted: str) -> str:
    address = normalise(wanted)
    if address is None:
        raise ChangeRefused(f"{wanted!r} is no mail address")
    member = ticket.participant(address)
    if member is not None and member.presence is Presence.ACTIVE:
        if member.muted and case.by_staff:
            participants.resubscribe(case.connection, ticket.id, address)
            back = (ticket.id, "participant", f"{address} unsubscribed", f"{address} active", "")
            write.audit(case.connection, case.hand, *back)
            return f"{address} gets mail about #{ticket.id} again"
        return f"{address} is on #{ticket.id} already"
    if not case.by_staff:
        return _added_by_user(case, ticket, address, member)
    if member is not None:
        participants.set_presence(
            case.connection, case.hand, ticket.id, address, member.presence, Presence.ACTIVE
        )
        return f"{address} is on #{ticket.id} now"
    row = case.connection.execute(
        select(_person.c.id, _person.c.role, _person.c.active).where(
            _person.c.mailbox_id == case.hand.mailbox.id, _person.c.address == address
        )
    ).one_or_none()
    if row is not None and not row.active:
        raise ChangeRefused(f"{address} is deactivated")
    part = ParticipantKind.GUEST if row is None else ParticipantKind.USER
    if row is not None and row.role == Role.STAFF.value:
        part = ParticipantKind.FOLLOWER
    added = Addition(address, row.id if row is not None else None, part, Presence.ACTIVE)
    write.add_participants(case.connection, case.hand, ticket.id, [added])
    came = (ticket.id, "participant", "", f"{address} active", "")
    write.audit(case.connection, case.hand, *came)
    return f"{address} is on #{ticket.id} now"


def _added_by_user(case: Case, ticket: Ticket, address: str, member: Participant | None) -> str:
    """The same by a customer on the ticket, with the rights that his mail would have."""
    hand = case.hand
    if member is not None:
        raise ChangeRefused(f"{address} was {member.presence} on #{ticket.id}; staff decide on it")
    person = lookup.people(case.connection, hand.mailbox, [address], hand.now)().get(address)
    if person is not None and not person.active:
        raise ChangeRefused(f"{address} is deactivated")
    active = sum(p.presence is Presence.ACTIVE for p in ticket.participants)
    presence = added_by_user(person, ticket.company, active, case.policy)
    if presence is None:
        raise ChangeRefused(f"{address} is no registered user, and only those are added here")
    part = ParticipantKind.GUEST if person is None else ParticipantKind.USER
    if person is not None and person.role is Role.STAFF:
        part = ParticipantKind.FOLLOWER
    added = Addition(address, person.id if person is not None else None, part, presence)
    write.add_participants(case.connection, hand, ticket.id, [added])
    came = (ticket.id, "participant", "", f"{address} {presence}", "")
    write.audit(case.connection, hand, *came)
    requester = ticket.participant(ticket.requester)
    if requester is not None and requester.is_notified:
        asked = notifications.approval_requests(requester.address, requester.language, [added])
        within = notifications.within_budget(asked, ticket, case.policy)
        write.queue_notices(case.connection, hand, within, ticket.id)
    waits = " once the requester or staff agree" if presence is Presence.PENDING else " now"
    return f"{address} is on #{ticket.id}{waits}"


def remove_person(case: Case, ticket: Ticket, wanted: str) -> str:
    member = ticket.participant(normalise(wanted) or wanted)
    if member is None or member.presence is Presence.REMOVED:
        raise ChangeRefused(f"{wanted} is not on #{ticket.id}")
    if member.address == ticket.requester:
        raise ChangeRefused(f"{wanted} is the requester of #{ticket.id}; he cannot be left out")
    participants.set_presence(
        case.connection, case.hand, ticket.id, member.address, member.presence, Presence.REMOVED
    )
    return f"{member.address} is not on #{ticket.id} any more"


def settle_person(case: Case, ticket: Ticket, wanted: str, take_in: bool) -> str:
    member = ticket.participant(normalise(wanted) or wanted)
    if member is None or member.presence is not Presence.PENDING:
        raise ChangeRefused(f"{wanted} is not waiting to be taken in on #{ticket.id}")
    became = Presence.ACTIVE if take_in else Presence.REMOVED
    participants.set_presence(
        case.connection, case.hand, ticket.id, member.address, Presence.PENDING, became
    )
    return f"{member.address} is {'on' if take_in else 'left out of'} #{ticket.id} now"
