"""Changes to the people on a ticket."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    ChangeRefused,
    Effect,
    Effects,
    PersonAdded,
    PresenceChanged,
    Resubscribed,
    Unsubscribed,
    notified,
)
from rules.mail.addresses import is_role, normalise
from rules.people import Participant, ParticipantKind, Person, Presence, Role
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.participants import (
    Addition,
    added_by_user,
    is_full,
    is_of_others,
    is_ours,
    is_visitor,
    most_people,
)
from rules.ticket.changes import AddPerson, RemovePerson, SettlePerson, Source, Unsubscribe
from rules.ticket.model import Ticket


def add_person(
    ticket: Ticket, change: AddPerson, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    address = address_to_add(
        change.address, facts.own_addresses, facts.mailbox, policy, by_staff=facts.by_staff
    )
    if isinstance(address, ChangeRefused):
        return address
    member = ticket.participant(address)
    if member is not None and member.presence is Presence.ACTIVE:
        return _already_active(ticket, member, facts)
    if not facts.by_staff:
        return _added_by_customer(ticket, address, member, facts, policy)
    person = facts.people.get(address)
    if member is not None:
        was = member.presence
        addition = Addition(address, None, member.part, Presence.ACTIVE, member.language)
        added: Effect = PresenceChanged(address, was, Presence.ACTIVE)
    else:
        joins = added_by_staff(address, person)
        if isinstance(joins, ChangeRefused):
            return joins
        addition, added = joins, PersonAdded(joins)
    without = no_mail(address, person)
    rows = (added, *(() if without else _welcome(ticket, addition, facts, policy)))
    done = sentence("{address} is now on #{ticket}", address=address, ticket=ticket.id)
    return Effects(rows, (done, *_of_another_company(address, person, ticket), *without))


def _of_another_company(
    address: str, person: Person | None, ticket: Ticket
) -> tuple[Sentence, ...]:
    """What staff should know of a person whom they have added: it may be a slip of the pen."""
    if person is None or person.company is None or not is_of_others(person, ticket.company):
        return ()
    return (
        sentence(
            "{address} is a user of another company, {company}",
            address=address,
            company=person.company.name,
        ),
    )


def _welcome(
    ticket: Ticket, addition: Addition, facts: ChangeFacts, policy: Policy
) -> tuple[Effect, ...]:
    """The notice to a customer who joins. A comment in the same request reaches them as a mail of
    its own; that of a mail went to those who were on the ticket before, so the notice quotes it."""
    by_mail = facts.source in (Source.MAIL, Source.STAFF_MAIL)
    joins = addition.presence is Presence.ACTIVE and addition.part is not ParticipantKind.FOLLOWER
    if not joins or (facts.published and not by_mail):
        return ()
    return notified(
        notifications.added(
            ticket, addition, policy, quotes=facts.published, by_staff=facts.by_staff
        )
    )


def address_to_add(
    written: str,
    own_addresses: frozenset[str],
    mailbox: str,
    policy: Policy,
    *,
    by_staff: bool,
) -> str | ChangeRefused:
    """The address of a person whom somebody adds; refused where it can be nobody's."""
    address = normalise(written)
    if address is None:
        return ChangeRefused(
            sentence("{address} is not a valid email address", address=repr(written))
        )
    if is_ours(address, own_addresses, mailbox, policy) or (is_role(address) and not by_staff):
        return ChangeRefused(
            sentence("{address} is nobody's own address and cannot be on a ticket", address=address)
        )
    return address


def added_by_staff(address: str, person: Person | None) -> Addition | ChangeRefused:
    """A person whom staff add."""
    if person is not None and not person.active:
        return ChangeRefused(sentence("{address} is deactivated", address=address))
    return _addition(address, person, Presence.ACTIVE)


def added_by_customer(
    address: str,
    person: Person | None,
    company: int | None,
    active: int,
    policy: Policy,
    *,
    by_visitor: bool = False,
) -> Addition | ChangeRefused:
    """A person whom a customer adds to a ticket of this company with so many `active` people.

    A person of another company is answered like somebody unregistered: a customer must not learn
    who else is. Nor must a visitor from another company learn who is registered with this one.
    """
    is_foreign = person is not None and is_of_others(person, company)
    is_customer = person is not None and person.role is not Role.STAFF
    hidden = is_foreign or (by_visitor and is_customer)
    if person is not None and not person.active and not hidden:
        return _not_for_customers(address)
    known = None if is_foreign else person
    presence = added_by_user(None if hidden else person, active, policy)
    if presence is None:
        return ChangeRefused(
            sentence(
                "{address} is not a registered user, and only those can be added here",
                address=address,
            )
        )
    addition = _addition(address, known, presence)
    return replace(addition, person=person.id if person is not None else None)


def no_mail(address: str, person: Person | None) -> tuple[Sentence, ...]:
    """Why a person whom staff add gets no mail about the ticket, whatever is written there."""
    if person is None or (person.active and (person.company is None or person.company.active)):
        return ()
    why = (
        sentence("{address} gets no mail: their company is suspended", address=address)
        if person.active
        else sentence("{address} gets no mail: they are deactivated", address=address)
    )
    return (why,)


