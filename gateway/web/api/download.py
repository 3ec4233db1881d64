"""Bytes of a stranger's mail as a response that no browser executes or shows as our page.

What is being sent is counted until the client has it, since slow clients make it stay in memory.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from gateway.shares import Caps, IPAddress, Shares
from gateway.web.api.auth import ApiError

ANY_TYPE = "application/octet-stream"
CHUNK_BYTES = 64 * 1024
"""Handed to the transport at a time: it waits there until the client takes it."""
LEAST_BYTES_PER_S = 16 * 1024
PATIENCE_S = 60.0
"""What a download may take besides its time at the least rate."""
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]")


class Downloads:
    """The memory for files that are being sent, divided among clients."""

    def __init__(
        self,
        total_bytes: int,
        mail_bytes: int,
        *,
        least_bytes_per_s: float = LEAST_BYTES_PER_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`mail_bytes` is the size of the largest mail: a client may always ask for a file of it,
        for which the mail and the file are in memory, while anything is left."""
        file = min(total_bytes, 2 * mail_bytes)
        half = max(total_bytes // 2, file)
        self.shares = Shares(Caps(total_bytes, half, half, per_listed=total_bytes, floor=file))
        self._least_bytes_per_s = least_bytes_per_s
        self._patience_s = patience_s

    @contextmanager
    def room(self, client: IPAddress | None, size_bytes: int) -> Iterator[HeldBytes]:
        """Room for so many bytes, until the end of the context. Raises ApiError without it."""
        if not self.shares.take(client, size_bytes):
            raise ApiError(503, "too many files are being sent, try again later")
        room = HeldBytes(self.shares, client, size_bytes)
        try:
            yield room
        finally:
            room.shrink(0)

    async def send(
        self, request: web.Request, body: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        """Send a file. The client has all of it at the end, except for what is buffered."""
        response = web.StreamResponse(headers=headers)
        response.content_length = len(body)
        limit_s = self._patience_s + len(body) / self._least_bytes_per_s
        try:
            async with asyncio.timeout(limit_s):
                await response.prepare(request)
                if request.method != "HEAD":
                    for begin in range(0, len(body), CHUNK_BYTES):
                        await response.write(body[begin : begin + CHUNK_BYTES])
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the client reads its file too slowly") from None
        return response


@dataclass(slots=True)
class HeldBytes:
    """What one download holds."""

    shares: Shares
    client: IPAddress | None
    size_bytes: int

    def shrink(self, size_bytes: int) -> None:
        """Give back all but so many bytes."""
        self.shares.give_back(self.client, self.size_bytes - size_bytes)
        self.size_bytes = size_bytes


SANDBOXED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
"""Of a response with bytes of a stranger: no browser runs it, nor lets another site have it."""


def headers_of_image(kind: str) -> dict[str, str]:
    """The header of an image that is shown where it stands in a mail."""
    return {"Content-Type": kind, "Content-Disposition": "inline", **SANDBOXED}


def headers_of_file(name: str, content_type: str) -> dict[str, str]:
    """The header of a response that a browser saves as a file with this name."""
    declared = content_type.lower()
    return {
        "Content-Type": declared if _TYPE.fullmatch(declared) else ANY_TYPE,
        "Content-Disposition": _disposition(name),
        **SANDBOXED,
    }


def _disposition(name: str) -> str:
    """RFC 6266 §4.3: an ASCII name for old clients, and the full one in UTF-8 (RFC 8187)."""
    shown = "".join(c for c in name if unicodedata.category(c)[0] != "C").replace("/", "_").strip()
    shown = shown.lstrip(".") or "attachment"
    plain = _NOT_PLAIN.sub("_", shown)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"
