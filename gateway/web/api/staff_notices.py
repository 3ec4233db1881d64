"""Of which tickets the staff person who asks is notified.

PUT /api/v1/staff/notices?mailbox=
"""

from __future__ import annotations

from aiohttp import web

from gateway.ticket_requests import NoticesChoice
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, caller_of
from gateway.web.api.auth import Scope
from gateway.web.api.request_parsing import body_of
from storage.db.database import Connection
from storage.registry.people import set_notices

PATH = "/api/v1/staff/notices"


def add_routes(app: web.Application) -> None:
    app.add_routes([web.put(PATH, _put)])


async def _put(request: web.Request) -> web.Response:
    caller = await caller_of(request, Scope.STAFF, keys=("mailbox",))
    context, named = request.app[CONTEXT], request.query.get("mailbox", "")
    choice = await body_of(request, NoticesChoice)

    def job(connection: Connection) -> None:
        role = access.mailbox_role(connection, caller, named, context.runtime.clock())
        set_notices(connection, role.mailbox, caller.address, choice.notices)

    await context.write(job)
    return web.json_response({"notices": choice.notices.value})
