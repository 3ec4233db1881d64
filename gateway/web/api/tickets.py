"""The API on tickets: lists, one ticket, its files, and changes to it.

    GET   /api/v1/tickets?mailbox=&status=&list=&limit=&before=
    POST  /api/v1/tickets
    GET   /api/v1/tickets/{number}
    PATCH /api/v1/tickets/{number}
    GET   /api/v1/tickets/{number}/attachments/{id}
    GET   /api/v1/tickets/{number}/raw/{journal id}

docs/api.md is its manual.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial

from aiohttp import web

from gateway.parsing.parser import part_bytes
from gateway.ticket_requests import NewTicket, TicketPatch
from gateway.web.api import access as desks
from gateway.web.api.access import ApiContext, Caller, MailboxRole
from gateway.web.api.auth import ApiError, Scope, actor, authorise
from gateway.web.api.download import ANY_TYPE, download
from gateway.web.api.request_parsing import (
    as_text,
    body_of,
    check_query,
    journal_id_of,
    limit_of,
    place_of,
    status_of,
)
from gateway.web.api.ticket_json import Json, TicketJson
from rules.mail.addresses import normalise
from rules.service.permissions import Access, forbidden, with_reopening
from rules.ticket.lifecycle import Status
from storage.db.database import Connection
from storage.registry import mailboxes
from storage.ticket import changes, lists, opening, read
from storage.ticket.changes import ChangeRefused
from storage.ticket.lists import All, CopiedTo, OfCompany, Page, RequestedBy, Which
from storage.ticket.opening import Request
from storage.ticket.read import AttachmentView, CommentView, TicketView

PATH = "/api/v1/tickets"
LISTS = ("mine", "cc", "organisation")
LIST_KEYS = ("mailbox", "status", "list", "limit", "before")

DESK = web.AppKey("desk", ApiContext)


def add_routes(app: web.Application, desk: ApiContext) -> None:
    app[DESK] = desk
    one = f"{PATH}/{{number:[0-9]{{1,18}}}}"
    app.add_routes(
        [
            web.get(PATH, _list),
            web.post(PATH, _open),
            web.get(one, _show),
            web.patch(one, _change),
            web.get(f"{one}/attachments/{{id:[0-9]{{1,18}}}}", _attachment),
            web.get(f"{one}/raw/{{journal_id}}", _raw),
        ]
    )


async def _list(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL, Scope.READ, keys=LIST_KEYS)
    desk, query = request.app[DESK], request.query
    status, limit = status_of(query.get("status")), limit_of(query.get("limit"))
    before = place_of(query.get("before"))

    def look(connection: Connection) -> tuple[Page, TicketJson]:
        place = desks.place(connection, caller, query.get("mailbox", ""), desk.clock())
        which = _which(desk, caller, place, query.get("list"))
        found = lists.page(connection, place.mailbox, which, status, limit, before)
        return found, _shown(connection, caller)

    page, shown = await desk.read(look)
    following = as_text(page.ends_at) if page.ends_at is not None else None
    return web.json_response(
        {"tickets": [shown.line(each) for each in page.tickets], "before": following}
    )


async def _show(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL, Scope.READ)
    desk, number = request.app[DESK], _number(request)
    return web.json_response(await desk.read(partial(_seen, desk, caller, number)))


def _seen(desk: ApiContext, caller: Caller, number: int, connection: Connection) -> dict[str, Json]:
    desks.find(connection, desk, caller, number, desk.clock())
    return _shown(connection, caller).whole(_whole(connection, number))


def _shown(connection: Connection, caller: Caller) -> TicketJson:
    own_addresses = frozenset(each.address for each in mailboxes.list_mailboxes(connection))
    return TicketJson(caller.by_staff, own_addresses)


async def _change(request: web.Request) -> web.Response:
    """All of the changes or none: 409 where one cannot be made, 403 where one may not be."""
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL)
    desk, number, now = request.app[DESK], _number(request), request.app[DESK].clock()
    asked = await body_of(request, TicketPatch)

    def job(connection: Connection) -> dict[str, Json]:
        found = desks.find(connection, desk, caller, number, now)
        policy, wanted = desk.policy(found.mailbox), asked.changes()
        for change in wanted:
            if why := forbidden(change, found.reach, policy):
                raise ApiError(403, why)
        customer = found.reach is Access.MEMBER
        if customer and asked.comment and not asked.status and found.ticket.status is Status.CLOSED:
            raise ChangeRefused(
                f'#{number} is closed; send "status": "open" with the comment, or open a new ticket'
            )
        hand = desk.hand(found.mailbox, caller.address, now)
        made = with_reopening(wanted, found.ticket, found.reach)
        effects = changes.make(connection, hand, number, made, policy, caller.by_staff)
        shown = _shown(connection, caller)
        left = None if asked.delete else shown.whole(_whole(connection, number))
        return {"effects": list(effects), "ticket": left}

    return web.json_response(await desk.write(job))


async def _open(request: web.Request) -> web.Response:
    """201 with the new ticket."""
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL)
    desk, now = request.app[DESK], request.app[DESK].clock()
    new = await body_of(request, NewTicket)
    if new.requester and not caller.by_staff:
        raise ApiError(403, "only staff open tickets for others; leave requester out")
    requester = normalise(new.requester) if new.requester else caller.address
    if requester is None:
        raise ApiError(400, f"requester: {new.requester!r} is no mail address")
    wanted = Request(requester, new.subject, new.text, new.severity)

    def job(connection: Connection) -> dict[str, Json]:
        mailbox = desks.place(connection, caller, new.mailbox, now).mailbox
        hand = desk.hand(mailbox, caller.address, now)
        policy = desk.policy(mailbox)
        number = opening.open_ticket(connection, hand, wanted, policy, caller.by_staff)
        return _shown(connection, caller).whole(_whole(connection, number))

    made = await desk.write(job)
    headers = {"Location": f"{PATH}/{made['number']}"}
    return web.json_response(made, status=201, headers=headers)


async def _attachment(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL, Scope.READ)
    desk, number, wanted = request.app[DESK], _number(request), int(request.match_info["id"])

    def look(connection: Connection) -> tuple[AttachmentView, bytes]:
        desks.find(connection, desk, caller, number, desk.clock())
        for said in _shown(connection, caller).comments(_whole(connection, number)):
            for attached in said.attachments:
                if attached.id == wanted:
                    return attached, _mail_of(connection, number, said)
        raise ApiError(404, f"there is no attachment {wanted} on #{number}")

    attached, raw = await desk.read(look)
    try:
        body = await asyncio.to_thread(part_bytes, raw, attached.part)
    except LookupError:
        raise ApiError(404, f"attachment {wanted} cannot be read; the raw mail has it") from None
    return download(body, attached.name, attached.content_type)


async def _raw(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF)
    desk, number, wanted = request.app[DESK], _number(request), request.match_info["journal_id"]

    def look(connection: Connection) -> bytes:
        desks.find(connection, desk, caller, number, desk.clock())
        raw = read.raw_mail(connection, number, journal_id_of(wanted))
        if raw is None:
            raise ApiError(404, f"there is no mail {wanted} on #{number}")
        return raw

    return download(await desk.read(look), f"{wanted}.eml", ANY_TYPE)


def _mail_of(connection: Connection, number: int, said: CommentView) -> bytes:
    raw = said.journal_id and read.raw_mail(connection, number, said.journal_id)
    if not raw:
        raise ApiError(404, f"the mail of comment {said.id} is not stored under #{number}")
    return raw


def _whole(connection: Connection, number: int) -> TicketView:
    whole = read.ticket_view(connection, number)
    if whole is None:
        raise desks.no_ticket(number)
    return whole


def _which(desk: ApiContext, caller: Caller, place: MailboxRole, wanted: str | None) -> Which:
    """The list that is asked for; a customer's own where he names none."""
    if wanted is not None and wanted not in LISTS:
        raise ApiError(400, f"list={wanted}: there are {', '.join(LISTS)}")
    if caller.by_staff:
        if wanted is not None:
            raise ApiError(400, f"list={wanted} is for customers; staff see all of a mailbox")
        return All()
    if wanted == "cc":
        return CopiedTo(caller.address)
    if wanted != "organisation":
        return RequestedBy(caller.address)
    policy, person = desk.policy(place.mailbox), place.person
    if policy.visibility != "company":
        raise ApiError(403, f"the policy {policy.name} shows a ticket only to those who are on it")
    if person is None or person.company is None:
        raise ApiError(403, f"{caller.address} belongs to no company")
    return OfCompany(person.company.id)


async def _caller(request: web.Request, *allowed: Scope, keys: Collection[str] = ()) -> Caller:
    """For whom the token acts; `keys` are those that the query may have. Raises Fault."""
    scope = await authorise(request, request.app[DESK].database, *allowed)
    check_query(request, keys)
    return Caller(scope, actor(request, scope))


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])
