"""Answers are measured before they are read, and read one by one."""

from __future__ import annotations

import asyncio

import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.dns import Resolver, Temporary, UnusableAnswer
from gateway.authentication.nameserver import (
    MAX_LABELS,
    MAX_POINTERS,
    MAX_RECORDS,
    ReadingTurns,
    is_costly,
)

_RECORD = b"\x00\x01\x00\x00\x01\x2c"
"""Class and TTL."""


def an_answer(
    kind: int, data: bytes, records: int, labels: int = 3, *, query: bytes | None = None
) -> bytes:
    """An answer with so many records of the same data at one name, which is written once."""
    name = b"\x01a" * labels + b"\x00"
    question = name + kind.to_bytes(2) + b"\x00\x01" if query is None else query[12:]
    begins = b"\x12\x34" if query is None else query[:2]
    record = b"\xc0\x0c" + kind.to_bytes(2) + _RECORD + len(data).to_bytes(2) + data
    counts = b"\x00\x01" + records.to_bytes(2) + b"\x00\x00\x00\x00"
    return begins + b"\x81\x80" + counts + question + record * records


@pytest.mark.parametrize(
    ("kind", "data", "records", "labels"),
    [
        (16, b"\x03abc", MAX_RECORDS + 1, 3),
        (16, b"\x03abc", MAX_RECORDS, 120),
        (15, b"\x00\x0a\x01x\xc0\x0c", MAX_RECORDS, 80),
        (15, b"\x00\x0a\x01x\xc0\x0c", 10, 120),
        (5, b"\x01x\xc0\x0c", 10, 120),
        (6, b"\x01x\xc0\x0c\x01y\xc0\x0c" + bytes(20), 10, 120),
        (16, bytes(32_000), 1, 3),
        (99, bytes(3000), 1, 3),
    ],
)
def test_an_answer_of_many_labels_is_costly_however_few_bytes_it_has(
    kind: int, data: bytes, records: int, labels: int
) -> None:
    assert is_costly(an_answer(kind, data, records, labels))


@pytest.mark.parametrize(
    ("kind", "data", "records", "labels"),
    [
        (16, b"\xff" + b"v" * 255, 100, 5),
        (1, bytes(4), 100, 6),
        (28, bytes(16), 100, 6),
        (15, b"\x00\x0a\x02mx\xc0\x0c", 20, 5),
        (16, (b"\xff" + b"p" * 255) * 16, 8, 4),
    ],
)
def test_what_honest_zones_answer_is_read(
    kind: int, data: bytes, records: int, labels: int
) -> None:
    wire = an_answer(kind, data, records, labels)

    assert not is_costly(wire)
    assert len(dns.message.from_wire(wire).answer) == 1


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_raise_or_go_round(wire: bytes, at: int) -> None:
    whole = an_answer(15, b"\x00\x0a\x01x\xc0\x0c", 3)
    assert isinstance(is_costly(wire), bool)
    assert isinstance(is_costly(whole[:at] + wire), bool)
    assert isinstance(is_costly(b"\x00" * 5 + b"\x01\x00\x01\x00\x00\x00\x00\xc0\x0c"), bool)


def test_a_name_counts_as_long_as_it_is_when_written_out() -> None:
    at_limit = MAX_LABELS // 15 - 1
    assert not is_costly(an_answer(1, bytes(4), at_limit, 15))
    assert is_costly(an_answer(1, bytes(4), at_limit + 2, 15))


@pytest.mark.parametrize(("pointers", "costly"), [(MAX_POINTERS, False), (MAX_POINTERS + 1, True)])
def test_a_name_that_leads_over_many_pointers_is_costly(pointers: int, costly: bool) -> None:
    plain = an_answer(16, b"\xff" + b"v" * 255, 1)
    begins = plain.index(b"v")
    chain = b"".join(
        (0xC000 | at).to_bytes(2) for at in (12, *range(begins, begins + 2 * (pointers - 2), 2))
    )
    last = (0xC000 | begins + len(chain) - 2).to_bytes(2)
    answer = plain.replace(b"v" * len(chain), chain, 1)
    record = last + b"\x00\x01" + _RECORD + b"\x00\x04" + bytes(4)
    wire = answer[:6] + b"\x00\x02" + answer[8:] + record

    assert is_costly(wire) is costly


async def test_each_turn_of_reading_has_an_iteration_of_the_loop() -> None:
    turns, iteration, loop = ReadingTurns(), 0, asyncio.get_running_loop()
    granted_in: list[int] = []

    def count() -> None:
        nonlocal iteration
        iteration += 1
        if len(granted_in) < 100:
            loop.call_soon(count)

    async def read() -> None:
        await turns.turn()
        granted_in.append(iteration)

    loop.call_soon(count)
    await asyncio.gather(*(read() for _ in range(100)))

    assert len(set(granted_in)) == 100


class _Answering(asyncio.DatagramProtocol):
    """Answers every query over UDP with a costly answer, after one that was not asked for."""

    transport: asyncio.DatagramTransport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        plain = data[: data.index(b"\x00", 12) + 5]
        costly = an_answer(15, b"\x00\x0a\x01x\xc0\x0c", 150, query=plain)
        self.transport.sendto(bytes(2) + costly[2:], addr)
        self.transport.sendto(costly, addr)


async def test_a_costly_answer_is_not_read_over_udp_nor_over_tcp() -> None:
    loop = asyncio.get_running_loop()

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        plain = query[: query.index(b"\x00", 12) + 5]
        wire = an_answer(15, b"\x00\x0a\x01x\xc0\x0c", 150, query=plain)
        writer.write(len(wire).to_bytes(2) + wire)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(over_tcp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, answering = await loop.create_datagram_endpoint(
        _Answering, local_addr=("127.0.0.1", port)
    )
    answering.transport = transport
    resolver = Resolver(["127.0.0.1"], port, attempt_s=30, lifetime_s=60)
    name = ".".join("a" * 80)

    answer = await resolver.ask(name, "MX")

    transport.close()
    server.close()
    assert isinstance(answer, UnusableAnswer)
    assert "too large" in answer.why
    assert resolver.cached((name, "MX")) == answer


class _Disturbing(asyncio.DatagramProtocol):
    """Never answers, but goes on sending what nobody asked for."""

    transport: asyncio.DatagramTransport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(bytes(byte ^ 0xFF for byte in data[:2]), addr)
            asyncio.get_running_loop().call_later(0.02, self.datagram_received, data, addr)


async def test_datagrams_that_answer_nothing_keep_no_look_up_alive() -> None:
    transport, disturbing = await asyncio.get_running_loop().create_datagram_endpoint(
        _Disturbing, local_addr=("127.0.0.1", 0)
    )
    disturbing.transport = transport
    port = transport.get_extra_info("sockname")[1]
    resolver = Resolver(["127.0.0.1"], port, attempt_s=0.1, lifetime_s=0.2)
    try:
        async with asyncio.timeout(5):
            answer = await resolver.ask("acme.example", "TXT")
    finally:
        transport.close()
        await resolver.close()
    assert isinstance(answer, Temporary)
    assert resolver.shares.is_idle
