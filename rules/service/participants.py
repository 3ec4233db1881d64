"""Who joins a ticket when a mail names them in To or Cc."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from rules.facts import Facts
from rules.identity import ProofLevel, Sender, Standing, is_proven_enough
from rules.mail import Mail
from rules.mail.addresses import is_role, normalise, without_detail
from rules.mail.lists import is_of_list
from rules.people import Company, Participant, ParticipantKind, Person, Presence, Role
from rules.policy import Policy
from rules.ticket.model import Ticket

EXAMINED_ADDRESSES = 200
"""At most this many recipients of a mail are examined; the caps are far below."""

TIMES_PER_TICKET = 8
"""A ticket has at most so many times `cc.per_ticket` people in any state, besides those whom staff
add: to load the ticket is to load all of them."""


@dataclass(frozen=True, slots=True)
class Addition:
    address: str
    person: int | None
    part: ParticipantKind
    presence: Presence
    language: str = ""
    """The person's language; empty where it is not known."""
    muted: bool = False


def named_addresses(mail: Mail) -> tuple[str, ...]:
    """The addresses in To and Cc, normalised, each once, without roles and without the author."""
    written = islice((*mail.to, *mail.cc), EXAMINED_ADDRESSES)
    found = (normalise(address) for address in written)
    author = getattr(mail.author, "address", None)
    return tuple(
        dict.fromkeys(a for a in found if a is not None and a != author and not is_role(a))
    )


def additions(
    mail: Mail, facts: Facts, sender: Sender, ticket: Ticket | None, policy: Policy
) -> tuple[Addition, ...]:
    """The participants that this mail adds to the ticket, in the order written.

    A mail in which our mailbox is not visible (we were a blind copy) adds nobody, nor does a mail
    from a mailing list, unless it is one of ours. Our own addresses and roles never join, nor do
    colleagues and staff whose mail bounces. Additions beyond the caps are pending; to a ticket that
    is full nobody but staff adds anybody.
    """
    most = _most(sender, ticket, policy)
    members = [p for p in ticket.participants if p.presence is Presence.ACTIVE] if ticket else []
    room = policy.cc.per_ticket - len(members)
    added: list[Addition] = []
    for joined in islice(_joining(mail, facts, sender, ticket, policy), most):
        active = sum(a.presence is Presence.ACTIVE for a in added)
        if joined.presence is Presence.ACTIVE and active >= min(policy.cc.per_mail, room):
            joined = Addition(joined.address, joined.person, joined.part, Presence.PENDING)
        added.append(joined)
    return tuple(added)


def left_out(
    mail: Mail, facts: Facts, sender: Sender, ticket: Ticket | None, policy: Policy
) -> tuple[str, ...]:
    """Who would join besides, if a mail could add as many people as it likes."""
    further = islice(
        _joining(mail, facts, sender, ticket, policy), _most(sender, ticket, policy), None
    )
    return tuple(each.address for each in further)


def _most(sender: Sender, ticket: Ticket | None, policy: Policy) -> int:
    """How many people one mail adds at most, pending ones included."""
    most = policy.cc.per_ticket
    if ticket is not None and sender.standing is not Standing.STAFF:
        most = min(most, most_people(policy) - len(ticket.participants))
    return max(most, 0)


def _joining(
    mail: Mail, facts: Facts, sender: Sender, ticket: Ticket | None, policy: Policy
) -> Iterator[Addition]:
    """Everybody whom a mail names and who may join, whatever their number."""
    mailbox_addresses = {*facts.mailbox.names, *policy.public_addresses}
    ours = facts.own_addresses | mailbox_addresses
    named = named_addresses(mail)
    if not any(_is_one_of(mailbox_addresses, a) for a in named):
        return
    lists = policy.lists_of(facts.mailbox.address)
    if mail.header.get("list-id") and not is_of_list(mail.header, lists):
        return
    present = {p.address for p in ticket.participants} if ticket else {sender.address}
    company = ticket.company if ticket is not None else _company_id(sender.company)
    for address in named:
        if address in present or _is_one_of(ours, address):
            continue
        if address in facts.bounced and _may_be_known(facts.people.get(address), sender, company):
            continue
        joined = _addition(address, facts, sender, ticket, policy)
        if joined is not None:
            yield joined


def _may_be_known(person: Person | None, sender: Sender, company: int | None) -> bool:
    """Whether the author of a mail may learn that an address is suppressed, by its not joining: it
    was sent mail from here. A customer must not learn that of people of other companies."""
    if sender.standing is Standing.STAFF:
        return True
    return person is not None and not is_of_others(person, company)


def outside_recipients(mail: Mail, facts: Facts, ticket: Ticket, policy: Policy) -> tuple[str, ...]:
    """The addresses in To and Cc that are neither ours, nor of staff, nor on the ticket."""
    staff = {each.address for each in facts.staff}
    staff |= {each.address for each in facts.people.values() if each.role is Role.STAFF}
    there = {p.address for p in ticket.participants if p.presence is not Presence.REMOVED}
    return tuple(
        address
        for address in named_addresses(mail)
        if address not in staff | there
        and not is_ours(address, facts.own_addresses, facts.mailbox.address, policy)
        and not _is_one_of(facts.mailbox.names, address)
    )


def stays_removed(person: Participant) -> bool:
    """Whether a person is removed from the tickets that go on with this one as well: a customer,
    whom only staff add again. Staff join with the first notice that they get."""
    return person.presence is Presence.REMOVED and not person.is_staff


