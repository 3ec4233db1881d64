"""Every kind of outgoing mail in every way in which it does not reach its reader, on a real store
and through the real dispatcher; and where staff find it afterwards."""

from __future__ import annotations

import email
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update
from structlog.testing import capture_logs

from gateway import clock, policies
from gateway.mailbox_cache import MailboxCache
from gateway.metrics import Metrics
from gateway.outgoing.delivery import Outgoing, Undelivered
from gateway.outgoing.dispatcher import Dispatcher
from gateway.outgoing.node_watch import NodeWatch
from gateway.runtime import Runtime
from rules.decision.effects import NewComment
from rules.decision.model import Bounced
from rules.mail import Mailbox
from rules.mail.bounces import HARD_BOUNCES, Failure
from rules.people import ParticipantKind, Presence, Role
from rules.sentence import sentence
from rules.service.more import OWN_COMMENTS, SUMMARIES, summaries
from rules.service.participants import Addition
from rules.ticket.desk import DigestLine, Queue
from rules.ticket.notice_payloads import Payload
from rules.ticket.notices import (
    Audience,
    NoticeKind,
    NoticeOrder,
    NoticeState,
    StaffSubscription,
)
from rules.ticket.payloads import (
    DigestPayload,
    KeptPayload,
    MorePayload,
    MyDigestPayload,
    ReceiptPayload,
    ReceiptText,
)
from rules.ticket.visibility import Visibility
from storage.db.tables import (
    AnnouncedRow,
    NoticeRow,
    ParticipantRow,
    TicketRow,
    WithheldRow,
    table,
)
from storage.desk import lost_digests, queues
from storage.notices import more, outbox, outbox_pages, overview
from storage.notices.outbox_pages import OutboxScope, OutboxView
from storage.notices.suppression import record_bounce, record_hard_failure
from storage.registry import people
from storage.registry.people import NewPerson
from storage.ticket import load
from storage.ticket.rows import (
    ChangeContext,
    add_comment,
    add_participants,
    queue_notices,
)
from storage.ticket.withheld import record_withheld
from tests.gateway.outgoing.notices import ABOUT_NO_TICKET, PAYLOADS
from tests.rules.building import NOON, a_mail
from tests.storage.shop import Shop, opened

KNOWN = "every-filter-knows-this"
HOUR = timedelta(hours=1)
ROLES = (Role.USER, Role.USER, Role.STAFF)
WITHOUT_A_TICKET = (*ABOUT_NO_TICKET, NoticeKind.CONSOLE_LOGIN)
_notice, _announced = table(NoticeRow), table(AnnouncedRow)
_ticket, _participant = table(TicketRow), table(ParticipantRow)


class Way(StrEnum):
    """How a notice does not reach its reader. The first are the reasons of the store itself."""

    DELETED = outbox.DELETED
    CLOSED = outbox.CLOSED
    LEFT = outbox.LEFT
    UNSUBSCRIBED = outbox.UNSUBSCRIBED
    DISCONTINUED = outbox.DISCONTINUED
    LIKE_A_MACHINE = more.LIKE_A_MACHINE
    WITHHELD = "a budget leaves it out"
    LATE = "the relay has not accepted it for an hour"
    GIVEN_UP = "the relay has not accepted it for four days"
    REFUSED = "the relay refuses it for good"
    FILTERED = "the relay refuses what is in it"
    RETURNED = "it comes back"


AT_THE_RELAY = (Way.LATE, Way.GIVEN_UP, Way.RETURNED)
"""After the dispatcher has done its part; the others are sent through it."""


def may_befall(way: Way, kind: NoticeKind) -> bool:
    """Whether a notice of this kind can be kept from its reader in this way."""
    match way:
        case Way.DELETED:
            return kind not in WITHOUT_A_TICKET
        case Way.LEFT | Way.UNSUBSCRIBED:
            return kind.traits.participants_only
        case Way.LIKE_A_MACHINE:
            return kind in SUMMARIES
        case _:
            return True


