"""Whatever users of the console open, mail goes on."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import Connection, func, insert, select
from structlog.testing import capture_logs

from gateway import clock, policy_files
from gateway.web import readers
from gateway.web.api.form_parts import MOST_PARTS
from gateway.web.console import feed
from gateway.web.console.context import CONSOLE, ConsoleContext
from gateway.web.console.routes import ROUTES
from rules.mail import Delivery, Envelope
from rules.service.console_roles import ConsoleRole
from storage.db.tables import JournalRow, table
from storage.mail import journal
from storage.mail.journal import JournalEntry, JournalFilter
from storage.notices import overview
from storage.notices.overview import NoticeFilter
from tests.gateway.web.console.desk import NEW, Desk, a_desk
from tests.gateway.web.console.test_policies import tried
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT
from tests.gateway.web.masking_threads import masking_threads
from tests.in_process import a_mail
from tests.stores import SqliteStores

COSTLY = ("=?utf-8?q?" + "ae" * 18 + "?= ") * 20
"""To mask it takes as long as to file a hundred mails."""
QUICK = {
    "/journal/events",
    "/mails/{id}/raw",
    "/tickets/{number}/files/{part}",
    "/me",
    "/users",
    "/mailboxes",
    "/try",
    "/policies",
    "/policies/{name}",
    "/policies/{name}/file",
    "/backtest",
}
"""Pages that look up one thing by its id, or nothing in the store: no list, no search, and none
that reads a mail."""
_journal = table(JournalRow)


@pytest_asyncio.fixture
async def desk(sqlite_stores: SqliteStores, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(sqlite_stores.new(), tmp_path) as desk:
        yield desk


def context_of(desk: Desk) -> ConsoleContext:
    app = desk.site.client.app
    assert app is not None
    (found,) = (
        each._app[CONSOLE]
        for each in app.router.resources()
        if isinstance(each, web.PrefixedSubAppResource)
    )
    return found


async def take(desk: Desk, text: str = "It does not print.", author: str = ANN) -> JournalEntry:
    envelope = Envelope("127.0.0.1", "", False, author, (SUPPORT,))
    raw = a_mail(author, text=text)
    (reply,) = await desk.site.services.ingest.take(Delivery(envelope, raw))
    assert reply.accepted
    return (await desk.site.write(lambda c: journal.newest(c, JournalFilter(), 1)))[-1]


async def test_of_the_pages_that_take_long_one_is_made_at_a_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who searches in twenty windows would have all threads and processes that mail
    needs."""
    monkeypatch.setattr(readers, "STORE_S", 0.05)
    mail, held = await take(desk), await take(desk, author=NEW)
    viewer, context = await desk.logged_in(ConsoleRole.VIEWER), context_of(desk)
    named = {"id": mail.id, "part": "1", "name": "default", "number": 1}
    paths = {route.path: route.path.format_map(named) for route in ROUTES if route.method == "GET"}
    paths["/held/{id}"] = f"/held/{held.id}"
    (notice, *_) = await desk.site.write(lambda c: overview.listing(c, NoticeFilter(), 1))
    paths["/outbox/{id}"] = f"/outbox/{notice.id}"
    tom, busy = "tom@help.example", set[str]()

    async with context.api.showing.turn(tom), context.api.viewing.turn(tom):
        with capture_logs() as logged:
            for route, path in paths.items():
                if route not in QUICK and (await viewer.get(f"/console{path}"))[0] == 503:
                    busy.add(route)
        await take(desk, "Meanwhile.")

    assert busy == paths.keys() - QUICK
    assert {each["actor"] for each in logged if each["event"] == "api_busy"} == {SAM}


