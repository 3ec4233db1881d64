"""Plays the day on a server, mail by mail, each once the one before has had its effects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from rules.ticket.audit import AuditEvent
from storage.ticket import read
from storage.ticket.views import CommentView, TicketView
from tests.acceptance.outbox import Outbox, SentMail
from tests.acceptance.policies.launch import ClockedPolicyServer, running_clocked_server
from tests.acceptance.policies.policy_server import SUPPORT
from tests.acceptance.support_day.cast import STAFF, enrol, name_of, write_policy
from tests.acceptance.support_day.clients import Quoted, Written, body_of, quoted_mail, quoted_text
from tests.acceptance.support_day.script import DAY, Form, Mail
from tests.acceptance.support_server import Answer

DATE = datetime(2026, 11, 30, tzinfo=UTC)
_NUMBER = re.compile(r"#(\d+)")
_NOTE_ADDRESS = re.compile(r"support\+[a-z2-7]+@help\.example")


@dataclass(frozen=True)
class Played:
    """A mail of the table, and what came of it."""

    mail: Mail
    raw: bytes
    recipients: tuple[str, ...]
    answer: Answer
    sent: tuple[SentMail, ...]
    """What was sent until nothing more was due."""

    @property
    def ticket(self) -> int:
        """The ticket that the SMTP reply names."""
        found = _NUMBER.search(self.answer[1])
        assert found is not None, self.answer
        return int(found[1])

    def to(self, address: str) -> list[str]:
        """What it caused to be sent to somebody: subject and text."""
        return [words_of(each.mail) for each in self.sent if each.to == address]

    @property
    def readers(self) -> set[str]:
        return {each.to for each in self.sent}


def words_of(mail: EmailMessage) -> str:
    """The subject and the plain text of a mail, with white space as one space."""
    plain = mail.get_body(("plain",))
    assert plain is not None
    return " ".join(f"{mail['Subject']} {plain.get_content()}".split())


@dataclass
class Day:
    """The day as far as it was played."""

    server: ClockedPolicyServer
    outbox: Outbox
    played: dict[str, Played] = field(default_factory=dict)
    woken: tuple[SentMail, ...] = ()
    """What the clock sent on the next day."""

    def ticket(self, name: str) -> TicketView:
        """A ticket by the name of the mail that has opened it."""
        return self.numbered(self.tickets[name])

    def numbered(self, number: int) -> TicketView:
        found = self.server.database.read(lambda c: read.ticket_view(c, number))
        assert found is not None
        return found

    def comment(self, name: str) -> CommentView:
        """The comment that a mail has become, on whichever ticket it is now."""
        said = self.played[name].answer[1]
        return next(c for c in self.comments() if c.journal_id and str(c.journal_id) in said)

    def comments(self) -> Iterator[CommentView]:
        for number in set(self.tickets.values()):
            yield from self.numbered(number).comments

    def presence(self, name: str, address: str) -> str:
        return next(m.presence for m in self.ticket(name).members if m.address == address)

    @property
    def tickets(self) -> Mapping[str, int]:
        """The number of each ticket; one that was split off goes by the mail that did it."""
        opened = {name: each.ticket for name, each in self.played.items() if each.mail.subject}
        for name, each in self.played.items():
            if each.mail.text.startswith("#split"):
                history = self.numbered(each.ticket).history
                (new,) = [line.subject for line in history if line.event is AuditEvent.SPLIT_INTO]
                opened[name] = int(new)
        return opened

    @property
    def sent(self) -> Sequence[SentMail]:
        return self.outbox.mails()

    @property
    def to_customers(self) -> list[SentMail]:
        return [each for each in self.sent if each.to not in STAFF]

    def play(self, mail: Mail) -> None:
        hour, minute = mail.at.split(":")
        self.server.set_clock(DATE + timedelta(hours=int(hour), minutes=int(minute)))
        self.server.wake()
        self.server.wait_until_sent()
        before = len(self.sent)
        raw, recipients = self._written(mail)
        sender = "" if mail.automatic == "auto-replied" else mail.author
        answer = self.server.send(raw, sender, *recipients)
        self.server.wait_until_sent()
        sent = tuple(self.sent[before:])
        self.played[mail.name] = Played(mail, raw, recipients, answer, sent)

    def wake_on_the_next_day(self) -> None:
        before = len(self.sent)
        self.server.set_clock(DATE + timedelta(days=1, hours=13))
        self.server.wake_snoozed()
        self.server.wait_until_sent()
        self.woken = tuple(self.sent[before:])

    def _written(self, mail: Mail) -> tuple[bytes, tuple[str, ...]]:
        """The mail as its client sends it, and its recipients."""
        if mail.form is Form.AGAIN:
            first = self.played[mail.on]
            return first.raw, first.recipients
        at = self.server.clock()
        answered = self._answered(mail) if mail.on else None
        to = mail.to or SUPPORT
        message = EmailMessage(policy=SMTP)
        subject = mail.subject
        if answered is not None:
            message["In-Reply-To"] = message["References"] = str(answered["Message-ID"])
            subject = f"Re: {str(answered['Subject']).removeprefix('Re: ')}"
            to = _address_of(answered, mail.to)
        message["From"] = f"{name_of(mail.author)} <{mail.author}>"
        message["To"] = to
        if mail.cc:
            message["Cc"] = mail.cc
        message["Subject"], message["Date"] = subject, at
        message["Message-ID"] = f"<{mail.name.replace(' ', '.')}@{mail.author.partition('@')[2]}>"
        message["X-Mailer"] = mail.client.value
        if mail.automatic:
            message["Auto-Submitted"] = mail.automatic
        text = self._filled(mail.text)
        quoted = _quoted(mail, answered)
        below, forwards = mail.form is Form.BELOW, mail.form is Form.FORWARD
        plain, rich = body_of(mail.client, Written(mail.author, at, text, quoted, below, forwards))
        message.set_content(plain)
        message.add_alternative(rich, subtype="html")
        for name, content in mail.files:
            message.add_attachment(content, "application", "octet-stream", filename=name)
        if mail.form is Form.ATTACHED:
            message.add_attachment(_original(mail, at))
        # Others outside get their copy from the author's own server.
        return message.as_bytes(), (to,)

    def _filled(self, text: str) -> str:
        if "{" not in text:
            return text
        comments = {name: self.comment(name).id for name in self.played if f"[{name}]" in text}
        return text.format(ticket=self.tickets, comment=comments)

    def _answered(self, mail: Mail) -> EmailMessage:
        """The last mail about the ticket to the author that has the words."""
        tag = f"[#{self.ticket(mail.on).summary.number}]"
        found = [
            each.mail
            for each in self.sent
            if each.to == mail.author
            and tag in each.subject
            and mail.answers in words_of(each.mail)
        ]
        assert found, f"{mail.name}: nothing to answer"
        return found[-1]


def _address_of(answered: EmailMessage, to: str) -> str:
    reply_to = str(answered["Reply-To"]).rpartition("<")[2].rstrip(">")
    if to != "note":
        return to or reply_to
    found: set[str] = set(_NOTE_ADDRESS.findall(words_of(answered))) - {reply_to}
    assert len(found) == 1, found
    return found.pop()


def _quoted(mail: Mail, answered: EmailMessage | None) -> Quoted | None:
    if mail.form is Form.FORWARD:
        return quoted_text(*mail.forwarded)
    if answered is None or mail.form is Form.BARE:
        return None
    return quoted_mail(answered)


def _original(mail: Mail, at: datetime) -> EmailMessage:
    author, subject, text = mail.forwarded
    inner = EmailMessage(policy=SMTP)
    inner["From"], inner["To"], inner["Subject"] = author, mail.author, subject
    inner["Date"], inner["Message-ID"] = at, f"<original@{author.partition('@')[2]}>"
    inner.set_content(text)
    return inner


@contextmanager
def played_day(folder: Path, store_url: str) -> Iterator[Day]:
    """One server, on which the whole day was played."""
    with running_clocked_server("default", folder, store_url, write_policy(folder)) as server:
        server.write(enrol)
        day = Day(server, Outbox(folder / "outbox"))
        for mail in DAY:
            day.play(mail)
        day.wake_on_the_next_day()
        yield day
