"""The context of the ticket API, and which tickets a caller may see."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from aiohttp import web

from gateway.ingest import Ingest
from gateway.runtime import Runtime
from gateway.web.api.auth import ACTOR_HEADER, ApiError, Scope, actor, authorise
from gateway.web.api.download import Downloads
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.api.queries import Query, query_of
from gateway.web.api.scopes import ACTS_FOR_ANYBODY
from gateway.web.api.ticket_json import Sight, TicketJson
from gateway.web.api.uploads import Uploads
from gateway.web.readers import Readers
from rules.mail import Mailbox
from rules.mail.presented import Mask
from rules.people import Person, Role
from rules.policy import Policy
from rules.sender.masking import Masker
from rules.service.permissions import Access, access_of
from rules.service.reading import reader_of
from rules.ticket.changes import Source
from rules.ticket.model import Ticket
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.registry import callers, mailboxes
from storage.registry.signing_keys import load_keys
from storage.ticket import load, read, reading
from storage.ticket.change import BUDGETED
from storage.ticket.reading import NOTHING, Withheld
from storage.ticket.rows import ChangeContext
from storage.ticket.views import TicketView

T = TypeVar("T")
Q = TypeVar("Q", bound=Query)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """What the request handlers work with."""

    runtime: Runtime
    ingest: Ingest
    downloads: Downloads
    uploads: Uploads
    showing: Readers
    """Of tickets and lists."""
    viewing: Readers
    """Of what the process makes that sanitises HTML."""
    masked_texts: MaskedTexts = field(default_factory=MaskedTexts)

    async def show(self, query: Callable[[Connection], T], actor: str) -> T:
        """The result of a query that shows texts, of which one runs at a time. Raises ApiError
        where its turn does not come in time."""
        return await self.showing.read(query, actor)

    async def write(self, job: Callable[[Connection], T], *, apart: bool = False) -> T:
        """The job's result once it is committed; if the job fails, nothing is written. One of more
        than a few milliseconds runs `apart`.

        A notice that the job may have queued is sent at once.
        """
        result = await self.runtime.write(job, apart=apart)
        self.runtime.wake()
        return result

    def change_context(self, mailbox: Mailbox, actor: str, now: datetime) -> ChangeContext:
        return ChangeContext(mailbox, actor, Source.API, now, self.runtime.new_id)


CONTEXT = web.AppKey("context", ApiContext)


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, and the person on whose behalf it acts."""

    scope: Scope
    address: str
    """Empty for a token that acts for nobody."""
    token: str = ""
    """Its name; empty where none was needed."""

    @property
    def name(self) -> str:
        """Who acts, for the audit trail and the log: the person, or else the token."""
        return self.address or f"token:{self.token}"

    @property
    def by_staff(self) -> bool:
        return self.scope is not Scope.PORTAL

    @property
    def has_whole_mails(self) -> bool:
        """Whether they may have mails as they came, with the links and reply addresses in them: who
        has these can act."""
        return self.scope is Scope.STAFF


@dataclass(frozen=True, slots=True)
class MailboxRole:
    """A mailbox, and the caller as a person there; None for a token that acts for nobody."""

    mailbox: Mailbox
    person: Person | None


@dataclass(frozen=True, slots=True)
class VisibleTicket:
    """A ticket that the caller may read, and the caller's access to it."""

    mailbox: Mailbox
    ticket: Ticket
    access: Access
    withheld: Withheld = NOTHING

    @property
    def sight(self) -> Sight:
        return Sight(as_guest=self.access is Access.GUEST, withheld=self.withheld)

    def shows(self, comment: int, visibility: str) -> bool:
        """Whether the caller may read a comment on it, with its files."""
        if self.access is Access.STAFF:
            return True
        is_public = visibility == Visibility.PUBLIC.value
        return is_public and comment not in self.withheld.comments

    def at(self, version: int | None) -> VisibleTicket:
        """The ticket, if it is as a staff tool has read it. Raises ApiError."""
        if version is not None and self.access is not Access.STAFF:
            raise ApiError(403, "version is for staff; customers see none")
        if version not in (None, self.ticket.version):
            text = f"#{self.ticket.id} has changed since its version {version}; read it again"
            raise ApiError(409, text)
        return self


NOBODY = Caller(Scope.PORTAL, "")
"""Who asks for what everybody may read: a customer whom nobody knows."""


async def caller_of(
    request: web.Request, allowed: Collection[Scope], model: type[Q]
) -> tuple[Caller, Q]:
    """The caller, whose token has an allowed scope, and the query. Raises ApiError."""
    if not allowed:
        return NOBODY, query_of(request, model)
    scope, token = await authorise(request, request.app[CONTEXT].runtime.database, *allowed)
    query = query_of(request, model)
    return Caller(scope, actor(request, scope), token), query


async def of_mailbox(
    request: web.Request,
    caller: Caller,
    mailbox: str,
    read: Callable[[Connection, Mailbox], object],
) -> web.Response:
    """What `read` finds in the mailbox that a query names, as JSON. Raises ApiError."""
    context = request.app[CONTEXT]

    def answer(connection: Connection) -> str:
        role = mailbox_role(connection, caller, mailbox, context.runtime.clock())
        return json.dumps(read(connection, role.mailbox))

    return web.json_response(text=await context.show(answer, caller.address))


