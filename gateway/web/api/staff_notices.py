"""Of which tickets the staff person who asks is notified."""

from __future__ import annotations

from aiohttp import web

from gateway.ticket_requests import NoticesChoice
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller
from gateway.web.api.answers import NoticesAnswer
from gateway.web.api.auth import Scope
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import MailboxQuery
from gateway.web.api.request_parsing import body_of
from storage.db.database import Connection
from storage.registry.people import set_notices

PATH = "/api/v1/staff/notices"


async def _put(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    choice = await body_of(request, NoticesChoice)

    def job(connection: Connection) -> None:
        now = context.runtime.clock()
        role = access.mailbox_role(connection, caller, query.mailbox, now)
        set_notices(connection, role.mailbox, caller.address, choice.notices)

    await context.write(job)
    answer: NoticesAnswer = {"notices": choice.notices.value}
    return web.json_response(answer)


OPERATIONS = (
    Operation(
        method="PUT",
        path=PATH,
        handler=_put,
        name="set_notices",
        summary="Set of which tickets the staff person who asks is notified",
        scopes=(Scope.STAFF,),
        query=MailboxQuery,
        body=JsonBody(NoticesChoice),
        answer=JsonAnswer(NoticesAnswer),
        errors=(404,),
    ),
)
