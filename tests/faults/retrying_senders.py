"""Mail clients that never give up: each mail is sent again until it is answered 250."""

from __future__ import annotations

import random
import re
import smtplib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.faults.load_mails import MAILBOX, Acknowledgement, LoadMail, load_mail

SESSIONS = 8
REPLY_SHARE = 0.2
"""The share of mails that reply to an earlier accepted one."""
BACK_OFF_S = 0.02
WAIT_S = 60

_FILED = re.compile(r"2\.0\.0 ([0-9a-f-]{36}) filed as #(\d+)")


class Session:
    """One SMTP connection, driven step by step."""

    def __init__(self, server: tuple[str, int], timeout_s: float = WAIT_S) -> None:
        self._client = smtplib.SMTP(*server, timeout=timeout_s, local_hostname="client.example")
        self._client.ehlo()
        self.awaits_reply = False
        """Whether the final dot was sent and its reply is outstanding."""

    def deliver(self, mail: LoadMail) -> tuple[int, str]:
        """Send a mail; the last reply, whichever command it answers."""
        code, text = self.prepare(mail)
        return self.finish(b".\r\n") if code == 354 else (code, text)

    def prepare(self, mail: LoadMail) -> tuple[int, str]:
        """Send a mail without its final dot; 354 if the server waits for the dot."""
        client = self._client
        code, text = client.docmd(f"MAIL FROM:<{mail.sender}>")
        if code == 250:
            code, text = client.docmd(f"RCPT TO:<{MAILBOX}>")
        if code == 250:
            code, text = client.docmd("DATA")
        if code == 354:
            client.send(mail.raw)
        return code, text.decode()

    def finish(self, rest: bytes) -> tuple[int, str]:
        """Send the rest of a mail with its final dot; the reply to it."""
        self._client.send(rest)
        self.awaits_reply = True
        code, text = self.read()
        self.awaits_reply = False
        return code, text

    def send(self, rest: bytes) -> None:
        self._client.send(rest)

    def read(self) -> tuple[int, str]:
        """The next reply, even an unsolicited one. Raises OSError if the server hung up."""
        code, text = self._client.getreply()
        return code, text.decode()

    def reset(self) -> None:
        """Reset the dialogue after a refusal."""
        self._client.docmd("RSET")

    def close(self) -> None:
        self._client.close()


@dataclass
class RetryingSenders:
    """Sessions that send mails until `finish` or `abandon`. Read the fields only afterwards."""

    servers: Sequence[tuple[str, int]]
    seed: int = 0
    sessions: int = SESSIONS
    reply_share: float = REPLY_SHARE
    paddings: Sequence[bytes] = (b"",)
    """The ends of the mails' texts, used in turn."""
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """Every final reply that was not 250."""
    cut_after_dot: int = 0
    """How often a server disappeared between the final dot and its reply."""

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._changed = threading.Condition()
        self._accepted: list[LoadMail] = []
        self._written = 0
        self._finishing = threading.Event()
        self._abandoned = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(self.servers[n % len(self.servers)],))
            for n in range(self.sessions)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for_more(self, acknowledgements: int) -> None:
        """Wait until this many more mails have been answered 250."""
        with self._changed:
            wanted = len(self.acknowledged) + acknowledgements
            self._changed.wait_for(
                lambda: len(self.acknowledged) >= wanted or self._abandoned.is_set(), WAIT_S
            )
            reached = len(self.acknowledged)
        assert reached >= wanted, f"{reached} of {wanted}; last refusals {self.refusals[-3:]}"

    def wait_for_refusals(self, number: int) -> None:
        """Wait until this many more mails have been refused."""
        with self._changed:
            wanted = len(self.refusals) + number
            reached = self._changed.wait_for(lambda: len(self.refusals) >= wanted, WAIT_S)
        assert reached, f"{len(self.refusals)} refusals of {wanted}"

    def finish(self) -> None:
        """Start no new mail; return when every started mail has its 250."""
        self._finishing.set()
        self._join()

    def abandon(self) -> None:
        """Stop now: mails without a 250 are not sent again."""
        self._finishing.set()
        self._abandoned.set()
        self._join()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive(), "a session is stuck"

    def _next(self) -> LoadMail:
        with self._changed:
            self._written += 1
            parent = None
            if self._accepted and self._rng.random() < self.reply_share:
                parent = self._rng.choice(self._accepted)
            padding = self.paddings[self._written % len(self.paddings)]
            return load_mail(self._written, parent, padding)

    def _work(self, server: tuple[str, int]) -> None:
        session: Session | None = None
        while not self._finishing.is_set():
            mail = self._next()
            while mail.message_id not in self.acknowledged and not self._abandoned.is_set():
                session = self._try(server, session, mail)
        if session is not None:
            session.close()

    def _try(
        self, server: tuple[str, int], session: Session | None, mail: LoadMail
    ) -> Session | None:
        """Make one attempt; the session to continue with, or None if it was lost."""
        try:
            session = session or Session(server)
            code, text = session.deliver(mail)
            self._note(mail, code, text)
            if code != 250:
                self._abandoned.wait(BACK_OFF_S)
                session.reset()
        except (OSError, smtplib.SMTPException):
            with self._changed:
                self.cut_after_dot += session is not None and session.awaits_reply
            if session is not None:
                session.close()
            self._abandoned.wait(BACK_OFF_S)
            return None
        return session

    def _note(self, mail: LoadMail, code: int, text: str) -> None:
        filed = _FILED.fullmatch(text) if code == 250 else None
        with self._changed:
            if filed is None:
                self.refusals.append((code, text))
                if code // 100 != 4:  # a permanent refusal: do not try again
                    self._finishing.set()
                    self._abandoned.set()
            else:
                journal, ticket = filed[1], int(filed[2])
                self.acknowledged[mail.message_id] = Acknowledgement(mail, journal, ticket)
                self._accepted.append(mail)
            self._changed.notify_all()


@contextmanager
def running_senders(senders: RetryingSenders) -> Iterator[RetryingSenders]:
    """Start the senders; they stop with the context."""
    try:
        senders.start()
        yield senders
    finally:
        with suppress(RuntimeError):  # if a thread could not be started
            senders.abandon()
