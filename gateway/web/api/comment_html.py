"""The HTML of a comment over HTTP, made of the raw mail when it is asked for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from functools import partial

from aiohttp import web

from gateway import log
from gateway.parsing.our_mails import has_mark_of_ours
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, number_of, presenter
from gateway.web.api.answers import CommentHtmlAnswer
from gateway.web.api.auth import ApiError
from gateway.web.api.download import SANDBOXED, headers_of_image
from gateway.web.api.files import taken_for, view_of
from gateway.web.api.operations import ALL, JsonAnswer, Operation, OtherAnswer
from gateway.web.api.queries import CommentHtmlQuery, Query
from gateway.web.api.ticket_json import TicketJson
from gateway.web.pages.forms import client_of_request
from rules.commands.readable import readable
from rules.commands.readable_html import readable_html
from rules.mail.extent import shown_part
from rules.mail.images import image_type
from rules.mail.markup import Piece, UnsafeMarkupError, pieces, written
from rules.mail.presented import images_in, masked_pieces, pieces_of_text, with_images
from rules.mail.quoting import visible
from rules.mail.shown_html import HtmlView, PlainOnly
from storage.db.database import Connection
from storage.ticket import files
from storage.ticket.comment_mail import CommentWithMail, comment_with_mail

PLACEHOLDER = "image not loaded"
LARGEST_IMAGE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comment, and how its reader sees it."""

    number: int
    comment: CommentWithMail
    shown: TicketJson
    quotes: bool
    """Whether its reader sees what it quotes."""

    def mask(self, text: str) -> str:
        return self.shown.masked_texts.mask(self.shown.masker, text)

    def text(self) -> str:
        """As in the JSON of the ticket."""
        text = shown_part(self.mask(self.comment.text))
        if self.shown.for_staff:
            return text
        by_mail = self.comment.by_staff and self.comment.by_mail
        return readable(text, mail_of_staff=by_mail, outside=self.comment.outside)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The pieces that a reader may see: the author's own, and what they quote."""

    own: list[Piece]
    quoted: list[Piece]
    plain_only: PlainOnly | None = None


async def _html(request: web.Request, caller: Caller, query: CommentHtmlQuery) -> web.Response:
    context = request.app[CONTEXT]
    asked = await _asked(request, caller)
    view = await _view(request, asked, caller)

    def made(_: Connection) -> str:
        return json.dumps(_as_json(asked, view, remote=query.images is not None))

    text = await context.show(made, caller.address)
    return web.json_response(text=text, headers=SANDBOXED)


async def _image(request: web.Request, caller: Caller, _: Query) -> web.StreamResponse:
    context, name = request.app[CONTEXT], request.match_info["image"]
    asked = await _asked(request, caller)
    mail = asked.comment.mail
    missing = ApiError(404, f"there is no image {name} in comment {asked.comment.id}")
    if mail is None:
        raise missing
    with context.downloads.room(client_of_request(request), 2 * mail.size_bytes) as room:
        view = await _view(request, asked, caller)
        parts = await asyncio.to_thread(_readable, asked, view)
        if name not in images_in([*parts.own, *parts.quoted]):
            raise missing
        content = dict(view.images).get(name)
        if content is None:
            taken = await taken_for(request, caller, asked.number, await _raw(request, asked), name)
            if taken is None or taken.is_ours:
                raise missing
            content = taken.content
        elif not caller.has_whole_mails and await asyncio.to_thread(has_mark_of_ours, content):
            raise missing
        kind = image_type(content)
        if not kind:
            raise missing
        room.shrink(len(content))
        return await context.downloads.send(request, content, headers_of_image(kind))


async def _asked(request: web.Request, caller: Caller) -> _Asked:
    """The comment of the path. Raises ApiError where the caller may not read it."""
    context, number = request.app[CONTEXT], number_of(request)
    wanted = int(request.match_info["comment"])

    def look_up(connection: Connection) -> _Asked:
        now = context.runtime.clock()
        ticket = access.find_ticket(connection, context, caller, number, now)
        found = comment_with_mail(connection, number, wanted)
        if found is None or not ticket.shows(found.id, found.visibility):
            raise ApiError(404, f"there is no comment {wanted} on #{number}")
        shown = presenter(connection, context, caller)
        return _Asked(number, found, shown, quotes=ticket.withheld.quotes_of(found.author))

    return await context.runtime.read(look_up)


