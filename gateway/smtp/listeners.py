"""Connects the SMTP and LMTP server to the gateway: hooks for recipients and mails, sockets.

Processing begins here: RCPT looks the address up in the mailbox list, DATA hands over a `Delivery`,
and the outcome is returned as reply lines.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.smtp.commands import LmtpConnection, SmtpConnection
from gateway.smtp.connection import Listener, ServerConnection
from gateway.smtp.limits import ConnectionPool
from rules import replies
from rules.mail import Delivery, Envelope
from rules.replies import Reply

TLS_HANDSHAKE_S = 30.0
BACKLOG = 512

Take = Callable[[Delivery], Awaitable[Sequence[Reply]]]
"""Accepts one mail; returns one reply for each recipient of its envelope, in order."""
Serves = Callable[[str], Awaitable[bool]]
"""Whether this recipient address, +detail included, is one of our mailboxes."""


@dataclass(frozen=True, slots=True)
class SmtpHooks:
    """The `Hooks` of the gateway's listeners."""

    serves: Serves
    take: Take

    async def recipient(self, address: str) -> Reply | None:
        return None if await self.serves(address) else replies.NO_SUCH_MAILBOX

    async def data(self, envelope: Envelope, raw: bytes) -> Sequence[Reply]:
        return await self.take(Delivery(envelope, raw))


async def listen_tcp(
    hooks: SmtpHooks,
    pool: ConnectionPool,
    listener: Listener,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    tls_from_start: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """Serves on a TCP socket; port 0 chooses a free port. Raises OSError if it cannot be bound.

    `tls_from_start` is for port 465 (RFC 8314); STARTTLS is configured in `listener`. With
    `reuse_port` several processes share the port.
    """
    return await asyncio.get_running_loop().create_server(
        lambda: _connection(hooks, pool, listener),
        host,
        port,
        backlog=BACKLOG,
        reuse_port=reuse_port or None,  # False is an error on systems without the option
        ssl=tls_from_start,
        ssl_handshake_timeout=TLS_HANDSHAKE_S if tls_from_start else None,
    )


async def listen_unix(
    hooks: SmtpHooks, pool: ConnectionPool, listener: Listener, path: Path
) -> asyncio.Server:
    """Serves on a unix socket, replacing a stale one. Raises OSError if it cannot be bound."""
    return await asyncio.get_running_loop().create_unix_server(
        lambda: _connection(hooks, pool, listener), path, backlog=BACKLOG
    )


def _connection(hooks: SmtpHooks, pool: ConnectionPool, listener: Listener) -> ServerConnection:
    return (LmtpConnection if listener.lmtp else SmtpConnection)(hooks, pool, listener)
