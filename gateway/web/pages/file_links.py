"""The page behind the link of a file in a notice.

    /files/{mailbox_id}/{token}

GET shows name, type and size; POST is the download, which no browser runs. The holder of the link
may use it until it ends, or its owner leaves the ticket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from aiohttp import web

from gateway import log
from gateway.outgoing.dates import date
from gateway.outgoing.mime import one_line
from gateway.outgoing.shown_files import size_text
from gateway.parsing.mail_files import NotTaken
from gateway.parsing.our_mails import is_whole_text
from gateway.runtime import Runtime
from gateway.web.api.download import Downloads, headers_of_file
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.messages import PageError
from gateway.web.pages import forms
from gateway.web.pages.forms import as_page, client_of_request, read_link
from gateway.web.pages.render import Problem, language_for, page
from gateway.web.rate_limit import RateLimiter
from rules.mail import Mailbox
from rules.sender.tokens import FileUse, Keys, Link, read_link_token
from storage.notices.file_links import LinkedFile, linked_file
from storage.ticket import files

PATH = "/files"
POSTS_A_MINUTE = 60
LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePages:
    """What the pages work with."""

    runtime: Runtime
    downloads: Downloads
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))
    masked_texts: MaskedTexts = field(default_factory=MaskedTexts)


FILES = web.AppKey("files", FilePages)


@dataclass(frozen=True, slots=True)
class _FileVisit:
    mailbox: Mailbox
    found: LinkedFile
    name: str
    """Of the file, and the subject of its ticket, without what was sealed for others."""
    subject: str


def add_routes(app: web.Application, pages: FilePages) -> None:
    app[FILES] = pages
    path = f"{PATH}/{forms.LINK}"
    app.router.add_get(path, as_page(PATH, pages.rate, "", _show))
    app.router.add_post(path, as_page(PATH, pages.rate, "", _download))


async def _visit(request: web.Request) -> _FileVisit:
    """The file of the link. Raises Problem."""
    runtime = request.app[FILES].runtime
    visited = await read_link(request, runtime.mailbox_cache, _read)
    if visited is None:
        raise Problem(404, PageError.NO_LINK)
    mailbox, (use, link) = visited
    look_up = partial(linked_file, mailbox=mailbox, use=use, link=link, now=runtime.clock())
    found = await runtime.read(look_up)
    if found is None:
        raise Problem(404, PageError.NO_LINK)
    masker = (await runtime.mailbox_cache.current()).masker
    masked_texts = request.app[FILES].masked_texts
    name, subject = await masked_texts.in_thread(masker, found.file.name, found.subject)
    return _FileVisit(mailbox, found, name, subject)


def _read(keys: Keys, mailbox: int, token: str) -> tuple[FileUse, Link] | None:
    for use in (FileUse.FILE, FileUse.STAFF_FILE):
        if (link := read_link_token(keys, mailbox, use, token)) is not None:
            return use, link
    return None


async def _show(request: web.Request) -> web.Response:
    visit = await _visit(request)
    return _page(request, visit, _hindrance(visit.found))


async def _download(request: web.Request) -> web.StreamResponse:
    visit, pages = await _visit(request), request.app[FILES]
    found = visit.found
    mail = found.file.mail
    hindrance = _hindrance(found)
    if mail is None or hindrance:
        return _page(request, visit, hindrance or "gone", 404)
    with pages.downloads.room(client_of_request(request), 2 * mail.size_bytes) as room:
        client = client_of_request(request)
        try:
            raw = await pages.runtime.read(partial(files.read_mail, mail=mail))
        except LookupError:
            return _page(request, visit, "gone", 404)
        part = found.file.part
        taken = await pages.runtime.mail_files.taken(
            raw, (part,), examined=not found.is_staff, client=client, reader=found.owner
        )
        del raw
        if taken is NotTaken.MISSING:
            return _page(request, visit, "gone", 404)
        if isinstance(taken, NotTaken):
            log.file_not_read(found.ticket, part, taken.value)
            return _page(request, visit, "unread", 503)
        if taken[part].is_ours:
            return _page(request, visit, "withheld", 403)
        body = taken[part].content
        room.shrink(len(body))
        headers = headers_of_file(visit.name, found.file.content_type)
        return await pages.downloads.send(request, body, headers)


def _hindrance(found: LinkedFile) -> str:
    """Why the file cannot be had; empty where it can."""
    if found.file.mail is None:
        return "gone"
    wraps = found.file.by_staff and is_whole_text(found.file.name, found.file.content_type)
    return "withheld" if wraps and not found.is_staff else ""


def _page(
    request: web.Request, visit: _FileVisit, hindrance: str, status: int = 200
) -> web.Response:
    found, runtime = visit.found, request.app[FILES].runtime
    policy = runtime.policies.get(visit.mailbox.policy)
    language = language_for(request, policy, found.language)
    return page(
        language,
        "file.html",
        status,
        mailbox=visit.mailbox.address,
        ticket=found.ticket,
        subject=one_line(visit.subject, LONGEST_SUBJECT),
        name=one_line(visit.name),
        content_type=found.file.content_type,
        size=size_text(found.file.size_bytes, language),
        until=date(found.until, language),
        owner=found.owner,
        hindrance=hindrance,
    )