async def _view(request: web.Request, asked: _Asked, caller: Caller) -> HtmlView:
    """The HTML of the comment's mail, from the process that sanitises it."""
    if not asked.comment.by_mail:
        return HtmlView(plain_only=PlainOnly.WRITTEN_HERE)
    if asked.comment.mail is None:
        return HtmlView(plain_only=PlainOnly.NOT_STORED)
    return await view_of(request, caller, asked.number, asked.comment.id, asked.comment.mail)


async def _raw(request: web.Request, asked: _Asked) -> bytes:
    """Raises LookupError if the mail is not stored any more."""
    mail = asked.comment.mail
    if mail is None:
        raise LookupError
    return await request.app[CONTEXT].runtime.read(partial(files.read_mail, mail=mail))


def _readable(asked: _Asked, view: HtmlView) -> _Parts:
    """What this reader may see, masked; the text where the HTML cannot be shown as surely."""
    parts = _with_quotes(asked, view)
    return parts if asked.quotes else replace(parts, quoted=[])


def _with_quotes(asked: _Asked, view: HtmlView) -> _Parts:
    plain_only = view.plain_only
    if plain_only is None:
        parts = _of_html(asked, view)
        if isinstance(parts, _Parts):
            return parts
        plain_only = parts
    text = asked.text()
    seen = visible(text)
    hidden = "\n".join(part for part in (seen.hidden_above, seen.hidden) if part.strip())
    quoted = pieces_of_text(hidden.strip("\n")) if hidden else []
    return _Parts(pieces_of_text(seen.text), quoted, plain_only)


def _of_html(asked: _Asked, view: HtmlView) -> _Parts | PlainOnly:
    """What is shown of the HTML, or why its text is shown instead."""
    try:
        own, quoted = pieces(view.html), pieces(view.quoted)
    except UnsafeMarkupError:
        log.html_not_shown(asked.number, asked.comment.id, PlainOnly.CRASH.value)
        return PlainOnly.CRASH
    if not asked.shown.for_staff:
        comment = asked.comment
        cut = readable_html(
            own,
            quoted,
            comment.text,
            view.text,
            mail_of_staff=comment.by_staff and comment.by_mail,
            outside=comment.outside,
        )
        if cut is None:
            return PlainOnly.PRIVATE
        own, quoted = cut
    masked_own, masked_quoted = (masked_pieces(each, asked.mask) for each in (own, quoted))
    if masked_own is None or masked_quoted is None:
        return PlainOnly.PRIVATE
    return _Parts(masked_own, masked_quoted)


def _as_json(asked: _Asked, view: HtmlView, *, remote: bool) -> CommentHtmlAnswer:
    comment, parts = asked.comment, _readable(asked, view)
    path = f"/api/v1/tickets/{asked.number}/comments/{comment.id}/images"

    def source(name: str) -> str:
        return f"{path}/{name}"

    own, of_own = with_images(parts.own, source, remote=remote, placeholder=PLACEHOLDER)
    quoted, of_quoted = with_images(parts.quoted, source, remote=remote, placeholder=PLACEHOLDER)
    text_shown = parts.plain_only is not None
    return {
        "id": comment.id,
        "html": written(own),
        "html_quoted": written(quoted),
        "remote_images": of_own + of_quoted,
        "plain_only": parts.plain_only.value if parts.plain_only is not None else None,
        "shortened": text_shown and len(shown_part(comment.text)) < comment.size,
        "degraded": comment.degraded,
        "charset_guessed": comment.charset_guessed,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/tickets/{number}/comments/{comment}/html",
        handler=_html,
        name="get_comment_html",
        summary="The HTML of a comment",
        scopes=ALL,
        query=CommentHtmlQuery,
        answer=JsonAnswer(CommentHtmlAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/tickets/{number}/comments/{comment}/images/{image}",
        handler=_image,
        name="get_comment_image",
        summary="An image in the HTML of a comment",
        scopes=ALL,
        query=Query,
        answer=OtherAnswer(("image/*",)),
        errors=(404,),
    ),
)
