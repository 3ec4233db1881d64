"""Connects the SMTP and LMTP server to the gateway: hooks for recipients and mails, sockets.

Processing begins here: RCPT looks the address up in the mailbox list, DATA hands over a `Delivery`,
and the outcome is returned as reply lines.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.accepting import ListeningSockets, bind_tcp, bind_unix
from gateway.smtp.commands import LmtpConnection, SmtpConnection
from gateway.smtp.limits import ConnectionPool
from gateway.smtp.listener import Listener
from rules import replies
from rules.mail import Delivery, Envelope
from rules.replies import Reply

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


def listen_tcp(
    hooks: SmtpHooks,
    pool: ConnectionPool,
    listener: Listener,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    tls_from_start: ssl.SSLContext | None = None,
) -> ListeningSockets:
    """Serves on a TCP socket; port 0 chooses a free port. Raises OSError if it cannot be bound.

    `tls_from_start` is for port 465 (RFC 8314); STARTTLS is configured in `listener`. With
    `reuse_port` several processes share the port.
    """
    sockets = bind_tcp(host, port, backlog=BACKLOG, reuse_port=reuse_port)
    return _accepting(hooks, pool, listener, sockets, tls_from_start)


def listen_unix(
    hooks: SmtpHooks, pool: ConnectionPool, listener: Listener, path: Path
) -> ListeningSockets:
    """Serves on a unix socket, replacing a stale one. Raises OSError if it cannot be bound."""
    return _accepting(hooks, pool, listener, [bind_unix(path, backlog=BACKLOG)], None)


def _accepting(
    hooks: SmtpHooks,
    pool: ConnectionPool,
    listener: Listener,
    sockets: list[socket.socket],
    tls: ssl.SSLContext | None,
) -> ListeningSockets:
    kind = LmtpConnection if listener.lmtp else SmtpConnection
    return ListeningSockets(
        sockets, lambda: kind(hooks, pool, listener), tls=tls, close_idle=pool.close_idle
    )
