"""Where outgoing mail leaves: an SMTP relay, or a Maildir where none is configured."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from gateway.config.sections import RelaySection
from gateway.outgoing.delivery import Outgoing, Relay, RelayDown, Undelivered
from gateway.outgoing.smtp_relay import SmtpRelay, server

__all__ = ["MaildirRelay", "Outgoing", "Relay", "SmtpRelay", "Undelivered", "configured"]


def configured(section: RelaySection) -> Relay:
    """The configured relay. Raises RelayRefused or SecretRefused for one that cannot be used."""
    if section.url is None:
        return MaildirRelay(section.maildir)
    return SmtpRelay(
        server(
            section.url,
            tls=section.tls,
            ca_file=section.ca_file,
            user=section.user,
            password_file=section.password_file,
        )
    )


class MaildirRelay:
    """Writes mails into `new/` of a Maildir, synced: to inspect them, and for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, outgoing: Outgoing) -> None:
        try:
            await asyncio.to_thread(self._write, outgoing)
        except OSError as error:
            raise RelayDown(f"{self._folder}: {error.strerror or error}") from error

    async def tidy(self) -> None:
        """There is nothing to close."""

    async def close(self) -> None:
        """There is nothing to close."""

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
