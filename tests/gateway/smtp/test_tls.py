"""TLS over a connection: what is in a record is the client's choice."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from gateway.tls import READ_BYTES, TlsInPieces
from tests.gateway.smtp_client import tls_contexts

ON_BOTH_LOOPS = True

OCTETS = 20_000
WIRE_OCTETS = 22
"""The least that a record of one octet takes."""


class Received(asyncio.Protocol):
    """Keeps how much it is given at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.complete = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.sizes.append(len(data))
        if sum(self.sizes) >= OCTETS:
            self.complete.set()


async def test_of_records_of_one_octet_few_are_read_at_a_time(tmp_path: Path) -> None:
    """Each costs as much as a long one: 256 KiB of them would hold the loop for 200 ms."""
    loop = asyncio.get_running_loop()
    server_side, client_side = tls_contexts(tmp_path)
    received = Received()

    def connection() -> TlsInPieces:
        return TlsInPieces(loop, received, server_side, loop.create_future(), server_side=True)

    server = await loop.create_server(connection, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(coming, going, server_hostname="localhost")
    while True:
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(going.read())
            coming.write(await reader.read(READ_BYTES))
    for _ in range(OCTETS):
        client.write(b"x")
    writer.write(going.read())
    async with asyncio.timeout(20):
        await received.complete.wait()
    writer.close()
    server.close()

    assert sum(received.sizes) == OCTETS
    assert max(received.sizes) <= READ_BYTES / WIRE_OCTETS
