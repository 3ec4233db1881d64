"""One mail between 354 and CRLF.CRLF (RFC 5321 §4.1.1.4 and §4.5.2), read in blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.shares import IPAddress, keys_of
from gateway.smtp.limits import ConnectionPool
from rules import replies
from rules.replies import Reply

BLOCK_BYTES = 64 * 1024
"""A mail that is longer waits for its turn with each further block, which takes a quarter of a
millisecond."""
LARGE_BYTES = 2 * 1024 * 1024
REFUSED_IDLE_S = 1.0
"""How often the rate of a refused mail is checked: one that pauses gets its reply before the end of
the data."""

STALLED_S = 10.0
"""A mail that makes no progress for so long gives way where no slot is left."""
PROGRESS_BYTES = 64 * 1024
"""What counts as progress: less of it would let a client hold a slot with a few octets."""

_END = b"\r\n.\r\n"


class Progress:
    """Whether the client of one mail goes on sending it."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._bytes = 0

    def received(self, size_bytes: int, now: float) -> bool:
        """Whether what was received since the last progress is enough for another."""
        self._bytes += size_bytes
        if self._bytes < PROGRESS_BYTES:
            return False
        self._at, self._bytes = now, 0
        return True

    def is_stalled(self, now: float) -> bool:
        return now > self._at + STALLED_S


