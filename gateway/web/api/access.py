"""What the API on tickets works with, and who looks at which ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gateway.clock import Clock, NewId
from gateway.policies import Policies, named
from gateway.web.api.auth import ACTOR_HEADER, ApiError, Scope
from rules.mail import Mailbox
from rules.people import Person, Role
from rules.policy import Policy
from rules.service.permissions import Access, access_of
from rules.ticket.model import Ticket
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.registry import callers, mailboxes
from storage.ticket import load
from storage.ticket.read import mailbox_of
from storage.ticket.write import ChangeContext, Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The parts."""

    database: Database
    ledger: Ledger
    policies: Policies
    clock: Clock
    new_id: NewId
    on_notice: Callable[[], None]
    """Called when something was written that somebody may be told of."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self.database.read, query)

    async def write(self, job: Callable[[Connection], T]) -> T:
        """The job's result once it is committed; where it fails, nothing is."""
        result = await asyncio.wrap_future(self.ledger.submit(job))
        self.on_notice()
        return result

    def policy(self, mailbox: Mailbox) -> Policy:
        return named(self.policies, mailbox.policy, f"mailbox {mailbox.address}")

    def hand(self, mailbox: Mailbox, actor: str, now: datetime) -> ChangeContext:
        return ChangeContext(mailbox, actor, Source.API, now, self.new_id)


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, and the person for whom it acts."""

    scope: Scope
    address: str
    """Empty for a token that acts for nobody."""

    @property
    def by_staff(self) -> bool:
        return self.scope is not Scope.PORTAL


@dataclass(frozen=True, slots=True)
class MailboxRole:
    """A mailbox, and the caller's person there; none for a token that acts for nobody."""

    mailbox: Mailbox
    person: Person | None


@dataclass(frozen=True, slots=True)
class VisibleTicket:
    """A ticket that the caller may read."""

    mailbox: Mailbox
    ticket: Ticket
    reach: Access


def find(
    connection: Connection, desk: ApiContext, caller: Caller, number: int, now: datetime
) -> VisibleTicket:
    """Raises Fault: 403 for a caller whom nobody knows; 404 where there is no such ticket, and in
    the same words where there is one that he may not read."""
    people = _people(connection, caller, now)
    mailbox = mailbox_of(connection, number)
    ticket = (
        load.load(connection, mailbox, [number], now).get(number) if mailbox is not None else None
    )
    if mailbox is not None and ticket is not None:
        reach = _reach(people, mailbox, ticket, desk.policy(mailbox))
        if reach is not Access.NONE:
            return VisibleTicket(mailbox, ticket, reach)
    raise no_ticket(number)


def no_ticket(number: int) -> ApiError:
    return ApiError(404, f"there is no ticket #{number}")


def place(connection: Connection, caller: Caller, named_mailbox: str, now: datetime) -> MailboxRole:
    """The mailbox of that address, or the only one of the caller. Raises Fault."""
    people = _people(connection, caller, now)
    if people is None:
        places = [MailboxRole(mailbox, None) for mailbox in mailboxes.list_mailboxes(connection)]
    else:
        places = [MailboxRole(mailbox, person) for mailbox, person in people.items()]
    if named_mailbox:
        for each in places:
            if each.mailbox.address == named_mailbox.lower():
                return each
        raise ApiError(404, f"there is no mailbox {named_mailbox}")
    if len(places) == 1:
        return places[0]
    known = ", ".join(each.mailbox.address for each in places)
    raise ApiError(400, f"name the mailbox, one of: {known or 'there is none'}")


def _people(
    connection: Connection, caller: Caller, now: datetime
) -> Mapping[Mailbox, Person] | None:
    """Who the caller is at each mailbox; None for a token that acts for nobody."""
    if caller.scope is Scope.READ:
        return None
    role = Role.STAFF if caller.scope is Scope.STAFF else Role.USER
    people = callers.find_caller(connection, caller.address, role, now)
    if not people:
        wanted = "staff person" if role is Role.STAFF else "user of an active company"
        raise ApiError(403, f"{ACTOR_HEADER}: {caller.address} is no active {wanted}")
    return people


def _reach(
    people: Mapping[Mailbox, Person] | None, mailbox: Mailbox, ticket: Ticket, policy: Policy
) -> Access:
    if people is None:
        return Access.NONE if ticket.deleted else Access.STAFF
    person = people.get(mailbox)
    return access_of(person, ticket, policy) if person is not None else Access.NONE
