"""Slots and bytes come back after any dialogue, and nobody takes them all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from ssl import SSLContext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.smtp import data_reader
from gateway.smtp.data_reader import PROGRESS_BYTES, STALLED_S, Progress
from gateway.smtp.limits import Limits
from gateway.smtp.listener import Listener
from tests.examples import examples
from tests.gateway.smtp_client import Client, Served, a_server, tls_contexts

ON_BOTH_LOOPS = True

ENVELOPE = b"EHLO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<support@help.example.com>\r\nDATA\r\n"
HASTY = Limits(idle_s=0.2, linger_s=0.1, data_window_s=0.2, junk_commands=10**6, errors=10**6)
"""Everything that waits for a client waits a fraction of a second."""

PROMPT_S = 10
"""Far more than it takes on a busy machine; a client that is shut out is never served."""


async def nothing_held(served: Served) -> None:
    """Returns once the server holds nothing, whatever its clients keep open."""
    async with asyncio.timeout(10):
        while served.pool.slots.used or served.pool.in_flight.used:  # noqa: ASYNC110 - no signal
            await asyncio.sleep(0.01)
    assert served.pool.slots.holders == served.pool.in_flight.holders == 0


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[SSLContext, SSLContext]:
    return tls_contexts(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"EHLO client.example\r\nMAIL FR",
        ENVELOPE,
        ENVELOPE + b"Subject: x\n\r\n",
        ENVELOPE + b"Subject: x\r\n",
        ENVELOPE + b"a\0b",
        ENVELOPE + b"Subject: x\r\n\r\nx\r\n.\r\n",
        ENVELOPE.replace(b"support@help.example.com", b"broken@help.example.com") + b"x\r\n.\r\n",
        b"A" * 300_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"STARTTLS\r\n",
        b"NOOP\r\n" * 50_000,
    ],
    ids=lambda sent: repr(sent[-40:]),
)
@pytest.mark.parametrize("reads", [True, False], ids=["reads", "never reads"])
async def test_a_client_that_keeps_its_connection_open_keeps_no_slot(
    sent: bytes, reads: bool, tls: tuple[SSLContext, SSLContext]
) -> None:
    listener = Listener("mx.example.com", tls_context=tls[0])
    async with a_server(limits=HASTY, listener=listener) as served, served.connect() as client:
        if not reads:
            client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a stuck peer
        client.writer.write(sent)
        await nothing_held(served)


async def test_a_silent_client_of_tls_from_the_first_byte_is_counted(
    tls: tuple[SSLContext, SSLContext],
) -> None:
    limits = Limits(connections_per_peer=1)
    async with a_server(limits=limits, tls_from_start=tls[0]) as served:
        silent = await asyncio.open_connection("127.0.0.1", served.port)
        refused = await asyncio.open_connection("127.0.0.1", served.port)
        assert (await refused[0].readline()).startswith(b"421 4.7.0 ")
        for _, writer in (silent, refused):
            writer.close()
        await nothing_held(served)


async def test_a_client_that_left_keeps_its_slot_while_its_mail_is_filed() -> None:
    async with a_server(limits=Limits(connections_per_peer=1)) as served:
        served.recorder.gate = asyncio.Event()
        async with served.connect() as client:
            await client.start_data()
            await client.send(b"a\r\n.\r\n")
            await served.recorder.arrived.wait()
            client.reset()
        async with asyncio.timeout(10):
            while served.pool.connections:  # noqa: ASYNC110 - only the server is notified
                await asyncio.sleep(0.01)
        assert served.pool.slots.used == 1
        assert served.pool.in_flight.used > 0
        served.recorder.gate.set()
        await nothing_held(served)


# ---- one address against all others ----


@asynccontextmanager
async def from_address(served: Served, source: str) -> AsyncIterator[Client]:
    """A client on another address of the loopback."""
    client = Client(
        *await asyncio.open_connection("127.0.0.1", served.port, local_addr=(source, 0))
    )
    try:
        yield client
    finally:
        await client.close()


async def greeting(served: Served, source: str) -> str:
    async with asyncio.timeout(PROMPT_S), from_address(served, source) as client:
        return await client.reply()


@pytest.mark.parametrize("addresses", [1, 3, 250])
async def test_idle_connections_of_one_network_leave_slots_to_others(addresses: int) -> None:
    async with (
        a_server(limits=Limits(connections=40, connections_per_peer=8)) as served,
        contextlib.AsyncExitStack() as stack,
    ):
        for last in range(addresses):
            for _ in range(240 // addresses or 1):
                await stack.enter_async_context(from_address(served, f"127.0.0.{last + 2}"))
        assert (await greeting(served, "127.1.0.9")).startswith("220 ")


async def test_idle_connections_of_many_networks_leave_slots_to_listed_relays() -> None:
    relays = Listener("mx.example.com", relay_peers=(ip_network("127.9.9.0/24"),))
    async with (
        a_server(limits=Limits(connections=20), listener=relays) as served,
        contextlib.AsyncExitStack() as stack,
    ):
        for network in range(60):
            await stack.enter_async_context(from_address(served, f"127.2.{network}.1"))
        assert (await greeting(served, "127.9.9.9")).startswith("220 ")


async def test_idle_connections_of_thirty_networks_give_way_to_a_new_one() -> None:
    """They hold every slot that is not kept for listed relays; the longest holder gets a 421."""
    limits = Limits(connections=60)
    async with a_server(limits=limits) as served, contextlib.AsyncExitStack() as stack:
        held = []
        for number in range(120):
            source = f"127.{1 + number % 30 // 10}.{number % 10}.{2 + number // 30}"
            held.append(await stack.enter_async_context(from_address(served, source)))
        for number in range(54 - served.pool.slots.used):
            source = f"127.8.{number}.1"
            await stack.enter_async_context(from_address(served, source))
        assert served.pool.slots.used == 54
        before = served.pool.slots.evicted
        for _ in range(2):
            async with asyncio.timeout(PROMPT_S), from_address(served, "127.9.0.9") as honest:
                assert (await honest.reply()).startswith("220 ")
                assert (await honest.mail(b"x\r\n.\r\n")).startswith("250 ")
                assert served.pool.slots.used <= 54
        assert served.pool.slots.evicted > before
        assert (await held[0].reply()).startswith("220 ")
        assert (await held[0].reply()).startswith("421 4.7.0 ")
        assert await held[0].reply() == ""


async def test_a_mail_in_progress_does_not_give_way() -> None:
    async with a_server(limits=Limits(connections=10)) as served, contextlib.AsyncExitStack() as s:
        receiving = []
        for number in range(9):
            client = await s.enter_async_context(from_address(served, f"127.1.{number}.1"))
            await client.reply()
            assert (await client.start_data()).startswith("354 ")
            receiving.append(client)
        assert (await greeting(served, "127.9.0.9")).startswith("421 4.7.0 ")
        for client in receiving:
            await client.send(b"x\r\n.\r\n")
            assert (await client.reply()).startswith("250 ")
        assert (await greeting(served, "127.9.0.9")).startswith("220 ")


async def test_a_refused_mail_gives_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_reader, "REFUSED_IDLE_S", 60.0)
    async with a_server(limits=Limits(connections=10)) as served, contextlib.AsyncExitStack() as s:
        for number in range(9):
            client = await s.enter_async_context(from_address(served, f"127.1.{number}.1"))
            await client.reply()
            assert (await client.start_data()).startswith("354 ")
            await client.send(b"a\0")
        async with asyncio.timeout(STALLED_S / 2):
            while not all(each.may_give_way for each in served.pool.connections):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await greeting(served, "127.9.0.9")).startswith("220 ")
        assert served.pool.slots.evicted == 1


async def test_a_refused_mail_is_not_kept_up_by_an_octet_now_and_then() -> None:
    limits = Limits(data_min_bytes_per_s=1024)
    async with a_server(limits=limits) as served, served.connect() as client:
        await client.start_data()
        await client.send(b"a\0")

        async def trickle() -> None:
            while True:
                await client.send(b"a")
                await asyncio.sleep(0.2)

        trickling = asyncio.create_task(trickle())
        try:
            async with asyncio.timeout(PROMPT_S):
                assert (await client.reply()).startswith("550 5.6.11 ")
        finally:
            trickling.cancel()


def test_few_octets_are_no_progress() -> None:
    progress = Progress(now=0)
    assert not any(progress.received(1024, now) for now in range(11))
    assert progress.is_stalled(11)
    assert progress.received(PROGRESS_BYTES, 11)
    assert not progress.is_stalled(11 + STALLED_S)


async def test_handshakes_that_never_end_give_way(tls: tuple[SSLContext, SSLContext]) -> None:
    limits = Limits(connections=20)
    async with (
        a_server(limits=limits, tls_from_start=tls[0]) as served,
        contextlib.AsyncExitStack() as stack,
    ):
        for network in range(60):
            await stack.enter_async_context(from_address(served, f"127.2.{network}.1"))
        async with asyncio.timeout(PROMPT_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", served.port, local_addr=("127.9.0.9", 0), ssl=tls[1]
            )
        assert (await reader.readline()).startswith(b"220 ")
        writer.close()


async def test_one_address_in_data_leaves_bytes_to_others() -> None:
    limits = Limits(mail_size_bytes=100_000, in_flight_bytes=4 * 2**20)
    async with a_server(limits=limits) as served, contextlib.AsyncExitStack() as stack:
        answers = []
        for _ in range(20):
            client = await stack.enter_async_context(served.connect())
            answers.append((await client.start_data())[:3])
            if answers[-1] == "354":
                await client.send(b"a" * 99_000)
        async with asyncio.timeout(PROMPT_S), from_address(served, "127.0.0.2") as honest:
            assert (await honest.reply()).startswith("220 ")
            assert (await honest.mail(b"a" * 99_000 + b"\r\n.\r\n")).startswith("250 ")


async def test_no_share_left_is_answered_before_the_mail_is_sent() -> None:
    limits = Limits(mail_size_bytes=100, in_flight_bytes=8 * 2**20)
    async with a_server(limits=limits) as served, served.connect() as client:
        served.pool.in_flight.add(None, 8 * 2**20)
        assert (await client.start_data()).startswith("452 4.3.1 ")
        served.pool.in_flight.give_back(None, 8 * 2**20)
        assert (await client.ask("DATA")).startswith("354 ")
        await client.send(b".\r\n")
        assert (await client.reply()).startswith("250 ")


# ---- any dialogue whatever ----

STEPS = st.one_of(
    st.sampled_from(
        [
            *(line + b"\r\n" for line in ENVELOPE.split(b"\r\n")[:-1]),
            ENVELOPE,
            ENVELOPE + b"x\r\n.\r\n",
            ENVELOPE.replace(b"support@", b"broken@") + b"x\r\n.\r\n",
            ENVELOPE.replace(b"support@", b"unlisted@"),
            *(b".\r\n", b"\r\n.\r\n", b"\n", b"\r", b"\0", b"A" * 3000, b"x" * 200_000),
            *(b"STARTTLS\r\n", b"QUIT\r\n", b"RSET\r\n", b"BDAT 3\r\n", b"FOO\r\n" * 30),
        ]
    ),
    st.binary(max_size=40),
)
ENDS = st.sampled_from(["stays", "stays without reading", "closes", "half-closes", "resets", "tls"])


@asynccontextmanager
async def aborted(transport: asyncio.WriteTransport) -> AsyncIterator[None]:
    """Ends the client's socket, also below a handshake that never ended."""
    try:
        yield
    finally:
        transport.abort()