def without_pending(ticket: Ticket) -> Ticket:
    """The ticket as its follow-up takes people over: who was only proposed may be proposed
    again, and takes no room."""
    settled = tuple(p for p in ticket.participants if p.presence is not Presence.PENDING)
    return replace(ticket, participants=settled)


def most_people(policy: Policy) -> int:
    """How many people a ticket may have, active, pending or removed, before it is full."""
    return TIMES_PER_TICKET * policy.cc.per_ticket


def is_full(ticket: Ticket, policy: Policy) -> bool:
    """Whether nobody but staff may add anybody."""
    return len(ticket.participants) >= most_people(policy)


def proposals(
    mail: Mail, facts: Facts, sender: Sender, ticket: Ticket, policy: Policy
) -> tuple[tuple[Addition, ...], tuple[str, ...]]:
    """Whom a mail that waits for staff would add, all pending, and whom the caps leave out.

    The caps count who is proposed already: else mail that nothing proves could propose without end.
    """
    counted = [p for p in ticket.participants if p.presence is not Presence.REMOVED]
    most = _most(sender, ticket, policy)
    room = max(min(policy.cc.per_mail, policy.cc.per_ticket - len(counted), most), 0)
    joining = tuple(_joining(mail, facts, sender, ticket, policy))
    proposed = tuple(replace(each, presence=Presence.PENDING) for each in joining[:room])
    return proposed, tuple(each.address for each in joining[room:])


def _addition(
    address: str, facts: Facts, sender: Sender, ticket: Ticket | None, policy: Policy
) -> Addition | None:
    person = facts.people.get(address)
    company = ticket.company if ticket is not None else _company_id(sender.company)
    # A customer must not learn who is registered with another company, or was.
    unknown = (
        person is not None
        and sender.standing is not Standing.STAFF
        and is_of_others(person, company)
    )
    is_user = sender.standing is Standing.USER
    visits = is_user and ticket is not None and is_visitor(sender.company, ticket)
    # Nor must a visitor learn who is registered with the ticket's company.
    hidden = unknown or (visits and person is not None and person.role is not Role.STAFF)
    if person is not None and not person.active and not hidden:
        return None
    if person is not None and person.role is Role.STAFF:
        proven = sender.proof_level >= ProofLevel.PROVEN
        joins = Presence.ACTIVE if proven else Presence.PENDING
        return Addition(address, person.id, ParticipantKind.FOLLOWER, joins)
    registered_here = person is not None and _company_id(person.company) == company
    known = person is not None and not unknown
    part = ParticipantKind.USER if known else ParticipantKind.GUEST
    presence = _presence(sender, registered_here, policy, visits=visits, opens=ticket is None)
    if presence is None:
        return None
    return Addition(address, person.id if person else None, part, presence)


def _presence(
    sender: Sender, same_company: bool, policy: Policy, *, visits: bool, opens: bool
) -> Presence | None:
    """Who may add whom; None where the policy ignores the address. `visits`: the sender is a user
    of another company. `opens`: the mail opens the ticket.

    A colleague whom that mail enrols is a user of the company from then on.

    People who are not registered with the ticket's company are added like anybody else, registered
    elsewhere or not: a difference would show a customer who is. For the same reason a user of
    another company adds those of the ticket's company like anybody else.
    """
    if not is_proven_enough(sender, policy.proof.add_people):
        return Presence.PENDING
    standing = sender.standing
    if standing is Standing.COLLEAGUE and opens and policy.registration == "domain":
        standing = Standing.USER
    match standing:
        case Standing.STAFF:
            return Presence.ACTIVE
        case Standing.USER if same_company and not visits:
            return Presence.ACTIVE
        case Standing.USER:
            handling = policy.cc.guests
        case _ if same_company:
            handling = policy.cc.by_guests
        case _:
            handling = "ignore" if policy.cc.by_guests == "ignore" else "propose"
    return {"add": Presence.ACTIVE, "propose": Presence.PENDING, "ignore": None}[handling]


def is_visitor(company: Company | None, ticket: Ticket) -> bool:
    """Whether the ticket is another company's than that of a user who is on it."""
    return ticket.company is not None and _company_id(company) != ticket.company


def added_by_user(person: Person | None, active: int, policy: Policy) -> Presence | None:
    """The presence of a person whom a user adds in the portal: a colleague, staff or, if None,
    anybody else.

    `active` is the number of people on the ticket. None where the policy ignores such a person.
    """
    if person is not None and person.role is Role.STAFF:
        return Presence.ACTIVE
    handling = policy.cc.guests if person is None else "add"
    if handling == "add" and active >= policy.cc.per_ticket:
        handling = "propose"
    return {"add": Presence.ACTIVE, "propose": Presence.PENDING, "ignore": None}[handling]


def is_of_others(person: Person, company: int | None) -> bool:
    """Whether a person belongs to another company than the ticket, whose id is given."""
    return person.role is not Role.STAFF and _company_id(person.company) != company


def is_ours(address: str, own_addresses: frozenset[str], mailbox: str, policy: Policy) -> bool:
    """Whether mail to this address, or to a `+detail` of it, comes to us: it never joins."""
    return _is_one_of({*own_addresses, mailbox, *policy.public_addresses}, address)


def _is_one_of(ours: Collection[str | None], address: str) -> bool:
    return address in ours or without_detail(address)[0] in ours


def _company_id(company: Company | None) -> int | None:
    return company.id if company is not None else None
