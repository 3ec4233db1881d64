"""Hands mails to an SMTP server over a few connections that are kept for a while (RFC 5321)."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib

from gateway.config.secret_file import first_line
from gateway.outgoing.delivery import Outgoing, RelayDown, SenderRefused, Undelivered
from rules.validation.messages import InvalidFile

COMMAND_TIMEOUT_S = 60.0
DATA_TIMEOUT_S = 240.0
"""Long, because giving up after the last octet may send the mail twice (RFC 5321 §4.5.3.2.6); still
shorter than the time for which a notice is claimed."""
KEPT_S = 30.0
"""An unused connection is closed after this time."""
CHECKED_AFTER_S = 1.0
"""A connection that was unused for longer is checked with NOOP before it is used."""
_ENHANCED = re.compile(r"\s*#?([245]\.\d{1,3}\.\d{1,3})(?![\w.])")
"""Stands first in a reply (RFC 2034 §4): what follows may name a file that somebody has sent."""
_CLOSING = 421
_LOGIN_FIRST = frozenset((530, 534, 535, 538))
"""The relay requires a login or TLS first: it concerns us, after any command."""
_LOST = (aiosmtplib.SMTPServerDisconnected, ConnectionError)

Tls = Literal["opportunistic", "required", "none"]


class RelayRefused(InvalidFile):
    """A setting of the relay that cannot be used; `str()` names it and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """The relay, as it is configured."""

    host: str
    port: int
    tls_from_start: bool
    tls: Tls = "opportunistic"
    ca_file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def start_tls(self) -> bool | None:
        """The value for aiosmtplib: None is "where it is offered"."""
        if self.tls_from_start or self.tls == "none":
            return False
        return True if self.tls == "required" or self.user else None

    def tls_context(self) -> ssl.SSLContext:
        """Raises RelayRefused for a file without certificates.

        Where TLS is opportunistic, any certificate is accepted: an attacker who could forge
        one could also keep the relay from offering TLS.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            fault = f"{self.ca_file}: no certificate in PEM ({error})"
            raise RelayRefused("relay.ca_file", [fault]) from error
        if self.start_tls is None and self.ca_file is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def server(
    url: str,
    *,
    tls: Tls = "opportunistic",
    ca_file: Path | None = None,
    user: str | None = None,
    password_file: Path | None = None,
) -> Server:
    """The relay of `smtp://[user:password@]host[:port]` or `smtps://…`.

    Raises SecretRefused where the password cannot be read.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "smtps"
    return Server(
        host=parts.hostname or "localhost",
        port=parts.port or (465 if secure else 25),
        tls_from_start=secure,
        tls=tls,
        ca_file=ca_file,
        user=user or unquote(parts.username or ""),
        password=first_line(password_file, "relay.password_file")
        if password_file
        else unquote(parts.password or ""),
    )


class _ConnectionEnded(Undelivered):
    """The relay ended the connection before it had the mail. It may do so with each after some
    mails, or when it has waited: a new one shows whether it does not want this mail."""

    def __init__(self, why: str) -> None:
        super().__init__(why, permanent=False)


@dataclass(slots=True)
class _OpenConnection:
    client: aiosmtplib.SMTP
    used_at: float
    used_before: bool = False


