"""HTTP clients that send half a request, too much of one, or never read: nobody else waits."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import weakref
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
from aiohttp import web

from gateway.accepting import bind_tcp
from gateway.web.connection import HttpLimits, HttpPool, listening

ON_BOTH_LOOPS = True
HASTY = HttpLimits(header_s=0.2, window_s=0.2, linger_s=0.1)
LARGE = b"x" * 16 * 2**20


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=b"%d" % len(await request.read()))


async def slow(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(1)
    return web.Response()


async def large(_: web.Request) -> web.Response:
    return web.Response(body=LARGE)


def a_socket() -> Sequence[socket.socket]:
    return bind_tcp("127.0.0.1", 0, backlog=128, reuse_port=False)


@asynccontextmanager
async def site(limits: HttpLimits) -> AsyncIterator[tuple[HttpPool, int]]:
    """A site with two pages; its pool and its port. At the end it holds nothing."""
    application = web.Application()
    application.add_routes([web.post("/", echo), web.get("/", echo), web.get("/large", large)])
    application.add_routes([web.post("/slow", slow)])
    pool = HttpPool(limits)
    async with listening(application, pool, a_socket()) as accepting:
        yield pool, accepting.sockets[0].getsockname()[1]
        await nothing_held(pool)


async def nothing_held(pool: HttpPool) -> None:
    async with asyncio.timeout(10):
        while pool.slots.used or pool.connections:  # noqa: ASYNC110 - only the server is notified
            await asyncio.sleep(0.01)
    assert pool.slots.holders == 0


@asynccontextmanager
async def client(
    port: int, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def answer(port: int, request: bytes, source: str = "127.0.0.1") -> bytes:
    """Everything that the server sends until it closes the connection."""
    async with client(port, source) as (reader, writer):
        writer.write(request)
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return await reader.read()
    return b""


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
        b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["silent", "half a header", "half a body", "half a chunk", "half a second", "never reads"],
)
async def test_a_client_that_keeps_its_connection_open_keeps_no_slot(sent: bytes) -> None:
    async with site(HASTY) as (pool, port), client(port) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # as a stuck peer
        writer.write(sent)
        await nothing_held(pool)


async def test_a_header_that_arrives_byte_by_byte_is_cut_off() -> None:
    async with site(HASTY) as (_, port), client(port) as (_, writer):
        async with asyncio.timeout(10):
            while not writer.is_closing():
                writer.write(b"G")
                await asyncio.sleep(0.02)  # the pace is what is tested


async def test_a_slow_body_that_makes_progress_is_taken() -> None:
    limits = replace(HASTY, min_bytes_per_s=50)
    async with site(limits) as (_, port), client(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(20):
            writer.write(b"a" * 50)
            await asyncio.sleep(0.05)  # the pace is what is tested
        assert b"200 OK" in await reader.readline()


async def test_a_large_response_that_is_read_arrives_complete() -> None:
    async with site(HASTY) as (_, port):
        got = await answer(port, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert got.endswith(LARGE)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-a: b\r\n" * 100_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-a: " + b"b" * 60_000,
    ],
    ids=["many fields", "a long field"],
)
async def test_a_header_without_end_is_refused(request_: bytes) -> None:
    async with site(HttpLimits()) as (_, port):
        assert (await answer(port, request_))[:12] in (b"HTTP/1.1 431", b"HTTP/1.0 400", b"")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"EHLO client.example\r\nMAIL FROM:<>\r\n",
    ],
    ids=repr,
)
async def test_a_malformed_request_is_answered_and_logs_no_traceback(
    request_: bytes, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with site(HttpLimits()) as (_, port):
        status, _, rest = (await answer(port, request_)).partition(b"\r\n")
        assert b"\nServer: Postern\r" in rest
        assert status.split()[1] == b"400"
        body = json.loads(rest.partition(b"\r\n\r\n")[2])
        assert body["detail"] == "the request is not valid HTTP"
    logged = caplog.text + "".join(capsys.readouterr())
    assert "Traceback" not in logged
    assert "client.example" not in logged


@pytest.mark.parametrize("addresses", [1, 200])
async def test_half_requests_of_one_network_leave_connections_to_others(addresses: int) -> None:
    limits = HttpLimits(connections=40, connections_per_peer=8)
    async with site(limits) as (pool, port), contextlib.AsyncExitStack() as stack:
        for number in range(200):
            source = f"127.0.0.{2 + number % addresses}"
            _, writer = await stack.enter_async_context(client(port, source))
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ")
        assert pool.slots.used < 40
        async with asyncio.timeout(1):
            request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert b"200 OK" in await answer(port, request, "127.1.0.9")
        await stack.aclose()


async def test_half_requests_of_many_networks_give_way_to_a_new_one() -> None:
    async with site(HttpLimits(connections=40)) as (pool, port), contextlib.AsyncExitStack() as s:
        for number in range(120):
            _, writer = await s.enter_async_context(client(port, f"127.2.{number % 60}.1"))
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ")
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        for _ in range(3):
            async with asyncio.timeout(1):
                assert b"200 OK" in await answer(port, request, "127.1.0.9")
        assert pool.slots.used <= 36
        assert pool.slots.evicted > 0


async def test_half_bodies_of_many_networks_give_way_to_a_new_one() -> None:
    """A handler waits for each of them, so that none is idle."""
    async with site(HttpLimits(connections=40)) as (pool, port), contextlib.AsyncExitStack() as s:
        for number in range(36):
            _, writer = await s.enter_async_context(client(port, f"127.2.{number}.1"))
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        async with asyncio.timeout(10):
            while pool.slots.used < 36 or len(pool.places.idle):  # noqa: ASYNC110 - no signal
                await asyncio.sleep(0.01)
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        async with asyncio.timeout(5):
            assert b"200 OK" in await answer(port, request, "127.1.0.9")
        assert pool.slots.evicted == 1


async def test_a_whole_request_does_not_give_way() -> None:
    async with site(HttpLimits(connections=10)) as (pool, port), contextlib.AsyncExitStack() as s:
        for number in range(9):
            _, writer = await s.enter_async_context(client(port, f"127.2.{number}.1"))
            writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf")
            writer.write(b"more")
        async with asyncio.timeout(10):
            while pool.slots.used < 9 or len(pool.places.idle) or len(pool.places.stalled):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await answer(port, b"", "127.1.0.9")).startswith(b"HTTP/1.1 503 ")


async def test_a_client_over_its_share_is_told_so() -> None:
    async with site(HttpLimits(connections_per_peer=1)) as (_, port), client(port):
        assert b"503 Service Unavailable" in await answer(port, b"")


@pytest.mark.parametrize("length", [1, 60_000, 210_000, 280_000, 900_000])
async def test_a_body_of_any_length_is_no_header(length: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length
    async with site(HttpLimits()) as (_, port):
        response = await answer(port, head + b"x" * length)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert response.endswith(b"\r\n\r\n%d" % length)


async def test_a_body_that_is_not_encoded_as_its_header_says_is_no_error_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    head = b"Host: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    async with site(HttpLimits()) as (_, port):
        assert (await answer(port, b"POST /nowhere HTTP/1.1\r\n" + head)).startswith(
            b"HTTP/1.1 404 "
        )
    assert "page_failed" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_compressed_body_is_not_expanded(method: str, encoding: str) -> None:
    compressor = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    body = compressor.compress(bytes(2**20)) + compressor.flush()
    head = (
        f"{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: {encoding}\r\n"
    )
    async with site(HttpLimits()) as (_, port):
        got = await answer(
            port, b"%sContent-Length: %d\r\n\r\n" % (head.encode(), len(body)) + body
        )
    assert got.endswith(b"\r\n\r\n%d" % len(body))


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PACED = replace(HASTY, requests_per_minute=60, pace_s=0.05, header_s=10, window_s=10)
"""Sixty at once, and then one in a second."""


async def answers_to(port: int, requests: int, source: str, within_s: float) -> int:
    """How many requests, sent one after the other on one connection, are answered in time."""
    answered = 0
    async with client(port, source) as (reader, writer):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                for _ in range(requests):
                    writer.write(GET)
                    await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(1)
                    answered += 1
    return answered


async def test_requests_beyond_the_rate_of_a_client_wait_and_others_do_not() -> None:
    async with site(PACED) as (pool, port):
        flooding = asyncio.create_task(answers_to(port, 200, "127.0.0.2", within_s=4))
        assert await answers_to(port, 20, "127.0.5.1", within_s=3) == 20
        assert 60 <= await flooding <= 60 + 5
        assert pool.delayed["http_requests"] > 0


async def test_a_network_has_four_times_the_rate_of_a_client() -> None:
    async with site(PACED) as (_, port):
        sources = [f"127.0.0.{n}" for n in range(2, 10)]
        counts = await asyncio.gather(*(answers_to(port, 100, each, 3) for each in sources))
        assert sum(counts) <= 4 * 60 + 4 * 5


async def test_pipelined_requests_wait_as_well_and_what_waits_is_bounded() -> None:
    async with site(PACED) as (_, port), client(port) as (reader, writer):
        writer.write(GET * 2000)
        answered = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while chunk := await reader.read(2**16):
                    answered += chunk
        assert 60 <= answered.count(b"HTTP/1.1 200") <= 60 + 5


async def test_a_request_beyond_the_rate_is_answered_in_its_turn() -> None:
    async with site(replace(PACED, requests_per_minute=600)) as (_, port):
        assert await answers_to(port, 605, "127.0.0.1", within_s=10) == 605


async def test_a_connection_ends_with_its_last_request() -> None:
    async with site(replace(HttpLimits(), max_requests=3)) as (_, port):
        served = (await answer(port, GET * 5)).lower()
    assert (served.count(b"http/1.1 200"), served.count(b"connection: close")) == (3, 1)


async def test_an_old_connection_ends_with_its_next_response() -> None:
    limits = replace(HttpLimits(), max_age_s=0.3)
    async with site(limits) as (_, port), client(port) as (reader, writer):
        async with asyncio.timeout(10):
            while (head := await one_response(reader, writer)) and b"close" not in head.lower():
                pass
            assert b"200 ok" in head.lower()
            assert await reader.read() == b""


async def one_response(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The header of the response to one request; its body is one octet."""
    writer.write(GET)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(1)
    return head


