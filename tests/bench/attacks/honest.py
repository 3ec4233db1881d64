"""The honest client: small signed mails, each over a connection of its own and over a kept one."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

ADDRESS = "127.9.9.9"
"""Its own address; no attacker is in its network."""
CONNECTIONS = 2
PAUSE_S = 0.1
"""Between two mails on each of its connections."""
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class SignedMail:
    author: str
    raw: bytes


@dataclass
class Waits:
    """How long the mails of a period took, in seconds, and what failed."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def at(self, share: float) -> float:
        """A quantile; failures count as the longest waits."""
        waited = sorted([*self.seconds, *(PATIENCE_S for _ in self.failures)])
        return waited[min(len(waited) - 1, int(share * len(waited)))] if waited else PATIENCE_S

    def __str__(self) -> str:
        quantiles = " / ".join(f"{1000 * self.at(share):.0f}" for share in (0.5, 0.99, 1.0))
        return f"{quantiles} | {len(self.failures)} of {len(self.seconds) + len(self.failures)}"


class HonestClient:
    """Sends mails until it is stopped; each mail once."""

    def __init__(self, server: tuple[str, int], to: str, mails: Iterator[SignedMail]) -> None:
        self._server = server
        self._to = to
        self._mails = mails
        self._lock = threading.Lock()

    def measure(self, seconds: float) -> Waits:
        """The waits of all mails begun in this time, over both kinds of connection."""
        waits = Waits()
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=run, args=(until, waits))
            for run in (self._with_own_connections, self._with_a_kept_connection)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return waits

    def _with_own_connections(self, until: float, waits: Waits) -> None:
        while time.monotonic() < until:
            mail = self._next_mail()
            started = time.monotonic()
            try:
                client = self._connect()
                try:
                    self._send(client, mail)
                finally:
                    client.close()
                waits.seconds.append(time.monotonic() - started)
            except (OSError, smtplib.SMTPException) as error:
                waits.failures.append(repr(error))
            time.sleep(PAUSE_S)

    def _with_a_kept_connection(self, until: float, waits: Waits) -> None:
        client: smtplib.SMTP | None = None
        while time.monotonic() < until:
            mail = self._next_mail()
            started = time.monotonic()
            try:
                client = client or self._connect()
                self._send(client, mail)
                waits.seconds.append(time.monotonic() - started)
            except (OSError, smtplib.SMTPException) as error:
                waits.failures.append(repr(error))
                client = None
            time.sleep(PAUSE_S)
        if client is not None:
            with suppress(OSError, smtplib.SMTPException):
                client.quit()

    def _connect(self) -> smtplib.SMTP:
        client = smtplib.SMTP(*self._server, timeout=PATIENCE_S, source_address=(ADDRESS, 0))
        client.ehlo("client.example")
        return client

    def _next_mail(self) -> SignedMail:
        """Before the time is taken: signing one costs the client 20 ms."""
        with self._lock:
            return next(self._mails)

    def _send(self, client: smtplib.SMTP, mail: SignedMail) -> None:
        answers = [client.mail(mail.author), client.rcpt(self._to), client.data(mail.raw)]
        for code, text in answers:
            if code not in (250, 251):
                raise smtplib.SMTPResponseException(code, text)


def slowest(all_waits: Sequence[Waits]) -> float:
    """The highest p99."""
    return max(waits.at(0.99) for waits in all_waits)