class DataReader:
    """Reads the blocks of one mail; counts its line ends and its memory use.

    `refusal` is set as soon as the mail must be refused; the rest is then read and discarded.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        client: IPAddress | None,
        *,
        listed: bool = False,
        lenient: bool = False,
        after_read: Callable[[], None] = lambda: None,
    ) -> None:
        """`after_read` is called whenever something was taken from the stream's buffer."""
        self._pool = pool
        self._client = client
        self._listed = listed
        self._lenient = lenient
        self._after_read = after_read
        self._turn_of = _who_waits(client, listed=listed)
        # The line end of the DATA command is included: an empty mail is just `.CRLF` after it.
        self._tail = b"\r\n"
        self._blocks: list[bytes] = []
        """Without dot-stuffing (§4.5.2); those of a lenient peer as they came."""
        self._held_bytes = 0
        self._cr_count = self._lf_count = self._crlf_count = 0
        self._after_cr = False
        self._seen_bytes = 0
        self._ended = False
        self.refusal: Reply | None = None

    def has_room(self, announced_bytes: int) -> bool:
        """Whether a mail of this size could be taken now; nothing is reserved for it."""
        return self._pool.in_flight.allows(
            self._client, max(announced_bytes, 1), listed=self._listed
        )

    async def receive(self, reader: asyncio.StreamReader) -> bool:
        """Reads up to CRLF.CRLF, the only end of data; False if it does not arrive in time.

        The bytes of an accepted mail stay counted until `release`: the hook works on them.

        Raises:
            asyncio.IncompleteReadError: the client disconnected.
        """
        limits = self._pool.limits
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limits.data_total_s
        min_bytes_per_s = limits.data_min_bytes_per_s
        while not self._finished:
            refused = self.refusal is not None
            window_s = REFUSED_IDLE_S if refused else limits.data_window_s
            window_end = loop.time() + window_s
            bytes_before = self._seen_bytes
            try:
                async with asyncio.timeout_at(min(window_end, deadline)):
                    await self._read_blocks(reader, refused=refused)
            except TimeoutError:
                received_bytes = self._seen_bytes - bytes_before
                if loop.time() >= deadline or received_bytes < min_bytes_per_s * window_s:
                    return False
        return self._ended

    @property
    def is_large(self) -> bool:
        """Whether `content` takes milliseconds; from 1 MiB on, a thread copies without the lock of
        the interpreter."""
        return self._held_bytes > LARGE_BYTES

    def content(self) -> bytes:
        """The mail without the end mark and without dot-stuffing.

        The blocks were changed one by one: all at once would hold the event loop for 60 ms.
        """
        blocks = self._blocks
        self._blocks = []
        if self._lenient:
            text = b"\r\n" + b"".join(blocks)[: -len(b".\r\n")]
            if self._cr_count != self._crlf_count or self._lf_count != self._crlf_count:
                text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
            return text.replace(b"\r\n.", b"\r\n")[len(b"\r\n") :]
        # The dot of the end mark was removed like any other, so CRLF is left of it; the last block
        # may have no more than a part of that.
        last = b""
        while blocks and len(last) < len(b"\r\n"):
            last = blocks.pop() + last
        blocks.append(last[: -len(b"\r\n")])
        return b"".join(blocks)

    def release(self) -> None:
        """Frees the memory; may be called more than once."""
        self._blocks.clear()
        self._pool.in_flight.give_back(self._client, self._held_bytes)
        self._held_bytes = 0

    @property
    def _finished(self) -> bool:
        """The end was read; or the mail is refused and exceeds twice the allowed size."""
        max_bytes = 2 * self._pool.limits.mail_size_bytes
        return self._ended or (self.refusal is not None and self._seen_bytes > max_bytes)

    async def _read_blocks(self, reader: asyncio.StreamReader, *, refused: bool) -> None:
        """Reads until the end, or until the mail turns from accepted to refused."""
        while not self._finished and (self.refusal is not None) == refused:
            if self._seen_bytes >= BLOCK_BYTES:
                await self._turn(reader)
            await self._read_block(reader)

    async def _turn(self, reader: asyncio.StreamReader) -> None:
        """Returns once there is something to read, in an iteration of the event loop in which no
        other large mail is read. Nothing is taken from the stream: this may time out."""
        buffer = reader._buffer  # type: ignore[attr-defined]  # StreamReader has no public method
        if not (buffer or reader.at_eof() or reader.exception()):
            await reader._wait_for_data("read")  # type: ignore[attr-defined]
        await self._pool.block_turns.wait(self._turn_of)

    async def _read_block(self, reader: asyncio.StreamReader) -> None:
        block = await reader.read(BLOCK_BYTES)
        if not block:
            raise asyncio.IncompleteReadError(b"", None)
        text = self._tail + block
        end_at = text.find(_END)
        if end_at >= 0:
            self._ended = True
            size_bytes = end_at + len(_END) - len(self._tail)
            # Pipelined commands after the mail are put back; StreamReader has no public method.
            reader._buffer[:0] = block[size_bytes:]  # type: ignore[attr-defined]
            block = block[:size_bytes]
        self._after_read()
        before, self._tail = self._tail[-len(b"\r\n") :], text[1 - len(_END) :]
        self._seen_bytes += len(block)
        self.refusal = self.refusal or self._check(block)
        if self.refusal is None:
            self._held_bytes += len(block)
            if not self._lenient:
                block = (before + block).replace(b"\r\n.", b"\r\n")[len(before) :]
            self._blocks.append(block)
        else:
            self.release()

    def _check(self, block: bytes) -> Reply | None:
        """The reply that refuses the mail; None, and the block is counted as in flight."""
        self._cr_count += block.count(b"\r")
        self._lf_count += block.count(b"\n")
        self._crlf_count += block.count(b"\r\n") + (self._after_cr and block.startswith(b"\n"))
        self._after_cr = block.endswith(b"\r")
        bare = (
            self._lf_count != self._crlf_count
            or self._cr_count != self._crlf_count + self._after_cr
        )
        limits = self._pool.limits
        if b"\0" in block or (bare and not self._lenient):
            return replies.BARE_LINE_END
        if self._seen_bytes > limits.mail_size_bytes + len(b".\r\n"):
            return replies.MAIL_TOO_BIG
        if not self._pool.in_flight.take(self._client, len(block), listed=self._listed):
            return replies.TOO_MUCH_IN_FLIGHT
        return None


def _who_waits(client: IPAddress | None, *, listed: bool) -> object:
    """Whose mails wait for each other: those of a listed client, of an IPv6 provider, or of an IPv4
    network."""
    if client is None or listed:
        return client
    _, network, provider = keys_of(client)
    return provider or network