def _already_active(ticket: Ticket, member: Participant, facts: ChangeFacts) -> Effects:
    """If staff add a person who has unsubscribed, their notifications are resumed."""
    if member.muted and facts.by_staff:
        done = sentence(
            "{address} gets mail about #{ticket} again", address=member.address, ticket=ticket.id
        )
        return Effects((Resubscribed(member.address),), (done,))
    already = sentence(
        "{address} is already on #{ticket}", address=member.address, ticket=ticket.id
    )
    return Effects(done=(already,))


def _added_by_customer(
    ticket: Ticket,
    address: str,
    member: Participant | None,
    facts: ChangeFacts,
    policy: Policy,
) -> Effects | ChangeRefused:
    """Added by a customer on the ticket, with the rights that their mail would have."""
    if member is not None and member.presence is Presence.PENDING:
        return Effects(done=(_proposed(ticket, address),))
    if member is not None:
        return _not_for_customers(address)
    if is_full(ticket, policy):
        return _too_many(ticket, most_people(policy))
    person, actor = facts.people.get(address), facts.people.get(facts.actor)
    active = sum(p.presence is Presence.ACTIVE for p in ticket.participants)
    addition = added_by_customer(
        address,
        person,
        ticket.company,
        active,
        policy,
        by_visitor=actor is not None and is_visitor(actor.company, ticket),
    )
    if isinstance(addition, ChangeRefused):
        return addition
    orders = notifications.for_proposed(
        ticket, (addition,), author=facts.actor, staff=facts.staff, policy=policy
    )
    rows: tuple[Effect, ...] = (
        PersonAdded(addition),
        *notified(orders),
        *_welcome(ticket, addition, facts, policy),
    )
    if addition.presence is Presence.PENDING:
        done = _proposed(ticket, address)
    else:
        done = sentence("{address} is now on #{ticket}", address=address, ticket=ticket.id)
    return Effects(rows, (done,))


def _proposed(ticket: Ticket, address: str) -> Sentence:
    return sentence(
        "{address} joins #{ticket} once the requester or staff agree",
        address=address,
        ticket=ticket.id,
    )


def _not_for_customers(address: str) -> ChangeRefused:
    """The same for a person who was removed and for one who is deactivated: a customer must not
    learn who was on the ticket before them."""
    return ChangeRefused(
        sentence("{address} cannot be added by customers; ask staff", address=address)
    )


def _addition(address: str, person: Person | None, presence: Presence) -> Addition:
    if person is None:
        return Addition(address, None, ParticipantKind.GUEST, presence)
    is_staff = person.role is Role.STAFF
    kind = ParticipantKind.FOLLOWER if is_staff else ParticipantKind.USER
    return Addition(address, person.id, kind, presence, person.language)


def remove_person(ticket: Ticket, change: RemovePerson) -> Effects | ChangeRefused:
    member = ticket.participant(normalise(change.address) or change.address)
    if member is None or member.presence is Presence.REMOVED:
        return ChangeRefused(
            sentence("{address} is not on #{ticket}", address=change.address, ticket=ticket.id)
        )
    if member.address == ticket.requester:
        return ChangeRefused(
            sentence(
                "{address} is the requester of #{ticket} and cannot be removed",
                address=change.address,
                ticket=ticket.id,
            )
        )
    done = sentence("{address} is no longer on #{ticket}", address=member.address, ticket=ticket.id)
    removed = PresenceChanged(member.address, member.presence, Presence.REMOVED)
    return Effects((removed,), (done,))


def settle_person(
    ticket: Ticket, change: SettlePerson, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    member = ticket.participant(normalise(change.address) or change.address)
    if member is None or member.presence is not Presence.PENDING:
        return ChangeRefused(
            sentence(
                "{address} is not waiting for approval on #{ticket}",
                address=change.address,
                ticket=ticket.id,
            )
        )
    active = sum(p.presence is Presence.ACTIVE for p in ticket.participants)
    by_link = facts.source is Source.WEB
    if change.accept and by_link and active >= policy.cc.per_ticket:
        return _too_many(ticket, policy.cc.per_ticket)
    became = Presence.ACTIVE if change.accept else Presence.REMOVED
    done = (
        sentence("{address} is now on #{ticket}", address=member.address, ticket=ticket.id)
        if change.accept
        else sentence("{address} stays off #{ticket}", address=member.address, ticket=ticket.id)
    )
    return Effects((PresenceChanged(member.address, Presence.PENDING, became),), (done,))


def _too_many(ticket: Ticket, most: int) -> ChangeRefused:
    return ChangeRefused(
        sentence("#{ticket} may have no more than {most} people", ticket=ticket.id, most=most)
    )


def unsubscribe(ticket: Ticket, change: Unsubscribe, facts: ChangeFacts) -> Effects | ChangeRefused:
    """They stay on the ticket; nothing changes for a person who gets no mail about it anyway."""
    address = change.address or facts.actor
    member = ticket.participant(address)
    if member is None:
        return ChangeRefused(
            sentence("{address} is not on #{ticket}", address=address, ticket=ticket.id)
        )
    done = sentence(
        "{address} gets no more mail about #{ticket}", address=member.address, ticket=ticket.id
    )
    if member.muted or member.presence is not Presence.ACTIVE:
        return Effects(done=(done,))
    return Effects((Unsubscribed(member.id, member.address),), (done,))
