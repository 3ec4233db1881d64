"""Mailboxes over the API: added by a program that sets a desk up."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from gateway import policies
from gateway.registry_requests import NewMailbox
from gateway.web.api.access import CONTEXT, Caller
from gateway.web.api.auth import ApiError
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import Query
from gateway.web.api.registry import Changed, changed
from gateway.web.api.registry_answers import MailboxAnswer
from gateway.web.api.request_parsing import body_of
from gateway.web.api.scopes import Scope
from rules.mail import Mailbox
from rules.policy import PolicyRefused
from storage.db.database import Connection


async def _add(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context = request.app[CONTEXT]
    new = await body_of(request, NewMailbox)
    add = partial(
        policies.add_mailbox,
        policies=context.runtime.policies,
        address=new.address,
        policy=new.policy,
    )

    def job(connection: Connection) -> Changed[Mailbox]:
        mailbox = add(connection)
        return Changed(mailbox, mailbox.address, ["mailbox_added"], mailbox)

    try:
        mailbox = await changed(context, caller, job)
    except PolicyRefused as refused:
        raise ApiError(409, str(refused)) from None
    answer: MailboxAnswer = {"address": mailbox.address, "policy": mailbox.policy}
    return web.json_response(answer, status=201)


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/mailboxes",
        handler=_add,
        name="add_mailbox",
        summary="Take mail at another address, under a policy",
        scopes=(Scope.ADMIN,),
        query=Query,
        body=JsonBody(NewMailbox),
        status=201,
        answer=JsonAnswer(MailboxAnswer),
        errors=(409,),
    ),
)
