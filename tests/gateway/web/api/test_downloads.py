"""Files that are being sent hold memory: it is counted, divided, and given back at the end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest
from aiohttp import web

from gateway.accepting import bind_tcp
from gateway.shares import Shares
from gateway.web.api.access import CONTEXT
from gateway.web.api.download import Downloads, headers_of_file
from gateway.web.connection import HttpLimits, HttpPool, listening
from tests.gateway.building import a_part, multipart, text
from tests.gateway.web.api.site import ANN, SAM, Site
from tests.in_process import SUPPORT

LARGE = b"0123456789abcde\r\n" * 700_000
"""More than the kernel buffers for a client that reads nothing."""
HEAD = f"From: {ANN}\r\nTo: {SUPPORT}\r\nSubject: See\r\nMIME-Version: 1.0\r\n".encode()
MIB = 2**20


async def with_file(site: Site, content: bytes = LARGE) -> tuple[str, str]:
    """The paths of a file on a ticket, a large one if not given, and of its mail."""
    file = a_part(
        content, "Content-Type: image/png", 'Content-Disposition: attachment; filename="a.png"'
    )
    number = await site.mailed(HEAD + multipart("mixed", text("See the file."), file))
    _, ticket = await site.get(f"/{number}", SAM)
    comment = ticket["comments"][0]
    return comment["attachments"][0]["url"], comment["raw"]


def shares_of(site: Site) -> Shares:
    return site.client.app[CONTEXT].downloads.shares


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing is notified of it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stuck_client(host: str, port: int, request: str) -> AsyncIterator[None]:
    """A client that sends a request and reads nothing of the response."""
    reader, writer = await asyncio.open_connection(host, port)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(f"{request}\r\n\r\n".encode())
    try:
        yield
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_files_are_taken_out_of_mails_one_at_a_time(site: Site) -> None:
    file, raw = await with_file(site, b"short")
    headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": SAM}
    mail_files = site.client.app[CONTEXT].runtime.mail_files

    async with mail_files.turns.turn(None, "another"):
        asked = [asyncio.create_task(site.client.get(file, headers=headers)) for _ in range(2)]
        await until(lambda: shares_of(site).used > 0)
        assert (await site.client.get(raw, headers=headers)).status == 200
        assert not any(each.done() for each in asked)

    responses = await asyncio.gather(*asked)
    assert [await each.read() for each in responses] == [b"short"] * 2


async def test_what_is_sent_is_counted_until_its_client_has_it_or_is_gone(site: Site) -> None:
    file, raw = await with_file(site)
    shares, server = shares_of(site), site.client.server
    assert server.port is not None
    asked = [
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer staff-token\r\n"
        f"X-Postern-Actor: {SAM}"
        for path in (file, raw)
    ]
    async with stuck_client(server.host, server.port, asked[0]):
        await until(lambda: 0 < shares.used < len(LARGE) + MIB)  # of the file alone
        async with stuck_client(server.host, server.port, asked[1]):
            await until(lambda: shares.used > 2 * len(LARGE) - MIB)
            metrics = await (await site.client.get("/metrics")).text()
            (shown,) = re.findall(r'postern_in_use{what="download_bytes"} (\S+)', metrics)
            assert float(shown) == shares.used
    await until(lambda: shares.used == 0)

    for path in (file, raw):
        response = await site.ask("GET", path.removeprefix("/api/v1/tickets"), SAM)
        assert len(await response.read()) >= len(LARGE)
    await until(lambda: shares.used == 0)
    assert shares.holders == 0


async def test_a_file_for_which_there_is_no_memory_is_refused_for_a_time(site: Site) -> None:
    file, raw = await with_file(site)
    shares = shares_of(site)
    shares.add(None, shares.caps.total - len(LARGE))
    for path in (file, raw):
        response = await site.ask("GET", path.removeprefix("/api/v1/tickets"), SAM)
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "try again later" in (await response.json())["detail"]
    assert shares.used == shares.caps.total - len(LARGE)
    assert shares.refused == 2

    shares.give_back(None, shares.used)
    ask = await site.ask("HEAD", file.removeprefix("/api/v1/tickets"), SAM)
    assert (ask.status, int(ask.headers["Content-Length"])) == (200, len(LARGE))
    await until(lambda: shares.used == 0)


async def test_one_network_leaves_memory_to_others_and_a_mail_of_full_size_fits() -> None:
    downloads = Downloads(256 * MIB, 25 * MIB)
    shares, here = downloads.shares, ip_address("192.0.2.1")
    taken = 0
    while shares.take(ip_address(f"192.0.2.{taken + 1}"), 50 * MIB):
        taken += 1
    assert taken == 1
    assert not shares.take(here, 50 * MIB)
    assert shares.take(ip_address("198.51.100.1"), 50 * MIB)


async def test_a_client_that_reads_too_slowly_is_dropped() -> None:
    downloads = Downloads(256 * MIB, 25 * MIB, least_bytes_per_s=2**40, patience_s=0.2)

    async def large(request: web.Request) -> web.StreamResponse:
        with downloads.room(None, len(LARGE)):
            return await downloads.send(request, LARGE, headers_of_file("a", "image/png"))

    application = web.Application()
    application.add_routes([web.get("/", large)])
    pool = HttpPool(HttpLimits())
    async with listening(
        application, pool, bind_tcp("127.0.0.1", 0, backlog=8, reuse_port=False)
    ) as accepting:
        port = accepting.sockets[0].getsockname()[1]
        async with stuck_client("127.0.0.1", port, "GET / HTTP/1.1\r\nHost: x"):
            await until(lambda: downloads.shares.used > 0)
            await until(lambda: downloads.shares.used == 0)
            await until(lambda: not pool.connections)


@pytest.mark.parametrize("total", [10 * MIB, 60 * MIB])
def test_a_small_total_still_has_room_for_some_file(total: int) -> None:
    downloads = Downloads(total, 25 * MIB)
    with downloads.room(ip_address("192.0.2.1"), total - total // 5):
        pass
    assert downloads.shares.used == 0