class SmtpRelay:
    """Sends over as many connections as mails are sent at once; the dispatcher bounds them."""

    def __init__(self, relay: Server | str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._server = server(relay) if isinstance(relay, str) else relay
        self._tls = self._server.tls_context()
        self._seconds = seconds
        self._free: list[_OpenConnection] = []

    async def send(self, outgoing: Outgoing) -> None:
        connection = await self._connection()
        was_used = connection.used_before
        try:
            await self._send_over(connection, outgoing)
        except (SenderRefused, _ConnectionEnded):
            if not was_used:
                raise
            await self._send_over(await self._new_connection(), outgoing)

    async def _send_over(self, connection: _OpenConnection, outgoing: Outgoing) -> None:
        try:
            await self._hand_over(connection.client, outgoing)
        except Undelivered:
            await _reset_or_close(connection.client)
            raise
        except BaseException:  # cancelled: the next reply would belong to this mail
            connection.client.close()
            raise
        finally:
            if connection.client.is_connected:
                connection.used_at, connection.used_before = self._seconds(), True
                self._free.append(connection)

    async def tidy(self) -> None:
        now = self._seconds()
        old = [each for each in self._free if now - each.used_at > KEPT_S]
        self._free = [each for each in self._free if each not in old]
        for each in old:
            await _quit(each.client)

    async def close(self) -> None:
        every, self._free = self._free, []
        for each in every:
            await _quit(each.client)

    async def _connection(self) -> _OpenConnection:
        """A connection that works: the last used, or a new one. Raises RelayDown."""
        while self._free:
            known = self._free.pop()
            if known.client.is_connected and await self._works(known):
                return known
            known.client.close()
        return await self._new_connection()

    async def _new_connection(self) -> _OpenConnection:
        return _OpenConnection(await self._opened(), self._seconds())

    async def _works(self, known: _OpenConnection) -> bool:
        if self._seconds() - known.used_at < CHECKED_AFTER_S:
            return True
        try:
            await known.client.noop()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True

    async def _opened(self) -> aiosmtplib.SMTP:
        """A new connection, in TLS and logged in as configured. Raises RelayDown."""
        relay = self._server
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            use_tls=relay.tls_from_start,
            start_tls=relay.start_tls,
            tls_context=self._tls,
            username=relay.user or None,
            password=relay.password or None,
            timeout=COMMAND_TIMEOUT_S,
        )
        where = f"the relay {relay.host}:{relay.port}"
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            client.close()
            raise RelayDown(f"{where} refused the login of {relay.user}: {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise RelayDown(f"{where}: {_message_of(error)}") from error
        return client

    async def _hand_over(self, client: aiosmtplib.SMTP, outgoing: Outgoing) -> None:
        """One mail transaction. A refusal at RCPT or DATA concerns this mail alone, whatever its
        code: else one recipient, or one text, would keep all other mails back."""
        try:
            await client.mail(outgoing.mail_from)
        except aiosmtplib.SMTPSenderRefused as error:
            if error.code == _CLOSING or error.code in _LOGIN_FIRST:
                raise SenderRefused(_message_of(error), outgoing.mail_from) from error
            why = f"the relay refused the sender <{outgoing.mail_from}>: {_message_of(error)}"
            raise Undelivered(why, permanent=False, ours=True) from error
        except _LOST as error:
            raise _ConnectionEnded(_message_of(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(_message_of(error), permanent=False) from error
        try:
            await client.rcpt(outgoing.rcpt_to)
        except aiosmtplib.SMTPResponseException as error:
            if error.code == _CLOSING:
                raise _ConnectionEnded(_message_of(error)) from error
            raise _refusal(error) from error
        except _LOST as error:
            raise _ConnectionEnded(_message_of(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(_message_of(error), permanent=False) from error
        try:
            await client.data(outgoing.raw, timeout=DATA_TIMEOUT_S)
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error, of_content=isinstance(error, aiosmtplib.SMTPDataError)) from error
        except (aiosmtplib.SMTPException, OSError) as error:  # it may have been accepted
            raise Undelivered(_message_of(error), permanent=False, of_content=True) from error


def _refusal(error: aiosmtplib.SMTPResponseException, *, of_content: bool = False) -> Undelivered:
    if error.code in _LOGIN_FIRST:
        return Undelivered(_message_of(error), permanent=False, ours=True)
    return Undelivered(
        _message_of(error),
        permanent=error.code // 100 == 5,
        code=error.code,
        status=_status(error),
        of_content=of_content,
    )


async def _reset_or_close(client: aiosmtplib.SMTP) -> None:
    """Make the connection ready for the next mail; close it where that fails."""
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        client.close()


def _message_of(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {_readable(error.message)}"
    return _readable(str(error)) or type(error).__name__


def _readable(reply: str) -> str:
    """The words of a relay, whose octets outside of UTF-8 aiosmtplib leaves as surrogates: many
    repeat what another server says, or the name of a file, in a character set of their own."""
    try:
        reply.encode()
    except UnicodeEncodeError:
        return reply.encode("utf-8", "surrogateescape").decode("windows-1252", "replace")
    return reply


def _status(error: aiosmtplib.SMTPResponseException) -> str:
    found = _ENHANCED.match(error.message[:100])
    return found[1] if found else ""
