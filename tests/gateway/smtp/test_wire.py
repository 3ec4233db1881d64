"""The server with hostile, slow, broken and unusual clients, over real loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import time
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.smtp.commands import SmtpConnection
from gateway.smtp.limits import ConnectionPool, Limits
from gateway.smtp.listener import Listener
from gateway.smtp.listeners import SmtpHooks
from gateway.smtp.rates import RateLimits
from gateway.smtp.transport import check_aiosmtpd
from tests.examples import examples
from tests.gateway.smtp_client import SECRET, Client, MailRecorder, a_server, tls_contexts

HEADER = b"Subject: Hello\r\n\r\n"
END = b"\r\n.\r\n"
ON_BOTH_LOOPS = True


# ---- the content of DATA ----

SMUGGLED = (
    b"MAIL FROM:<eve@evil.example>\r\nRCPT TO:<support@help.example.com>\r\nDATA\r\nx\r\n.\r\n"
)
SEQUENCES = [
    b"\n.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r\n.\r",
    b"\r\n.\n",
    b"\r.\r\n",
    b"\r.\n",
    b"\n.\r",
    b"\n\n.\r\n",
    b"\n\r.\n\r",
    b"\r\0\n.\r\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\r\n.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=repr)
async def test_no_almost_end_of_data_smuggles_a_second_mail(sequence: bytes) -> None:
    async with a_server() as served, served.connect() as client:
        reply = await client.mail(HEADER + b"body" + sequence + SMUGGLED)
        assert reply.startswith("550 5.6.11 ")
        assert await client.reply() == ""
        assert served.recorder.mails == []


@pytest.mark.parametrize("sequence", [b"\n.\n", b"\r\n.\r", b"\r.\r"], ids=repr)
async def test_a_client_that_waits_after_an_almost_end_of_data_gets_a_prompt_reply(
    sequence: bytes,
) -> None:
    async with a_server() as served, served.connect() as client:
        if sequence.endswith(b"\r"):
            sequence += b"x"  # a CR at the end may still become a CRLF
        assert (await client.mail(HEADER + sequence)).startswith("550 5.6.11 ")


@pytest.mark.parametrize("content", [b"\r\n..\r\n", b"\r\n\x85.\x85\r\n", b"\x0b.\x0c"], ids=repr)
async def test_bytes_that_only_look_like_a_line_end_are_kept(content: bytes) -> None:
    async with a_server() as served, served.connect() as client:
        assert (await client.mail(b"a" + content + b"b" + END)).startswith("250 ")
        assert served.recorder.mails[0].raw == b"a" + content.replace(b"..", b".") + b"b\r\n"


@pytest.mark.parametrize(
    "sequence",
    [b"\r\n .\r\n", b"\r\n.\t\r\n", b"\r\n.;\r\n", b"\r\n..\r\n", "\u2028.\u2028".encode()],
    ids=repr,
)
async def test_what_only_resembles_an_end_of_data_begins_no_second_mail(sequence: bytes) -> None:
    async with a_server() as served, served.connect() as client:
        assert (await client.mail(b"body" + sequence + SMUGGLED)).startswith("250 ")
        assert (await client.ask("NOOP")).startswith("250 ")
        assert len(served.recorder.mails) == 1


@pytest.mark.parametrize("split_at", range(1, 9))
async def test_the_end_is_found_however_the_packets_are_split(split_at: int) -> None:
    stream = b"a\r\n..b" + END
    async with a_server() as served, served.connect() as client:
        await client.start_data()
        await client.send(stream[:split_at])
        await asyncio.sleep(0.01)  # only so that the kernel does not join the two
        await client.send(stream[split_at:])
        assert (await client.reply()).startswith("250 ")
        assert served.recorder.mails[0].raw == b"a\r\n.b\r\n"


async def test_line_ends_of_a_lenient_peer_are_fixed_without_a_second_mail() -> None:
    lenient = Listener("mx.example.com", lenient_peers=(ip_network("127.0.0.0/8"),))
    async with a_server(listener=lenient) as served, served.connect() as client:
        reply = await client.mail(b"one\ntwo\rthree\r\n" + b"x\n.\n" + SMUGGLED)
        assert reply.startswith("250 ")
        (delivery,) = served.recorder.mails
        assert delivery.raw.startswith(b"one\r\ntwo\r\nthree\r\nx\r\n\r\nMAIL FROM:<eve@")


async def test_even_a_lenient_peer_may_not_send_nul() -> None:
    lenient = Listener("mx.example.com", lenient_peers=(ip_network("127.0.0.0/8"),))
    async with a_server(listener=lenient) as served, served.connect() as client:
        assert (await client.mail(b"a\0b" + END)).startswith("550 5.6.11 ")


def stuffed(body: bytes) -> bytes:
    lines = body.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


LINE = st.binary(max_size=30).map(lambda line: line.translate(None, b"\r\n\0"))
DOTS = st.sampled_from([b".", b"..", b"...", b""])


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.one_of(LINE, DOTS), max_size=8), min_size=1, max_size=4))
def test_mails_arrive_as_they_were_sent(mails: list[list[bytes]]) -> None:
    bodies = [b"".join(line + b"\r\n" for line in lines) for lines in mails]

    async def send_all() -> list[bytes]:
        async with a_server() as served, served.connect() as client:
            for body in bodies:
                assert (await client.mail(stuffed(body) + b".\r\n")).startswith("250 ")
            return [delivery.raw for delivery in served.recorder.mails]

    assert asyncio.run(send_all()) == bodies


async def test_a_mail_of_many_blocks_arrives_complete() -> None:
    body = b"".join(b"%d\r\n.%d\r\n" % (n, n) for n in range(60_000))
    async with a_server() as served, served.connect() as client:
        assert (await client.mail(stuffed(body) + b".\r\n")).startswith("250 ")
        assert served.recorder.mails[0].raw == body


async def test_ten_megabytes_of_empty_lines_cost_little() -> None:
    async with a_server() as served, served.connect() as client:
        await client.start_data()
        started = time.process_time()
        await client.send(b"\r\n" * 5_000_000 + b".\r\n")
        assert (await client.reply()).startswith("250 ")
        assert time.process_time() - started < 2
        assert len(served.recorder.mails[0].raw) == 10_000_000


# ---- size and memory ----

SMALL = Limits(mail_size_bytes=1000)


async def test_a_mail_of_exactly_the_announced_size_is_accepted() -> None:
    async with a_server(limits=SMALL) as served, served.connect() as client:
        assert (await client.mail(b"a" * 998 + END)).startswith("250 ")


async def test_a_mail_over_the_announced_size_is_refused_and_the_next_is_accepted() -> None:
    async with a_server(limits=SMALL) as served, served.connect() as client:
        assert (await client.mail(b"a" * 999 + END)).startswith("552 5.3.4 ")
        assert (await client.mail(b"a" + END)).startswith("250 ")


async def test_a_stream_without_line_ends_is_cut_and_costs_no_memory() -> None:
    async with a_server(limits=SMALL) as served, served.connect() as client:
        await client.start_data()
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                await client.send(b"a" * 2**20)
                assert served.pool.in_flight.used <= 1000
        assert (await client.reply())[:9] in ("552 5.3.4", "")
        assert served.recorder.mails == []


async def test_data_waits_while_too_much_is_in_flight() -> None:
    async with a_server(limits=Limits(in_flight_bytes=300)) as served:
        served.recorder.gate = asyncio.Event()
        async with served.connect() as first, served.connect() as second:
            await first.start_data()
            await first.send(b"a" * 265 + END)
            await served.recorder.arrived.wait()
            assert (await second.start_data()).startswith("452 4.3.1 ")
            served.recorder.gate.set()
            assert (await first.reply()).startswith("250 ")
            assert (await second.ask("DATA")).startswith("354 ")


async def test_a_mail_that_would_exceed_the_budget_is_deferred() -> None:
    async with a_server(limits=Limits(in_flight_bytes=100)) as served, served.connect() as client:
        assert (await client.mail(b"a" * 200 + END)).startswith("452 4.3.1 ")
        assert (await client.mail(b"a" + END)).startswith("250 ")


# ---- connections ----


async def test_the_connections_of_one_peer_are_limited() -> None:
    async with (
        a_server(limits=Limits(connections_per_peer=1)) as served,
        served.connect(),
        served.connect(greeted=False) as second,
    ):
        assert (await second.reply()).startswith("421 4.7.0 ")
        assert await second.reply() == ""


async def test_a_connection_can_be_opened_again_after_quit() -> None:
    async with a_server(limits=Limits(connections_per_peer=1)) as served:
        async with served.connect() as first:
            assert await first.ask("QUIT") == "221 2.0.0 Bye"
            assert await first.reply() == ""
        await all_disconnected(served.pool)
        async with served.connect() as second:
            assert (await second.ask("NOOP")).startswith("250 2.0.0 ")


async def test_a_listed_relay_may_have_more_connections() -> None:
    relays = Listener("mx.example.com", relay_peers=(ip_network("127.0.0.1/32"),))
    limits = Limits(connections_per_peer=1, connections_per_relay=2)
    async with (
        a_server(limits=limits, listener=relays) as served,
        served.connect(),
        served.connect(),
        served.connect(greeted=False) as third,
    ):
        assert (await third.reply()).startswith("421 4.7.0 ")


async def test_the_connections_of_all_peers_are_limited() -> None:
    async with (
        a_server(limits=Limits(connections=1)) as served,
        served.connect(),
        served.connect(greeted=False) as second,
    ):
        assert (await second.reply()).startswith("421 4.7.0 ")


def proxied(address: str) -> bytes:
    return f"PROXY TCP4 {address} 192.0.2.9 40000 25\r\n".encode()


BEHIND_PROXY = Listener(
    "mx.example.com",
    proxy_protocol_timeout_s=5,
    balancers=(ip_network("127.0.0.0/8"),),
)
HEALTH_CHECK = b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20, 0, 0)
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(
    "!BBH4s4sHH", 0x21, 0x11, 12, bytes([192, 0, 2, 7]), bytes([192, 0, 2, 9]), 40000, 25
)


@pytest.mark.parametrize(
    ("header", "peer"),
    [(proxied("192.0.2.7"), "192.0.2.7"), (PROXY_V2, "192.0.2.7"), (HEALTH_CHECK, "")],
    ids=["v1", "v2", "health check"],
)
async def test_behind_a_proxy_the_peer_comes_from_the_proxy_header(
    header: bytes, peer: str
) -> None:
    async with (
        a_server(listener=BEHIND_PROXY) as served,
        served.connect(greeted=False) as client,
    ):
        await client.send(header)
        assert (await client.reply()).startswith("220 ")
        await client.mail(b"a" + END)
        assert served.recorder.mails[0].envelope.peer == peer


async def test_only_a_listed_balancer_is_served_behind_a_proxy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere = replace(BEHIND_PROXY, balancers=(ip_network("192.0.2.0/24"),))
    async with (
        a_server(listener=elsewhere) as served,
        served.connect(greeted=False) as client,
    ):
        await client.send(proxied("127.0.0.1"))
        assert (await client.reply())[:9] in ("421 4.7.0", "")
        assert await client.reply() == ""
        assert not served.pool.connections
        async with served.connect(greeted=False) as another:
            assert (await another.reply())[:9] in ("421 4.7.0", "")
        assert served.pool.not_balancers == 2
    assert caplog.messages == ["refused 127.0.0.1: not in smtp.balancers (1 refused so far)"]


async def test_behind_a_proxy_the_limit_counts_the_peers_of_the_proxy_headers() -> None:
    async with (
        a_server(limits=Limits(connections_per_peer=1), listener=BEHIND_PROXY) as served,
        contextlib.AsyncExitStack() as stack,
    ):
        greetings = []
        for address in ("192.0.2.7", "192.0.2.8", "192.0.2.7"):
            client = await stack.enter_async_context(served.connect(greeted=False))
            await client.send(proxied(address))
            greetings.append((await client.reply())[:3])
        assert greetings == ["220", "220", "421"]


@pytest.mark.parametrize(
    ("limits", "rates"),
    [
        (Limits(connections_per_peer=1, linger_s=600), RateLimits()),
        (Limits(linger_s=600), RateLimits(connections=1)),
    ],
    ids=["no slot", "too fast"],
)
async def test_behind_a_proxy_a_refused_client_keeps_neither_descriptor_nor_slot(
    limits: Limits, rates: RateLimits
) -> None:
    async with (
        a_server(limits=limits, rates=rates, listener=BEHIND_PROXY) as served,
        served.connect(greeted=False) as first,
        contextlib.AsyncExitStack() as left_open,
    ):
        await first.send(proxied("192.0.2.7"))
        assert (await first.reply()).startswith("220 ")
        for _ in range(20):
            refused = await left_open.enter_async_context(served.connect(greeted=False))
            await refused.send(proxied("192.0.2.7"))
            assert (await refused.reply()).startswith("421 4.7.")
            assert await refused.reply() == ""
        assert len(served.pool.connections) == served.pool.slots.used == 1
        assert (await first.ask("NOOP")).startswith("250 ")


async def test_without_its_proxy_header_a_connection_is_closed() -> None:
    async with (
        a_server(listener=BEHIND_PROXY) as served,
        served.connect(greeted=False) as client,
    ):
        assert await client.ask("EHLO client.example") == ""


# ---- time ----


async def test_an_idle_client_is_disconnected() -> None:
    async with a_server(limits=Limits(idle_s=0.1)) as served, served.connect() as client:
        assert (await client.reply()).startswith("421 4.4.2 ")
        assert await client.reply() == ""


async def test_a_client_that_never_ends_its_line_is_idle() -> None:
    async with a_server(limits=Limits(idle_s=0.1)) as served, served.connect() as client:
        await client.send(b"NOO")
        assert (await client.reply()).startswith("421 4.4.2 ")


async def test_slow_data_is_disconnected() -> None:
    limits = Limits(data_window_s=0.2, data_min_bytes_per_s=100)
    async with a_server(limits=limits) as served, served.connect() as client:
        await client.start_data()
        await client.send(b"a")
        assert (await client.reply()).startswith("421 4.4.2 ")


async def test_data_that_is_fast_enough_may_last_many_windows() -> None:
    replies = []
    for window_s in (0.1, 0.4, 1.6):  # a busy machine may stop this client for a short window
        limits = Limits(data_window_s=window_s, data_min_bytes_per_s=100, idle_s=2 * window_s)
        async with a_server(limits=limits) as served, served.connect() as client:
            await client.start_data()
            for _ in range(20):
                await client.send(b"a" * 200)
                await asyncio.sleep(window_s / 5)  # the rate is what is tested
            with contextlib.suppress(ConnectionError):
                await client.send(END)
            replies.append(await client.reply())
        if replies[-1].startswith("250 "):
            return
    pytest.fail(f"never accepted: {replies}")


async def test_data_has_a_deadline_however_fast_it_is() -> None:
    async with a_server(limits=Limits(data_total_s=0.2)) as served, served.connect() as client:
        await client.start_data()
        with contextlib.suppress(ConnectionError):
            while served.pool.connections and not client.reader._buffer:  # type: ignore[attr-defined]  # a peek
                await client.send(b"a" * 100)
                await asyncio.sleep(0.01)
        assert (await client.reply()).startswith("421 4.4.2 ")


async def test_a_peer_that_stops_reading_is_aborted() -> None:
    async with (
        a_server(limits=Limits(idle_s=0.2, junk_commands=10**9)) as served,
        served.connect() as client,
    ):
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # as a stuck peer
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    await client.send(b"EHLO client.example\r\n" * 3_000)
        await all_disconnected(served.pool)


async def all_disconnected(pool: ConnectionPool) -> None:
    """Returns once the server has noticed that its clients are gone."""
    async with asyncio.timeout(8):
        while pool.connections:  # noqa: ASYNC110 - only the server is notified
            await asyncio.sleep(0.01)


# ---- hooks that fail, take long or outlive their client ----


async def test_an_exception_in_take_is_a_451_that_discloses_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "gateway.smtp"):
        async with a_server() as served, served.connect() as client:
            reply = await client.mail(b"a" + END, "broken")
    assert reply.startswith("451 4.3.0 ")
    assert "locked" not in reply
    (record,) = [record for record in caplog.records if record.name == "gateway.smtp"]
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == SECRET
    reference = reply.rpartition("reference ")[2].rstrip(")")
    assert reference in record.getMessage()


async def test_an_exception_in_the_mailbox_list_is_a_451() -> None:
    async with a_server() as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<ann@customer.example>")
        assert (await client.ask("RCPT TO:<unlisted@help.example.com>")).startswith("451 4.3.0 ")
        assert (await client.ask("RCPT TO:<support@help.example.com>")).startswith("250 2.0.0 ")


async def test_a_failing_log_does_not_prevent_the_reply() -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise OSError("no space left on the log's disk")

    broken = Broken()
    logging.getLogger("gateway.smtp").addFilter(broken)
    try:
        async with a_server() as served, served.connect() as client:
            assert (await client.mail(b"a" + END, "broken")).startswith("451 4.3.0 ")
    finally:
        logging.getLogger("gateway.smtp").removeFilter(broken)


async def test_take_finishes_after_the_client_disconnects() -> None:
    async with a_server() as served:
        served.recorder.gate = asyncio.Event()
        async with served.connect() as client:
            await client.start_data()
            await client.send(b"a" + END)
            await served.recorder.arrived.wait()
            client.reset()
        await all_disconnected(served.pool)
        assert served.pool.in_flight.used > 0
        served.recorder.gate.set()
        await served.recorder.finished.wait()


async def test_a_client_that_half_closes_still_gets_its_reply() -> None:
    async with a_server() as served:
        served.recorder.gate = asyncio.Event()
        async with served.connect() as client:
            await client.start_data()
            await client.send(b"a" + END)
            client.writer.write_eof()
            await served.recorder.arrived.wait()
            served.recorder.gate.set()
            assert (await client.reply()).startswith("250 ")


async def test_a_mail_without_end_of_data_is_not_accepted() -> None:
    async with a_server() as served:
        async with served.connect() as client:
            await client.start_data()
            await client.send(b"half a mail\r\n.")
        await all_disconnected(served.pool)
        assert served.recorder.mails == []


async def test_take_may_run_longer_than_the_client_waits() -> None:
    async with a_server(limits=Limits(handler_s=0.1, idle_s=0.05)) as served:
        served.recorder.gate = asyncio.Event()
        async with served.connect() as client:
            assert (await client.mail(b"a" + END)).startswith("451 4.3.0 ")
            served.recorder.gate.set()
            await served.recorder.finished.wait()


async def test_the_drain_answers_the_mail_in_flight_and_then_closes() -> None:
    async with a_server() as served:
        served.recorder.gate = asyncio.Event()
        async with served.connect() as idle, served.connect() as busy:
            await busy.start_data()
            await busy.send(b"a" + END)
            await served.recorder.arrived.wait()
            drained = asyncio.create_task(served.pool.drain(grace_s=8))
            assert (await idle.reply()).startswith("421 4.3.2 ")
            served.recorder.gate.set()
            assert (await busy.reply()).startswith("250 ")
            assert (await busy.reply()).startswith("421 4.3.2 ")
            assert await busy.reply() == ""
            await idle.close()
            await busy.close()
            assert await drained


async def test_the_drain_waits_for_a_mail_that_has_begun() -> None:
    async with a_server() as served, served.connect() as client:
        await client.start_data()
        drained = asyncio.create_task(served.pool.drain(grace_s=8))
        await asyncio.sleep(0)  # the drain begins
        assert served.pool.draining
        await client.send(b"a" + END)
        assert (await client.reply()).startswith("250 ")
        assert (await client.reply()).startswith("421 4.3.2 ")
        await client.close()
        assert await drained


async def test_the_drain_gives_up_after_its_grace_period() -> None:
    async with a_server() as served, served.connect() as client:
        await client.start_data()
        assert not await served.pool.drain(grace_s=0.1)
        assert await client.reply() == ""


async def test_a_client_that_connects_during_the_drain_must_try_again() -> None:
    async with a_server() as served:
        assert await served.pool.drain(grace_s=1)
        async with served.connect(greeted=False) as client:
            assert (await client.reply()).startswith("421 4.3.2 ")


# ---- TLS ----


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"))


class Tls:
    """Contexts for both ends, and a listener that offers STARTTLS."""

    def __init__(self, folder: Path) -> None:
        self.server, self.client = tls_contexts(folder)
        self.listener = Listener("mx.example.com", tls_context=self.server)


async def test_starttls_resets_the_session_and_is_recorded_in_the_envelope(tls: Tls) -> None:
    async with a_server(listener=tls.listener) as served, served.connect() as client:
        assert "STARTTLS" in await client.ask("EHLO client.example")
        assert (await client.ask("STARTTLS")).startswith("220 2.0.0 ")
        await client.writer.start_tls(tls.client)
        assert (await client.ask("MAIL FROM:<>")).startswith("503 5.5.1 ")
        assert "STARTTLS" not in await client.ask("EHLO client.example")
        assert (await client.ask("STARTTLS")).startswith("503 5.5.1 ")
        assert (await client.mail(b"a" + END)).startswith("250 ")
        assert served.recorder.mails[0].envelope.tls
        assert (await client.ask("QUIT")).startswith("221 ")


async def test_data_pipelined_after_starttls_ends_the_connection(tls: Tls) -> None:
    async with a_server(listener=tls.listener) as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.send(b"STARTTLS\r\nMAIL FROM:<eve@evil.example>\r\n")
        assert (await client.reply()).startswith("554 5.5.1 ")
        assert await client.reply() == ""


@pytest.mark.parametrize("instead_of_tls", [b"", b"EHLO client.example\r\n"], ids=repr)
async def test_a_failed_handshake_leaves_no_connection_behind(
    tls: Tls, instead_of_tls: bytes
) -> None:
    async with a_server(listener=tls.listener) as served:
        async with served.connect() as client:
            await client.ask("STARTTLS")
            await client.send(instead_of_tls)
        await all_disconnected(served.pool)


async def test_a_client_that_is_silent_during_the_handshake_is_disconnected(tls: Tls) -> None:
    async with (
        a_server(listener=tls.listener, limits=Limits(idle_s=0.1)) as served,
        served.connect() as client,
    ):
        await client.ask("STARTTLS")
        await all_disconnected(served.pool)


async def test_tls_from_the_first_byte_needs_no_starttls(tls: Tls) -> None:
    async with a_server(listener=tls.listener, tls_from_start=tls.server) as served:
        streams = await asyncio.open_connection("127.0.0.1", served.port, ssl=tls.client)
        client = Client(*streams)
        assert (await client.reply()).startswith("220 ")
        assert "STARTTLS" not in await client.ask("EHLO client.example")
        assert (await client.mail(b"a" + END)).startswith("250 ")
        assert served.recorder.mails[0].envelope.tls
        await client.close()


# ---- other ----


async def test_ehlo_announces_exactly_the_supported_extensions() -> None:
    async with a_server() as served, served.connect() as client:
        assert (await client.ask("EHLO client.example")).split("\n") == [
            "250-mx.example.com",
            "250-PIPELINING",
            "250-SIZE 26214400",
            "250-8BITMIME",
            "250-SMTPUTF8",
            "250 ENHANCEDSTATUSCODES",
        ]


@pytest.mark.parametrize("first", ["SIZE=abc", "SIZE", "SIZE=99999999999999"])
async def test_of_several_sizes_the_last_is_the_announced_one(first: str) -> None:
    async with a_server() as served, served.connect() as client:
        await client.ask("EHLO client.example")
        assert (await client.ask(f"MAIL FROM:<a@b.example> {first} SIZE=5")).startswith("250 ")
        assert (await client.ask("RCPT TO:<support@help.example.com>")).startswith("250 ")
        assert (await client.ask("DATA")).startswith("354 ")


async def test_too_many_errors_end_the_connection() -> None:
    async with a_server(limits=Limits(errors=3)) as served, served.connect() as client:
        await client.send(b"FOO\r\n" * 5)
        assert await client.replies(5) == ["500 5.5.1"] * 3 + ["421 4.7.0", ""]


async def test_too_many_junk_commands_end_the_connection() -> None:
    async with a_server(limits=Limits(junk_commands=2)) as served, served.connect() as client:
        await client.send(b"NOOP\r\n" * 3)
        assert await client.replies(4) == ["250 2.0.0", "250 2.0.0", "421 4.7.0", ""]


async def test_an_endless_command_line_ends_the_connection() -> None:
    async with a_server() as served, served.connect() as client:
        await client.send(b"A" * 200_000)
        assert (await client.reply()).startswith("500 5.5.2 ")
        assert await client.reply() == ""


async def test_our_fast_constructor_finds_the_commands_and_nothing_else() -> None:
    recorder = MailRecorder()
    connection = SmtpConnection(
        SmtpHooks(recorder.serves, recorder.take), ConnectionPool(Limits()), Listener("mx")
    )
    assert set(connection._smtp_methods) == {
        *("EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "STARTTLS")
    }
    assert connection._auth_methods == {}
    assert set(vars(SMTP(object(), hostname="mx"))) <= set(vars(connection))


def test_another_version_of_aiosmtpd_is_refused() -> None:
    with pytest.raises(ImportError, match=r"written for aiosmtpd 1\.4\.6, not 1\.5\.0"):
        check_aiosmtpd("1.5.0")
