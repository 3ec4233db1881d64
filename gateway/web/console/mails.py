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
from gateway.parsing.our_mails import is_whole_text
from gateway.parsing.taken import TakenFile
from gateway.web.api.auth import ApiError
from gateway.web.api.download import ANY_TYPE, headers_of_file
from gateway.web.console.context import PREFIX, Refused, Visit
from gateway.web.console.journal import reason_words, size_words, verdict_words
from gateway.web.console.mail_html import FRAME_HEADERS, document, image_names
from gateway.web.console.next_steps import MailState, next_step
from gateway.web.console.notice_words import kind_words
from gateway.web.console.verdicts import CHECKS
from gateway.web.console.words import Say
from gateway.web.pages.forms import client_of_request
from gateway.web.readers import TooManyReaders
from rules.decision.content import body_of
from rules.decision.reasons import Verdict
from rules.decision.trace import Step
from rules.mail import Body, Mail
from rules.mail.extent import CUT_MARGIN
from rules.mail.presented import Mask
from rules.mail.shown_html import HtmlView, PlainOnly
from rules.policy import Policy
from rules.sentence import Sentence
from rules.service.console_roles import ConsoleRight
from rules.service.digests import leaves_at
from storage.db.database import Connection
from storage.mail import one_mail
from storage.mail.one_mail import OneMail
from storage.notices import overview
from storage.notices.overview import NoticeSummary
from storage.ticket import files
from storage.ticket.files import StoredMail

SHOWN_TEXT = 20_000
SHOWN_FILES = 100
LONGEST_NAME = 150
LONGEST_SUBJECT = 200
WHOLE = ConsoleRight.HANDLE
"""The right to have mails as they came."""
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
    more_files: int = 0
    """That are not listed."""


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """A check as it is drawn."""

    name: str
    saw: str
    outcome: str
    mark: str


def drawn(trace: Sequence[Step], verdict: str, mask: Mask, say: Say) -> list[DrawnStep]:
    """The way of a mail, check by check; the last one decided."""
    last = len(trace) - 1
    return [
        DrawnStep(
            say(CHECKS.get(step.check, step.check)),
            mask(step.saw),
            mask(step.outcome),
            MARKS.get(verdict, "passed") if number == last else "passed",
        )
        for number, step in enumerate(trace)
    ]


async def mail(visit: Visit) -> web.Response:
    """The page of one mail."""
    found = await _found(visit)
    entry = found.entry
    if found.state == "held" and visit.request.query.get("view") != "way":
        return web.Response(status=303, headers={"Location": f"{PREFIX}/held/{entry.id}"})
    caused = await visit.runtime.read(partial(overview.caused_by, mails=[entry.id]))
    here = next((m for m in await visit.mailboxes() if m.address == entry.mailbox), None)
    policy = visit.runtime.policies.get(here.policy) if here is not None else None
    mask = await visit.mask()
    async with visit.turn():
        body = await _read(visit, found.stored) if found.stored else None
        values = await asyncio.to_thread(_values, visit, found, body, caused, mask)
        step = await asyncio.to_thread(_next_step, visit, found, policy, mask)
    return visit.page("mail.html", 200, step=step, **values)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """What the reader can do next, in their language."""

    text: str
    path: str
    link: str


def _next_step(visit: Visit, found: OneMail, policy: Policy | None, mask: Mask) -> ShownStep | None:
    entry = found.entry
    state = MailState(
        id=entry.id,
        verdict=entry.verdict,
        reason=entry.reason,
        state=found.state,
        elsewhere=found.elsewhere,
        ticket=entry.ticket,
        author=mask(entry.author),
        leaves_at=leaves_at(policy, entry.received_at) if policy is not None else None,
        unread=entry.unread,
    )
    step = next_step(state, visit.user.role)
    if step is None:
        return None
    return ShownStep(_worded(visit, step.text), step.path, step.link and visit.say(step.link))


def _values(
    visit: Visit, found: OneMail, body: Body | None, caused: Sequence[NoticeSummary], mask: Mask
) -> dict[str, object]:
    """What the page shows, without what was sealed for others."""
    entry = found.entry
    left_out = not_to(entry)
    return {
        "mail": found,
        "entry": entry,
        "author": mask(entry.author),
        "subject": one_line(mask(entry.subject), LONGEST_SUBJECT),
        "mail_from": mask(entry.mail_from),
        "recipients": mask(", ".join(entry.rcpt_tos)),
        "helo": mask(entry.helo),
        "message_id": mask(entry.message_id),
        "became": verdict_words(entry.verdict, visit.say),
        "why": reason_words(entry.reason, visit.say),
        "size": size_words(entry.size_bytes),
        "steps": drawn(entry.trace, entry.verdict, mask, visit.say),
        "proof": mask(proof(entry.authentication).worded(visit.say)),
        "evidence": [
            (each["method"], mask(evidence(each).worded(visit.say)))
            for each in entry.authentication.get("evidence", ())
        ],
        "warnings": [mask(each) for each in entry.authentication.get("warnings", ())],
        "caused": [
            (
                each.id,
                kind_words(each.kind, visit.say),
                each.address,
                mask(_worded(visit, became(each))),
            )
            for each in caused
        ],
        "left_out": mask(_worded(visit, left_out)) if left_out is not None else "",
        "content": _content(body, mask) if body is not None else None,
    }


