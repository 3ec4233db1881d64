"""The journal: as a page, and live."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from html import unescape
from uuid import UUID

import pytest
from aiohttp import ClientResponse

from gateway.web.console import feed
from rules.mail import Delivery, Envelope
from rules.sender.masking import Masker
from rules.sender.tokens import Keys
from rules.service.console_roles import ConsoleRole
from storage.mail.journal_pages import PageFilter
from storage.registry import console_users, mailboxes
from tests.gateway.web.console.desk import NEW, Browser, Desk
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT
from tests.in_process import a_mail

PATIENCE_S = 20
"""On a busy machine; a mail is shown within a second of its 250 on any other."""


async def send(desk: Desk, subject: str, author: str = ANN) -> None:
    envelope = Envelope("127.0.0.1", "", False, author, (SUPPORT,))
    raw = a_mail(author, subject, Message_ID=f"<{abs(hash(subject))}@acme.example>")
    (reply,) = await desk.site.services.ingest.take(Delivery(envelope, raw))
    assert reply.accepted


@asynccontextmanager
async def watching(browser: Browser, query: str = "") -> AsyncIterator[ClientResponse]:
    """A stream of events that has begun."""
    async with browser.client.get(f"/console/journal/events{query}") as response:
        assert response.content_type == "text/event-stream"
        assert await event(response) == "retry: 2000"
        yield response


async def event(response: ClientResponse) -> str:
    """The next event; empty at the end of the stream."""
    async with asyncio.timeout(PATIENCE_S):
        return (await response.content.readuntil(b"\n\n")).decode().strip()


async def test_a_page_has_the_last_mails_with_their_verdicts_in_words(desk: Desk) -> None:
    held = await desk.hold("<script>alert(1)</script>")
    await send(desk, "The scanner")
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    status, page = await browser.get("/console/journal")
    _, german = await browser.get("/console/journal", **{"Accept-Language": "de"})

    assert status == 200
    assert page.index("The scanner") < page.index("&lt;script&gt;alert(1)")
    assert "<script>" not in page
    assert f'href="/console/held/{held.journal_id}"' in page
    assert "the author is not registered, their company is</span>" in page
    assert "der Absender ist nicht registriert, seine Firma schon</span>" in german


async def test_filters_select_and_a_page_goes_on_from_its_last_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.console.journal.LISTED", 2)
    for name in ("one", "two", "three"):
        await send(desk, f"Printer {name} 100%")
    await desk.hold("Printer four")
    browser = await desk.logged_in()

    async def subjects(query: str) -> tuple[list[str], str]:
        _, page = await browser.get(f"/console/journal?{query}")
        older = re.search(r'id="older" href="[^"]+[?]([^"]+)"', page)
        return re.findall(r"<bdi>(Printer \w+)", page), unescape(older[1]) if older else ""

    first, older = await subjects("text=printer")
    second, end = await subjects(older)

    assert first + second == ["Printer four", "Printer three", "Printer two", "Printer one"]
    assert end == ""
    assert (await subjects("verdict=held"))[0] == ["Printer four"]
    assert (await subjects("reason=not_enrolled"))[0] == ["Printer four"]
    assert (await subjects(f"text={NEW[:5].upper()}"))[0] == ["Printer four"]
    assert (await subjects("text=0%25&verdict=opened"))[0] == ["Printer three", "Printer two"]
    assert (await subjects("text=%25x"))[0] == []
    assert (await subjects("mailbox=other@help.example"))[0] == []


async def test_what_no_page_asks_for_is_no_error_of_ours(desk: Desk) -> None:
    """PostgreSQL takes no NUL, and the ends of the calendar are in no time zone."""
    await send(desk, "Printer")
    browser = await desk.logged_in(ConsoleRole.VIEWER)
    first, last = "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"
    key = f"_{UUID(int=0)}"

    for query in ("verdict=%00", "reason=%00", f"before={first}{key}", f"before={last}{key}"):
        status, page = await browser.get(f"/console/journal?{query}")
        assert (status, "Printer" in page) == (200, True), query
    for end in (first, last):
        async with watching(browser, f"?after={end}{key}"):
            pass


async def test_a_search_ends_after_so_many_mails_and_goes_on_from_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.mail.journal_pages.EXAMINED", 1)
    for name in ("rare", "other", "third", "fourth"):
        await send(desk, f"A {name} one")
    browser = await desk.logged_in()

    query, found = "text=rare", list[bool]()
    while query:
        _, page = await browser.get(f"/console/journal?{query}")
        older = re.search(r'id="older" href="[^"]+[?]([^"]+)">Search further back', page)
        found.append("A rare one" in page)
        query = unescape(older[1]) if older else ""

    assert found == [False, True, False]


async def test_a_mail_is_sent_to_all_who_watch_its_mailbox_and_to_nobody_else(desk: Desk) -> None:
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    sam = await desk.logged_in()
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")
    other = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")

    async with (
        watching(sam) as one,
        watching(operator, "?text=second") as two,
        watching(other) as three,
    ):
        await send(desk, "The first")
        await send(desk, "The second")

        assert "The first" in await event(one)
        assert "The second" in await event(one)
        assert "The second" in await event(two)
        await desk.site.write(lambda c: console_users.remove(c, "tom@help.example"))
        assert await event(three) == "event: ended\ndata:"


async def test_a_browser_that_comes_back_is_sent_what_it_missed(desk: Desk) -> None:
    browser = await desk.logged_in()
    async with watching(browser) as stream:
        await send(desk, "Seen")
        (key,) = re.findall(r"^id: (.+)$", await event(stream), re.MULTILINE)
    await send(desk, "Missed")

    async with browser.client.get(
        "/console/journal/events", headers={"Last-Event-ID": key}
    ) as again:
        events = [await event(again) for _ in range(3)]

    assert "Missed" in events[-1]


async def test_a_browser_that_missed_more_than_it_is_sent_learns_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.console.journal.CAUGHT_UP", 2)
    await send(desk, "Seen")
    browser = await desk.logged_in()
    _, page = await browser.get("/console/journal")
    events = re.search(r'data-events="/console/journal/events([^"]+)"', page)
    assert events is not None
    after = unescape(events[1])

    await send(desk, "Missed one")
    async with watching(browser, after) as response:
        assert (await event(response)).startswith("event: mail")
    for subject in ("Missed two", "Missed three"):
        await send(desk, subject)
    async with watching(browser, after) as response:
        assert (await event(response)).startswith("event: more")


async def test_nobody_is_sent_a_mail_for_a_text_that_they_see_masked(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.VIEWER)
    async with watching(browser, "?text=aeaea") as stream:
        await send(desk, f"To support+{'ae' * 18}@help.example")
        await send(desk, "Aeaea, as everybody sees it")

        assert "as everybody sees it" in await event(stream)


async def test_a_mailbox_that_is_added_is_masked_for_who_follows_already(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.VIEWER)
    async with watching(browser) as stream:
        await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
        await desk.site.services.runtime.mailbox_cache.current(0)  # as after a few seconds
        await send(desk, f"To sales+{'ae' * 18}@help.example")

        assert "aeae" not in await event(stream)


async def test_a_stream_ends_with_its_session(desk: Desk) -> None:
    browser = await desk.logged_in()
    async with watching(browser) as stream:
        await browser.send("/console/", "/console/logout")

        assert await event(stream) == "event: ended\ndata:"
        assert await stream.content.read() == b""


async def test_a_stream_ends_when_the_role_changes(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.AGENT)
    async with watching(browser) as stream:
        await desk.link(ConsoleRole.ADMIN)

        assert await event(stream) == "event: ended\ndata:"


async def test_who_does_not_read_is_dropped_and_learns_it() -> None:
    user = console_users.ConsoleUser(SAM, ConsoleRole.AGENT)
    seen = frozenset((1,))
    slow = feed.Viewer("", user, seen, PageFilter(seen))

    for _ in range(feed.QUEUED + 1):
        slow.send(feed.Batch((), is_cut=True))

    assert slow.queue.get_nowait() is feed.Ending.SLOW
    assert slow.queue.empty()


async def test_a_browser_that_comes_back_learns_of_older_mails_that_it_is_not_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them may have been committed while it was away, after many younger ones."""
    browser = await desk.logged_in()
    for subject in ("Late", "Seen"):
        await send(desk, subject)
    _, page = await browser.get("/console/journal")
    events = re.search(r'data-events="/console/journal/events([^"]+)"', page)
    assert events is not None
    monkeypatch.setattr("gateway.web.console.journal.CAUGHT_UP", 1)

    async with watching(browser, unescape(events[1])) as response:
        assert (await event(response)).startswith("event: more")


