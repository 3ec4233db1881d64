"""A crew of mail clients that never give up: each mail is offered until 250 answers it."""

from __future__ import annotations

import random
import re
import smtplib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.faults.load_mails import MAILBOX, Acknowledgement, Letter, letter

SESSIONS = 8
REPLIES = 0.2
"""So many of all mails answer an earlier one that was accepted."""
BACK_OFF_S = 0.02
WAIT_S = 60

_FILED = re.compile(r"2\.0\.0 ([0-9a-f-]{36}) filed as #(\d+)")


class Session:
    """One connection that mails go through, step by step."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._client = smtplib.SMTP(*server, timeout=WAIT_S, local_hostname="client.example")
        self._client.ehlo()
        self.owed_a_reply = False
        """The dot is on its way and nothing came back yet."""

    def deliver(self, mail: Letter) -> tuple[int, str]:
        """The last reply, whichever step it answers."""
        code, text = self.prepare(mail)
        return self.finish(b".\r\n") if code == 354 else (code, text)

    def prepare(self, mail: Letter) -> tuple[int, str]:
        """All of a mail but its dot; 354 if the server waits for that now."""
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
        """Send the rest of a mail with its dot; the reply to it."""
        self._client.send(rest)
        self.owed_a_reply = True
        code, text = self.read()
        self.owed_a_reply = False
        return code, text

    def send(self, rest: bytes) -> None:
        self._client.send(rest)

    def read(self) -> tuple[int, str]:
        """The next reply, asked for or not. Raises OSError where the server hung up."""
        code, text = self._client.getreply()
        return code, text.decode()

    def forget(self) -> None:
        """Start anew after a refusal."""
        self._client.docmd("RSET")

    def close(self) -> None:
        self._client.close()


@dataclass
class Crew:
    """Sessions that send letters until `finish` or `abandon`. Fields are safe to read after."""

    servers: Sequence[tuple[str, int]]
    seed: int = 0
    sessions: int = SESSIONS
    paddings: Sequence[bytes] = (b"",)
    """Mails take these as the end of their text, in turn."""
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """Every last reply that was not 250."""
    cut_after_dot: int = 0
    """How often a server went away between the dot and its reply."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._changed = threading.Condition()
        self._accepted: list[Letter] = []
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
        """Return as soon as so many more mails have been answered with 250."""
        with self._changed:
            wanted = len(self.acknowledged) + acknowledgements
            self._changed.wait_for(
                lambda: len(self.acknowledged) >= wanted or self._abandoned.is_set(), WAIT_S
            )
            came = len(self.acknowledged)
        assert came >= wanted, f"{came} of {wanted}; last refusals {self.refusals[-3:]}"

    def wait_for_refusals(self, number: int) -> None:
        """Return as soon as so many more mails have been refused for now."""
        with self._changed:
            wanted = len(self.refusals) + number
            came = self._changed.wait_for(lambda: len(self.refusals) >= wanted, WAIT_S)
        assert came, f"{len(self.refusals)} refusals of {wanted}"

    def finish(self) -> None:
        """Begin no new mail; return when each that was begun has its 250."""
        self._finishing.set()
        self._join()

    def abandon(self) -> None:
        """Give up: mails without a 250 stay without one."""
        self._finishing.set()
        self._abandoned.set()
        self._join()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive(), "a session hangs"

    def _next(self) -> Letter:
        with self._changed:
            self._written += 1
            answered = None
            if self._accepted and self._chance.random() < REPLIES:
                answered = self._chance.choice(self._accepted)
            padding = self.paddings[self._written % len(self.paddings)]
            return letter(self._written, answered, padding)

    def _work(self, server: tuple[str, int]) -> None:
        session: Session | None = None
        while not self._finishing.is_set():
            mail = self._next()
            while mail.message_id not in self.acknowledged and not self._abandoned.is_set():
                session = self._try(server, session, mail)
        if session is not None:
            session.close()

    def _try(
        self, server: tuple[str, int], session: Session | None, mail: Letter
    ) -> Session | None:
        """One try; the session to go on with, or None where it is lost."""
        try:
            session = session or Session(server)
            code, text = session.deliver(mail)
            self._note(mail, code, text)
            if code != 250:
                self._abandoned.wait(BACK_OFF_S)
                session.forget()
        except (OSError, smtplib.SMTPException):
            with self._changed:
                self.cut_after_dot += session is not None and session.owed_a_reply
            if session is not None:
                session.close()
            self._abandoned.wait(BACK_OFF_S)
            return None
        return session

    def _note(self, mail: Letter, code: int, text: str) -> None:
        filed = _FILED.fullmatch(text) if code == 250 else None
        with self._changed:
            if filed is None:
                self.refusals.append((code, text))
                if code // 100 != 4:  # trying again is not what was asked for
                    self._finishing.set()
                    self._abandoned.set()
            else:
                journal, ticket = filed[1], int(filed[2])
                self.acknowledged[mail.message_id] = Acknowledgement(mail, journal, ticket)
                self._accepted.append(mail)
            self._changed.notify_all()


@contextmanager
def at_work(crew: Crew) -> Iterator[Crew]:
    """The crew, started; gone with the context."""
    try:
        crew.start()
        yield crew
    finally:
        with suppress(RuntimeError):  # where a thread could not be started
            crew.abandon()
