"""The addresses whose mail bounces, over the API: listed, and sent to again."""

from __future__ import annotations

from aiohttp import web

from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, mask_for
from gateway.web.api.answers import RemovedAnswer
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.mail_answers import SuppressionAnswer
from gateway.web.api.operations import JsonAnswer, Operation
from gateway.web.api.outbox import READERS
from gateway.web.api.queries import MailboxQuery, SuppressionQuery
from rules.mail import Mailbox
from rules.mail.addresses import normalise
from storage.db.database import Connection
from storage.notices import suppression

PATH = "/api/v1/suppression"


async def _list(request: web.Request, caller: Caller, query: SuppressionQuery) -> web.Response:
    context = request.app[CONTEXT]

    def read_page(connection: Connection, mailbox: Mailbox) -> SuppressionAnswer:
        limit, mask = query.limit, mask_for(connection, context, caller)
        found = suppression.page(connection, mailbox.id, limit + 1, query.after)
        return {
            "addresses": [
                {
                    "address": each.address,
                    "failures": each.hard,
                    "last_at": each.last_at.isoformat(),
                    "why": mask(each.why),
                    "suspended_at": each.suspended_at.isoformat() if each.suspended_at else None,
                }
                for each in found[:limit]
            ],
            "after": found[limit - 1].address if len(found) > limit else None,
        }

    return await access.of_mailbox(request, caller, query.mailbox, read_page)


async def _remove(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    written = request.match_info["address"]
    address = normalise(written) or written

    def job(connection: Connection) -> None:
        now = context.runtime.clock()
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        if not suppression.remove(connection, mailbox.id, address):
            raise ApiError(404, f"no mail to {address} has bounced")

    await context.write(job)
    answer: RemovedAnswer = {"removed": 1}
    return web.json_response(answer)


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_bouncing_addresses",
        summary="The addresses from which mail bounced, by address",
        scopes=READERS,
        query=SuppressionQuery,
        answer=JsonAnswer(SuppressionAnswer),
        errors=(404,),
    ),
    Operation(
        method="DELETE",
        path=f"{PATH}/{{address}}",
        handler=_remove,
        name="remove_bouncing_address",
        summary="Send mail to an address again",
        scopes=(Scope.OUTBOX,),
        query=MailboxQuery,
        answer=JsonAnswer(RemovedAnswer),
        errors=(404,),
    ),
)