async def test_a_user_has_only_so_many_streams(desk: Desk) -> None:
    browser = await desk.logged_in()
    streams = [
        await browser.client.get("/console/journal/events") for _ in range(feed.VIEWERS_OF_A_USER)
    ]

    status, page = await browser.get("/console/journal/events")

    assert {each.status for each in streams} == {200}
    assert status == 503
    assert "Too many browsers follow the journal" in page
    streams[0].close()
    async with asyncio.timeout(feed.UNASKED_S / 2):  # sooner than a heartbeat would notice it
        while (again := await browser.client.get("/console/journal/events")).status == 503:
            again.close()
    again.close()
    for each in streams:
        each.close()


async def test_a_mail_that_becomes_visible_after_younger_ones_is_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RECENT", timedelta(0))
    monkeypatch.setattr(feed, "LATE_S", 0.0)
    browser = await desk.logged_in()

    async with watching(browser) as stream:
        await send(desk, "Late")

        assert "Late" in await event(stream)


def test_an_event_is_written_once_and_the_longest_unused_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "WRITTEN", 2)
    events, written = feed.WrittenEvents(), list[str]()
    masker = Masker(Keys(1, {1: b"k" * 32}), (1,))

    def write(name: str) -> bytes:
        written.append(name)
        return name.encode()

    for name in ("a", "b", "a", "c", "a", "b"):
        assert events.of(name, masker, partial(write, name)) == name.encode()

    assert written == ["a", "b", "c", "b"]


def test_an_event_that_was_begun_before_more_was_masked_is_kept_for_nobody() -> None:
    events, keys = feed.WrittenEvents(), Keys(1, {1: b"k" * 32})
    before, now = Masker(keys, (1,)), Masker(keys, (1, 2))

    def slow() -> bytes:
        assert events.of("a", now, lambda: b"masked") == b"masked"
        return b"as before"

    assert events.of("a", before, slow) == b"as before"
    assert events.of("a", now, lambda: b"written again") == b"masked"
