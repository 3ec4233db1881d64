"""The saved replies of a mailbox, for staff."""

from __future__ import annotations

from aiohttp import web

from gateway.ticket_requests import NewSavedReply
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller
from gateway.web.api.answers import RemovedAnswer, SavedRepliesAnswer, SavedReplyAnswer
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import MailboxQuery, SavedReplyQuery
from gateway.web.api.request_parsing import body_of
from storage.db.database import Connection
from storage.registry import saved_replies
from storage.registry.errors import InvalidValue, NotFound
from storage.registry.saved_replies import SavedReplyView

PATH = "/api/v1/macros"


async def _list(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]

    def job(connection: Connection) -> list[SavedReplyView]:
        now = context.runtime.clock()
        role = access.mailbox_role(connection, caller, query.mailbox, now)
        return list(saved_replies.list_replies(connection, role.mailbox))

    found = await context.runtime.read(job)
    answer: SavedRepliesAnswer = {"macros": [_as_json(each) for each in found]}
    return web.json_response(answer)


async def _put(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    name = request.match_info["name"]
    new, now = await body_of(request, NewSavedReply), context.runtime.clock()

    def job(connection: Connection) -> SavedReplyView:
        role = access.mailbox_role(connection, caller, query.mailbox, now)
        try:
            return saved_replies.set_reply(
                connection,
                role.mailbox,
                name,
                new.language,
                new.text,
                by=caller.address,
                now=now,
            )
        except InvalidValue as error:
            raise ApiError(400, str(error)) from None

    return web.json_response(_as_json(await context.write(job)))


async def _delete(request: web.Request, caller: Caller, query: SavedReplyQuery) -> web.Response:
    context = request.app[CONTEXT]
    name = request.match_info["name"]

    def job(connection: Connection) -> int:
        now = context.runtime.clock()
        role = access.mailbox_role(connection, caller, query.mailbox, now)
        try:
            return saved_replies.remove_reply(connection, role.mailbox, name, query.language)
        except NotFound as error:
            raise ApiError(404, str(error)) from None

    answer: RemovedAnswer = {"removed": await context.write(job)}
    return web.json_response(answer)


def _as_json(reply: SavedReplyView) -> SavedReplyAnswer:
    return {
        "name": reply.name,
        "language": reply.language,
        "text": reply.text,
        "changed_at": reply.changed_at.isoformat(),
        "changed_by": reply.changed_by,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_saved_replies",
        summary="The saved replies of a mailbox",
        scopes=(Scope.STAFF, Scope.READ),
        query=MailboxQuery,
        answer=JsonAnswer(SavedRepliesAnswer),
        errors=(404,),
    ),
    Operation(
        method="PUT",
        path=f"{PATH}/{{name}}",
        handler=_put,
        name="save_reply",
        summary="Save a reply, in place of the one before",
        scopes=(Scope.STAFF,),
        query=MailboxQuery,
        body=JsonBody(NewSavedReply),
        answer=JsonAnswer(SavedReplyAnswer),
        errors=(404,),
    ),
    Operation(
        method="DELETE",
        path=f"{PATH}/{{name}}",
        handler=_delete,
        name="remove_saved_reply",
        summary="Remove a saved reply, in one language or in all",
        scopes=(Scope.STAFF,),
        query=SavedReplyQuery,
        answer=JsonAnswer(RemovedAnswer),
        errors=(404,),
    ),
)
