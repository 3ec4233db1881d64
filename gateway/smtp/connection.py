"""The dialogue on one SMTP or LMTP connection: command loop, limits and replies.

aiosmtpd provides the transport, STARTTLS and the parsing of MAIL and RCPT; this package adds the
protection that a public port needs. `transport` has what a connection holds, `commands` implements
each command, `limits` the limits of the process. None of them depends on tickets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable
from typing import Any, TypeVar

from aiosmtpd.proxy_protocol import V2_CMD, get_proxy
from aiosmtpd.smtp import MISSING

from gateway.shares import address_of
from gateway.smtp.limits import ConnectionPool
from gateway.smtp.listener import Hooks, Listener
from gateway.smtp.rates import Act
from gateway.smtp.transport import HeldConnection, reply_line
from rules import replies
from rules.replies import Reply

log = logging.getLogger("gateway.smtp")

T = TypeVar("T")

COMMAND_BYTES = 2048
"""Longest command line (RFC 5321 §4.5.3.1.4 requires 512, extensions more)."""
MAIL_COMMANDS = frozenset({"MAIL", "RCPT", "DATA", "QUIT"})
"""All other commands count as junk commands (`Limits.junk_commands`)."""
NOT_IMPLEMENTED = frozenset({"AUTH", "EXPN", "HELP"})
FOREIGN_COMMANDS = frozenset({"BDAT", "CONNECT", "GET", "POST", "PUT"})
"""Content follows these, not commands, so the connection is closed."""

BAD_LINE = Reply(500, "5.5.2", "A command must be one line of printable UTF-8 ending in CRLF")
LINE_TOO_LONG = Reply(500, "5.5.2", "Command line too long")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognised")
NO_SUCH_FEATURE = Reply(502, "5.5.1", "Command not implemented")
BAD_ARGUMENT = Reply(501, "5.5.4", "Invalid or missing argument")
OUT_OF_ORDER = Reply(503, "5.5.1", "Bad sequence of commands")
INJECTED_BEFORE_TLS = Reply(554, "5.5.1", "No data may follow STARTTLS before the TLS handshake")


class ServerConnection(HeldConnection):
    """One client connection; subclasses implement the commands."""

    def __init__(self, hooks: Hooks, pool: ConnectionPool, listener: Listener) -> None:
        self.errors = 0
        self.junk_commands = 0
        self._counts_errors = True
        super().__init__(hooks, pool, listener)

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
            self.close()

    async def _read_proxy_header(self) -> bool:
        """Takes the peer's address from the header; True if the client is accepted."""
        self._reset_timeout(self._proxy_timeout)
        header = await get_proxy(self._reader)
        if not header.valid:
            log.warning("invalid PROXY header: %s", header.error)
            return False
        self._reset_timeout()
        # A balancer's own health check names no client: LOCAL in v2, UNKNOWN in v1. Such a
        # connection is nobody's: what the balancer itself may do proves nothing about it.
        named = None if header.command == V2_CMD.LOCAL else header.src_addr
        refusal = self.name_peer(address_of(str(named or "")))
        if refusal is not None:
            self.refuse(refusal)
        return refusal is None

    async def _next_command(self) -> None:
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            self.close_with(LINE_TOO_LONG)
            return
        self.count_buffer()
        if line.find(b"\r") != len(line) - len(b"\r\n"):
            self.close_with(BAD_LINE)
        elif not self.closing:
            await self._execute(line[:-2].decode("utf-8", "replace"))

    async def _execute(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        command = self._smtp_methods.get(verb)
        self.junk_commands += verb not in MAIL_COMMANDS
        self._counts_errors = not (self.is_listed and verb in MAIL_COMMANDS)
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

    async def push(self, *statuses: Reply | str) -> None:  # type: ignore[override]  # no bytes here
        """Writes one reply, or those of one mail; closes the connection after too many errors.

        Replies of one mail are written together: no time-out and no shutdown comes between them.
        A listed client brings the mail of many senders: what it is answered about a mail is no
        error of its own, or one sender's mail would end the connection for those of the others.
        """
        if self.closing:
            return
        lines = [reply_line(status) for status in statuses]
        await self.write(b"".join(lines))
        if not self._counts_errors:
            await asyncio.sleep(0)  # nothing else ends a flood of commands in one packet
            return
        self.errors += sum(line.startswith(b"5") for line in lines)
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
        if not (self.may(Act.RECIPIENT) and self.may(Act.UNKNOWN_RECIPIENT, 0)):
            self.errors += 1  # else a client could ask for ever, and each reply costs something
            return replies.TOO_FAST
        reply = await self.guarded(self.hooks.recipient(args[0]))
        if reply == replies.NO_SUCH_MAILBOX:
            self.may(Act.UNKNOWN_RECIPIENT)
        return reply or MISSING

    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """RFC 3207. A command that was sent in the clear must not be executed afterwards (§4)."""
        if self.tls_context is None or self.tls:
            await self.push(NO_SUCH_FEATURE if self.tls_context is None else OUT_OF_ORDER)
        elif arg:
            await self.push(BAD_ARGUMENT)
        elif self._reader._buffer:  # type: ignore[attr-defined]  # no public view of pending input
            self.close_with(INJECTED_BEFORE_TLS)
        else:
            await self.start_tls()
