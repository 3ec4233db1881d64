"""One mail: the way it went, its text and files as staff may read them, and what it caused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from gateway.mail_words import became, evidence, not_to, proof
from gateway.outgoing.mime import one_line, plain
from gateway.parsing.mail_files import NotTaken
from gateway.web.api.auth import ApiError
from gateway.web.api.download import ANY_TYPE, headers_of_file
from gateway.web.console.context import PREFIX, Refused, Visit
from gateway.web.console.journal import reason_words, size_words, verdict_words
from gateway.web.console.mail_html import FRAME_HEADERS, document, image_names
from gateway.web.console.verdicts import CHECKS
from gateway.web.console.words import Say
from gateway.web.pages.forms import client_of_request
from rules.decision.content import body_of
from rules.decision.model import Step
from rules.decision.reasons import Verdict
from rules.mail import Body, Mail
from rules.mail.shown_html import HtmlView, PlainOnly
from rules.sender.masking import Masker
from rules.sentence import Sentence
from storage.db.database import Connection
from storage.mail import one_mail
from storage.mail.one_mail import OneMail
from storage.notices import overview
from storage.ticket import files
from storage.ticket.files import StoredMail

SHOWN_TEXT = 20_000
LONGEST_NAME = 150
LONGEST_SUBJECT = 200
MARKS: Mapping[str, str] = {
    Verdict.HELD: "held",
    Verdict.FLAGGED: "held",
    Verdict.REFUSED: "refused",
    Verdict.DEFERRED: "refused",
}
"""How the step that decided is drawn; any other verdict as passed."""


@dataclass(frozen=True, slots=True)
class MailFile:
    part: str
    name: str
    size: str


@dataclass(frozen=True, slots=True)
class Content:
    """What staff may read of a mail."""

    text: str = ""
    is_shortened: bool = False
    has_html: bool = False
    files: tuple[MailFile, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """A check as it is drawn."""

    name: str
    saw: str
    outcome: str
    mark: str


def drawn(trace: Sequence[Step], verdict: str, masker: Masker, say: Say) -> list[DrawnStep]:
    """The way of a mail, check by check; the last one decided."""
    last = len(trace) - 1
    return [
        DrawnStep(
            say(CHECKS.get(step.check, step.check)),
            masker.mask(step.saw),
            masker.mask(step.outcome),
            MARKS.get(verdict, "passed") if number == last else "passed",
        )
        for number, step in enumerate(trace)
    ]


async def mail(visit: Visit) -> web.Response:
    """The page of one mail."""
    found = await _found(visit)
    entry = found.entry
    if found.state == "held":
        return web.Response(status=303, headers={"Location": f"{PREFIX}/held/{entry.id}"})
    caused = await visit.runtime.read(partial(overview.caused_by, mails=[entry.id]))
    masker = await masker_of(visit)
    left_out = not_to(entry)
    return visit.page(
        "mail.html",
        mail=found,
        entry=entry,
        subject=one_line(masker.mask(entry.subject), LONGEST_SUBJECT),
        mail_from=masker.mask(entry.mail_from),
        recipients=masker.mask(", ".join(entry.rcpt_tos)),
        became=verdict_words(entry.verdict, visit.say),
        why=reason_words(entry.reason, visit.say),
        size=size_words(entry.size_bytes),
        steps=drawn(entry.trace, entry.verdict, masker, visit.say),
        proof=proof(entry.authentication),
        evidence=[(e["method"], evidence(e)) for e in entry.authentication.get("evidence", ())],
        warnings=entry.authentication.get("warnings", ()),
        caused=[
            (each.kind.replace("_", " "), each.address, _worded(visit, became(each)))
            for each in caused
        ],
        left_out=_worded(visit, left_out) if left_out is not None else "",
        content=await _content(visit, found.stored, masker) if found.stored else None,
    )


def _worded(visit: Visit, sentence: Sentence) -> str:
    return visit.say(sentence.english, **dict(sentence.values))


async def html(visit: Visit) -> web.Response:
    """The HTML of a mail as a document of its own, for a frame in which nothing runs."""
    stored = await _stored(visit)
    with room_for(visit, 2 * stored.size_bytes):
        raw = await raw_of(visit, stored)
        view = await visit.runtime.html_views.view(raw)
        masker = await masker_of(visit)
        images = await _images(visit, raw, view)
        markup = await asyncio.to_thread(document, view, masker.mask, images)
    if view.plain_only is PlainOnly.NO_HTML:
        markup = visit.say("This mail has no HTML, only its text.")
    elif not markup:
        markup = visit.say("The HTML of this mail cannot be shown safely; its text can.")
    return web.Response(text=markup, content_type="text/html", headers=FRAME_HEADERS)


async def _images(visit: Visit, raw: bytes, view: HtmlView) -> dict[str, bytes]:
    """The images of a mail by name: those in the HTML itself, and those among its files."""
    images = dict(view.images)
    parts = [name for name in image_names(view) if name not in images]
    client = client_of_request(visit.request)
    taken = await visit.runtime.mail_files.taken(
        raw, parts, examined=False, client=client, reader=visit.user.address
    )
    if not isinstance(taken, NotTaken):
        images |= {part: each.content for part, each in taken.items()}
    return images


async def file(visit: Visit) -> web.StreamResponse:
    """One file of a mail, which the browser saves."""
    stored, part = await _stored(visit), visit.request.match_info["part"]
    client = client_of_request(visit.request)
    with room_for(visit, 2 * stored.size_bytes):
        raw = await raw_of(visit, stored)
        listed = _body(await visit.context.ingest.parser.parse(raw))
        found = next((each for each in listed.attachments if each.part == part), None)
        if found is None:
            raise _missing()
        taken = await visit.runtime.mail_files.taken(
            raw, (part,), examined=False, client=client, reader=visit.user.address
        )
        if isinstance(taken, NotTaken):
            raise Refused(503, "The file could not be taken out of its mail. Please try again.")
        name = (await masker_of(visit)).mask(found.name)
        headers = headers_of_file(name, found.content_type)
        send = visit.context.downloads.send
        return await send(visit.request, taken[part].content, headers)


async def raw_mail(visit: Visit) -> web.StreamResponse:
    """The mail as it came."""
    stored = await _stored(visit)
    with room_for(visit, stored.size_bytes):
        raw = await raw_of(visit, stored)
        headers = headers_of_file(f"{visit.request.match_info['id']}.eml", ANY_TYPE)
        return await visit.context.downloads.send(visit.request, raw, headers)


async def _found(visit: Visit) -> OneMail:
    """The mail that the path names. Raises Refused, for one of another desk as well."""
    if (journal_id := visit.journal_id) is not None:
        sees = [each.id for each in await visit.mailboxes()]
        find = partial(one_mail.find, journal_id=journal_id, mailboxes=sees)
        if (found := await visit.runtime.read(find)) is not None:
            return found
    raise _missing()


async def _stored(visit: Visit) -> StoredMail:
    found = await _found(visit)
    if found.stored is None:
        raise _missing()
    return found.stored


def _missing() -> Refused:
    return Refused(404, "There is no such mail, or it is not stored any more.")


async def raw_of(visit: Visit, stored: StoredMail) -> bytes:
    def read(connection: Connection) -> bytes:
        return files.read_mail(connection, stored)

    try:
        return await visit.runtime.read(read)
    except LookupError:  # it was deleted since
        raise _missing() from None


@contextmanager
def room_for(visit: Visit, size_bytes: int) -> Iterator[None]:
    """Memory for what is being read or sent, until the end of the context."""
    client = client_of_request(visit.request)
    try:
        with visit.context.downloads.room(client, size_bytes):
            yield
    except ApiError:
        raise Refused(503, "Too many files are being sent. Please try again.") from None


async def masker_of(visit: Visit) -> Masker:
    return (await visit.runtime.mailbox_cache.current()).masker


async def _content(visit: Visit, stored: StoredMail, masker: Masker) -> Content:
    with room_for(visit, stored.size_bytes):
        parsed = await visit.context.ingest.parser.parse(await raw_of(visit, stored))
    body = _body(parsed)
    return Content(
        text=plain(masker.beginning(body.text, SHOWN_TEXT)),
        is_shortened=len(body.text) > SHOWN_TEXT,
        has_html=bool(body.html),
        files=tuple(
            MailFile(
                each.part,
                one_line(masker.mask(each.name), LONGEST_NAME),
                size_words(each.size_bytes),
            )
            for each in body.attachments
        ),
    )


def _body(parsed: Mail) -> Body:
    body = body_of(parsed)
    return body if isinstance(body, Body) else Body("", "", False, ())
