"""Where outgoing mail leaves: an SMTP relay, or a Maildir where none is configured."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

RELAY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished mail with its envelope."""

    id: str
    """The notice's id: a second copy of it overwrites the first in a Maildir."""
    mail_from: str
    """Empty for the null reverse-path."""
    rcpt_to: str
    raw: bytes


class Undelivered(Exception):
    """The relay did not take the mail; `permanent` if it never will."""

    def __init__(self, why: str, permanent: bool) -> None:
        super().__init__(why)
        self.permanent = permanent


class Relay(Protocol):
    """Sends one mail after the other; used as a context, it keeps its connection in between."""

    async def send(self, outgoing: Outgoing) -> None:
        """Returns once the mail is the relay's to deliver. Raises Undelivered."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class MaildirRelay:
    """Writes mails into `new/` of a Maildir, synced: for looking at, and for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def send(self, outgoing: Outgoing) -> None:
        await asyncio.to_thread(self._write, outgoing)

    def _write(self, outgoing: Outgoing) -> None:
        for name in ("tmp", "new", "cur"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        unique = f"{outgoing.id}.{socket.gethostname().replace('/', '_')}"
        partial = self._folder / "tmp" / unique
        head = f"Return-Path: <{outgoing.mail_from}>\r\nDelivered-To: {outgoing.rcpt_to}\r\n"
        with partial.open("wb") as file:
            file.write(head.encode("ascii", "replace") + outgoing.raw)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / "new" / unique)


class SmtpRelay:
    """Hands mails to an SMTP server, several over one connection."""

    def __init__(self, url: str) -> None:
        """`smtp://[user:password@]host[:port]` (STARTTLS if offered), or `smtps://…`."""
        parts = urlsplit(url)
        secure = parts.scheme == "smtps"
        self._connect: Callable[[], aiosmtplib.SMTP] = lambda: aiosmtplib.SMTP(
            hostname=parts.hostname or "localhost",
            port=parts.port or (465 if secure else 25),
            use_tls=secure,
            start_tls=None if not secure else False,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            timeout=RELAY_TIMEOUT_S,
        )
        self._client: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit()
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    async def send(self, outgoing: Outgoing) -> None:
        try:
            if self._client is None or not self._client.is_connected:
                self._client = self._connect()
                await self._client.connect()
            await self._client.sendmail(outgoing.mail_from, [outgoing.rcpt_to], outgoing.raw)
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code if error.recipients else 0
            raise Undelivered(str(error), permanent=code // 100 == 5) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Undelivered(f"the relay refused the login: {error}", permanent=False) from error
        except aiosmtplib.SMTPResponseException as error:
            raise Undelivered(str(error), permanent=error.code // 100 == 5) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(str(error) or type(error).__name__, permanent=False) from error
