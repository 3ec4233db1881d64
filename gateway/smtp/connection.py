"""One SMTP or LMTP connection: transport, command loop, limits and the last reply.

aiosmtpd provides the transport, STARTTLS and the parsing of MAIL and RCPT; this package adds the
protection that a public port needs. `commands` implements each command, `limits` the limits of the
process. None of them depends on tickets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import ssl
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar, Protocol, TypeVar

import aiosmtpd
from aiosmtpd.proxy_protocol import V2_CMD, get_proxy
from aiosmtpd.smtp import MISSING, SMTP, Session, TLSSetupException
from aiosmtpd.smtp import Envelope as Transaction

from gateway.smtp.data_reader import BLOCK_BYTES
from gateway.smtp.limits import ConnectionPool, IPAddress
from rules import replies
from rules.mail import Envelope, StrangerHandling
from rules.replies import Reply

log = logging.getLogger("gateway.smtp")

T = TypeVar("T")
Networks = tuple[IPv4Network | IPv6Network, ...]

COMMAND_BYTES = 2048
"""Longest command line (RFC 5321 §4.5.3.1.4 requires 512, extensions more)."""
LINGER_S = 2.0
"""Time for a connection to close after its last reply before it is aborted."""
MAIL_COMMANDS = frozenset({"MAIL", "RCPT", "DATA", "QUIT"})
"""All other commands count as junk commands (`Limits.junk_commands`)."""
NOT_IMPLEMENTED = frozenset({"AUTH", "EXPN", "HELP"})
FOREIGN_COMMANDS = frozenset({"BDAT", "CONNECT", "GET", "POST", "PUT"})
"""Content follows these, not commands, so the connection is closed."""

BAD_LINE = Reply(500, "5.5.2", "A command must be one line of printable UTF-8 ending in CRLF")
LINE_TOO_LONG = Reply(500, "5.5.2", "Command line too long")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognised")
NO_SUCH_FEATURE = Reply(502, "5.5.1", "Command not implemented")
OUT_OF_ORDER = Reply(503, "5.5.1", "Bad sequence of commands")
INJECTED_BEFORE_TLS = Reply(554, "5.5.1", "No data may follow STARTTLS before the TLS handshake")

ENHANCED_STATUS = {
    500: "5.5.2",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    552: "5.3.4",
    555: "5.5.4",
}
"""Enhanced status for replies that aiosmtpd sends without one; X.0.0 for other codes."""

_REPLY_LINE = re.compile(r"(\d\d\d) (?:([245]\.\d{1,3}\.\d{1,3}) )?(.*)", re.DOTALL)

AIOSMTPD = "1.4.6"
_PRIVATE_NAMES: dict[Any, set[str]] = {
    SMTP: {"_call_handler_hook", "_getaddr", "_handle_client", "_set_post_data_state"}
    | {"_reset_timeout", "_set_rset_state", "_timeout_cb", "check_helo_needed"},
    SMTP.__init__: {"_original_transport", "_proxy_timeout", "_smtp_methods", "_timeout_handle"}
    | {"session", "envelope", "transport"},
    SMTP._cb_client_connected: {"_reader", "_writer"},
    asyncio.StreamReader.__init__: {"_buffer", "_limit"},
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


@dataclass(frozen=True, slots=True)
class Listener:
    """The configuration of one listening socket."""

    hostname: str
    lmtp: bool = False
    tls_context: ssl.SSLContext | None = None
    """If set, STARTTLS is offered; not needed for a socket with TLS from the first byte."""
    proxy_protocol_timeout_s: float | None = None
    """If set, each connection must begin with a PROXY header, v1 or v2, within this time."""
    lenient_peers: Networks = ()
    """Peers whose bare CR and LF are converted to CRLF; other peers are refused for them."""
    relay_peers: Networks = ()
    """Peers that may open `Limits.connections_per_relay` connections each."""
    strangers: StrangerHandling | None = None
    """Passed on in the envelope of every mail received on this socket."""


class Hooks(Protocol):
    """Callbacks of the server. Any exception they raise is answered with 451."""

    async def recipient(self, address: str) -> Reply | None:
        """None to accept the recipient, or the reply that refuses it."""

    async def data(self, envelope: Envelope, raw: bytes) -> Sequence[Reply]:
        """One reply for each of `envelope.rcpt_tos`, in order.

        `raw` has CRLF line ends, no NUL and no dot-stuffing. Runs to completion even if the client
        disconnects.
        """


class ServerConnection(SMTP):
    """One client connection; subclasses implement the commands."""

    commands: ClassVar[tuple[str, ...]]
    """The names of the command methods, such as `smtp_MAIL`."""
    protocol_name: ClassVar[str]
    line_length_limit = BLOCK_BYTES  # aiosmtpd uses it as the size of the read buffer

    session: Session
    envelope: Transaction
    transport: asyncio.Transport | None
    _original_transport: asyncio.Transport | None
    _timeout_handle: asyncio.TimerHandle

    def __init__(self, hooks: Hooks, pool: ConnectionPool, listener: Listener) -> None:
        self.hooks = hooks
        self.pool = pool
        self.listener = listener
        self.peer: IPAddress | None = None
        self.in_data = False
        self.tls = False
        self.closing = False
        """The last reply is written: further input is ignored, nothing more is sent."""
        self.errors = 0
        self.junk_commands = 0
        self._peer_finished = False
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

    # ---- the transport ----

    def connection_made(self, transport: Any) -> None:
        # Also called after a TLS handshake, on a connection that is already counted.
        refusal = None if self._original_transport is not None else self._admit(transport)
        if refusal is None:
            self.tls = transport.get_extra_info("sslcontext") is not None
            super().connection_made(transport)
            return
        self.closing = True
        self.pool.remove(self)
        transport.write(_line(refusal))
        transport.close()

    def _admit(self, transport: asyncio.BaseTransport) -> Reply | None:
        refusal = self.pool.add(self)
        if refusal is None and self.listener.proxy_protocol_timeout_s is None:
            refusal = self._register_peer(_host(transport))
        return refusal

    def _register_peer(self, host: str) -> Reply | None:
        """Stores the peer's address and counts it; None, or the reply that refuses the peer."""
        try:
            address = ip_address(host)
        except ValueError:
            return None  # a unix socket has no address, hence no limit per peer
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        self.peer = mapped or address
        limits = self.pool.limits
        relay = self.is_peer_in(self.listener.relay_peers)
        max_connections = limits.connections_per_relay if relay else limits.connections_per_peer
        return self.pool.count_peer(self, self.peer, max_connections)

    def is_peer_in(self, networks: Networks) -> bool:
        return self.peer is not None and any(self.peer in network for network in networks)

    def data_received(self, data: bytes) -> None:
        if not self.closing:
            super().data_received(data)

    def eof_received(self) -> bool:
        """Keeps the other half open where possible, so that pending commands are answered."""
        if self.closing:
            return False
        self._peer_finished = True
        self._reader.feed_eof()
        return not self.tls

    def connection_lost(self, error: Exception | None) -> None:
        self.closing = True
        self.pool.remove(self)
        if self.transport is not None:
            super().connection_lost(error)

    def _timeout_cb(self) -> None:
        if not self.in_data:  # DATA and the hook have their own timeouts
            self.close_with(replies.IDLE)

    def shut_down(self) -> None:
        """Closes with 421: now, or after the reply to the mail in progress."""
        if not self.in_data:
            self.close_with(replies.SHUTTING_DOWN)

    def abort(self) -> None:
        """Drops the connection without a reply, so that a stuck peer cannot hold it."""
        transport = self._original_transport or self.transport
        if transport is not None:
            transport.abort()

    def close_with(self, reply: Reply) -> None:
        """Sends the last reply and closes. Later input is discarded, for `LINGER_S` at most.

        Closing with unread input would reset the connection, and the reply could be lost.
        """
        if self.closing or self.transport is None:
            return
        if self._original_transport is not None and not self.tls:  # during the handshake
            self.abort()
            return
        self._writer.write(_line(reply))
        self.closing = True
        if self.tls or self._peer_finished:
            self.transport.close()
        else:
            try:
                self.transport.write_eof()
            except OSError:  # reset by the peer, not yet noticed by the event loop
                self.transport.close()
            else:
                self.transport.resume_reading()
        self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_later(LINGER_S, self.abort)

    # ---- commands and replies ----

    async def _handle_client(self) -> None:
        disconnected = (asyncio.IncompleteReadError, ConnectionError)
        try:
            if self._proxy_timeout is None or await self._read_proxy_header():
                self._writer.write(f"220 {self.hostname} {self.protocol_name}\r\n".encode())
                while not self.closing:
                    failure_reply = await self.guarded(self._next_command(), reraise=disconnected)
                    if failure_reply is not None:
                        self.reset()
                        await self.push(failure_reply)
        except disconnected:
            log.debug("peer %s disconnected", self.peer)
        finally:
            if self.transport is not None and not self.closing:
                self.transport.close()

    async def _read_proxy_header(self) -> bool:
        """Takes the peer's address from the header; True if the client is accepted."""
        assert self.transport is not None
        self._reset_timeout(self._proxy_timeout)
        header = await get_proxy(self._reader)
        if not header.valid:
            log.warning("invalid PROXY header: %s", header.error)
            return False
        self._reset_timeout()
        # A load balancer's own health check carries no address: LOCAL in v2, UNKNOWN in v1.
        address = None if header.command == V2_CMD.LOCAL else header.src_addr
        refusal = self._register_peer(str(address or _host(self.transport)))
        if refusal is not None:
            self.close_with(refusal)
        return refusal is None

    async def _next_command(self) -> None:
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            self.close_with(LINE_TOO_LONG)
            return
        if line.find(b"\r") != len(line) - len(b"\r\n"):
            self.close_with(BAD_LINE)
        elif not self.closing:
            await self._execute(line[:-2].decode("utf-8", "replace"))

    async def _execute(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        command = self._smtp_methods.get(verb)
        self.junk_commands += verb not in MAIL_COMMANDS
        if self.junk_commands > self.pool.limits.junk_commands:
            self.close_with(replies.TOO_MANY_ERRORS)
        elif verb in FOREIGN_COMMANDS:
            self.close_with(NO_SUCH_FEATURE)
        elif len(line) > COMMAND_BYTES:
            await self.push(LINE_TOO_LONG)
        elif "\N{REPLACEMENT CHARACTER}" in line or not line.isprintable():
            await self.push(BAD_LINE)
        elif command is None:
            await self.push(NO_SUCH_FEATURE if verb in NOT_IMPLEMENTED else UNKNOWN_COMMAND)
        else:
            self._reset_timeout()
            await command(argument.strip(" ") or None)

    def reset(self) -> None:
        """Clears the envelope."""
        self._set_rset_state()  # type: ignore[no-untyped-call]  # aiosmtpd has no type here

    async def push(self, status: Reply | str) -> None:  # type: ignore[override]  # no bytes here
        """Writes one reply; closes the connection after too many 5xx replies."""
        if self.closing:
            return
        line = _line(status)
        await self.write(line)
        self.errors += line.startswith(b"5")
        if self.errors >= self.pool.limits.errors:
            self.close_with(replies.TOO_MANY_ERRORS)

    async def write(self, text: bytes) -> None:
        """Writes, and waits while the peer is not reading."""
        self._writer.write(text)
        with contextlib.suppress(ConnectionError):  # connection_lost() ends this task
            await self._writer.drain()

    async def guarded(
        self, work: Awaitable[T], reraise: tuple[type[Exception], ...] = ()
    ) -> T | Reply:
        """The result of `work`; if it raises, a 451 reply with a reference to the log entry.

        The only place that catches all exceptions: whatever fails, the client must learn that it
        still holds the mail, and nothing else.
        """
        try:
            return await work
        except reraise:
            raise
        except Exception as error:
            reference = secrets.token_hex(4)
            with contextlib.suppress(Exception):  # a failing log must not prevent the reply
                log.error("failure %s, peer %s", reference, self.peer, exc_info=error)
            reply = replies.TEMPORARY_FAILURE
            return reply.with_text(f"{reply.text} (reference {reference})")

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        """aiosmtpd's call of its handler: MISSING selects the default behaviour."""
        if command != "RCPT":
            return MISSING
        return await self.guarded(self.hooks.recipient(args[0])) or MISSING

    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """RFC 3207. A command that was sent in the clear must not be executed afterwards (§4)."""
        if self.tls_context is None or self.tls:
            await self.push(NO_SUCH_FEATURE if self.tls_context is None else OUT_OF_ORDER)
            return
        if self._reader._buffer:  # type: ignore[attr-defined]  # no public view of pending input
            self.close_with(INJECTED_BEFORE_TLS)
            return
        error = None
        try:
            await super().smtp_STARTTLS(arg or "")
        except TLSSetupException as setup_error:
            error = setup_error
        if self._original_transport is not None and not self.tls:
            # After a failed handshake connection_lost() is not called by asyncio.
            self.abort()
            self.connection_lost(error)


def _host(transport: asyncio.BaseTransport) -> str:
    """The peer's IP address without its IPv6 zone; "" for a unix socket."""
    name = transport.get_extra_info("peername")
    return name[0].partition("%")[0] if isinstance(name, tuple) else ""


def _line(status: Reply | str) -> bytes:
    """The reply as one line of ASCII, with an enhanced status (RFC 2034) except for 3xx."""
    if isinstance(status, str) and (match := _REPLY_LINE.fullmatch(status)):
        code, enhanced, text = int(match[1]), match[2], match[3]
        if code // 100 != 3:
            status = Reply(code, enhanced or ENHANCED_STATUS.get(code, f"{code // 100}.0.0"), text)
    return f"{status}\r\n".encode("ascii")