async def play(served: Served, client: SSLContext, steps: list[bytes], end: str) -> None:
    """One dialogue; at the end the client goes, or stays until the server holds nothing."""
    async with served.connect(greeted=False) as talker, aborted(talker.writer.transport):
        if end == "stays without reading":
            talker.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a stuck peer
        with contextlib.suppress(OSError, EOFError):
            talker.writer.write(b"".join(steps))
            if end == "tls":
                talker.writer.write(b"STARTTLS\r\n")
                async with asyncio.timeout(0.3):
                    await talker.reader.readuntil(b"Ready to start TLS\r\n")
                    await talker.writer.start_tls(client)
            elif end == "half-closes":
                talker.writer.write_eof()
            elif end == "resets":
                talker.reset()
        if end == "closes":
            talker.writer.close()
        await nothing_held(served)


@settings(
    max_examples=examples(6),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@example([ENVELOPE, b"Subject: x\n"], "stays", False)
@example([ENVELOPE], "half-closes", True)
@given(st.lists(STEPS, max_size=6), ENDS, st.booleans())
def test_after_any_dialogue_nothing_is_held(
    tls: tuple[SSLContext, SSLContext], steps: list[bytes], end: str, draining: bool
) -> None:
    listener = Listener("mx.example.com", tls_context=tls[0])

    async def run() -> None:
        async with a_server(limits=HASTY, listener=listener) as served:
            playing = asyncio.create_task(play(served, tls[1], steps, end))
            if draining:
                await asyncio.sleep(0)
                await served.pool.drain(grace_s=PROMPT_S)
            await playing

    asyncio.run(run())
