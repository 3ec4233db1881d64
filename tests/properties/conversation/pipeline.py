"""The real parsing, decision, storage and notices, called one after the other in one thread."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property, partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, event, select, text

from gateway.clock import uuid7
from gateway.outgoing.compose import Composer
from gateway.outgoing.delivery import Outgoing
from gateway.parsing.bounce import read_bounce
from gateway.parsing.reading import read
from rules.decision.considered import Attempt, Received, consider
from rules.decision.effects import Effects
from rules.decision.model import Decision
from rules.decision.reasons import Reason
from rules.decision.receipt import Receipt
from rules.mail import Delivery, Envelope, Mailbox
from rules.mail.addresses import without_detail
from rules.mail.header import Ambiguous, Author
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.sender.tokens import Keys
from rules.service.more import SUMMARIES
from rules.ticket.changes import Change, Source
from storage.db import raw_mail
from storage.db.database import Database
from storage.db.ledger import Conflict
from storage.db.tables import CommentRow, JournalRow, NoticeRow, TicketRow, WithheldRow, table
from storage.mail import quarantine
from storage.mail.apply import Entry, apply
from storage.mail.filing import decision_on
from storage.mail.quarantine import HeldMail
from storage.notices import more, outbox
from storage.notices.outbox import Claimed, Notice
from storage.registry.mailboxes import list_mailboxes
from storage.registry.signing_keys import load_keys
from storage.ticket import overdue
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext
from tests.properties.conversation.people import enrol
from tests.rules.building import NOON

T = TypeVar("T")
PUBLIC_URL = "https://postern.example"
_notice, _withheld = table(NoticeRow), table(WithheldRow)
_journal, _comment, _ticket = table(JournalRow), table(CommentRow), table(TicketRow)


def open_store(url: str) -> Database:
    """Open a store without fsync: it need not survive a power cut."""
    database = Database(url, connections=2)
    if database.is_sqlite:
        event.listen(database.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous = OFF"))
    return database


def transact(database: Database, job: Callable[[Connection], T]) -> T:
    with database.engine.connect() as connection, connection.begin():
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return job(connection)


def enrolled_store(url: str) -> str:
    """Enrol everybody in an empty store; returns the same URL."""
    database = open_store(url)
    transact(database, enrol)
    database.close()
    return url


@dataclass(frozen=True)
class SentNotice:
    """A notice as its recipient receives it."""

    notice: Notice
    outgoing: Outgoing

    @property
    def ticket(self) -> int:
        return self.notice.about.ticket if self.notice.about is not None else 0

    @property
    def mailbox(self) -> str:
        return self.notice.mailbox.address

    @property
    def recipient(self) -> str:
        return self.outgoing.rcpt_to

    @cached_property
    def mail(self) -> Message:
        return email.message_from_bytes(self.outgoing.raw)

    @property
    def subject(self) -> str:
        return str(make_header(decode_header(self.mail["Subject"])))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Every text part, decoded."""
        return tuple(
            part.get_payload(decode=True).decode()  # type: ignore[union-attr]  # bytes, since no multipart
            for part in self.mail.walk()
            if not part.is_multipart()
        )

    @property
    def reply_address(self) -> str:
        return self.mail.get("Reply-To", "")

    @property
    def note_address(self) -> str:
        """The address for internal notes, from the text; empty in a mail to a customer."""
        found = [w.strip(".<>,:") for w in self.texts[0].split() if "+" in w and "@help" in w]
        own = (w for w in found if w[0] != "+")  # not what a quoted #cc adds
        return next((w for w in own if w != self.reply_address), "")

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])


@dataclass(frozen=True)
class ProcessedMail:
    """What one mailbox did with a mail."""

    mailbox: str
    receipt: Receipt
    decision: Decision