async def test_of_a_client_that_has_left_nothing_is_kept() -> None:
    """The last body that it sent may have been large, and was not read."""
    async with site(HttpLimits()) as (pool, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        connection = weakref.ref(next(iter(pool.connections)))
        writer.write(b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"404" in await reader.read(-1)
        writer.close()
        await nothing_held(pool)

        await asyncio.sleep(0.1)
        gc.collect()
        assert connection() is None


async def test_a_proxy_has_no_rate() -> None:
    application = web.Application()
    application.add_routes([web.get("/", echo)])
    pool = HttpPool(replace(PACED, requests_per_minute=5), (ip_network("127.0.0.1/32"),))
    async with listening(application, pool, a_socket()) as accepting:
        port = accepting.sockets[0].getsockname()[1]
        assert await answers_to(port, 100, "127.0.0.1", within_s=10) == 100


@pytest.mark.parametrize(("most_chunks", "is_taken"), [(1_000, False), (100_000, True)])
async def test_a_body_in_chunks_of_a_few_octets_is_refused(
    most_chunks: int, is_taken: bool
) -> None:
    begin = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    limits = HttpLimits(most_chunks=most_chunks)
    async with site(limits) as (_, port):
        got = await answer(port, begin + b"2\r\nab\r\n" * 20_000 + b"0\r\n\r\n")
    assert got.endswith(b"40000") is is_taken
    assert (b" 200 " in got) is is_taken


async def test_a_body_in_chunks_of_a_line_each_is_taken() -> None:
    begin = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    lines = (b"28\r\n" + b"x" * 40 + b"\r\n" + b"2\r\n\r\n\r\n") * 2_000
    async with site(HttpLimits()) as (_, port):
        assert (await answer(port, begin + lines + b"0\r\n\r\n")).endswith(b"84000")


@pytest.mark.parametrize(
    "trailer",
    [b"X-A: " + b"a" * 20_000 + b"\r\n", b"X-A: a\r\n" * 200, b"no field\r\n\r\n"],
    ids=["long", "many", "no field"],
)
async def test_a_request_whose_body_ends_with_a_malformed_trailer_ends(trailer: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    async with site(HttpLimits(linger_s=0.1)) as (pool, port), client(port) as (reader, writer):
        writer.write(head)
        async with asyncio.timeout(10):
            while not pool.connections or not next(iter(pool.connections))._request_in_progress:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            writer.write(b"0\r\n" + trailer)
            assert (await reader.readline()).startswith(b"HTTP/1.1 500 ")  # this site's own answer
            await reader.read()
        await nothing_held(pool)