class Place(StrEnum):
    """Where somebody learns of it, as the table shows it: queues are those of a digest."""

    READER = "sent"
    WITHOUT_WORDS = "sent, without anybody's words"
    SUMMARY = "a summary"
    AGAIN = "named again"
    DEAD = "`dead`"
    LATE = "`late`"
    SUSPENDED = "`suspended`"
    WITHHELD = "`withheld`"
    OUTBOX = "outbox"


_QUEUES = {Queue.DEAD: Place.DEAD, Queue.LATE: Place.LATE}
"""The queues that name a mail."""
Cells = Mapping[NoticeKind, frozenset[Place]]


@dataclass
class UnwillingRelay:
    """Does with a mail what the name of its recipient says."""

    tried: Counter[UUID] = field(default_factory=Counter)
    """How often each notice was handed over."""

    async def send(self, outgoing: Outgoing) -> None:
        self.tried[UUID(outgoing.id)] += 1
        way = outgoing.rcpt_to.partition("-")[0].upper()
        match Way.__members__.get(way):
            case Way.REFUSED:
                raise Undelivered("550 5.7.1 not for you", True, code=550, status="5.7.1")
            case Way.FILTERED if _has_the_word(outgoing.raw):
                why = "550 5.7.1 this message contains malware"
                raise Undelivered(why, True, code=550, status="5.7.1", of_content=True)
            case _:
                pass

    async def tidy(self) -> None:
        pass

    async def close(self) -> None:
        pass


def _has_the_word(raw: bytes) -> bool:
    mail = email.message_from_bytes(raw)
    texts = [part.get_payload(decode=True) or b"" for part in mail.walk()]
    return any(KNOWN.encode() in text for text in (mail["Subject"].encode(), *texts))


@dataclass(frozen=True)
class Readers:
    """Those of one way: on the ticket, beside it, and of the staff."""

    way: Way

    @property
    def name(self) -> str:
        return self.way.name.lower()

    @property
    def customer(self) -> str:
        return f"{self.name}-in@acme.example"

    @property
    def other(self) -> str:
        return f"{self.name}-out@acme.example"

    @property
    def staff(self) -> str:
        return f"{self.name}-staff@help.example"

    @property
    def all(self) -> tuple[str, ...]:
        return self.customer, self.other, self.staff

    def of(self, kind: NoticeKind) -> str:
        """Staff also in the place of contacts: those who have no account cannot lose it. What is
        left out is counted by reader, so that each kind has one of its own there."""
        if self.way is Way.WITHHELD:
            return f"{self.name}-{kind.value}@acme.example"
        if kind.traits.audience in (Audience.STAFF, Audience.OUTSIDE):
            return self.staff
        return self.customer if kind.traits.participants_only else self.other

    @property
    def ordered_at(self) -> datetime:
        """A time of its own: digests of one time are one digest."""
        return NOON + timedelta(seconds=list(Way).index(self.way))