def _worded(visit: Visit, sentence: Sentence) -> str:
    return visit.say(sentence.english, **dict(sentence.values))


async def html(visit: Visit) -> web.Response:
    """The HTML of a mail as a document of its own, for a frame in which nothing runs."""
    stored = await _stored(visit)
    with room_for(visit, 2 * stored.size_bytes):
        async with visit.turn():
            view, markup = await _markup(visit, await raw_of(visit, stored))
    if view.plain_only is PlainOnly.NO_HTML:
        markup = visit.say("This mail has no HTML, only its text.")
    elif not markup:
        markup = visit.say("The HTML of this mail cannot be shown safely; its text can.")
    return web.Response(text=markup, content_type="text/html", headers=FRAME_HEADERS)


async def _markup(visit: Visit, raw: bytes) -> tuple[HtmlView, str]:
    """The HTML as it is sanitised, and as it is shown; empty where it cannot be."""
    view = await visit.runtime.html_views.view(raw)
    mask, images = await visit.mask(), await _images(visit, raw, view)
    return view, await asyncio.to_thread(document, view, mask, images)


async def _images(visit: Visit, raw: bytes, view: HtmlView) -> dict[str, bytes]:
    """The images of a mail by name: those in the HTML itself, and those among its files."""
    images = dict(view.images)
    parts = [name for name in image_names(view) if name not in images]
    taken = await _taken(visit, raw, parts)
    if not isinstance(taken, NotTaken):
        images |= {part: each.content for part, each in taken.items()}
    return images


async def file(visit: Visit) -> web.StreamResponse:
    """One file of a mail, which the browser saves."""
    stored, part = await _stored(visit), visit.request.match_info["part"]
    with room_for(visit, 2 * stored.size_bytes):
        raw = await raw_of(visit, stored)
        async with visit.turn():
            listed = _body(await visit.context.ingest.parser.parse(raw))
        found = next((each for each in listed.attachments if each.part == part), None)
        if found is None:
            raise _missing()
        return await send_file(visit, raw, part, found.name, found.content_type)


async def send_file(
    visit: Visit, raw: bytes, part: str, name: str, content_type: str
) -> web.StreamResponse:
    """Send a file of a mail. Raises Refused."""
    taken = await _taken(visit, raw, (part,))
    if isinstance(taken, NotTaken):
        raise Refused(503, "The file could not be taken out of its mail. Please try again.")
    if taken[part].is_ours or (is_whole_text(name, content_type) and not visit.may(WHOLE)):
        raise Refused(
            403,
            "This file may be or contain a mail of ours, with the address and the links of its "
            "recipient. Agents may read it.",
        )
    shown = await asyncio.to_thread(await visit.mask(), name)
    headers = headers_of_file(shown, content_type)
    return await visit.context.downloads.send(visit.request, taken[part].content, headers)


async def _taken(visit: Visit, raw: bytes, parts: Sequence[str]) -> dict[str, TakenFile] | NotTaken:
    """Files of a mail. Who may not have the mail as it came gets none that is a mail of ours: with
    its links they could do what their role does not permit."""
    return await visit.runtime.mail_files.taken(
        raw,
        parts,
        examined=not visit.may(WHOLE),
        client=client_of_request(visit.request),
        reader=visit.user.address,
    )


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
    except TooManyReaders:
        raise
    except ApiError:
        raise Refused(503, "Too many files are being sent. Please try again.") from None


async def _read(visit: Visit, stored: StoredMail) -> Body:
    with room_for(visit, stored.size_bytes):
        return _body(await visit.context.ingest.parser.parse(await raw_of(visit, stored)))


def _content(body: Body, mask: Mask) -> Content:
    return Content(
        text=plain(mask(body.text[: SHOWN_TEXT + CUT_MARGIN])[:SHOWN_TEXT]),
        is_shortened=len(body.text) > SHOWN_TEXT,
        has_html=bool(body.html),
        files=tuple(
            MailFile(
                each.part, one_line(mask(each.name), LONGEST_NAME), size_words(each.size_bytes)
            )
            for each in body.attachments[:SHOWN_FILES]
        ),
        more_files=max(0, len(body.attachments) - SHOWN_FILES),
    )


def _body(parsed: Mail) -> Body:
    body = body_of(parsed)
    return body if isinstance(body, Body) else Body("", "", False, ())
