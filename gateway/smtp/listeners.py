"""Connects the SMTP and LMTP server to the gateway: hooks for recipients and mails.

Processing begins here: RCPT looks the address up in the mailbox list, DATA hands over a `Delivery`,
and the outcome is returned as reply lines.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.accepting import ListeningSockets
from gateway.smtp.commands import LmtpConnection, SmtpConnection
from gateway.smtp.limits import ConnectionPool
from gateway.smtp.listener import Listener
from rules import replies
from rules.mail import Delivery, Envelope
from rules.replies import Reply

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


def accept(
    hooks: SmtpHooks,
    pool: ConnectionPool,
    listener: Listener,
    sockets: Sequence[socket.socket],
    *,
    tls_from_start: ssl.SSLContext | None = None,
) -> ListeningSockets:
    """Serves on these sockets until it is closed, and then closes them.

    `tls_from_start` is for port 465 (RFC 8314); STARTTLS is configured in `listener`.
    """
    kind = LmtpConnection if listener.lmtp else SmtpConnection
    return ListeningSockets(
        sockets,
        lambda: kind(hooks, pool, listener),
        tls=tls_from_start,
        close_idle=pool.close_idle,
    )
