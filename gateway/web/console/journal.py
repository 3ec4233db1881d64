"""The journal: every mail that was offered, as a page, and as events that follow it live."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.console.context import HEADERS, PREFIX, Refused, Visit
from gateway.web.console.feed import Batch, Ending, FeedIsFull, Viewer
from gateway.web.console.verdicts import OF_REASON, REASONS, VERDICTS
from gateway.web.console.words import Say
from rules.decision.reasons import Verdict
from rules.mail import Mailbox
from rules.sender.masking import Masker
from storage.db.database import Connection, store_down
from storage.mail import journal_pages
from storage.mail.journal_pages import (
    EXAMINED,
    OVERLAP,
    JournalLine,
    JournalPage,
    PageFilter,
    PageKey,
)

LISTED = 50
CAUGHT_UP = 200
"""Lines at most that a browser is sent when it begins to watch, or comes back."""
HEARTBEAT_S = 15.0
STREAM_S = 300.0
"""A stream ends after this time, as connections do; the browser comes back by itself."""
RETRY_MS = 2000
EVENTS = "text/event-stream"
LONGEST_TEXT = 100
LONGEST_SUBJECT = 200
KIB = 1024
FILTERS = ("mailbox", "verdict", "reason", "text")
KNOWN_VERDICTS = frozenset(each.value for each in Verdict)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the journal as a reader sees it."""

    id: str
    key: str
    at: datetime
    mailbox: str
    author: str
    subject: str
    verdict: str
    """The identifier, for the colour."""
    became: str
    why: str
    ticket: int | None
    size: str
    path: str


@dataclass(frozen=True, slots=True)
class LineWriter:
    """How lines are shown in one language, without what was sealed for others.

    Only for threads: to mask fifty subjects that somebody wrote for that takes seconds.
    """

    masked_texts: MaskedTexts
    masker: Masker
    mailboxes: dict[int, str]
    say: Say

    def shown(self, line: JournalLine) -> ShownLine:
        author = line.author or line.mail_from
        return ShownLine(
            id=str(line.id),
            key=str(line.key),
            at=line.received_at,
            mailbox=self.mailboxes.get(line.mailbox_id, ""),
            author=one_line(self.mask(author), LONGEST_SUBJECT),
            subject=one_line(self.mask(line.subject), LONGEST_SUBJECT),
            verdict=line.verdict,
            became=verdict_words(line.verdict, self.say),
            why=reason_words(line.reason, self.say),
            ticket=line.ticket,
            size=size_words(line.size_bytes),
            path=f"/held/{line.id}" if line.is_held else f"/mails/{line.id}",
        )

    def mask(self, text: str) -> str:
        return self.masked_texts.mask(self.masker, text)


def verdict_words(verdict: str, say: Say) -> str:
    english = next((text for each, text in VERDICTS.items() if each == verdict), verdict)
    return say(english)


def reason_words(reason: str, say: Say) -> str:
    """The reason in words; one that this version does not know as it is stored."""
    return say(OF_REASON.get(reason, reason))


def size_words(size_bytes: int) -> str:
    if size_bytes < KIB:
        return f"{size_bytes} B"
    return f"{size_bytes // KIB} KiB" if size_bytes < KIB * KIB else f"{size_bytes // KIB**2} MiB"


async def writer_for(visit: Visit) -> LineWriter:
    known = await visit.runtime.mailbox_cache.current()
    addresses = {each.id: each.address for each in (*known.mailboxes.values(), *known.inactive)}
    return LineWriter(visit.context.masked_texts, known.masker, addresses, visit.say)


async def journal(visit: Visit) -> web.Response:
    """The last mails, or those before a key."""
    mailboxes = await visit.mailboxes()
    wanted, query = _wanted(visit, mailboxes)
    before = PageKey.read(visit.request.query.get("before", ""))
    writer = await writer_for(visit)

    def look(connection: Connection) -> tuple[JournalPage, list[ShownLine]]:
        page = journal_pages.page(connection, wanted, before, LISTED, writer.mask)
        return page, [writer.shown(line) for line in page.lines]

    found, lines = await visit.show(look)
    here = f"{PREFIX}/journal"
    newest = f"{here}?{urlencode(query)}" if query else here
    following = ""
    if found.following is not None:
        following = f"{here}?{urlencode({**query, 'before': str(found.following)})}"
    live = {**query, "after": str(found.lines[0].key) if found.lines else ""}
    return visit.page(
        "journal.html",
        lines=lines,
        mailboxes=mailboxes,
        several=len(mailboxes) > 1,
        chosen={**dict.fromkeys(FILTERS, ""), **query},
        is_filtered=bool(query),
        verdicts=VERDICTS,
        reasons=REASONS,
        newest=newest,
        following=following,
        is_cut=found.is_cut,
        examined=f"{EXAMINED:,}",
        events="" if before else f"{here}/events?{urlencode(live)}",
    )