async def test_a_form_of_endless_parts_is_read_no_further(desk: Desk) -> None:
    """For each of them aiohttp copies what it has received of the others: 20,000 of them, of one
    viewer, took the event loop for twelve seconds."""
    viewer = await desk.logged_in(ConsoleRole.VIEWER)
    _, page = await viewer.get("/console/")
    token = re.search(r'name="csrf" value="(\w+)"', page)
    assert token is not None
    head = 'Content-Disposition: form-data; name="{}"'
    field = f"--b\r\n{head.format('csrf')}\r\n\r\n{token[1]}\r\n--b--\r\n"
    empty = f'--b\r\n{head.format("file")}; filename=""\r\n\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=b"}

    statuses = []
    for parts in (MOST_PARTS, 1):
        response = await viewer.client.post(
            "/console/logout", data=empty * parts + field, headers=kind, allow_redirects=False
        )
        statuses.append(response.status)

    assert statuses == [400, 303]


async def test_a_form_that_is_costly_to_decode_does_not_hold_the_event_loop(desk: Desk) -> None:
    viewer = await desk.logged_in(ConsoleRole.VIEWER)
    path, body = "/console/me", b"csrf=" + b"%" * 250_000
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    begun = time.thread_time()

    form = await viewer.client.post(path, data=body, headers=headers)
    # What anybody may send is short.
    login = await viewer.client.post("/console/login", data=body, headers=headers)

    assert (form.status, login.status) == (403, 413)
    assert time.thread_time() - begun < 0.1


async def test_a_file_that_takes_too_long_to_read_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a whole year it is looked up whether somebody is on duty at each change of a window."""
    monkeypatch.setattr(policy_files, "CPU_S", 1)
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")
    windows = [
        f"[[on_call.roster]]\nname = 'Sam'\ncontact = '{SAM}'\n"
        f"opens = '{n // 60 % 24:02}:{n % 60:02}'\ncloses = '{(n // 60 + 1) % 24:02}:{n % 60:02}'\n"
        for n in range(1440)
    ]

    status, page = await tried(operator, "\n".join(windows).encode())

    assert (status, "It takes too long to read this file" in page) == (422, True)


async def test_what_takes_long_to_mask_holds_up_no_mail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer may write subjects and texts for that."""
    mail = await take(desk, COSTLY * 3)
    copies = [{"id": clock.new_id(), "subject": COSTLY[: 990 - n]} for n in range(12)]
    await desk.site.write(partial(_copied, copies=copies))
    held = await take(desk, COSTLY * 3, NEW)
    viewer, context = await desk.logged_in(ConsoleRole.VIEWER), context_of(desk)
    threads = masking_threads(monkeypatch)

    for path in (
        "/console/journal",
        f"/console/mails/{mail.id}",
        f"/console/held/{held.id}",
    ):
        context.masked_texts._masked.clear()
        threads.clear()
        status, _ = await viewer.get(path)
        assert status == 200
        assert threads, path
        assert threading.get_ident() not in threads, path  # that of the event loop

    context.masked_texts._masked.clear()
    threads.clear()
    async with viewer.client.get("/console/journal/events") as response, asyncio.timeout(20):
        await response.content.readuntil(b"event: mail")
    assert threads
    assert threading.get_ident() not in threads


def _copied(connection: Connection, copies: list[dict[str, object]]) -> None:
    row = dict(connection.execute(select(_journal).limit(1)).mappings().one())
    connection.execute(insert(_journal), [{**row, **each} for each in copies])
    assert connection.execute(select(func.count()).select_from(_journal)).scalar_one() > len(copies)


async def test_a_mail_that_is_committed_after_many_younger_ones_is_shown_live(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "AT_ONCE", 1)
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    async with viewer.client.get("/console/journal/events") as response, asyncio.timeout(20):
        await response.content.readuntil(b"retry: 2000\n\n")
        mail = await take(desk)
        await response.content.readuntil(b"event: mail")
        late = {"id": clock.new_id(), "received_at": mail.received_at - timedelta(seconds=5)}
        await desk.site.write(partial(_copied, copies=[{**late, "subject": "Late"}]))
        await response.content.readuntil(b"Late")
