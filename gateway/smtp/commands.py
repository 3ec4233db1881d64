"""The commands of SMTP (RFC 5321) and LMTP (RFC 2033).

Extensions: PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531),
ENHANCEDSTATUSCODES (2034), STARTTLS (3207).
"""

# ruff: noqa: N802 - aiosmtpd finds the commands by these names

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.smtp.connection import BAD_ARGUMENT, OUT_OF_ORDER, ServerConnection
from gateway.smtp.data_reader import DataReader
from gateway.smtp.paths import forward_path, reverse_path
from gateway.smtp.rates import Act
from rules import replies
from rules.mail import Envelope
from rules.replies import Reply

BYE = Reply(221, "2.0.0", "Bye")
CANNOT_VERIFY = Reply(
    252, "2.5.0", "Cannot VRFY user, but will accept message and attempt delivery"
)

NULL_PATH = "<>"
"""The null reverse-path as aiosmtpd stores it; its empty string means that MAIL was not sent."""


def _commands(verbs: str) -> tuple[str, ...]:
    return tuple(f"smtp_{verb}" for verb in verbs.split())


class SmtpConnection(ServerConnection):
    """SMTP: one reply after DATA for all recipients."""

    commands = _commands("EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY STARTTLS")
    protocol_name = "ESMTP"

    async def smtp_EHLO(self, arg: str | None) -> None:
        extensions = ["PIPELINING", f"SIZE {self.data_size_limit}", "8BITMIME", "SMTPUTF8"]
        extensions.append("ENHANCEDSTATUSCODES")
        if self.tls_context and not self.tls:
            extensions.append("STARTTLS")
        await self._hello(arg, extensions)

    async def smtp_HELO(self, arg: str | None) -> None:
        await self._hello(arg, [])

    async def _hello(self, name: str | None, extensions: list[str]) -> None:
        if name is None or not name.isascii():
            await self.push(BAD_ARGUMENT)
            return
        self.reset()
        self.session.extended_smtp = bool(extensions)
        self.session.host_name = name
        *lines, last = (self.hostname, *extensions)
        text = "".join(f"250-{line}\r\n" for line in lines) + f"250 {last}\r\n"
        await self.write(text.encode("ascii"))

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.push(CANNOT_VERIFY if arg else BAD_ARGUMENT)

    async def smtp_QUIT(self, arg: str | None) -> None:
        if arg:
            await self.push(BAD_ARGUMENT)
        else:
            self.close_with(BYE)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if self.envelope.mail_from:
            await self.push(OUT_OF_ORDER)
        elif not self.may(Act.MAIL):
            self.errors += 1
            await self.push(replies.TOO_FAST)
        else:
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if len(self.envelope.rcpt_tos) >= self.pool.limits.recipients:
            self.junk_commands += not self.is_listed
            await self.push(replies.TOO_MANY_RECIPIENTS)
        else:
            await super().smtp_RCPT(arg)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """aiosmtpd's parser hook: address and parameters, or (None, None) for a 553 reply."""
        if self.envelope.mail_from:
            return forward_path(arg, utf8=self.envelope.smtp_utf8) or (None, None)
        path = reverse_path(arg)
        return (path[0] or NULL_PATH, path[1]) if path else (None, None)

    async def smtp_DATA(self, arg: str | None) -> None:
        if not self.envelope.rcpt_tos:
            await self.push(OUT_OF_ORDER)
        elif arg:
            await self.push(BAD_ARGUMENT)
        else:
            await self._begin_data()

    async def _begin_data(self) -> None:
        mail = DataReader(
            self.pool,
            self.peer,
            listed=self.is_listed,
            lenient=self.is_peer_in(self.listener.lenient_peers),
            after_read=self.count_buffer,
        )
        size_bytes = self._announced_bytes()
        if not self.pool.has_disk(size_bytes):
            await self._refuse_data(replies.TOO_LITTLE_DISK)
        elif mail.has_room(size_bytes):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            if not self.closing:  # else the client was answered 421, and keeps the mail
                await self._data(mail)
        else:
            await self._refuse_data(replies.TOO_MUCH_IN_FLIGHT)

    async def _refuse_data(self, reply: Reply) -> None:
        """Counted: else a client could ask again for ever, in commands that it sends at once."""
        self.junk_commands += 1
        await self.push(reply)

    def _announced_bytes(self) -> int:
        """The SIZE of MAIL, 0 where it has none. aiosmtpd has checked the last of several."""
        for option in reversed(self.envelope.mail_options):
            name, _, value = option.partition("=")
            if name == "SIZE":
                return int(value)
        return 0

    async def _data(self, mail: DataReader) -> None:
        """Receives one mail, from the 354 reply to the final ones."""
        self.receives(mail)
        try:
            outcomes = await self._receive(mail)
        finally:
            self.has_received()
        self.reset()
        await self.send_replies(outcomes)
        if self.pool.draining:
            self.close_with(replies.SHUTTING_DOWN)

    async def _receive(self, mail: DataReader) -> Sequence[Reply]:
        """One reply for each recipient; the connection may already be closing."""
        envelope = self._envelope()
        try:
            complete = await mail.receive(self._reader)
        except BaseException:  # the client disconnected, or this task is cancelled
            mail.release()
            raise
        if not complete or mail.refusal == replies.BARE_LINE_END:
            times = len(envelope.rcpt_tos) if self.listener.lmtp else 1
            self.close_with(mail.refusal or replies.TOO_SLOW, times=times)
        if not complete or mail.refusal is not None:
            mail.release()
            return [mail.refusal or replies.TOO_SLOW] * len(envelope.rcpt_tos)
        task = self.pool.run(self, self._hand_over(envelope, mail))
        # wait() does not cancel the task, neither on timeout nor when this task is cancelled.
        await asyncio.wait({task}, timeout=self.pool.limits.handler_s)
        if not task.done() or task.cancelled():
            return [replies.TEMPORARY_FAILURE] * len(envelope.rcpt_tos)
        return task.result()

    async def _hand_over(self, envelope: Envelope, mail: DataReader) -> Sequence[Reply]:
        try:
            raw = await self.pool.apart(mail.content) if mail.is_large else mail.content()
            outcomes = await self.guarded(self._call_data_hook(envelope, raw))
        finally:
            mail.release()
        if isinstance(outcomes, Reply):
            return [outcomes] * len(envelope.rcpt_tos)
        return outcomes

    async def _call_data_hook(self, envelope: Envelope, raw: bytes) -> Sequence[Reply]:
        outcomes = await self.hooks.data(envelope, raw)
        if len(outcomes) != len(envelope.rcpt_tos):
            raise ValueError(f"{len(outcomes)} replies for {len(envelope.rcpt_tos)} recipients")
        return outcomes

    def _envelope(self) -> Envelope:
        sender = self.envelope.mail_from or NULL_PATH
        return Envelope(
            peer=str(self.peer or ""),
            helo=self.session.host_name or "",
            tls=self.tls,
            mail_from="" if sender == NULL_PATH else sender,
            rcpt_tos=tuple(self.envelope.rcpt_tos),
            strangers=self.listener.strangers,
            listed=self.is_listed,
            handed_on=self.listener.lmtp,
        )

    async def send_replies(self, outcomes: Sequence[Reply]) -> None:
        """Sends the final reply for a mail, given one outcome for each recipient."""
        reply = replies.for_all(outcomes)
        self._count(reply)
        await self.push(reply)

    def _count(self, reply: Reply) -> None:
        if reply.accepted:
            self.errors = self.junk_commands = 0


class LmtpConnection(SmtpConnection):
    """LMTP: LHLO instead of EHLO, and one reply after DATA for each recipient."""

    commands = _commands("LHLO MAIL RCPT DATA RSET NOOP QUIT VRFY STARTTLS")
    protocol_name = "LMTP"

    async def smtp_LHLO(self, arg: str | None) -> None:
        await self.smtp_EHLO(arg)

    async def check_helo_needed(self, helo: str = "LHLO") -> bool:
        return await super().check_helo_needed(helo)

    async def send_replies(self, outcomes: Sequence[Reply]) -> None:
        self._count(replies.for_all(outcomes))
        await self.push(*outcomes)
