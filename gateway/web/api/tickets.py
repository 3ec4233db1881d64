"""The ticket API: lists, single tickets, their files, and changes to them.

    GET   /api/v1/tickets?mailbox=&status=&list=&limit=&before=
    POST  /api/v1/tickets
    GET   /api/v1/tickets/{number}
    PATCH /api/v1/tickets/{number}
    GET   /api/v1/tickets/{number}/attachments/{id}
    GET   /api/v1/tickets/{number}/raw/{journal id}

The manual is docs/api.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection

from aiohttp import web

from gateway import log
from gateway.parsing.parser import part_bytes
from gateway.ticket_requests import NewTicket, TicketPatch
from gateway.web.api import access
from gateway.web.api.access import ApiContext, Caller, MailboxRole
from gateway.web.api.auth import ApiError, Scope, actor, authorise
from gateway.web.api.download import ANY_TYPE, download
from gateway.web.api.request_parsing import (
    body_of,
    check_query,
    comment_of,
    cursor_of,
    cursor_text,
    journal_id_of,
    limit_of,
    status_of,
)
from gateway.web.api.ticket_json import TicketJson
from rules.decision.effects import ChangeRefused
from rules.decision.request import Request
from rules.mail.addresses import normalise
from rules.sender.masking import Masker
from rules.service.permissions import Access, forbidden, with_reopening
from rules.ticket.lifecycle import Status
from storage.db.database import Connection, StoreDown
from storage.registry import mailboxes
from storage.registry.signing_keys import load_keys
from storage.ticket import lists, read
from storage.ticket.change import change_ticket, open_requested
from storage.ticket.lists import All, CopiedTo, OfCompany, Page, RequestedBy, Which
from storage.ticket.read import AttachmentView, CommentView, TicketView

PATH = "/api/v1/tickets"
LISTS = ("mine", "cc", "organisation")
LIST_KEYS = ("mailbox", "status", "list", "limit", "before")

CONTEXT = web.AppKey("context", ApiContext)


def add_routes(app: web.Application, context: ApiContext) -> None:
    app[CONTEXT] = context
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
    context, query = request.app[CONTEXT], request.query
    status, limit = status_of(query.get("status")), limit_of(query.get("limit"))
    before = cursor_of(query.get("before"))

    def read_page(connection: Connection) -> tuple[Page, TicketJson]:
        role = access.mailbox_role(
            connection, caller, query.get("mailbox", ""), context.runtime.clock()
        )
        which = _requested_list(context, caller, role, query.get("list"))
        found = lists.page(
            connection, role.mailbox, which, status=status, limit=limit, before=before
        )
        return found, _presenter(connection, caller)

    page, presenter = await context.runtime.read(read_page)
    following = cursor_text(page.ends_at) if page.ends_at is not None else None
    return web.json_response(
        {"tickets": [presenter.in_list(each) for each in page.tickets], "before": following}
    )


async def _show(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL, Scope.READ, keys=("before",))
    context, number = request.app[CONTEXT], _number(request)
    before = comment_of(request.query.get("before"))

    def read_ticket(connection: Connection) -> str:
        access.find_ticket(connection, context, caller, number, context.runtime.clock())
        view = _ticket_view(connection, number)
        return json.dumps(_presenter(connection, caller).in_full(view, before))

    return web.json_response(text=await context.runtime.read(read_ticket))


def _presenter(connection: Connection, caller: Caller) -> TicketJson:
    ours = mailboxes.list_mailboxes(connection)
    addresses = frozenset(mailbox.address for mailbox in ours)
    masker = Masker(load_keys(connection), tuple(mailbox.id for mailbox in ours), addresses)
    return TicketJson(caller.by_staff, masker)


async def _change(request: web.Request) -> web.Response:
    """All of the changes or none: 409 if one is impossible, 403 if one is not permitted."""
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL)
    context, number = request.app[CONTEXT], _number(request)
    now = context.runtime.clock()
    patch = await body_of(request, TicketPatch)

    def job(connection: Connection) -> list[str]:
        found = access.find_ticket(connection, context, caller, number, now)
        policy, wanted = context.runtime.policy_of(found.mailbox), patch.changes()
        for change in wanted:
            if reason := forbidden(change, found.access, policy):
                raise ApiError(403, reason)
        customer = found.access is Access.MEMBER
        if customer and patch.comment and not patch.status and found.ticket.status is Status.CLOSED:
            raise ApiError(
                409,
                f'#{number} is closed; send "status": "open" with the comment, '
                "or open a new ticket",
            )
        by = context.change_context(found.mailbox, caller.address, now)
        made = with_reopening(wanted, found.ticket, found.access)
        effects = change_ticket(connection, by, number, made, policy, by_staff=caller.by_staff)
        if isinstance(effects, ChangeRefused):
            raise ApiError(409, str(effects.why))
        return [str(each) for each in effects.done]

    done = await context.write(job)
    left = "null" if patch.delete else await _afterwards(context, caller, number)
    return web.json_response(text=f'{{"effects": {json.dumps(done)}, "ticket": {left}}}')


async def _afterwards(context: ApiContext, caller: Caller, number: int) -> str:
    """The ticket as JSON, read once a change of it is committed: to show a ticket takes long, and
    the writer and the event loop must not wait. `null` if it cannot be read: the change is made.
    """

    def read_back(connection: Connection) -> str:
        shown = _presenter(connection, caller).in_full(_ticket_view(connection, number))
        return json.dumps(shown)

    try:
        return await context.runtime.read(read_back)
    except ApiError:  # somebody has deleted it since
        return "null"
    except StoreDown as error:
        log.page_failed(PATH, error)
        return "null"


async def _open(request: web.Request) -> web.Response:
    """201 with the new ticket."""
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL)
    context = request.app[CONTEXT]
    now = context.runtime.clock()
    new = await body_of(request, NewTicket)
    if new.requester and not caller.by_staff:
        raise ApiError(403, "only staff may open tickets for others; omit requester")
    requester = normalise(new.requester) if new.requester else caller.address
    if requester is None:
        raise ApiError(400, f"requester: {new.requester!r} is not a valid email address")
    wanted = Request(requester, new.subject, new.text, new.severity)

    def job(connection: Connection) -> int:
        mailbox = access.mailbox_role(connection, caller, new.mailbox, now).mailbox
        by = context.change_context(mailbox, caller.address, now)
        policy = context.runtime.policy_of(mailbox)
        number = open_requested(connection, by, wanted, policy, by_staff=caller.by_staff)
        if isinstance(number, ChangeRefused):
            raise ApiError(409, str(number.why))
        return number

    number = await context.write(job)
    headers = {"Location": f"{PATH}/{number}"}
    made = await _afterwards(context, caller, number)
    return web.json_response(text=made, status=201, headers=headers)


async def _attachment(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF, Scope.PORTAL, Scope.READ)
    context, number, wanted = request.app[CONTEXT], _number(request), int(request.match_info["id"])

    def read_attachment(connection: Connection) -> tuple[AttachmentView, str, bytes]:
        access.find_ticket(connection, context, caller, number, context.runtime.clock())
        presenter = _presenter(connection, caller)
        for comment in presenter.comments(_ticket_view(connection, number)):
            for attachment in comment.attachments:
                if attachment.id == wanted:
                    name = presenter.masker.mask(attachment.name)
                    return attachment, name, _mail_of(connection, number, comment)
        raise ApiError(404, f"there is no attachment {wanted} on #{number}")

    attachment, name, raw = await context.runtime.read(read_attachment)
    try:
        body = await asyncio.to_thread(part_bytes, raw, attachment.part)
    except LookupError:
        raise ApiError(404, f"attachment {wanted} cannot be read; see the raw mail") from None
    return download(body, name, attachment.content_type)


async def _raw(request: web.Request) -> web.Response:
    caller = await _caller(request, Scope.STAFF)
    context, number, wanted = (
        request.app[CONTEXT],
        _number(request),
        request.match_info["journal_id"],
    )

    def read_mail(connection: Connection) -> bytes:
        access.find_ticket(connection, context, caller, number, context.runtime.clock())
        raw = read.raw_mail(connection, number, journal_id_of(wanted))
        if raw is None:
            raise ApiError(404, f"there is no mail {wanted} on #{number}")
        return raw

    return download(await context.runtime.read(read_mail), f"{wanted}.eml", ANY_TYPE)


def _mail_of(connection: Connection, number: int, comment: CommentView) -> bytes:
    raw = comment.journal_id and read.raw_mail(connection, number, comment.journal_id)
    if not raw:
        raise ApiError(404, f"the mail of comment {comment.id} is not stored with #{number}")
    return raw


def _ticket_view(connection: Connection, number: int) -> TicketView:
    ticket = read.ticket_view(connection, number)
    if ticket is None:
        raise access.ticket_not_found(number)
    return ticket


def _requested_list(
    context: ApiContext, caller: Caller, role: MailboxRole, wanted: str | None
) -> Which:
    """The requested list; by default a customer's own tickets, and for staff all tickets."""
    if wanted is not None and wanted not in LISTS:
        raise ApiError(400, f"list={wanted}: expected one of: {', '.join(LISTS)}")
    if caller.by_staff:
        if wanted is not None:
            raise ApiError(
                400, f"list={wanted} is only for customers; staff see all tickets of a mailbox"
            )
        return All()
    if wanted == "cc":
        return CopiedTo(caller.address)
    if wanted != "organisation":
        return RequestedBy(caller.address)
    policy, person = context.runtime.policy_of(role.mailbox), role.person
    if policy.visibility != "company":
        raise ApiError(403, f"the policy {policy.name} shows a ticket only to the people on it")
    if person is None or person.company is None:
        raise ApiError(403, f"{caller.address} does not belong to a company")
    return OfCompany(person.company.id)


async def _caller(request: web.Request, *allowed: Scope, keys: Collection[str] = ()) -> Caller:
    """The caller; `keys` are the query parameters that the request may have. Raises ApiError."""
    scope = await authorise(request, request.app[CONTEXT].runtime.database, *allowed)
    check_query(request, keys)
    return Caller(scope, actor(request, scope))


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])
