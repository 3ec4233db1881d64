"""Large mails share the event loop: each of its iterations reads at most one block of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from ipaddress import ip_address

from gateway.smtp.data_reader import BLOCK_BYTES, DataReader
from gateway.smtp.limits import ConnectionPool, Limits

BLOCKS = 20
ONE, NEAR, OTHER = "192.0.2.1", "192.0.2.2", "198.51.100.1"


class _Reading:
    """Mails that have arrived and are read at once; who had a block read, and when."""

    def __init__(self) -> None:
        self.pool = ConnectionPool(Limits())
        self.read: list[tuple[str, int]] = []
        """Client and iteration of the loop, for each block."""
        self._iteration = 0
        self._ended = False

    async def mails(self, *clients: str, size_bytes: int = BLOCKS * BLOCK_BYTES) -> None:
        asyncio.get_running_loop().call_soon(self._count)
        await asyncio.gather(*(self._mail(client, size_bytes) for client in clients))
        self._ended = True

    async def _mail(self, client: str, size_bytes: int) -> None:
        def note() -> None:
            self.read.append((client, self._iteration))

        reader = asyncio.StreamReader()
        reader.feed_data(b"a" * (size_bytes - len(b"\r\n.\r\n")) + b"\r\n.\r\n")
        mail = DataReader(self.pool, ip_address(client), after_read=note)
        assert await mail.receive(reader)
        assert mail.refusal is None
        mail.release()

    def _count(self) -> None:
        self._iteration += 1
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._count)


async def test_an_iteration_of_the_loop_reads_one_block_of_all_large_mails() -> None:
    reading = _Reading()
    clients = [ONE, NEAR, OTHER]
    await reading.mails(*clients)
    assert Counter(client for client, _ in reading.read) == dict.fromkeys(clients, BLOCKS)
    first_blocks = len(clients)
    later = Counter(iteration for _, iteration in reading.read[first_blocks:])
    assert max(later.values()) == 1


async def test_one_network_with_many_large_mails_waits_for_itself() -> None:
    reading = _Reading()
    await reading.mails(ONE, NEAR, ONE, NEAR, OTHER)
    turns = [client for client, _ in reading.read[5:]]
    last = max(number for number, client in enumerate(turns) if client == OTHER)
    assert turns[:last].count(OTHER) >= last // 2 - 1


async def test_small_mails_wait_for_no_turn() -> None:
    reading = _Reading()
    await reading.mails(*[ONE] * 10, size_bytes=BLOCK_BYTES)
    assert len({iteration for _, iteration in reading.read}) == 1