@dataclass
class Pipeline:
    """The mailboxes in a real store, with a clock that the caller advances."""

    database: Database
    policy: Policy
    now: datetime = NOON
    _ids: int = field(default=0)
    mailboxes: dict[str, Mailbox] = field(init=False)
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        self.mailboxes = {m.address: m for m in self.transact(list_mailboxes)}
        self.keys = self.transact(load_keys)

    def transact(self, job: Callable[[Connection], T]) -> T:
        return transact(self.database, job)

    def rows(self, query: str, **values: Any) -> Sequence[Any]:
        with self.database.engine.connect() as connection:
            return connection.execute(text(query), values).all()

    def notified(self, journal_id: UUID) -> set[str]:
        """The addresses of the notices that a mail caused, but of summaries that are due later."""
        query = select(_notice.c.address).where(
            _notice.c.cause == journal_id, _notice.c.due_at <= self.now
        )
        with self.database.engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def withheld(self, ticket: int | None) -> set[str]:
        """The addresses of which a digest will say that notices about a ticket were withheld, and
        those that a summary waits for."""
        named = select(_withheld.c.address).where(_withheld.c.ticket_id == ticket)
        query = named.union(
            select(_notice.c.address).where(
                _notice.c.ticket_id == ticket,
                _notice.c.kind.in_([kind.value for kind in SUMMARIES]),
                _notice.c.state == "due",
                _notice.c.due_at > self.now,
            )
        )
        with self.database.engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def folded_since(self, mailbox: int, since: datetime) -> set[UUID]:
        """The mails that are folded on a ticket though a person may have written them."""
        query = (
            select(_journal.c.id)
            .join_from(_journal, _comment, _comment.c.journal_id == _journal.c.id)
            .join(_ticket, _ticket.c.id == _comment.c.ticket_id)
            .where(
                _journal.c.mailbox_id == mailbox,
                _journal.c.reason == Reason.AUTOMATIC_FOLDED.value,
                _comment.c.visibility == "folded",
                _comment.c.written_at > since,
                _ticket.c.deleted_at.is_(None),
            )
        )
        with self.database.engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def new_id(self) -> UUID:
        self._ids += 1
        return uuid7(self.now, self._ids.to_bytes(10, "big"))

    def advance_clock(self, span: timedelta) -> None:
        self.now += span

    # ---- incoming mail ------------------------------------------------------------------------

    def process(
        self, raw: bytes, mail_from: str, recipients: Sequence[str], proof: Authentication
    ) -> list[ProcessedMail]:
        """Process a mail as `gateway.ingest` does: once for each mailbox, in one transaction."""
        mail, compressed = read(raw), raw_mail.compress(raw)
        if isinstance(mail.author, Ambiguous):
            proof = replace(Authentication.unchecked("no author"), vouched_by=proof.by)
        entries = []
        for mailbox, own_recipients in self._by_mailbox(recipients).items():
            rcpt_tos = tuple(own_recipients)
            envelope = Envelope("192.0.2.1", "client.example", False, mail_from, rcpt_tos)
            reports = partial(read_bounce, raw)
            received = Received(mail, envelope, mailbox, proof, proof, reports, self.now)
            attempt = Attempt(self.now, self.now)
            entries.append(self._entry(received, attempt, raw, compressed))
        return self._file(entries)

    def release(
        self,
        held: HeldMail,
        proof: Authentication,
        author: str = "",
        as_new: bool = False,
    ) -> ProcessedMail | None:
        """Decide a held mail again, as `gateway.ingest` does; None if it is no longer held."""
        try:
            delivery = self.transact(lambda c: quarantine.delivery(c, held))
        except Conflict:
            return None
        received = Received(
            mail=read(delivery.raw),
            envelope=held.envelope,
            mailbox=held.mailbox,
            authentication=proof,
            first_authentication=held.authentication,
            read_bounces=partial(read_bounce, delivery.raw),
            came_at=held.came_at,
            stated_author=Author(author) if author else None,
            as_new=as_new,
        )
        attempt = Attempt(self.now, held.came_at, held.journal_id)
        entry = self._entry(received, attempt, delivery.raw, raw_mail.compress(delivery.raw))
        try:
            (result,) = self._file([entry])
        except Conflict:
            return None
        return result

    def held(self, journal_id: UUID) -> HeldMail | None:
        return self.transact(lambda c: quarantine.find(c, journal_id))

    def _by_mailbox(self, recipients: Sequence[str]) -> dict[Mailbox, list[str]]:
        found: dict[Mailbox, list[str]] = {}
        for recipient in recipients:
            base, _ = without_detail(recipient)
            found.setdefault(self.mailboxes[base], []).append(recipient)
        return found

    def _entry(self, received: Received, attempt: Attempt, raw: bytes, compressed: bytes) -> Entry:
        return Entry(
            journal_id=self.new_id(),
            considered=consider(
                received,
                keys=self.keys,
                own_addresses=frozenset(self.mailboxes),
                policy=self.policy,
            ),
            attempt=attempt,
            delivery=Delivery(received.envelope, raw),
            compressed=compressed,
            new_id=self.new_id,
        )

    def _file(self, entries: Sequence[Entry]) -> list[ProcessedMail]:
        return self.transact(lambda c: [self._file_one(c, entry) for entry in entries])

    def _file_one(self, connection: Connection, entry: Entry) -> ProcessedMail:
        decision = decision_on(connection, entry)
        receipt = apply(connection, entry, decision, self.policy)
        return ProcessedMail(entry.mailbox.address, receipt, decision)

    # ---- staff and notices --------------------------------------------------------------------

    def change(self, mailbox: str, actor: str, ticket: int, *changes: Change) -> bool:
        """Apply changes as staff through the API; False if they are refused."""
        context = ChangeContext(self.mailboxes[mailbox], actor, Source.API, self.now, self.new_id)
        decided = self.transact(
            lambda c: change_ticket(c, context, ticket, changes, self.policy, by_staff=True)
        )
        return isinstance(decided, Effects)

    def report_clocks(self) -> None:
        """What the scheduler does for the tickets with something to report."""
        policies = {"default": self.policy}
        while due := self.transact(lambda c: overdue.due(c, self.now, 50)):
            self.transact(
                lambda c, t=due: overdue.notify_overdue(c, t, policies, self.now, self.new_id)  # type: ignore[misc]
            )

    def _claim(self, connection: Connection) -> Claimed:
        claimed = outbox.claim(connection, self.now, 50)
        for number, notice in reversed(list(enumerate(claimed))):
            completed = more.as_it_is_sent(connection, notice)
            if completed is None:
                outbox.give_up(connection, notice.id, more.LIKE_A_MACHINE, hard=False, now=self.now)
                del claimed[number]
            else:
                claimed[number] = completed
        return claimed

    def send_notices(self) -> Iterator[SentNotice]:
        """Send every due notice."""
        composer = Composer(self.keys, PUBLIC_URL, own_addresses=frozenset(self.mailboxes))
        while notices := self.transact(self._claim):
            for notice in notices:
                outgoing = composer.write(notice, self.policy)
                self.transact(lambda c, n=notice: outbox.sent(c, [n.id], self.now))  # type: ignore[misc]
                yield SentNotice(notice, outgoing)
