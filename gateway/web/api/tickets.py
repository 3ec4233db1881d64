"""The ticket API: lists, single tickets, and changes to them; `files` has their files, and
`comment_html` the HTML of their comments. The manual is docs/api.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from aiohttp import web

from gateway import log
from gateway.ticket_requests import NewTicket, TicketPatch
from gateway.web.api import access, repeats
from gateway.web.api.access import (
    CONTEXT,
    ApiContext,
    Caller,
    MailboxRole,
    number_of,
    presenter,
)
from gateway.web.api.answers import ChangedAnswer, TicketAnswer, TicketsAnswer
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.cursors import ticket_cursor
from gateway.web.api.operations import ALL, JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import Query, TicketQuery, TicketsQuery
from gateway.web.api.ticket_json import ALL_OF_IT, Sight
from gateway.web.api.uploads import AskedFor
from rules.decision.effects import ChangeRefused
from rules.decision.request import Request
from rules.mail.addresses import normalise
from rules.service.permissions import forbidden, shows_tickets, with_reopening
from rules.ticket.lifecycle import Status
from rules.ticket.tags import as_tag
from storage.db.database import Connection, store_down
from storage.ticket import lists, pages, read, request_keys, search
from storage.ticket.change import change_loaded, open_requested
from storage.ticket.conditions import ACTIVE
from storage.ticket.lists import CopiedTo, Cursor, OfCompany, RequestedBy, Which
from storage.ticket.pages import TicketFilter, TicketKey, TicketPage

PATH = "/api/v1/tickets"
ONE = f"{PATH}/{{number}}"
FOR_STAFF = ("assignee", "requester", "company", "severity", "overdue", "claimed", "review")
"""Parameters of lists; customers have `list`."""


async def _list(request: web.Request, caller: Caller, query: TicketsQuery) -> web.Response:
    context = request.app[CONTEXT]
    _check_filters(caller, query)

    def read_page(connection: Connection) -> str:
        now = context.runtime.clock()
        role = access.mailbox_role(connection, caller, query.mailbox, now)
        is_cut, as_guest = False, frozenset[int]()
        if caller.by_staff:
            found, is_cut = _of_desk(connection, role, query, now)
        else:
            which = _requested_list(context, caller, role, query.list)
            found = _of_customer(connection, role, which, query)
            as_guest = lists.as_guest(connection, role.person, found.tickets)
        # Here, in a thread: to mask 200 subjects takes up to a quarter of a second.
        shown = presenter(connection, context, caller)
        end = found.following
        answer: TicketsAnswer = {
            "tickets": [
                shown.in_list(each, as_guest=each.number in as_guest) for each in found.tickets
            ],
            "before": ticket_cursor(end.at, end.number) if end is not None else None,
            "searched_in_part": found.is_cut,
        }
        if query.q is not None:
            answer["matched_in_part"] = is_cut
        return json.dumps(answer)

    return web.json_response(text=await context.show(read_page, caller.address))


def _check_filters(caller: Caller, query: TicketsQuery) -> None:
    """Raises ApiError for a parameter that is not for this caller."""
    if query.q is not None and not caller.has_whole_mails:
        # It finds words of notes, and the beginnings of reply addresses, which others see masked.
        raise ApiError(403, "q is only for scope staff, which may read every text as it came")
    if caller.by_staff:
        if query.list is not None:
            raise ApiError(
                400, f"list={query.list} is only for customers; staff see all tickets of a mailbox"
            )
        return
    if query.tag is not None:
        raise ApiError(400, "tag is only for staff; customers see no tags")
    for name in FOR_STAFF:
        if name in query.model_fields_set:
            raise ApiError(400, f"{name} is only for staff; customers use list")


def _of_desk(
    connection: Connection, role: MailboxRole, query: TicketsQuery, now: datetime
) -> tuple[TicketPage, bool]:
    """A page, and whether more comments have the words of `q` than were looked at."""
    tag = as_tag(query.tag) if query.tag is not None else ""
    if tag is None:  # what is no tag is on no ticket
        return TicketPage((), None), False
    mailboxes = frozenset({role.mailbox.id})
    wanted = TicketFilter(
        mailboxes=mailboxes,
        statuses=_statuses(query),
        severity=query.severity or "",
        assignee=query.assignee.lower() if query.assignee is not None else None,
        requester=(query.requester or "").lower(),
        companies=frozenset({query.company}) if query.company is not None else None,
        tag=tag,
        overdue_at=now if query.overdue else None,
        claimed=query.claimed,
        to_review=query.review,
        changed_since=query.since,
    )
    is_cut = False
    if query.q is not None:
        matching = search.tickets_with(connection, mailboxes, search.words_of(query.q))
        wanted, is_cut = replace(wanted, numbers=matching.tickets), matching.is_cut
    return pages.page(connection, wanted, query.before, query.limit), is_cut


def _statuses(query: TicketsQuery) -> frozenset[str]:
    """Those that are listed; none for every status."""
    if query.status is not None:
        return frozenset({query.status.value})
    return ACTIVE if query.claimed else frozenset()


def _of_customer(
    connection: Connection, role: MailboxRole, which: Which, query: TicketsQuery
) -> TicketPage:
    found = lists.page(
        connection,
        role.mailbox,
        which,
        status=query.status,
        limit=query.limit,
        before=Cursor(*query.before) if query.before is not None else None,
        since=query.since,
    )
    end = found.ends_at
    following = TicketKey(end.updated_at, end.number) if end is not None else None
    return TicketPage(tuple(found.tickets), following, found.is_cut)


async def _show(request: web.Request, caller: Caller, query: TicketQuery) -> web.Response:
    context, number, before = request.app[CONTEXT], number_of(request), query.before

    def read_ticket(connection: Connection) -> str:
        found = access.find_ticket(connection, context, caller, number, context.runtime.clock())
        view = access.ticket_view(connection, number, caller, found.sight, before)
        shown = presenter(connection, context, caller)
        if before is not None and all(each.id != before for each in shown.comments(view)):
            raise ApiError(404, f"there is no comment {before} on #{number}")
        return json.dumps(shown.in_full(view, found.sight, before))

    return web.json_response(text=await context.show(read_ticket, caller.address))


async def _change(request: web.Request, caller: Caller, _: Query) -> web.Response:
    """All of the changes or none: 409 if one is impossible, 403 if one is not permitted."""
    context, number = request.app[CONTEXT], number_of(request)
    async with context.uploads.request(request, TicketPatch) as asked:
        now = context.runtime.clock()  # that of the change: the body may have taken minutes
        changed = await _changed(request, caller, number, now, asked)
    if changed.withheld:
        log.notices_withheld(changed.mailbox, number, changed.withheld, "api")
        context.runtime.metrics.withheld(changed.withheld)
    if changed.repeated:
        log.request_repeated(number)
    left = "null"
    if not asked.what.delete:
        left = await _afterwards(context, caller, number, changed.sight)
    return web.json_response(text=f'{{"effects": {json.dumps(changed.effects)}, "ticket": {left}}}')


async def _changed(
    request: web.Request, caller: Caller, number: int, now: datetime, asked: AskedFor[TicketPatch]
) -> _Changed:
    context, patch = request.app[CONTEXT], asked.what
    if asked.files and patch.comment is None:
        raise ApiError(400, "files are sent with a comment; send comment as well")
    key = repeats.key_of(request, caller.address, patch, asked.fingerprints)
    text = patch.comment.text if patch.comment is not None else ""
    storable = await context.uploads.storable(asked.files, text, now, context.runtime.new_id().hex)

    def job(connection: Connection) -> _Changed:
        # Before all else: the ticket may be closed by now, or deleted, by this very request.
        named = read.mailbox_of(connection, number)
        find = partial(access.find_ticket, connection, context, caller, number, now)
        if (earlier := repeats.earlier_answer(connection, named, key, find)) is not None:
            return _Changed(earlier.effects, repeated=True)
        found = find().at(patch.version)
        policy = context.runtime.policy_of(found.mailbox)
        wanted = patch.changes(storable.files)
        for change in wanted:
            if reason := forbidden(change, found.access, policy):
                raise ApiError(403, reason)
        stays_closed = found.ticket.status is Status.CLOSED and patch.status is not Status.OPEN
        if found.access.is_on_ticket and patch.comment and stays_closed:
            how = 'send "status": "open" with the comment, or open a new ticket'
            raise ApiError(409, f"#{number} is closed; {how}")
        by = context.change_context(found.mailbox, caller.address, now)
        made = with_reopening(wanted, found.ticket, found.access)
        # On the ticket whose people gave the access: to remove one of them raises its version.
        effects = change_loaded(
            connection, by, found.ticket, made, policy, by_staff=caller.by_staff
        )
        if isinstance(effects, ChangeRefused):
            raise ApiError(409, str(effects.why))
        storable.store(connection, found.mailbox.id)
        done = tuple(str(each) for each in effects.done)
        if key is not None:
            request_keys.keep(connection, found.mailbox, key, number, done, now)
        withheld = len(effects.withheld)
        return _Changed(done, withheld, found.mailbox.address, sight=found.sight)

    return await context.write(job, apart=bool(asked.files) or patch.is_large)


@dataclass(frozen=True, slots=True)
class _Changed:
    """What came of a change."""

    effects: tuple[str, ...]
    withheld: int = 0
    """So many notices are not sent, of the mailbox."""
    mailbox: str = ""
    repeated: bool = False
    """The request was done before; this is its answer."""
    sight: Sight | None = None
    """What the person who made the change sees of the ticket; None for a repeat."""


async def _afterwards(context: ApiContext, caller: Caller, number: int, sight: Sight | None) -> str:
    """The ticket as JSON, read once a change of it is committed: to show a ticket takes long, and
    the writer and the event loop must not wait. `null` if it cannot be read: the change is made.

    The change is the caller's right to see what came of it; that of a repeat (None) is long ago.
    """

    def read_back(connection: Connection) -> str:
        seen = sight
        if seen is None:
            now = context.runtime.clock()
            seen = access.find_ticket(connection, context, caller, number, now).sight
        view = access.ticket_view(connection, number, caller, seen)
        return json.dumps(presenter(connection, context, caller).in_full(view, seen))

    try:
        return await context.show(read_back, caller.address)
    except ApiError:  # somebody has deleted it since, or the caller may not read it any more
        return "null"
    except store_down() as error:
        log.page_failed(PATH, error)
        return "null"


async def _open(request: web.Request, caller: Caller, _: Query) -> web.Response:
    """201 with the new ticket, or with that of an earlier request with the same key."""
    context = request.app[CONTEXT]
    async with context.uploads.request(request, NewTicket) as asked:
        now = context.runtime.clock()
        number, repeated = await _opened(request, caller, now, asked)
    if repeated:
        log.request_repeated(number)
    headers = {"Location": f"{PATH}/{number}"}
    made = await _afterwards(context, caller, number, None if repeated else ALL_OF_IT)
    return web.json_response(text=made, status=201, headers=headers)


async def _opened(
    request: web.Request, caller: Caller, now: datetime, asked: AskedFor[NewTicket]
) -> tuple[int, bool]:
    """The number of the ticket, and whether an earlier request with the same key opened it."""
    context, new = request.app[CONTEXT], asked.what
    key = repeats.key_of(request, caller.address, new, asked.fingerprints)
    if new.requester and not caller.by_staff:
        raise ApiError(403, "only staff may open tickets for others; omit requester")
    requester = normalise(new.requester) if new.requester else caller.address
    if requester is None:
        raise ApiError(400, f"requester: {new.requester!r} is not a valid email address")
    storable = await context.uploads.storable(
        asked.files, new.text, now, context.runtime.new_id().hex
    )
    wanted = Request(
        requester,
        new.subject,
        new.text,
        new.severity,
        cc=new.cc,
        fields=new.fields,
        files=storable.files,
    )

    def job(connection: Connection) -> tuple[int, bool]:
        mailbox = access.mailbox_role(connection, caller, new.mailbox, now).mailbox
        if (earlier := repeats.earlier_answer(connection, mailbox, key)) is not None:
            return earlier.ticket, True
        access.check_takes_mail(connection, mailbox)
        by = context.change_context(mailbox, caller.address, now)
        policy = context.runtime.policy_of(mailbox)
        number = open_requested(connection, by, wanted, policy, by_staff=caller.by_staff)
        if isinstance(number, ChangeRefused):
            raise ApiError(409, str(number.why))
        storable.store(connection, mailbox.id)
        if key is not None:
            request_keys.keep(connection, mailbox, key, number, (), now)
        return number, False

    return await context.write(job, apart=bool(asked.files) or new.is_large)


def _requested_list(
    context: ApiContext, caller: Caller, role: MailboxRole, wanted: str | None
) -> Which:
    """The list that a customer asks for; by default their own tickets."""
    if wanted == "cc":
        return CopiedTo(caller.address)
    if wanted != "organisation":
        return RequestedBy(caller.address)
    policy, person = context.runtime.policy_of(role.mailbox), role.person
    if person is None or person.company is None:
        raise ApiError(403, f"{caller.address} does not belong to a company")
    if not shows_tickets(person.company.visibility, policy):
        raise ApiError(
            403, f"tickets of {person.company.name} are shown only to the people on them; ask staff"
        )
    return OfCompany(person.company.id)


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_tickets",
        summary="Tickets, the most recently changed first",
        scopes=ALL,
        query=TicketsQuery,
        answer=JsonAnswer(TicketsAnswer),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path=PATH,
        handler=_open,
        name="open_ticket",
        summary="Open a ticket",
        scopes=(Scope.STAFF, Scope.PORTAL),
        query=Query,
        body=JsonBody(NewTicket, with_files=True),
        status=201,
        answer=JsonAnswer(TicketAnswer, has_location=True, or_null=True),
        errors=(404, 409, 422),
        is_repeatable=True,
    ),
    Operation(
        method="GET",
        path=ONE,
        handler=_show,
        name="get_ticket",
        summary="A ticket, as far as the actor may read it",
        scopes=ALL,
        query=TicketQuery,
        answer=JsonAnswer(TicketAnswer),
        errors=(404,),
    ),
    Operation(
        method="PATCH",
        path=ONE,
        handler=_change,
        name="change_ticket",
        summary="Change a ticket: all of the changes are made, or none",
        scopes=(Scope.STAFF, Scope.PORTAL),
        query=Query,
        body=JsonBody(TicketPatch, with_files=True),
        answer=JsonAnswer(ChangedAnswer),
        errors=(404, 409, 422),
        is_repeatable=True,
    ),
)