class Unreached:
    """All cells on one store."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.relay = UnwillingRelay()
        self.metrics = Metrics()
        self.notices: dict[tuple[Way, NoticeKind], UUID] = {}
        self.tickets: dict[Way, int] = {}
        self.counted: set[NoticeKind] = set()
        """Those that a digest counts when a budget leaves them out."""
        self.logged: list[Any] = []

    async def run(self) -> Mapping[Way, Cells]:
        """Where each of them is found an hour and a half later."""
        shop, now = self.shop, NOON + HOUR + timedelta(minutes=30)
        shop.write(partial(_enrol, mailbox=shop.mailbox))
        for way in Way:
            mail = a_mail(Readers(way).customer, subject=KNOWN)
            self.tickets[way] = opened(shop.take(mail))
        shop.write(lambda c: c.execute(delete(_notice)))
        for way in (each for each in Way if each not in AT_THE_RELAY):
            shop.write(partial(self._order, way=way))
            shop.write(partial(self._befall, way=way))
        with capture_logs() as self.logged:
            while (due_at := shop.database.read(outbox.next_due)) is not None:
                now = max(now, due_at)  # a mail that is put off is due later
                await self._dispatcher(now).send_due()
        shop.write(partial(self._relay, now=now))
        return shop.database.read(partial(self._found, now=now))

    def _order(self, connection: Connection, way: Way) -> None:
        """One of each kind, as a decision would have it."""
        readers, ticket = Readers(way), self.tickets[way]
        context = self.shop.context(readers.ordered_at)
        for kind in (each for each in NoticeKind if may_befall(way, each)):
            notice = self.notices[way, kind] = clock.new_id()
            order = NoticeOrder(kind, readers.of(kind), payload=_payload(kind, readers, notice))
            if way is Way.WITHHELD:
                self._leave_out(connection, context, order)
                continue
            its = replace(context, new_id=partial(UUID, int=notice.int))
            about = None if kind in WITHOUT_A_TICKET else ticket
            queue_notices(connection, its, [order], about)
            if kind is NoticeKind.DIGEST:
                row = {"mailbox_id": self.shop.mailbox.id, "queue": "held", "item": notice}
                connection.execute(insert(_announced), [row | {"announced_at": context.now}])

    def _leave_out(
        self, connection: Connection, context: ChangeContext, order: NoticeOrder
    ) -> None:
        """What a decision does with a notice for which its budget has no room."""
        number, kind = self.tickets[Way.WITHHELD], order.kind
        if kind.traits.participants_only:
            customer = Addition(order.address, None, ParticipantKind.GUEST, Presence.ACTIVE)
            add_participants(connection, context, number, [customer])
        by_staff = kind is NoticeKind.NEW_COMMENT
        subscription = StaffSubscription.FOLLOWER if by_staff else None
        left = [replace(order, withheld=True, subscription=subscription)]
        ticket = load.load(connection, self.shop.mailbox, [number], NOON - HOUR)[number]
        due = summaries(left, ticket, context.now, context.now)
        queue_notices(connection, context, due, number)
        record_withheld(connection, context, number, left)
        mailbox, named = self.shop.mailbox.id, {self.shop.mailbox.id: self.shop.policy}
        waiting = queues.first_of(connection, named, NOON, Queue.WITHHELD, most=10)
        if mailbox in waiting:
            assert [line.sender for line in waiting[mailbox].new] == [order.address]
            self.counted.add(kind)
            connection.execute(delete(table(WithheldRow)))

    def _befall(self, connection: Connection, way: Way) -> None:
        """What happens before the notices are due."""
        ticket, readers, mailbox = self.tickets[way], Readers(way), self.shop.mailbox
        place = update(_participant).where(_participant.c.ticket_id == ticket)
        match way:
            case Way.DELETED:
                deleted = update(_ticket).where(_ticket.c.id == ticket)
                connection.execute(deleted.values(deleted_at=NOON))
            case Way.CLOSED:
                for address, role in zip(readers.all, ROLES, strict=True):
                    people.set_person_active(connection, mailbox, role, address, active=False)
            case Way.LEFT:
                connection.execute(place.values(presence=Presence.REMOVED.value))
            case Way.UNSUBSCRIBED:
                connection.execute(place.values(muted=True))
            case Way.DISCONTINUED:
                for address in readers.all * HARD_BOUNCES:
                    record_hard_failure(connection, mailbox.id, address, "no such user", NOON)
            case Way.LIKE_A_MACHINE:
                at = readers.ordered_at
                for author in readers.all * OWN_COMMENTS:
                    words = NewComment(author, Visibility.PUBLIC, "Received.", at, proof="dkim")
                    add_comment(connection, self.shop.context(at), ticket, words, numbered=False)
            case _:
                pass

    def _relay(self, connection: Connection, now: datetime) -> None:
        """What the dispatcher records of a relay that does not answer, and of what comes back."""
        for way in AT_THE_RELAY:
            self._order(connection, way)
        for (way, kind), notice in self.notices.items():
            if way is Way.GIVEN_UP:
                outbox.give_up(connection, notice, "451 not now", hard=False, now=now)
            if way is Way.RETURNED:
                outbox.sent(connection, [notice], now)
                address = Readers(way).of(kind)
                report = Bounced(notice, address, Failure.SOFT, "mailbox full", suspends=False)
                record_bounce(connection, self.shop.context(), report)

    def _dispatcher(self, now: datetime) -> Dispatcher:
        shop = self.shop
        runtime = Runtime(
            database=shop.database,
            ledger=shop.ledger,
            mailbox_cache=MailboxCache(shop.database, time.monotonic),
            policies=policies.load(None),
            metrics=self.metrics,
            clock=lambda: now,
            new_id=clock.new_id,
            wake=lambda: None,
        )
        return Dispatcher(
            runtime=runtime,
            relay=self.relay,
            links_begin="https://postern.example",
            node=clock.new_id(),
            watch=NodeWatch(lambda: 0.0),
            jitter=lambda: 0.0,
        )

    def _found(self, connection: Connection, now: datetime) -> Mapping[Way, Cells]:
        mailbox, policy = self.shop.mailbox, self.shop.policy
        named = {
            state.queue: state.new
            for state in queues.states(connection, mailbox, policy, now, named=10_000)
        }
        scope = OutboxScope(frozenset({mailbox.id}), now)
        withdrawn = outbox_pages.listing(connection, OutboxView.WITHDRAWN, scope, 1000)
        listed = {each.id: each for each in overview.listing(connection, limit=1000)}
        lost_digests.take_back(connection, mailbox, now)
        counted = set(connection.execute(select(_announced.c.item)).scalars())
        not_sent = {each.id for each in withdrawn}

        def places(way: Way, kind: NoticeKind, notice: UUID) -> Iterator[Place]:
            address, state = Readers(way).of(kind), listed.get(notice)
            for queue, place in _QUEUES.items():
                if any(notice == UUID(line.item) for line in named[queue]):
                    yield place
            if any(address == line.sender for line in named[Queue.SUSPENDED]):
                yield Place.SUSPENDED
            if way is Way.WITHHELD and kind in self.counted:
                yield Place.WITHHELD
            if state is not None and state.state is NoticeState.SENT:
                yield Place.WITHOUT_WORDS if self.relay.tried[notice] > 1 else Place.READER
            if notice in not_sent:
                yield Place.OUTBOX
            if kind is NoticeKind.DIGEST and way is not Way.WITHHELD and notice not in counted:
                yield Place.AGAIN
            summary = (e for e in listed.values() if e.kind in SUMMARIES and e.address == address)
            if way is Way.WITHHELD and any(summary):
                yield Place.SUMMARY

        found: dict[Way, dict[NoticeKind, frozenset[Place]]] = {way: {} for way in Way}
        for (way, kind), notice in self.notices.items():
            found[way][kind] = frozenset(places(way, kind, notice))
        return found


def _enrol(connection: Connection, mailbox: Mailbox) -> None:
    for way in Way:
        readers = Readers(way)
        for address, role in zip(readers.all, ROLES, strict=True):
            company = "Acme" if role is Role.USER else None
            people.add_person(connection, mailbox, NewPerson(address, "", role, company))


def _payload(kind: NoticeKind, readers: Readers, item: UUID) -> Payload:
    if kind is NoticeKind.DIGEST:
        return DigestPayload(
            (DigestLine("held", item=str(item), sender="x@y.example", subject=KNOWN),)
        )
    if kind is NoticeKind.MY_DIGEST:
        return MyDigestPayload((sentence("Changed: #{ticket} {subject}", ticket=1, subject=KNOWN),))
    if kind is NoticeKind.KEPT:
        return KeptPayload(KNOWN)
    if kind is NoticeKind.RECEIPT:
        return ReceiptPayload(ReceiptText.NOTHING_DONE)
    if kind in SUMMARIES:
        return MorePayload(readers.ordered_at.isoformat())
    return PAYLOADS.get(kind, kind.traits.payload())
