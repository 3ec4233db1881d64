"""Held mail over the API: listed and read, filed by staff who vouch for its author, discarded."""

from __future__ import annotations

import json
from typing import assert_never
from uuid import UUID

from aiohttp import web

from gateway.outgoing.sentences import worded
from gateway.parsing.turns import Overloaded
from gateway.reception import StatedByStaff
from gateway.ticket_requests import Release
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, mask_for
from gateway.web.api.answers import RemovedAnswer
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.cursors import held_cursor
from gateway.web.api.mail_answers import (
    HeldMailAnswer,
    HeldMailsAnswer,
    ReadHeldMailAnswer,
    ReleasedAnswer,
)
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import HeldMailQuery, HeldQuery, Query
from gateway.web.api.request_parsing import body_of, journal_id_of
from gateway.web.held_mail import Choice, HeldDesk, HeldOutcome, is_possible, sentences, shown
from rules.mail import Mailbox
from rules.mail.presented import Mask
from rules.sender.stated_author import AuthorFault, stated_author
from rules.service.digests import held_because, leaves_at
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail, LeftQuarantine

PATH = "/api/v1/held"
ONE = f"{PATH}/{{journal_id}}"
READERS = (Scope.STAFF, Scope.READ, Scope.HELD)
LANGUAGE = "en"


async def _list(request: web.Request, caller: Caller, query: HeldQuery) -> web.Response:
    context = request.app[CONTEXT]

    def read_page(connection: Connection, mailbox: Mailbox) -> HeldMailsAnswer:
        limit, mask = query.limit, mask_for(connection, context, caller)
        found = quarantine.held_mails(connection, limit + 1, [mailbox.id], query.after)
        return {
            "held": [_as_json(each, mask) for each in found[:limit]],
            "after": held_cursor(found[limit - 1].key) if len(found) > limit else None,
        }

    return await access.of_mailbox(request, caller, query.mailbox, read_page)


async def _read(request: web.Request, caller: Caller, query: HeldMailQuery) -> web.Response:
    context = request.app[CONTEXT]
    runtime = context.runtime
    mail = await _find(request, caller)
    if not isinstance(mail, HeldMail):
        raise _no_longer_held(request)
    author = stated_author(mail.author, query.author) if query.author else None
    if isinstance(author, AuthorFault):
        raise _not_under(author, query.author)
    stated = StatedByStaff(author=author, onto=query.onto)
    async with context.viewing.turn(caller.address):
        text = await shown(runtime, context.ingest, mail, caller.name, LANGUAGE, stated)
    until = leaves_at(runtime.policy_of(mail.mailbox), mail.came_at)

    def answer(connection: Connection) -> str:
        found: ReadHeldMailAnswer = {
            **_as_json(mail, mask_for(connection, context, caller)),
            "because": text.why,
            "discarded_at": until.isoformat() if until is not None else None,
            "ticket": text.foreseen.ticket if text.foreseen is not None else None,
            "public": text.foreseen is not None and text.foreseen.is_public,
            "effect": text.effect,
            "shown": str(text.foreseen or ""),
            "people": list(text.people),
            "files": list(text.files),
            "text": text.text,
            "shortened": text.is_shortened,
            "can_enrol": is_possible(Choice.ENROL, mail),
        }
        return json.dumps(found)

    return web.json_response(text=await context.show(answer, caller.address))


async def _release(request: web.Request, caller: Caller, _: Query) -> web.Response:
    """200 once the mail is filed, by this request or before it."""
    asked = await body_of(request, Release)
    mail = await _find(request, caller)
    if isinstance(mail, LeftQuarantine):
        return _released_before(request, mail)
    author = stated_author(mail.author, asked.author or "")
    if isinstance(author, AuthorFault):
        raise _not_under(author, asked.author)
    if asked.enrol and not is_possible(Choice.ENROL, mail):
        because = worded(held_because(mail.reason), LANGUAGE)
        raise ApiError(
            409, f"its author cannot be registered with it; it is held because: {because}"
        )
    stated = StatedByStaff(
        author=author,
        as_new=asked.as_new,
        onto=asked.onto,
        why=asked.why,
    )
    try:
        result = await _desk(request, caller, mail).release(
            mail, stated, enrol=asked.enrol, shown=asked.shown
        )
    except Overloaded:
        raise ApiError(503, "too many mails are being read; nothing was done, try again") from None
    match result.outcome:
        case HeldOutcome.FILED:
            answer: ReleasedAnswer = {
                "ticket": result.ticket,
                "enrolled": result.enrolled,
                "repeated": False,
            }
            return web.json_response(answer)
        case HeldOutcome.OUTDATED:
            raise ApiError(409, sentences(result.why, LANGUAGE))
        case HeldOutcome.NOT_ENROLLED:
            raise ApiError(409, f"no active company has the domain of {mail.author}")
        case HeldOutcome.HELD:
            because = worded(held_because(result.reason), LANGUAGE)
            raise ApiError(409, f"the mail is still held: {because}")
        case HeldOutcome.GONE | HeldOutcome.DISCARDED:  # another person was first
            return _released_before(request, await _find(request, caller))
        case _:
            assert_never(result.outcome)


