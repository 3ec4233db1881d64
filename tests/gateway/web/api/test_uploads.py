"""Tickets and comments with files over the API."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import func, select

from gateway import clock
from gateway.outgoing.carrier import Carrier
from gateway.web.api.form_parts import MOST_LINES
from rules.ticket.notices import NoticeKind
from storage.db.tables import RawMailRow, table
from storage.notices import outbox
from tests.gateway.web.api.site import ANN, SAM, Site, serving
from tests.gateway.web.threads import threads_of
from tests.in_process import SUPPORT

LOG = ("log ü.txt", "text/plain", b"a\r\nb\x00\n--x\r\n")
PNG = ("shot.png", "image/png", bytes(range(256)))
NEW = {"mailbox": SUPPORT, "subject": "Lift", "text": "It is stuck."}
File = tuple[str, str, bytes]


def form(asked: dict[str, Any] | None, files: Sequence[File] = ()) -> FormData:
    made = FormData(default_to_multipart=True)
    if asked is not None:
        made.add_field("request", json.dumps(asked), content_type="application/json")
    for name, kind, content in files:
        made.add_field("file", content, filename=name, content_type=kind)
    return made


async def send(
    site: Site, data: object, method: str = "POST", path: str = "", actor: str = ANN, **header: str
) -> tuple[int, Any]:
    scope = "staff" if actor == SAM else "portal"
    response = await site.client.request(
        method,
        f"/api/v1/tickets{path}",
        headers={"Authorization": f"Bearer {scope}-token", "X-Postern-Actor": actor, **header},
        data=data,
    )
    return response.status, await response.json()


async def stored_mails(site: Site) -> int:
    raw = table(RawMailRow)
    return await site.read(lambda c: c.execute(select(func.count()).select_from(raw)).scalar_one())


async def contents(site: Site, ticket: Any, actor: str) -> list[tuple[str, str, bytes]]:
    found = []
    for each in ticket["comments"][-1]["attachments"]:
        answer = await site.ask("GET", each["url"].removeprefix("/api/v1/tickets"), actor)
        assert answer.status == 200
        found.append((each["name"], each["content_type"], await answer.read()))
    return found


async def test_a_ticket_is_opened_with_files_that_its_readers_get(either: Site) -> None:
    status, ticket = await send(either, form(NEW, [LOG, PNG]))

    assert status == 201
    assert await contents(either, ticket, ANN) == [LOG, PNG]
    assert either.postern.services.connections.in_flight.used == 0
    services = either.postern.services
    carrier = Carrier(services.runtime, services.runtime.html_views, services.runtime.mail_files)
    due = await either.write(partial(outbox.claim, now=clock.now(), limit=100))
    (to_staff,) = (notice for notice in due if notice.kind is NoticeKind.NEW_TICKET)
    policy = services.runtime.policy_of(to_staff.mailbox)
    carried = await carrier.carried(to_staff, policy)
    assert list(carried.contents.values()) == [LOG[2], PNG[2]]


async def test_a_comment_may_be_files_alone(either: Site) -> None:
    number = await either.open(ANN)
    asked = {"comment": {"text": ""}}

    status, body = await send(either, form(asked, [PNG]), "PATCH", f"/{number}", SAM)

    assert status == 200, body
    assert await contents(either, body["ticket"], ANN) == [PNG]


async def test_a_mail_that_is_sent_as_a_file_is_kept_as_it_is(site: Site) -> None:
    mail = ("their mail.eml", "message/rfc822", b"Subject: x\r\n\r\nHello\r\n")

    _, ticket = await send(site, form(NEW, [mail]))

    assert await contents(site, ticket, SAM) == [mail]


async def test_a_repeat_with_the_same_files_gets_the_answer_and_stores_nothing(site: Site) -> None:
    key = {"Idempotency-Key": "k"}

    first = await send(site, form(NEW, [LOG]), **key)
    again, other = [await send(site, form(NEW, files), **key) for files in ([LOG], [PNG])]

    assert (again, other[0], await stored_mails(site)) == (first, 422, 1)


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (form(None, [LOG]), 400, "no part named request"),
        (form(NEW, [("", "text/plain", b"x")]), 400, "no filename"),
        (form({**NEW, "colour": "red"}, [LOG]), 400, "unknown key: colour"),
        (form({**NEW, "severity": "urgent"}, [LOG]), 409, "expected one of"),
        (form(NEW, [("x", "text/plain", b"")] * 101), 413, "at most 100 files"),
        (form(NEW, [("x", "text/plain", bytes(5000))]), 413, "larger than"),
        (form(NEW, [("x", "text/plain", bytes(3500))]), 413, "larger than"),
    ],
)
async def test_what_is_refused_stores_nothing(
    site: Site, data: FormData, status: int, message: str
) -> None:
    connections = site.postern.services.connections
    connections.limits = replace(connections.limits, mail_size_bytes=4096)

    found, body = await send(site, data)

    assert (found, message in body["detail"]) == (status, True), body
    assert (await stored_mails(site), await site.numbers(f"?mailbox={SUPPORT}")) == (0, [])


async def test_uploads_that_never_end_leave_room_for_mail(site: Site) -> None:
    in_flight, ended = site.postern.services.connections.in_flight, asyncio.Event()
    begun: asyncio.Queue[None] = asyncio.Queue()

    async def stalled() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        begun.put_nowait(None)
        await ended.wait()

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    uploads = [asyncio.create_task(send(site, stalled(), **kind)) for _ in range(12)]
    for _ in uploads:
        await begun.get()
    answered, _ = await asyncio.wait(uploads, return_when=asyncio.FIRST_COMPLETED)

    assert {upload.result()[0] for upload in answered} == {503}
    assert in_flight.fits(ip_address("192.0.2.7"), 25 * 2**20, listed=False)
    ended.set()
    await asyncio.gather(*uploads)
    assert in_flight.used == 0


async def test_files_without_a_comment_are_refused(site: Site) -> None:
    number = await site.open(ANN)

    status, body = await send(site, form({"status": "closed"}, [LOG]), "PATCH", f"/{number}", SAM)

    assert (status, "send comment as well" in body["detail"]) == (400, True)


@pytest.mark.parametrize("written", ["50% \u00fc.txt", "50%25%20%C3%BC.txt"])
async def test_a_file_keeps_its_name_whichever_way_it_is_encoded(site: Site, written: str) -> None:
    part = f'Content-Disposition: form-data; name="file"; filename="{written}"\r\n\r\nx'
    asked = f'Content-Disposition: form-data; name="request"\r\n\r\n{json.dumps(NEW)}'
    body = f"--b\r\n{asked}\r\n--b\r\n{part}\r\n--b--\r\n".encode()

    _, ticket = await send(site, body, **{"Content-Type": "multipart/form-data; boundary=b"})

    (found,) = await contents(site, ticket, ANN)
    assert found == ("50% \u00fc.txt", "application/octet-stream", b"x")


@pytest.mark.parametrize("cut", [1, 4, 30, 400])
async def test_a_form_that_was_cut_off_is_refused(site: Site, cut: int) -> None:
    part = 'Content-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + "y" * 300
    asked = f'Content-Disposition: form-data; name="request"\r\n\r\n{json.dumps(NEW)}'
    whole = f"--b\r\n{asked}\r\n--b\r\n{part}\r\n--b--".encode()
    kind = {"Content-Type": "multipart/form-data; boundary=b"}

    assert (await send(site, whole[:-cut], **kind))[0] == 400
    # Megabytes of lines before the first part would hold the event loop for seconds.
    assert (await send(site, b"\r\n" * MOST_LINES + whole, **kind))[0] == 400
    assert (await send(site, b"\r\n" * 9 + whole, **kind))[0] == 201


@pytest.mark.parametrize("part", [b"X: y\r\n" * 500, b"X: " + b"y" * 20_000, b"\xff" * 9_000])
async def test_a_form_with_malformed_headers_is_refused(site: Site, part: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}

    assert (await send(site, b"--b\r\n" + part + b"\r\n\r\nx\r\n--b--\r\n", **kind))[0] == 400


async def test_the_words_of_a_malformed_header_are_no_warning(
    template: Path, tmp_path: Path
) -> None:
    """It would write them to the log as they are, and keep each that is new for good."""
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    store = shutil.copy(template, tmp_path / "store.db")
    # Here, since pytest makes warnings errors again after the fixtures.
    async with serving(f"sqlite:///{store}", tmp_path) as site:
        for parameter in ("no parameter", "name*=no charset", 'name="a"; name="b"'):
            part = f"Content-Disposition: form-data; {parameter}\r\n\r\nx".encode()
            assert (await send(site, b"--b\r\n" + part + b"\r\n--b--\r\n", **kind))[0] == 400


async def test_a_part_with_a_header_that_is_costly_to_read_is_refused_unread(site: Site) -> None:
    """The library reads it in quadratic time, in the event loop, each time that it is asked."""
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    part = b"--b\r\nContent-Disposition: form-data; name*=utf-8''" + b";" * 7_900 + b"\r\n\r\nx\r\n"
    taken, longest = (
        [],
        b'--b\r\nContent-Disposition: form-data; name="request"\r\nX-A: ' + b"a" * 4_000,
    )
    for body in (part, longest + b"\r\n\r\n{}\r\n"):
        begun = time.thread_time()
        status, answer = await send(site, body + b"--b--\r\n", **kind)
        assert status == 400
        taken.append(("valid multipart" in str(answer), time.thread_time() - begun))

    assert [refused for refused, _ in taken] == [True, False]
    assert taken[0][1] < 0.04


async def test_what_takes_long_of_a_form_is_done_outside_of_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte of JSON that is escaped, and the digests of large files."""
    api = "gateway.web.api"
    threads = threads_of(monkeypatch, f"{api}.request_parsing._parsed", f"{api}.uploads._digest")

    status, _ = await send(site, form({**NEW, "text": '"' * 90_000}, [PNG]))

    assert status == 201
    assert threads
    assert threading.get_ident() not in threads
