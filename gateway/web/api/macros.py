"""The saved replies of a mailbox, for staff.

GET    /api/v1/macros?mailbox=
PUT    /api/v1/macros/{name}?mailbox=
DELETE /api/v1/macros/{name}?mailbox=&language=
"""

from __future__ import annotations

from aiohttp import web

from gateway.ticket_requests import NewSavedReply
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, caller_of
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.request_parsing import body_of
from storage.db.database import Connection
from storage.registry import saved_replies
from storage.registry.errors import InvalidValue, NotFound
from storage.registry.saved_replies import SavedReplyView

PATH = "/api/v1/macros"


def add_routes(app: web.Application) -> None:
    one = f"{PATH}/{{name:[^/]{{1,100}}}}"
    app.add_routes([web.get(PATH, _list), web.put(one, _put), web.delete(one, _delete)])


async def _list(request: web.Request) -> web.Response:
    caller = await caller_of(request, Scope.STAFF, Scope.READ, keys=("mailbox",))
    context, named = request.app[CONTEXT], request.query.get("mailbox", "")

    def job(connection: Connection) -> list[SavedReplyView]:
        role = access.mailbox_role(connection, caller, named, context.runtime.clock())
        return list(saved_replies.list_replies(connection, role.mailbox))

    found = await context.runtime.read(job)
    return web.json_response({"macros": [_as_json(each) for each in found]})


async def _put(request: web.Request) -> web.Response:
    caller = await caller_of(request, Scope.STAFF, keys=("mailbox",))
    context, named = request.app[CONTEXT], request.query.get("mailbox", "")
    name, now = request.match_info["name"], context.runtime.clock()
    new = await body_of(request, NewSavedReply)

    def job(connection: Connection) -> SavedReplyView:
        role = access.mailbox_role(connection, caller, named, now)
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


async def _delete(request: web.Request) -> web.Response:
    caller = await caller_of(request, Scope.STAFF, keys=("mailbox", "language"))
    context, query = request.app[CONTEXT], request.query
    name = request.match_info["name"]

    def job(connection: Connection) -> int:
        now = context.runtime.clock()
        role = access.mailbox_role(connection, caller, query.get("mailbox", ""), now)
        try:
            return saved_replies.remove_reply(connection, role.mailbox, name, query.get("language"))
        except NotFound as error:
            raise ApiError(404, str(error)) from None

    return web.json_response({"removed": await context.write(job)})


def _as_json(reply: SavedReplyView) -> dict[str, str]:
    return {
        "name": reply.name,
        "language": reply.language,
        "text": reply.text,
        "changed_at": reply.changed_at.isoformat(),
        "changed_by": reply.changed_by,
    }
