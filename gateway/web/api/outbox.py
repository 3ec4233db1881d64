"""Outgoing mail over the API: what was not sent, and again."""

from __future__ import annotations

import json
from functools import partial

from aiohttp import web

from gateway.ticket_requests import Retry
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, mask_for
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.cursors import row_cursor
from gateway.web.api.mail_answers import (
    OutboxAnswer,
    OutgoingMailAnswer,
    ReadOutgoingMailAnswer,
    RetriedAnswer,
)
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import MailboxQuery, OutboxQuery, Query
from gateway.web.api.request_parsing import body_of, id_of
from rules.mail import Mailbox
from rules.mail.presented import Mask
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.notices import by_hand, outbox_pages, overview
from storage.notices.outbox_pages import NoticeKey, OutboxScope, OutboxView
from storage.notices.overview import EVERY_NOTICE, NoticeFilter, NoticeSummary

PATH = "/api/v1/outbox"
READERS = (Scope.OUTBOX, Scope.STAFF, Scope.READ)


async def _list(request: web.Request, caller: Caller, query: OutboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    wanted = NoticeFilter(None, query.ticket, query.address)
    view = query.view
    if wanted == EVERY_NOTICE:
        view = view or OutboxView.FAILED
    elif view is not None:
        raise ApiError(400, "view and ticket or address select different lists; send one of them")

    def read_page(connection: Connection, mailbox: Mailbox) -> OutboxAnswer:
        limit = query.limit
        after = NoticeKey(*query.after) if query.after is not None else None
        if view is None:
            found = outbox_pages.about(connection, mailbox.id, wanted, limit + 1, after)
        else:
            scope = OutboxScope(frozenset({mailbox.id}), context.runtime.clock())
            found = outbox_pages.listing(connection, view, scope, limit + 1, after)
        mask = mask_for(connection, context, caller)
        key = outbox_pages.key_of(view, found[limit - 1]) if len(found) > limit else None
        return {
            "mails": [_as_json(each, mask) for each in found[:limit]],
            "after": row_cursor(*key) if key is not None else None,
        }

    return await access.of_mailbox(request, caller, query.mailbox, read_page)


async def _read(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context = request.app[CONTEXT]
    wanted = id_of(request.match_info["notice"], "an outgoing mail")

    def read_one(connection: Connection) -> str:
        roles = access.mailbox_roles(connection, caller, context.runtime.clock())
        found = overview.find(connection, wanted)
        if found is None or found.mailbox not in {each.mailbox.address for each in roles}:
            raise ApiError(404, f"there is no outgoing mail {wanted}")
        answer: ReadOutgoingMailAnswer = {
            **_as_json(found, mask_for(connection, context, caller)),
            "sent_at": found.sent_at.isoformat() if found.sent_at is not None else None,
            "source": found.source,
            "actor": found.actor,
        }
        return json.dumps(answer)

    return web.json_response(text=await context.show(read_one, caller.address))


async def _retry(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    asked, now = await body_of(request, Retry), context.runtime.clock()

    def job(connection: Connection) -> int:
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        again = partial(by_hand.retry, connection, now=now, by=caller.name, source=Source.API)
        return again(ids=None if asked.every else asked.ids, mailboxes=[mailbox.id])

    answer: RetriedAnswer = {"retried": await context.write(job, apart=True)}
    return web.json_response(answer)


def _as_json(notice: NoticeSummary, mask: Mask) -> OutgoingMailAnswer:
    return {
        "id": str(notice.id),
        "mailbox": notice.mailbox,
        "ticket": notice.ticket,
        "kind": notice.kind,
        "address": notice.address,
        "state": notice.state.value,
        "created_at": notice.created_at.isoformat(),
        "due_at": notice.due_at.isoformat(),
        "attempts": notice.attempts,
        "last_error": mask(notice.last_error),
        "cause": str(notice.cause) if notice.cause is not None else None,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_outgoing_mails",
        summary="Outgoing mail that was not sent, and why; or all about a ticket or to an address",
        scopes=READERS,
        query=OutboxQuery,
        answer=JsonAnswer(OutboxAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path=f"{PATH}/{{notice}}",
        handler=_read,
        name="get_outgoing_mail",
        summary="An outgoing mail, sent or not",
        scopes=READERS,
        query=Query,
        answer=JsonAnswer(ReadOutgoingMailAnswer),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path=f"{PATH}/retry",
        handler=_retry,
        name="retry_outgoing_mails",
        summary="Try dead outgoing mails again, as if they were new, or waiting ones at once",
        scopes=(Scope.OUTBOX,),
        query=MailboxQuery,
        body=JsonBody(Retry),
        answer=JsonAnswer(RetriedAnswer),
        errors=(404,),
    ),
)
