"""A name server whose answers are measured before they are read.

The owner of a zone chooses its answers, and the event loop waits while dnspython reads one: for
most of a second if it has thousands of records, or a few hundred at names of a hundred labels.
"""

from __future__ import annotations

import asyncio
from typing import Any

import dns.exception
import dns.message
import dns.nameserver

MAX_ANSWER_BYTES = 32 * 1024
MAX_UDP_BYTES = 4096
MAX_RECORDS = 150
"""All records of an answer: its aliases, the name servers of its zone and their addresses too."""
MAX_LABELS = 1500
"""Of all names in an answer, each as long as it is when written out; so is a string of a TXT."""

MAX_POINTERS = 16
"""Of one name, as dnspython has it: thousands may lead to a single label, those of each record."""

_HEADER_BYTES = 12
_NAME_AT = {2: (0,), 5: (0,), 12: (0,), 15: (2,)}
"""Where record types that we ask for, and NS and CNAME, have a name in their data."""
_A, _SOA, _TXT, _AAAA = 1, 6, 16, 28


class TooLargeError(dns.exception.FormError):
    """An answer that is not read."""


class ReadingTurns:
    """Grants turns of reading: one at a time, others of the loop's tasks run between."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Returns in an iteration of the loop in which nobody else had a turn."""
        async with self._lock:
            await asyncio.sleep(0)


class Nameserver(dns.nameserver.Do53Nameserver):
    """Asks over UDP, and over TCP for what is cut off there."""

    def __init__(self, address: str, port: int, turns: ReadingTurns) -> None:
        super().__init__(address, port)
        self._turns = turns

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109  dnspython's signature
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,  # noqa: ARG002
        ignore_trailing: bool = False,  # noqa: ARG002
    ) -> dns.message.Message:
        if not max_size:
            measured = _Measured(backend, self._turns, request.id)
            return await super().async_query(
                request, timeout, source, source_port, max_size, measured
            )
        try:
            async with asyncio.timeout(timeout):
                wire = await self._over_tcp(request.to_wire())
        except TimeoutError as late:
            raise dns.exception.Timeout from late
        await self._turns.turn()
        response = dns.message.from_wire(wire)
        if not request.is_response(response):
            raise dns.exception.FormError
        return response

    async def _over_tcp(self, query: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write(len(query).to_bytes(2) + query)
            size = int.from_bytes(await reader.readexactly(2))
            if size > MAX_ANSWER_BYTES + 1024:
                raise TooLargeError
            wire = await reader.readexactly(size)
        finally:
            writer.close()
        if is_costly(wire):
            raise TooLargeError
        return wire


class _Measured:
    """dnspython's sockets, for UDP alone. An answer that would cost too much is asked for over TCP,
    since over UDP anybody may have sent it."""

    def __init__(self, backend: Any, turns: ReadingTurns, query_id: int) -> None:
        self._backend = backend
        self._turns = turns
        self._begins = query_id.to_bytes(2)
        self.datagram_connection_required = backend.datagram_connection_required

    async def make_socket(self, *args: Any) -> Any:
        socket = await self._backend.make_socket(*args)
        receive = socket.recvfrom

        async def recvfrom(size: int, timeout: float | None) -> Any:  # noqa: ASYNC109
            loop = asyncio.get_running_loop()
            ends = loop.time() + timeout if timeout is not None else None
            while True:
                # Whatever comes, it extends nothing: anybody may send to the socket's port.
                left = max(ends - loop.time(), 0.0) if ends is not None else None
                wire, sender = await receive(size, left)
                if wire[:2] == self._begins:  # else it is no answer, and is not read
                    break
            if len(wire) > MAX_UDP_BYTES or is_costly(wire):
                raise dns.message.Truncated
            await self._turns.turn()
            return wire, sender

        socket.recvfrom = recvfrom
        return socket


def is_costly(wire: bytes) -> bool:
    """Whether a message has more records or labels than are read. Linear in their limits."""
    questions, *records = (int.from_bytes(wire[at : at + 2]) for at in (4, 6, 8, 10))
    if questions > 1 or sum(records) > MAX_RECORDS:
        return True
    labels = 0
    at = _HEADER_BYTES
    try:
        if questions:
            count, at = _name(wire, at)
            labels, at = count, at + 4
        for _ in range(sum(records)):
            count, at = _name(wire, at)
            kind, size = int.from_bytes(wire[at : at + 2]), int.from_bytes(wire[at + 8 : at + 10])
            at += 10
            labels += count + _labels_in_data(wire, at, size, kind)
            at += size
            if labels > MAX_LABELS:
                return True
    except IndexError:  # malformed, as dnspython will find at the same place
        return False
    return False


def _labels_in_data(wire: bytes, at: int, size: int, kind: int) -> int:
    if kind in (_A, _AAAA):
        return 0
    if kind == _TXT:
        strings, end = 0, at + size
        while at < end and strings <= MAX_LABELS:
            at += 1 + wire[at]
            strings += 1
        return strings
    if kind == _SOA:
        count, after = _name(wire, at)
        return count + _name(wire, after)[0]
    if kind in _NAME_AT:
        return sum(_name(wire, at + offset)[0] for offset in _NAME_AT[kind])
    return size  # whatever it is, it is hardly expected


def _name(wire: bytes, at: int) -> tuple[int, int]:
    """The number of labels of the name there, and where it ends; more than are read, if it leads
    over too many pointers. IndexError if it is malformed."""
    labels, pointers, after = 0, 0, 0
    while size := wire[at]:
        if size >= 0xC0:
            pointers += 1
            after = after or at + 2
            target = (size & 0x3F) << 8 | wire[at + 1]
            if target >= at:  # only backwards, or it would never end
                raise IndexError
            if pointers > MAX_POINTERS:
                return MAX_LABELS + 1, after
            at = target
            continue
        labels += 1
        if labels > 127:
            raise IndexError
        at += 1 + size
    return labels, after or at + 1
