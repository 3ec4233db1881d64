"""What would become of a mail, over the API: as by `postern check`; nothing of it is stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from gateway.describe_decision import describe
from gateway.parsing.turns import Overloaded
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, mask_for
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.mail_answers import PreviewAnswer, PreviewedMailAnswer, trace_answer
from gateway.web.api.operations import JsonAnswer, Operation, RawBody
from gateway.web.api.pushed_mail import PUSHED_MAILS, envelope_of
from gateway.web.api.queries import PreviewQuery
from rules.decision.model import Decision
from rules.mail import Delivery
from rules.mail.header import stated_sender
from rules.mail.presented import Mask
from rules.sender.authentication import ASSUMED
from storage.db.database import Connection
from storage.mail.apply import Entry

Decided = Sequence[tuple[Entry, Decision]]


async def _preview(request: web.Request, caller: Caller, query: PreviewQuery) -> web.Response:
    context, pushed = request.app[CONTEXT], request.app[PUSHED_MAILS]
    envelope = envelope_of(query, pushed.connections.limits.recipients, over_tls=False)
    with pushed.room(request, len(envelope.rcpt_tos)):
        raw = await pushed.content(request)
        if "mail_from" not in query.model_fields_set:
            # In a thread: to read the header of a large mail may take a tenth of a second.
            author = await asyncio.to_thread(stated_sender, raw)
            envelope = replace(envelope, mail_from=author)
        delivery = Delivery(envelope, raw)
        try:
            async with context.viewing.turn(caller.address):
                assumed = ASSUMED if query.proven else None
                decided = await context.ingest.preview(delivery, assumed)
        except Overloaded:
            raise ApiError(503, "too many mails are being read, try again later") from None

    def answer(connection: Connection) -> str:
        roles = access.mailbox_roles(connection, caller, context.runtime.clock())
        ours = {each.mailbox.id for each in roles}
        mask = mask_for(connection, context, caller)
        found: PreviewAnswer = {"decisions": _decisions(decided, ours, mask)}
        if not found["decisions"]:
            raise ApiError(404, f"none of {', '.join(envelope.rcpt_tos)} is a mailbox of yours")
        return json.dumps(found)

    return web.json_response(text=await context.show(answer, caller.address))


def _decisions(decided: Decided, ours: set[int], mask: Mask) -> list[PreviewedMailAnswer]:
    return [
        {
            "mailbox": entry.mailbox.address,
            "verdict": decision.verdict.value,
            "reason": decision.reason.value,
            "effects": [{"name": name, "value": mask(value)} for name, value in describe(decision)],
            "unreadable": getattr(entry.mail.body, "why", ""),
            "trace": trace_answer(decision.trace, mask),
        }
        for entry, decision in decided
        if entry.mailbox.id in ours
    ]


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/mails/preview",
        handler=_preview,
        name="preview_mail",
        summary="What would become of a raw mail, and why; nothing of it is stored",
        scopes=(Scope.STAFF,),
        query=PreviewQuery,
        body=RawBody("message/rfc822"),
        answer=JsonAnswer(PreviewAnswer),
        errors=(404, 429),
        changes_nothing=True,
    ),
)