def _not_under(fault: AuthorFault, stated: str | None) -> ApiError:
    match fault:
        case AuthorFault.NOT_VALID:
            return ApiError(400, f"author: {stated!r} is not a valid email address")
        case AuthorFault.MISSING:
            return ApiError(409, "the mail does not name exactly one author; send author")
        case AuthorFault.NAMED:
            return ApiError(409, "the mail names its author; omit author")
        case _:
            assert_never(fault)


def _released_before(request: web.Request, left: HeldMail | LeftQuarantine) -> web.Response:
    if isinstance(left, HeldMail):
        raise ApiError(409, "somebody else made a change at the same time; nothing was done")
    if left.was_discarded:
        raise _no_longer_held(request)
    answer: ReleasedAnswer = {"ticket": left.ticket, "enrolled": False, "repeated": True}
    return web.json_response(answer)


async def _discard(request: web.Request, caller: Caller, _: Query) -> web.Response:
    mail = await _find(request, caller)
    removed = 0
    if isinstance(mail, HeldMail):
        result = await _desk(request, caller, mail).discard(mail)
        removed = int(result.outcome is HeldOutcome.DISCARDED)
        if not removed:  # another person was first
            mail = await _find(request, caller)
    if isinstance(mail, LeftQuarantine) and not mail.was_discarded:
        onto = f" as #{mail.ticket}" if mail.ticket is not None else ""
        raise ApiError(409, f"the mail was filed{onto} before, and is not discarded")
    answer: RemovedAnswer = {"removed": removed}
    return web.json_response(answer)


def _desk(request: web.Request, caller: Caller, mail: HeldMail) -> HeldDesk:
    context = request.app[CONTEXT]

    def require(connection: Connection) -> None:
        roles = access.mailbox_roles(connection, caller, context.runtime.clock())
        if mail.mailbox.id not in {role.mailbox.id for role in roles}:
            raise _none_held(mail.journal_id)

    return HeldDesk(context.runtime, context.ingest, caller.address, Source.API, require)


def _none_held(journal_id: UUID) -> ApiError:
    return ApiError(404, f"no mail {journal_id} is held")


async def _find(request: web.Request, caller: Caller) -> HeldMail | LeftQuarantine:
    """The held mail that the path names, or what became of it. Raises ApiError, for a mail of
    another desk as well."""
    context = request.app[CONTEXT]
    wanted = journal_id_of(request.match_info["journal_id"])

    def look(connection: Connection) -> HeldMail | LeftQuarantine | None:
        roles = access.mailbox_roles(connection, caller, context.runtime.clock())
        ours = {role.mailbox.id for role in roles}
        if (mail := quarantine.find(connection, wanted)) is not None:
            return mail if mail.mailbox.id in ours else None
        left = quarantine.left_as(connection, wanted)
        return left if left is not None and left.mailbox_id in ours else None

    found = await context.runtime.read(look)
    if found is None:
        raise _none_held(wanted)
    return found


def _no_longer_held(request: web.Request) -> ApiError:
    return ApiError(409, f"the mail {request.match_info['journal_id']} is no longer held")


def _as_json(mail: HeldMail, mask: Mask) -> HeldMailAnswer:
    return {
        "id": str(mail.journal_id),
        "mailbox": mail.mailbox.address,
        "came_at": mail.came_at.isoformat(),
        "reason": mail.reason,
        "author": mask(mail.author),
        "subject": mask(mail.subject),
        "mail_from": mask(mail.envelope.mail_from),
        "size_bytes": mail.size_bytes,
        "proven": not mail.network,
        "network": mail.network,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_held_mails",
        summary="The mails in quarantine: those of proven senders first, then the oldest first",
        scopes=READERS,
        query=HeldQuery,
        answer=JsonAnswer(HeldMailsAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path=ONE,
        handler=_read,
        name="get_held_mail",
        summary="A mail in quarantine, with its text",
        scopes=READERS,
        query=HeldMailQuery,
        answer=JsonAnswer(ReadHeldMailAnswer),
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path=f"{ONE}/release",
        handler=_release,
        name="release_held_mail",
        summary="File a held mail: the staff person who asks vouches for its author",
        scopes=(Scope.HELD,),
        query=Query,
        body=JsonBody(Release),
        answer=JsonAnswer(ReleasedAnswer),
        errors=(404, 409),
    ),
    Operation(
        method="DELETE",
        path=ONE,
        handler=_discard,
        name="discard_held_mail",
        summary="Delete a held mail without filing it",
        scopes=(Scope.HELD,),
        query=Query,
        answer=JsonAnswer(RemovedAnswer),
        errors=(404, 409),
    ),
)
