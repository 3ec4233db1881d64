"""What one SMTP or LMTP connection holds: its slot, its transport, its timers, its buffered input.

Whatever the client does or leaves undone, a connection that is closing is gone after
`Limits.linger_s`, and what it held is free again. `connection` has the dialogue that runs on it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterable
from typing import Any, ClassVar

import aiosmtpd
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Transaction

from gateway.accepting import Admitted
from gateway.shares import IPAddress, Networks, is_in, keys_of
from gateway.smtp.data_reader import BLOCK_BYTES, DataReader, Progress
from gateway.smtp.limits import ConnectionPool, Slot
from gateway.smtp.listener import Hooks, Listener
from gateway.smtp.rates import Act
from gateway.tls import TlsInPieces
from rules import replies
from rules.replies import Reply

ENHANCED_STATUS = {
    500: "5.5.2",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    552: "5.3.4",
    555: "5.5.4",
}
"""Enhanced status for replies that aiosmtpd sends without one; X.0.0 for other codes."""

log = logging.getLogger("gateway.smtp")

_UNCOUNTED_BYTES = 4 * 1024
"""Of the input of one connection; more counts as in flight."""
_REPLY_LINE = re.compile(r"(\d\d\d) (?:([245]\.\d{1,3}\.\d{1,3}) )?(.*)", re.DOTALL)

AIOSMTPD = "1.4.6"
_PRIVATE_NAMES: dict[Any, set[str]] = {
    SMTP: {"_call_handler_hook", "_getaddr", "_handle_client", "_set_post_data_state"}
    | {"_reset_timeout", "_set_rset_state", "_timeout_cb", "check_helo_needed"},
    SMTP.__init__: {"_original_transport", "_proxy_timeout", "_smtp_methods", "_timeout_handle"}
    | {"session", "envelope", "transport"},
    SMTP._cb_client_connected: {"_reader", "_writer"},
    asyncio.StreamReader.__init__: {"_buffer", "_limit"},
    asyncio.StreamReaderProtocol.__init__: {"_closed"},
    asyncio.StreamReader: {"_wait_for_data"},
    SSLProtocol.__init__: {"_ssl_reading_paused", "max_size"},
    SSLProtocol: {"_get_app_transport"},
}


def check_aiosmtpd(version: str = aiosmtpd.__version__) -> None:
    """Raises ImportError if aiosmtpd is not the version whose private names this package uses."""
    if version != AIOSMTPD:
        raise ImportError(f"gateway/smtp is written for aiosmtpd {AIOSMTPD}, not {version}")
    for owner, names in _PRIVATE_NAMES.items():
        available = dir(owner) if isinstance(owner, type) else owner.__code__.co_names
        if missing := names.difference(available):
            raise ImportError(f"{owner.__qualname__} has no {', '.join(sorted(missing))}")


check_aiosmtpd()


class HeldConnection(SMTP, Admitted):
    """One client connection up to its end; `ServerConnection` adds the dialogue."""

    commands: ClassVar[tuple[str, ...]]
    """The names of the command methods, such as `smtp_MAIL`."""
    protocol_name: ClassVar[str]
    line_length_limit = BLOCK_BYTES  # aiosmtpd uses it as the size of the read buffer

    session: Session
    envelope: Transaction
    transport: asyncio.Transport | None
    _original_transport: asyncio.Transport | None
    _timeout_handle: asyncio.TimerHandle
    _closed: asyncio.Future[None]

    def __init__(self, hooks: Hooks, pool: ConnectionPool, listener: Listener) -> None:
        self.hooks = hooks
        self.pool = pool
        self.listener = listener
        self.slot = Slot(pool.slots)
        self.peer: IPAddress | None = None
        self.is_listed = listener.lmtp
        """Clients of LMTP are MTAs of ours, each of which brings the mail of many senders."""
        self.tls = False
        self.closing = False
        """The last reply is written: further input is ignored, nothing more is sent."""
        self._peer_finished = False
        self._buffered_bytes = 0
        self._receiving: tuple[DataReader, Progress] | None = None
        self._linger_handle: asyncio.TimerHandle | None = None
        super().__init__(
            self,  # the handler argument; `_call_handler_hook` never uses it
            data_size_limit=pool.limits.mail_size_bytes,
            enable_SMTPUTF8=True,
            hostname=listener.hostname,
            ident=self.protocol_name,
            tls_context=listener.tls_context,
            timeout=pool.limits.idle_s,
            proxy_protocol_timeout=listener.proxy_protocol_timeout_s,
            loop=asyncio.get_running_loop(),
        )

    def __dir__(self) -> Iterable[str]:
        """Only the commands: aiosmtpd searches dir() for them and for AUTH on each connection."""
        return self.commands

    # ---- the slot ----

    def admit(self, client: IPAddress | None) -> bytes | None:
        """Counts the connection; behind a balancer, for its client once the header names it."""
        if self.listener.proxy_protocol_timeout_s is None:
            self._set_peer(client)
            refusal = self.pool.add(self, client, listed=self.is_listed)
        elif is_in(client, self.listener.balancers):
            refusal = self.pool.add(self, None, listed=True)
        else:
            refusal = self._refuse_stranger(client)
        return None if refusal is None else reply_line(refusal)

    def name_peer(self, peer: IPAddress | None) -> Reply | None:
        """Counts the connection for the client that a balancer named; or the reply to it."""
        self._count_buffer(0)
        self._set_peer(peer)
        if not self.may(Act.CONNECT):
            return replies.CONNECTING_TOO_FAST
        return self.pool.change_client(self, peer, listed=self.is_listed)

    def _refuse_stranger(self, client: IPAddress | None) -> Reply:
        """The reply to a client that is no balancer; the log names it, once a minute a network."""
        self.pool.not_balancers += 1
        if client is not None and self.pool.seldom.allows(keys_of(client)[1]):
            log.warning(
                "refused %s: not in smtp.balancers (%d refused so far)",
                client,
                self.pool.not_balancers,
            )
        return replies.NOT_A_BALANCER

    def forget(self) -> None:
        """Frees what the connection itself holds. Its mails are released with their replies."""
        self.closing = True
        self._count_buffer(0)
        self.pool.remove(self)

    def _set_peer(self, peer: IPAddress | None) -> None:
        self.peer = peer
        self.is_listed = self.listener.lmtp or self.is_peer_in(self.listener.relay_peers)

    def is_peer_in(self, networks: Networks) -> bool:
        return is_in(self.peer, networks)

    def may(self, act: Act, amount: int = 1) -> bool:
        """Whether the client's budget for the minute allows this."""
        return self.pool.rates.allows(self.peer, act, listed=self.is_listed, amount=amount)

    def count_buffer(self) -> None:
        """Counts the input that was received and not read yet as in flight, from a few KiB on: a
        line of the dialogue is read at once."""
        if not self.closing:
            size_bytes = len(self._reader._buffer)  # type: ignore[attr-defined]  # not public
            self._count_buffer(size_bytes if size_bytes > _UNCOUNTED_BYTES else 0)

    def _count_buffer(self, size_bytes: int) -> None:
        if size_bytes != self._buffered_bytes:
            self.pool.in_flight.add(self.peer, size_bytes - self._buffered_bytes)
            self._buffered_bytes = size_bytes

    # ---- the transport ----

    def connection_made(self, transport: Any) -> None:
        """The transport of an admitted connection; called again after STARTTLS."""
        self.tls = transport.get_extra_info("sslcontext") is not None
        super().connection_made(transport)
        if self.closing:  # given up meanwhile
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if not self.closing:
            if self._goes_on(len(data)):
                self.pool.places.touch(self)
            super().data_received(data)
            self.count_buffer()

    def eof_received(self) -> bool:
        """Keeps the other half open where possible, so that pending commands are answered."""
        if self.closing:
            return False
        self._peer_finished = True
        self._reader.feed_eof()
        return not self.tls

    def connection_lost(self, error: Exception | None) -> None:
        self.forget()
        if self._linger_handle is not None:
            self._linger_handle.cancel()
        if self.transport is not None:
            super().connection_lost(error)
        if self._closed.done() and not self._closed.cancelled():
            # Nobody waits for it. asyncio reads it when the protocol is freed, which is too late
            # where the collector frees this future before: it is logged as an error then.
            self._closed.exception()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Starts the idle timer anew; a closing connection has its last timer already."""
        if not self.closing:
            super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        if not self._in_data:  # DATA and the hook have their own timeouts
            self.close_with(replies.IDLE)

    def shut_down(self) -> None:
        """Closes with 421: now, or after the reply to the mail in progress."""
        if not self._in_data:
            self.close_with(replies.SHUTTING_DOWN)

    def close_if_idle(self) -> None:
        """Closes with 421 if no mail is in progress."""
        if not self._in_data:
            self.close_with(replies.TOO_MANY_CONNECTIONS)

    def receives(self, mail: DataReader) -> None:
        """A mail is being sent, and gives way only if that does not go on."""
        self._receiving = mail, Progress(self.loop.time())
        self.pool.receives(self, self.peer, listed=self.is_listed)

    def has_received(self) -> None:
        """No mail is in progress any more."""
        self._receiving = None
        self.pool.waits(self, self.peer, listed=self.is_listed)
        self._reset_timeout()  # it may have fired meanwhile

    @property
    def _in_data(self) -> bool:
        return self._receiving is not None

    def _goes_on(self, size_bytes: int) -> bool:
        """Whether these octets make the connection the last in line to give way: in a mail, few
        octets do not, and none of a mail that is refused."""
        if self._receiving is None:
            return True
        mail, progress = self._receiving
        return progress.received(size_bytes, self.loop.time()) and mail.refusal is None

    @property
    def may_give_way(self) -> bool:
        if self._receiving is None:
            return True
        mail, progress = self._receiving
        return mail.refusal is not None or progress.is_stalled(self.loop.time())

    def give_way(self) -> None:
        """Drops the connection at once, after a 421 reply if one can be sent.

        It is aborted after what was written: `close_with` would leave the descriptor to the client.
        """
        if self.opening is not None:
            self.opening.cancel()
        if self.transport is not None and not self.closing:
            if self._original_transport is None or self.tls:
                self._writer.write(reply_line(replies.TOO_MANY_CONNECTIONS))
            self._timeout_handle.cancel()
        self.forget()
        self.loop.call_soon(self.abort)

    def abort(self) -> None:
        """Drops the connection without a reply, so that a stuck peer cannot hold it."""
        transport = self._original_transport or self.transport
        if transport is not None:
            transport.abort()

    def refuse(self, reply: Reply) -> None:
        """Sends the only reply to a client that gets no slot, and closes at once: who is refused
        must not keep a descriptor. Like those without a balancer, it may miss the reply."""
        if self.closing or self.transport is None:
            return
        self._writer.write(reply_line(reply))
        self._end()
        self.loop.call_soon(self._drop)

    def close_with(self, reply: Reply, *, times: int = 1) -> None:
        """Sends the last reply and closes. Later input is discarded, for `Limits.linger_s` at most.
        It is sent so many `times`: LMTP has a reply for each recipient of a mail.

        Closing with unread input would reset the connection, and the reply could be lost.
        """
        if self.closing or self.transport is None:
            return
        if self._original_transport is not None and not self.tls:  # during the handshake
            self.abort()
            return
        self._writer.write(reply_line(reply) * times)
        self._end()
        if self.tls or self._peer_finished:
            self.transport.close()
        else:
            try:
                self.transport.write_eof()
            except OSError:  # reset by the peer, not yet noticed by the event loop
                self.transport.close()
            else:
                self.transport.resume_reading()

    def close(self) -> None:
        """Closes without a reply once what was written is sent, or after `Limits.linger_s`."""
        if self.transport is not None and not self.closing:
            self._end()
            self.transport.close()

    def _end(self) -> None:
        """From here on only a timer that nothing resets decides how long the connection lasts."""
        self._count_buffer(0)
        self.closing = True
        self._timeout_handle.cancel()
        self._linger_handle = self.loop.call_later(self.pool.limits.linger_s, self._drop)

    def _drop(self) -> None:
        self.abort()
        self.forget()

    async def start_tls(self) -> None:
        """The handshake of STARTTLS; afterwards `tls` is set, or the connection is gone."""
        await self.push("220 Ready to start TLS")
        wire, context = self.transport, self.tls_context
        if self.closing or wire is None or context is None:
            return
        error: Exception | None = None
        waiter = self.loop.create_future()
        tls = TlsInPieces(self.loop, self, context, waiter, server_side=True)
        # As aiosmtpd does it, with its own protocol of TLS.
        self._tls_protocol, self._original_transport = tls, wire
        wire.set_protocol(tls)
        self.transport = tls._get_app_transport()  # type: ignore[attr-defined]  # not public
        tls.connection_made(wire)
        try:
            await waiter
        except Exception as failure:  # noqa: BLE001 - whatever the client sent
            error = failure
        if self._original_transport is not None and not self.tls:
            # After a failed handshake connection_lost() is not called by asyncio.
            self.abort()
            self.connection_lost(error)


def reply_line(status: Reply | str) -> bytes:
    """The reply as one line of ASCII, with an enhanced status (RFC 2034) except for 3xx."""
    if isinstance(status, str) and (match := _REPLY_LINE.fullmatch(status)):
        code, enhanced, text = int(match[1]), match[2], match[3]
        if code // 100 != 3:
            status = Reply(code, enhanced or ENHANCED_STATUS.get(code, f"{code // 100}.0.0"), text)
    return f"{status}\r\n".encode("ascii")