def _wanted(visit: Visit, mailboxes: Sequence[Mailbox]) -> tuple[PageFilter, dict[str, str]]:
    """What the query asks for, of what the user sees, and the query itself without all else."""
    asked = visit.request.query
    verdict, reason = asked.get("verdict", ""), asked.get("reason", "")
    query = {
        "mailbox": asked.get("mailbox", ""),
        "verdict": verdict if verdict in KNOWN_VERDICTS else "",
        "reason": reason if reason in OF_REASON else "",
        "text": one_line(asked.get("text", ""), LONGEST_TEXT),
    }
    named = frozenset(m.id for m in mailboxes if query["mailbox"] in ("", m.address))
    wanted = PageFilter(named, query["verdict"], query["reason"], query["text"])
    return wanted, {name: value for name, value in query.items() if value}


async def events(visit: Visit) -> web.StreamResponse:
    """New lines as server-sent events, each a row of the table."""
    request, runtime, feed = visit.request, visit.runtime, visit.context.feed
    mailboxes = await visit.mailboxes()
    wanted, _ = _wanted(visit, mailboxes)
    sees = frozenset(each.id for each in mailboxes)
    viewer = Viewer(visit.secret, visit.user, sees, wanted, partial(_has_left, request))
    last_seen = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    after = PageKey.read(last_seen)
    since = (after.at if after is not None else visit.now) - OVERLAP
    stream = _Stream(visit, several=len(mailboxes) > 1)
    try:
        async with feed.viewing(viewer):
            await stream.begin()
            newest = partial(journal_pages.newest, since=since, limit=CAUGHT_UP + 1)
            missed = await runtime.read(newest)
            # Also of those before the key: it cannot be known which of them became visible late.
            is_cut = len(missed) > CAUGHT_UP
            viewer.send(Batch(tuple(reversed(missed[:CAUGHT_UP])), is_cut))
            await stream.follow(viewer)
    except FeedIsFull:
        raise Refused(
            503,
            "Too many browsers follow the journal now. Reload the page to see new mails.",
        ) from None
    return stream.response


def asks_for_events(request: web.Request) -> bool:
    """Whether it is a page that follows the journal, rather than a browser that opens one."""
    return EVENTS in request.headers.get("Accept", "")


def ended() -> web.Response:
    """For a page whose session has ended: one that was sent to the login would ask again and
    again."""
    return web.Response(text=_ending(Ending.ENDED).decode(), content_type=EVENTS)


def _ending(why: Ending) -> bytes:
    return f"event: {why.value}\ndata:\n\n".encode()


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


class _Stream:
    """One response with events."""

    def __init__(self, visit: Visit, *, several: bool) -> None:
        self._visit, self._several = visit, several
        self.response = web.StreamResponse(
            headers={**HEADERS, "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}
        )
        self.response.content_type = EVENTS
        self.response.charset = "utf-8"

    async def begin(self) -> None:
        await self.response.prepare(self._visit.request)
        await self.response.write(f"retry: {RETRY_MS}\n\n".encode())

    async def follow(self, viewer: Viewer) -> None:
        """Writes what the viewer is sent, until they leave, their session ends, or it is time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + STREAM_S
        while (left := until - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(HEARTBEAT_S, left)):
                    sent = await viewer.queue.get()
            except TimeoutError:
                await self.response.write(b": still here\n\n")
                continue
            if isinstance(sent, Ending):
                if sent is not Ending.CLOSED:
                    await self.response.write(_ending(sent))
                return
            try:
                # For each batch: what is masked may be more than when the stream began.
                writer = await writer_for(self._visit)
            except store_down():
                return  # the browser comes back
            read_alike = (self._form_of(writer), viewer.wanted)
            write = partial(self._events, writer, sent.lines, viewer.wanted)
            rows = await sent.written(read_alike, write)
            begin = b"event: more\ndata:\n\n" if sent.is_cut else b""
            if begin or rows:
                await self.response.write(begin + rows)

    def _form_of(self, writer: LineWriter) -> Hashable:
        """Viewers with the same read the same rows."""
        return self._visit.language, self._several, frozenset(writer.mailboxes.items())

    def _events(
        self, writer: LineWriter, lines: Sequence[JournalLine], wanted: PageFilter
    ) -> bytes:
        """The events of the lines that a reader wants and in which they see the text that they look
        for, each with the row of the table."""
        events, form = self._visit.context.feed.events, self._form_of(writer)
        return b"".join(
            events.of((line, form), writer.masker, partial(self._event, writer, line))
            for line in lines
            if wanted.takes(line) and wanted.is_seen_in(line, writer.mask)
        )

    def _event(self, writer: LineWriter, line: JournalLine) -> bytes:
        data = "\n".join(f"data: {each}" for each in self._row(writer, line).splitlines())
        return f"event: mail\nid: {line.key}\n{data}\n\n".encode()

    def _row(self, writer: LineWriter, line: JournalLine) -> str:
        template = aiohttp_jinja2.get_env(self._visit.request.app).get_template("_line.html")
        shown, say = writer.shown(line), self._visit.say
        values = {"line": shown, "several": self._several, "t": say, "prefix": PREFIX}
        return template.render(values)
