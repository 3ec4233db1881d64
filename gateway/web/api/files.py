"""The files of a ticket over HTTP."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import assert_never

from aiohttp import web

from gateway import log
from gateway.parsing.mail_files import NotTaken
from gateway.parsing.our_mails import is_whole_text
from gateway.parsing.taken import TakenFile
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, number_of, presenter
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.download import ANY_TYPE, headers_of_file
from gateway.web.api.operations import ALL, Operation, OtherAnswer
from gateway.web.api.queries import Query
from gateway.web.api.request_parsing import journal_id_of
from gateway.web.pages.forms import client_of_request
from rules.mail.markup import UnsafeMarkupError, pieces
from rules.mail.presented import quoted_images
from rules.mail.shown_html import HtmlView, PlainOnly
from storage.db.database import Connection
from storage.ticket import files
from storage.ticket.files import StoredAttachment, StoredMail


async def _attachment(request: web.Request, caller: Caller, _: Query) -> web.StreamResponse:
    context, number = request.app[CONTEXT], number_of(request)
    wanted = int(request.match_info["attachment"])

    def look_up(connection: Connection) -> tuple[StoredAttachment, StoredMail, str, str, bool]:
        visible = access.find_ticket(connection, context, caller, number, context.runtime.clock())
        found = files.attachment(connection, number, wanted)
        if found is None or not visible.shows(found.comment, found.visibility):
            raise ApiError(404, f"there is no attachment {wanted} on #{number}")
        whole = found.by_staff and is_whole_text(found.name, found.content_type)
        if whole and not caller.has_whole_mails:
            raise ApiError(
                403,
                f"attachment {wanted} has the whole text of a staff person's email, with what it "
                "quotes: only staff may read it",
            )
        if found.mail is None:
            raise _not_stored(f"the mail of comment {found.comment}", number)
        name = presenter(connection, context, caller).masker.mask(found.name)
        quotes = visible.withheld.quotes_of(found.author)
        return found, found.mail, name, visible.mailbox.address, quotes

    found, mail, name, mailbox, quotes = await context.runtime.read(look_up)
    if not quotes and (found.inline or found.content_type.startswith("image/")):
        view = await view_of(request, caller, number, found.comment, mail)
        if await asyncio.to_thread(_may_be_quoted, found, view):
            raise ApiError(
                403,
                f"attachment {wanted} is, or may be, an image that comment {found.comment} quotes: "
                f"what was written before {caller.address} joined #{number} is not for them",
            )
    with context.downloads.room(client_of_request(request), 2 * mail.size_bytes) as room:
        raw = await _read(
            request, mail, _not_stored(f"the mail of comment {found.comment}", number)
        )
        taken = await taken_for(request, caller, number, raw, found.part)
        del raw
        if taken is None:
            raise ApiError(404, f"attachment {wanted} cannot be read; see the raw mail")
        if taken.is_ours:
            raise ApiError(
                403,
                f"attachment {wanted} is or contains an email from {mailbox}, with the addresses "
                "and links of its recipient: only staff may read it",
            )
        body = taken.content
        room.shrink(len(body))
        return await context.downloads.send(
            request, body, headers_of_file(name, found.content_type)
        )


async def taken_for(
    request: web.Request, caller: Caller, ticket: int, raw: bytes, part: str
) -> TakenFile | None:
    """A file of a mail, examined for who may not have whole mails; None if the mail has no such
    part. Raises ApiError if it could not be taken out."""
    found = await request.app[CONTEXT].runtime.mail_files.taken(
        raw,
        (part,),
        examined=not caller.has_whole_mails,
        client=client_of_request(request),
        reader=caller.address,
    )
    if not isinstance(found, NotTaken):
        return found[part]
    match found:
        case NotTaken.MISSING:
            return None
        case NotTaken.BUSY:
            raise ApiError(503, "too many files are being read, try again later")
        case NotTaken.TIMEOUT | NotTaken.CRASH:
            log.file_not_read(ticket, part, found.value)
            raise ApiError(
                503, "the file could not be taken out of its email; staff may read the raw mail"
            )
        case _:
            assert_never(found)


def _may_be_quoted(file: StoredAttachment, view: HtmlView) -> bool:
    """Whether a mail has the image in what it quotes; where that is not known, whether it has it in
    its text."""
    if view.plain_only is PlainOnly.NO_HTML:
        return False
    try:
        quoted = pieces(view.quoted)
    except UnsafeMarkupError:
        return file.inline
    unknown = view.plain_only is not None and file.inline
    return unknown or file.part in quoted_images(view, quoted)


async def view_of(
    request: web.Request, caller: Caller, ticket: int, comment: int, mail: StoredMail
) -> HtmlView:
    """The HTML of a comment's mail, from the process that sanitises it."""
    context = request.app[CONTEXT]
    async with context.viewing.turn(caller.address):
        with context.downloads.room(client_of_request(request), mail.size_bytes):
            try:
                raw = await context.runtime.read(partial(files.read_mail, mail=mail))
            except LookupError:  # it was deleted since
                return HtmlView(plain_only=PlainOnly.NOT_STORED)
            view = await context.runtime.html_views.view(raw)
    if view.plain_only is not None and view.plain_only.is_costly:
        log.html_not_shown(ticket, comment, view.plain_only.value)
    return view


async def _raw(request: web.Request, caller: Caller, _: Query) -> web.StreamResponse:
    context, number = request.app[CONTEXT], number_of(request)
    wanted = request.match_info["journal_id"]

    def look_up(connection: Connection) -> StoredMail:
        access.find_ticket(connection, context, caller, number, context.runtime.clock())
        mail = files.mail_of_ticket(connection, number, journal_id_of(wanted))
        if mail is None:
            raise ApiError(404, f"there is no mail {wanted} on #{number}")
        return mail

    mail = await context.runtime.read(look_up)
    return await send_raw(request, mail, wanted, _not_stored(f"mail {wanted}", number))


async def send_raw(
    request: web.Request, mail: StoredMail, name: str, gone: ApiError
) -> web.StreamResponse:
    """A mail as it arrived, under the name of its id. Raises `gone` if it was deleted since."""
    downloads = request.app[CONTEXT].downloads
    with downloads.room(client_of_request(request), mail.size_bytes):
        raw = await _read(request, mail, gone)
        return await downloads.send(request, raw, headers_of_file(f"{name}.eml", ANY_TYPE))


async def _read(request: web.Request, mail: StoredMail, gone: ApiError) -> bytes:
    try:
        return await request.app[CONTEXT].runtime.read(partial(files.read_mail, mail=mail))
    except LookupError:  # it was deleted since
        raise gone from None


def _not_stored(what: str, number: int) -> ApiError:
    return ApiError(404, f"{what} is not stored with #{number}")


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/tickets/{number}/attachments/{attachment}",
        handler=_attachment,
        name="get_attachment",
        summary="A file of a comment",
        scopes=ALL,
        query=Query,
        answer=OtherAnswer(("*/*",)),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/tickets/{number}/raw/{journal_id}",
        handler=_raw,
        name="get_raw_mail",
        summary="The mail of a comment, as it arrived",
        scopes=(Scope.STAFF,),
        query=Query,
        answer=OtherAnswer((ANY_TYPE,)),
        errors=(404,),
    ),
)