def number_of(request: web.Request) -> int:
    """The ticket that the path names."""
    return int(request.match_info["number"])


def presenter(connection: Connection, context: ApiContext, caller: Caller) -> TicketJson:
    """Tickets as the caller may see them."""
    ours = mailboxes.list_mailboxes(connection, inactive_too=True)
    addresses = frozenset(mailbox.address for mailbox in ours)
    masker = Masker(load_keys(connection), tuple(mailbox.id for mailbox in ours), addresses)
    loaded = context.runtime.policies
    policies = {each.address: loaded[each.policy] for each in ours if each.policy in loaded}
    return TicketJson(caller.by_staff, masker, context.masked_texts, policies)


def mask_for(connection: Connection, context: ApiContext, caller: Caller) -> Mask:
    return partial(context.masked_texts.mask, presenter(connection, context, caller).masker)


def find_ticket(
    connection: Connection, context: ApiContext, caller: Caller, number: int, now: datetime
) -> VisibleTicket:
    """The ticket with this number.

    Raises ApiError: 403 for an unknown caller; 404 for a ticket that does not exist, with the same
    text for one that the caller may not read.
    """
    identities = _identities(connection, caller, now)
    mailbox = read.mailbox_of(connection, number)
    ticket = None
    if mailbox is not None:
        ticket = load.load(connection, mailbox, [number], since=now - BUDGETED).get(number)
    if mailbox is not None and ticket is not None:
        policy = context.runtime.policy_of(mailbox)
        granted = _access_to(identities, mailbox, ticket, policy)
        if granted is not Access.NONE:
            person = identities[mailbox] if identities is not None else None
            left_out = _withheld(connection, person, ticket, policy)
            return VisibleTicket(mailbox, ticket, granted, left_out)
    raise ticket_not_found(number)


def _withheld(
    connection: Connection, person: Person | None, ticket: Ticket, policy: Policy
) -> Withheld:
    """What was written to others, before this person joined the ticket; nothing for a token that
    acts for nobody."""
    if person is None or person.role is Role.STAFF:
        return NOTHING
    joined_at = reading.joined_at(connection, ticket.id, person.address)
    return reading.withheld(connection, ticket.id, reader_of(person, ticket, joined_at, policy))


def ticket_view(
    connection: Connection,
    number: int,
    caller: Caller,
    sight: Sight,
    before: int | None = None,
) -> TicketView:
    """The ticket with the comments that the caller may read. Raises ApiError where it is gone."""
    ticket = read.ticket_view(
        connection,
        number,
        public=not caller.by_staff,
        withheld=sight.withheld.comments,
        before=before,
    )
    if ticket is None:
        raise ticket_not_found(number)
    return ticket


def ticket_not_found(number: int) -> ApiError:
    return ApiError(404, f"there is no ticket #{number}")


def mailbox_role(
    connection: Connection, caller: Caller, named_mailbox: str, now: datetime
) -> MailboxRole:
    """The mailbox with this address, or the caller's only one. Raises ApiError."""
    roles = mailbox_roles(connection, caller, now)
    if named_mailbox:
        for each in roles:
            if each.mailbox.address == named_mailbox.lower():
                return each
        raise ApiError(404, f"there is no mailbox {named_mailbox}")
    if len(roles) == 1:
        return roles[0]
    known = ", ".join(each.mailbox.address for each in roles)
    expected = f"expected one of: {known}" if known else "none exists"
    raise ApiError(400, f"name the mailbox ({expected})")


def check_takes_mail(connection: Connection, mailbox: Mailbox) -> None:
    """Raises ApiError for a mailbox that takes no mail, and so no new request either: what people
    answer would be refused, and no digest names what waits there."""
    if not mailboxes.takes_mail(connection, mailbox):
        raise ApiError(409, f"{mailbox.address} takes no new requests: it is deactivated")


def mailbox_roles(connection: Connection, caller: Caller, now: datetime) -> list[MailboxRole]:
    """All mailboxes at which the caller is somebody. Raises ApiError."""
    identities = _identities(connection, caller, now)
    if identities is None:
        return [MailboxRole(each, person=None) for each in mailboxes.list_mailboxes(connection)]
    return [MailboxRole(mailbox, person) for mailbox, person in identities.items()]


def _identities(
    connection: Connection, caller: Caller, now: datetime
) -> Mapping[Mailbox, Person] | None:
    """The caller as a person at each mailbox; None for a token that acts for nobody."""
    if caller.scope is Scope.READ or (caller.scope in ACTS_FOR_ANYBODY and not caller.address):
        return None
    role = Role.USER if caller.scope is Scope.PORTAL else Role.STAFF
    identities = callers.find_caller(connection, caller.address, role, now)
    if not identities:
        wanted = "staff person" if role is Role.STAFF else "user of an active company"
        raise ApiError(403, f"{ACTOR_HEADER}: {caller.address} is not an active {wanted}")
    return identities


def _access_to(
    identities: Mapping[Mailbox, Person] | None, mailbox: Mailbox, ticket: Ticket, policy: Policy
) -> Access:
    if identities is None:
        return Access.NONE if ticket.deleted else Access.STAFF
    person = identities.get(mailbox)
    return access_of(person, ticket, policy) if person is not None else Access.NONE
