"""The journal over the API, for staff and reports."""

from __future__ import annotations

import json

from aiohttp import web

from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, mask_for
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.cursors import row_cursor
from gateway.web.api.download import ANY_TYPE
from gateway.web.api.files import send_raw
from gateway.web.api.mail_answers import (
    ExplainedMailAnswer,
    JournalAnswer,
    JournalMailAnswer,
    trace_answer,
)
from gateway.web.api.operations import JsonAnswer, Operation, OtherAnswer
from gateway.web.api.queries import JournalQuery, Query
from gateway.web.api.request_parsing import journal_id_of
from rules.mail import Mailbox
from rules.mail.presented import Mask
from storage.db.database import Connection
from storage.mail import journal, journal_pages, one_mail
from storage.mail.journal_pages import JournalLine, PageFilter, PageKey
from storage.ticket.files import StoredMail

READERS = (Scope.STAFF, Scope.READ)


async def _journal(request: web.Request, caller: Caller, query: JournalQuery) -> web.Response:
    context = request.app[CONTEXT]

    def read_page(connection: Connection, mailbox: Mailbox) -> JournalAnswer:
        wanted = PageFilter(
            frozenset({mailbox.id}),
            verdict=query.verdict or "",
            reason=query.reason or "",
            text=query.text,
            since=query.since,
        )
        before = PageKey(*query.before) if query.before is not None else None
        mask = mask_for(connection, context, caller)
        found = journal_pages.page(connection, wanted, before, query.limit, mask)
        return {
            "mails": [_journal_mail(each, mailbox, mask) for each in found.lines],
            "before": row_cursor(*found.following) if found.following is not None else None,
            "searched_in_part": found.is_cut,
        }

    return await access.of_mailbox(request, caller, query.mailbox, read_page)


async def _explained(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context, wanted = request.app[CONTEXT], journal_id_of(request.match_info["journal_id"])

    def read_mail(connection: Connection) -> str:
        missing = ApiError(404, f"there is no mail {wanted}")
        entry = next(iter(journal.find(connection, str(wanted))), None)
        line = journal_pages.one(connection, wanted)
        if entry is None or line is None:
            raise missing
        try:
            role = access.mailbox_role(connection, caller, entry.mailbox, context.runtime.clock())
        except ApiError as error:  # the mail of another desk looks like one that does not exist
            raise missing if error.status == 404 else error from None
        mask = mask_for(connection, context, caller)
        answer: ExplainedMailAnswer = {
            **_journal_mail(line, role.mailbox, mask),
            "peer": entry.peer,
            "helo": mask(entry.helo),
            "rcpt_tos": [mask(each) for each in entry.rcpt_tos],
            "message_id": mask(entry.message_id),
            "reply": entry.reply,
            "trace": trace_answer(entry.trace, mask),
        }
        return json.dumps(answer)

    return web.json_response(text=await context.show(read_mail, caller.address))


async def _raw(request: web.Request, caller: Caller, _: Query) -> web.StreamResponse:
    context, wanted = request.app[CONTEXT], journal_id_of(request.match_info["journal_id"])

    def look_up(connection: Connection) -> StoredMail:
        roles = access.mailbox_roles(connection, caller, context.runtime.clock())
        found = one_mail.find(connection, wanted, [each.mailbox.id for each in roles])
        if found is None:
            raise ApiError(404, f"there is no mail {wanted}")
        if found.stored is None:
            with_it = f", but with {found.elsewhere}" if found.elsewhere is not None else ""
            raise ApiError(404, f"the mail {wanted} is not stored with this id{with_it}")
        return found.stored

    stored = await context.runtime.read(look_up)
    gone = ApiError(404, f"the mail {wanted} is not stored any more")
    return await send_raw(request, stored, str(wanted), gone)


def _journal_mail(line: JournalLine, mailbox: Mailbox, mask: Mask) -> JournalMailAnswer:
    return {
        "id": str(line.id),
        "mailbox": mailbox.address,
        "received_at": line.received_at.isoformat(),
        "verdict": line.verdict,
        "reason": line.reason,
        "ticket": line.ticket,
        "author": mask(line.author),
        "mail_from": mask(line.mail_from),
        "subject": mask(line.subject),
        "size_bytes": line.size_bytes,
        "held": line.is_held,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/journal",
        handler=_journal,
        name="list_mails",
        summary="The mails that came to a mailbox and what became of them, the newest first",
        scopes=READERS,
        query=JournalQuery,
        answer=JsonAnswer(JournalAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/journal/{journal_id}",
        handler=_explained,
        name="explain_mail",
        summary="A mail of the journal, with what each check saw and decided",
        scopes=READERS,
        query=Query,
        answer=JsonAnswer(ExplainedMailAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/journal/{journal_id}/raw",
        handler=_raw,
        name="get_raw_mail_of_journal",
        summary="A mail of the journal as it arrived, as long as it is stored",
        scopes=(Scope.STAFF, Scope.HELD),
        query=Query,
        answer=OtherAnswer((ANY_TYPE,)),
        errors=(404,),
    ),
)
