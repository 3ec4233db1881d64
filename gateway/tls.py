"""TLS over a connection, read in small pieces."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Transport
from asyncio.sslproto import SSLProtocol
from typing import Any

READ_BYTES = 8 * 1024


class TlsInPieces(SSLProtocol):
    """asyncio's, but an iteration of the loop reads `READ_BYTES` of a client, and not 256 KiB.

    A client chooses how much it puts into a record, of which each is read on its own: 11,000 of one
    octet would hold the loop for 200 ms.
    """

    max_size = READ_BYTES

    def __init__(self, loop: AbstractEventLoop, *args: Any, **kwargs: Any) -> None:
        super().__init__(loop, *args, **kwargs)
        self._turns = loop
        self._wire: Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._wire = transport
        super().connection_made(transport)

    def buffer_updated(self, nbytes: int) -> None:
        super().buffer_updated(nbytes)
        wire = self._wire
        if nbytes == READ_BYTES and wire is not None and not wire.is_closing():
            wire.pause_reading()  # else the loop would read on until there is nothing more
            self._turns.call_soon(self._read_on)

    def _read_on(self) -> None:
        is_full: bool = self._ssl_reading_paused  # type: ignore[attr-defined]  # not public
        if self._wire is not None and not self._wire.is_closing() and not is_full:
            self._wire.resume_reading()
