"""Sending: each notice once, several at a time, tried again or given up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from gateway import clock, policies
from gateway.mailbox_cache import MailboxCache
from gateway.metrics import Metrics
from gateway.outgoing.delivery import Outgoing, RelayDown, Undelivered
from gateway.outgoing.dispatcher import AT_ONCE, BEGUN_WITHIN_S, ClaimSize, Dispatcher
from gateway.outgoing.node_watch import BEAT_S, DEAD_S, FRESH_S, NodeWatch
from gateway.runtime import Runtime
from rules.ticket.changes import Source
from rules.ticket.notice_timing import GIVE_UP_AFTER
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import AlertPayload
from storage.db.database import Connection, Database, StoreTimeout
from storage.db.ledger import Ledger, open_ledger
from storage.notices import direct, outbox, overview, suppression
from storage.notices.overview import NoticeSummary
from storage.registry import mailboxes
from storage.ticket.rows import ChangeContext, queue_notices
from tests.in_process import SUPPORT, enrolled_store
from tests.rules.building import NOON

NEW = "nora@acme.example"

T = TypeVar("T")


@dataclass
class Relay:
    """A relay that accepts mails, or fails as a test configures it."""

    failure: Exception | None = None
    tried: list[str] = field(default_factory=list)
    """The recipient of each mail."""
    together: asyncio.Barrier | None = None
    """Where this many mails must arrive before one is accepted."""
    used: asyncio.Event = field(default_factory=asyncio.Event)
    tidied: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def send(self, outgoing: Outgoing) -> None:
        self.tried.append(outgoing.rcpt_to)
        self.used.set()
        if self.together is not None:
            await asyncio.wait_for(self.together.wait(), 10)
        if self.failure is not None:
            raise self.failure

    async def tidy(self) -> None:
        self.tidied.set()

    async def close(self) -> None:
        self.closed = True


@dataclass
class Outbox:
    """A store with a mailbox, a dispatcher on it, and short names for what a test does."""

    database: Database
    ledger: Ledger
    relay: Relay
    now: datetime = NOON
    seconds: float = 0.0
    """The nodes' monotonic clock."""
    ordered: int = 0

    @property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            runtime=Runtime(
                database=self.database,
                ledger=self.ledger,
                mailbox_cache=MailboxCache(self.database, time.monotonic),
                policies=policies.load(None),
                metrics=Metrics(),
                clock=lambda: self.now,
                new_id=clock.new_id,
                wake=lambda: None,
            ),
            relay=self.relay,
            links_begin="https://postern.example",
            node=clock.new_id(),
            watch=NodeWatch(lambda: self.seconds),
            jitter=lambda: 0.0,
        )

    async def order(self, *addresses: str) -> None:
        """Queue an invitation, the simplest notice, to each."""
        mailbox = await asyncio.to_thread(
            self.database.read, lambda c: mailboxes.mailbox_named(c, SUPPORT)
        )
        for address in addresses:
            self.ordered += 1
            job = partial(
                direct.order_invitation,
                mailbox=mailbox,
                address=address,
                notice=UUID(int=self.ordered),
                now=self.now,
            )
            await asyncio.wrap_future(self.ledger.submit(job))

    async def order_alert(self, address: str) -> None:
        """Queue one, whose failure counts against the address."""
        mailbox = await asyncio.to_thread(
            self.database.read, lambda c: mailboxes.mailbox_named(c, SUPPORT)
        )
        order = NoticeOrder(NoticeKind.ALERT, address, "", AlertPayload("the disk is full"))
        context = ChangeContext(mailbox, "", Source.SYSTEM, self.now, clock.new_id)
        job = partial(queue_notices, context=context, orders=[order], ticket=None)
        await asyncio.wrap_future(self.ledger.submit(job))

    async def listed(self) -> list[NoticeSummary]:
        return list(await asyncio.to_thread(self.database.read, lambda c: overview.listing(c)))

    async def states(self) -> Counter[NoticeState]:
        return Counter(each.state for each in await self.listed())


@pytest.fixture
async def box(store_url: str) -> AsyncIterator[Outbox]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    database = Database(url, connections=6)
    ledger = open_ledger(database)
    yield Outbox(database, ledger, Relay())
    await asyncio.to_thread(ledger.close)
    database.close()


def many(count: int) -> list[str]:
    return [f"n{number}@acme.example" for number in range(count)]


async def test_what_was_ordered_is_sent_once(box: Outbox) -> None:
    await box.order(NEW)

    assert [await box.dispatcher.send_due(), await box.dispatcher.send_due()] == [1, 0]
    assert box.relay.tried == [NEW]
    assert await box.states() == {NoticeState.SENT: 1}


async def test_several_go_out_at_once_and_each_once(box: Outbox) -> None:
    await box.order(*many(12))
    box.relay.together = asyncio.Barrier(AT_ONCE)

    await box.dispatcher.send_due()

    assert sorted(box.relay.tried) == sorted(many(12))
    assert await box.states() == {NoticeState.SENT: 12}


async def test_two_dispatchers_never_send_the_same(box: Outbox) -> None:
    await box.order(*many(12))

    await asyncio.gather(box.dispatcher.send_due(), box.dispatcher.send_due())

    assert sorted(box.relay.tried) == sorted(many(12))


async def test_a_temporary_failure_is_tried_again_later(box: Outbox) -> None:
    await box.order(NEW)
    box.relay.failure = Undelivered("451 not now", permanent=False)
    await box.dispatcher.send_due()

    assert await box.dispatcher.send_due() == 0
    assert await box.states() == {NoticeState.DUE: 1}

    box.relay.failure = None
    box.now += timedelta(minutes=2)
    await box.dispatcher.send_due()
    assert await box.states() == {NoticeState.SENT: 1}


async def test_after_four_days_it_is_given_up(box: Outbox) -> None:
    await box.order(NEW)
    box.relay.failure = Undelivered("451 not now", permanent=False)
    box.now += GIVE_UP_AFTER

    await box.dispatcher.send_due()

    assert await box.states() == {NoticeState.DEAD: 1}


async def test_a_permanent_failure_is_given_up_with_its_reason(box: Outbox) -> None:
    await box.order(NEW)
    box.relay.failure = Undelivered("554 5.6.0 no", permanent=True, code=554, status="5.6.0")

    await box.dispatcher.send_due()

    (given_up,) = await box.listed()
    assert (given_up.state, given_up.last_error) == (NoticeState.DEAD, "554 5.6.0 no")


@pytest.mark.parametrize("permanent", [True, False])
async def test_a_reply_that_no_store_takes_as_it_is_keeps_no_mail_waiting(
    box: Outbox, permanent: bool
) -> None:
    """To record what became of a mail is tried again for ever, and the others wait for it."""
    await box.order_alert(NEW)
    box.relay.failure = Undelivered("550 5.1.1 Empf\udce4nger \0", permanent, code=550)

    await asyncio.wait_for(box.dispatcher.send_due(), 10)

    (tried,) = await box.listed()
    assert tried.state is (NoticeState.DEAD if permanent else NoticeState.DUE)
    assert tried.last_error == "550 5.1.1 Empf?nger "


@pytest.mark.parametrize(
    ("code", "status", "suspended"), [(550, "5.1.1", True), (550, "5.7.1", False), (552, "", False)]
)
async def test_an_address_that_does_not_exist_counts_as_a_hard_bounce(
    box: Outbox, code: int, status: str, suspended: bool
) -> None:
    box.relay.failure = Undelivered(f"{code} {status}", permanent=True, code=code, status=status)
    for _ in range(3):
        await box.order_alert(NEW)
        await box.dispatcher.send_due()

    assert len(box.relay.tried) == (2 if suspended else 3)


@pytest.mark.parametrize(
    "text",
    [
        "550 relay not permitted",
        "550 Message rejected as spam",
        "553 sorry, that domain isn't in my list of allowed rcpthosts",
    ],
)
async def test_a_refusal_without_a_status_code_is_read_like_a_bounce(
    box: Outbox, text: str
) -> None:
    box.relay.failure = Undelivered(text, permanent=True, code=int(text[:3]))
    for _ in range(3):
        await box.order(NEW)
        await box.dispatcher.send_due()

    assert len(box.relay.tried) == 3


async def test_what_a_mail_contains_costs_nobody_their_address(box: Outbox) -> None:
    """Else anybody who writes on a ticket could suppress everybody who is notified of it."""
    box.relay.failure = Undelivered("550 no", permanent=True, code=550, of_content=True)
    for _ in range(3):
        await box.order_alert(NEW)
        await box.dispatcher.send_due()

    assert len(box.relay.tried) == 3


async def test_a_relay_that_is_down_is_tried_little_and_logged_once(box: Outbox) -> None:
    await box.order(*many(20))
    box.relay.failure = RelayDown("the relay relay.example:25: refused")

    with capture_logs() as logged:
        await box.dispatcher.send_due()

    assert len(box.relay.tried) <= AT_ONCE
    assert await box.states() == {NoticeState.DUE: 20}
    assert [each["event"] for each in logged].count("relay_refused") == 1
    assert sum(bool(each.last_error) for each in await box.listed()) == len(box.relay.tried)


@pytest.mark.parametrize(
    "failure",
    [
        RelayDown("the relay relay.example:25: refused"),
        Undelivered("451 4.3.0 Temporary lookup failure", permanent=False, code=451),
    ],
)
async def test_an_alert_is_sent_soon_after_the_relay_is_back(
    box: Outbox, failure: Undelivered
) -> None:
    """However long it accepted nothing, and before the others that waited for it."""
    await box.order(NEW)
    await box.order_alert("sam@help.example")
    box.relay.failure = failure
    for _ in range(12):
        await box.dispatcher.send_due()
        box.now += timedelta(minutes=15)

    box.relay = Relay()
    await box.dispatcher.send_due()

    assert "sam@help.example" in box.relay.tried


async def test_an_alert_is_sent_before_all_others_that_are_due(box: Outbox) -> None:
    """Else those of a flood, or of an outage, would keep it waiting for as long as they take."""
    await box.order(*many(3))
    await box.order_alert("sam@help.example")
    box.now += timedelta(hours=1)

    await replace(box.dispatcher, size=ClaimSize(2)).send_due()

    assert "sam@help.example" in box.relay.tried  # those of one claim are sent at once
    assert len(box.relay.tried) == 2


async def test_a_notice_that_its_reader_may_not_have_any_more_is_logged_and_counted(
    box: Outbox,
) -> None:
    await box.order(NEW)

    def suspend(connection: Connection) -> None:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        for _ in range(2):
            suppression.record_hard_failure(connection, mailbox.id, NEW, "gone", NOON)

    await asyncio.wrap_future(box.ledger.submit(suspend))
    dispatcher = box.dispatcher
    with capture_logs() as logged:
        await dispatcher.send_due()

    assert box.relay.tried == []
    (event,) = [each for each in logged if each["event"] == "send_dropped"]
    assert (event["kind"], event["log_level"]) == ("invitation", "warning")
    assert (event["to"], event["ticket"], event["mailbox"]) == (NEW, None, SUPPORT)
    assert "suspended" in event["why"]
    metrics = dispatcher.runtime.metrics.render().decode()
    assert 'postern_notices_total{outcome="send_dropped"} 1.0' in metrics


async def test_a_slow_relay_puts_the_rest_back(box: Outbox) -> None:
    await box.order(*many(10))

    class Slow(Relay):
        async def send(self, outgoing: Outgoing) -> None:
            await super().send(outgoing)
            box.seconds = BEGUN_WITHIN_S

    box.relay = Slow()
    await box.dispatcher.send_due()

    assert len(box.relay.tried) == AT_ONCE
    assert await box.states() == {NoticeState.SENT: AT_ONCE, NoticeState.DUE: 6}

    box.relay = Relay()
    await box.dispatcher.send_due()
    assert await box.states() == {NoticeState.SENT: 10}


async def test_a_notice_that_cannot_be_composed_does_not_hold_up_others(box: Outbox) -> None:
    await box.order("nörgel@acme.example", NEW)

    await box.dispatcher.send_due()

    assert box.relay.tried == [NEW]
    assert await box.states() == {NoticeState.SENT: 1, NoticeState.DEAD: 1}


async def test_a_bug_at_the_relay_delays_only_the_notices_that_meet_it(box: Outbox) -> None:
    class Faulty(Relay):
        async def send(self, outgoing: Outgoing) -> None:
            await super().send(outgoing)
            if outgoing.rcpt_to != NEW:
                raise RuntimeError("a bug")

    box.relay = Faulty()
    await box.order(*many(AT_ONCE), NEW)

    await box.dispatcher.send_due()

    assert sorted(box.relay.tried) == sorted([*many(AT_ONCE), NEW])
    assert await box.states() == {NoticeState.SENT: 1, NoticeState.DUE: AT_ONCE}


async def test_a_bug_delays_only_the_notices_that_meet_it(box: Outbox) -> None:
    await box.order(*many(3))

    with capture_logs() as logged:
        dispatcher = box.dispatcher
        runtime = replace(dispatcher.runtime, policies={})
        await replace(dispatcher, runtime=runtime).send_due()

    assert await box.states() == {NoticeState.DUE: 3}
    assert [each["event"] for each in logged].count("dispatcher_failed") == 3


async def test_an_idle_dispatcher_tidies_and_closes_at_its_end(box: Outbox) -> None:
    running = asyncio.create_task(box.dispatcher.run())
    await asyncio.wait_for(box.relay.tidied.wait(), 10)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert box.relay.closed


async def test_waking_it_sends_at_once(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.outgoing.dispatcher.IDLE_S", 3600.0)  # it never looks by itself
    dispatcher = box.dispatcher
    running = asyncio.create_task(dispatcher.run())
    await asyncio.wait_for(box.relay.tidied.wait(), 10)
    await box.order(NEW)
    dispatcher.notice_queued.set()
    await asyncio.wait_for(box.relay.used.wait(), 30)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


class Gated(Relay):
    """A relay that takes its time: until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def send(self, outgoing: Outgoing) -> None:
        await super().send(outgoing)
        await self.gate.wait()


@pytest.fixture
def gated(box: Outbox) -> Gated:
    box.relay = Gated()
    return box.relay


async def until_tried(relay: Relay, number: int) -> None:
    async with asyncio.timeout(20):
        while len(relay.tried) < number:
            relay.used.clear()
            await relay.used.wait()


async def test_a_stop_finishes_the_mails_in_hand_and_puts_the_others_back(
    box: Outbox, gated: Gated
) -> None:
    await box.order(*many(20))
    dispatcher = box.dispatcher
    running = asyncio.create_task(dispatcher.run())
    await until_tried(gated, AT_ONCE)

    dispatcher.stop()
    gated.gate.set()
    await asyncio.wait_for(running, 20)

    assert len(gated.tried) == AT_ONCE
    assert await box.states() == {NoticeState.SENT: AT_ONCE, NoticeState.DUE: 20 - AT_ONCE}
    box.relay = Relay()
    await box.dispatcher.send_due()
    assert await box.states() == {NoticeState.SENT: 20}
    assert {each.attempts for each in await box.listed()} == {1}


async def test_a_stop_that_is_cut_short_frees_what_it_held(box: Outbox, gated: Gated) -> None:
    await box.order(*many(10))
    running = asyncio.create_task(box.dispatcher.run())
    await until_tried(gated, AT_ONCE)

    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    box.relay = Relay()
    await box.dispatcher.send_due()
    assert await box.states() == {NoticeState.SENT: 10}


async def test_a_mail_that_was_sent_is_recorded_as_soon_as_the_store_responds(
    box: Outbox,
) -> None:
    """Not recorded, it would be sent again, although we know that it was sent."""
    await box.order(NEW)
    dispatcher = box.dispatcher
    failures = 2

    class Failing:
        def submit(self, job: Callable[[Connection], T], *, apart: bool = False) -> Future[T]:
            nonlocal failures
            if box.relay.tried and failures:
                failures -= 1
                refused: Future[T] = Future()
                refused.set_exception(StoreTimeout("the store did not respond"))
                return refused
            return box.ledger.submit(job, apart=apart)

        def close(self, timeout_s: float = 0) -> None: ...

    runtime = replace(dispatcher.runtime, ledger=Failing())
    with capture_logs() as logged:
        await replace(dispatcher, runtime=runtime).send_due()

    assert [each["event"] for each in logged].count("dispatcher_failed") == 2
    assert box.relay.tried == [NEW]
    assert await box.states() == {NoticeState.SENT: 1}


async def test_a_node_that_could_not_show_life_begins_no_further_mail(box: Outbox) -> None:
    await box.order(*many(10))

    class Pausing(Relay):
        async def send(self, outgoing: Outgoing) -> None:
            await super().send(outgoing)
            box.seconds += FRESH_S + 1

    box.relay = Pausing()
    await box.dispatcher.send_due()

    assert len(box.relay.tried) <= AT_ONCE
    assert (await box.states())[NoticeState.SENT] == len(box.relay.tried)


async def test_what_a_dead_node_held_is_sent_by_another(box: Outbox) -> None:
    await box.order(*many(3))
    dead = clock.new_id()
    claim = partial(outbox.claim, now=NOON, limit=50, node=dead)
    await asyncio.wrap_future(box.ledger.submit(claim))
    dispatcher = box.dispatcher

    with capture_logs() as logged:
        for _ in range(int(DEAD_S / BEAT_S) + 2):
            await dispatcher.send_due()
            box.seconds += BEAT_S

    assert await box.states() == {NoticeState.SENT: 3}
    assert [each["event"] for each in logged].count("claims_taken_over") == 1


async def test_claims_that_were_committed_too_late_for_their_round_are_put_back(
    box: Outbox,
) -> None:
    await box.order(NEW)
    dispatcher = box.dispatcher
    late = partial(outbox.claim, now=NOON, limit=50, node=dispatcher.node)
    await asyncio.wrap_future(box.ledger.submit(late))

    for _ in range(2):
        await dispatcher.send_due()

    assert await box.states() == {NoticeState.SENT: 1}


async def test_a_claim_that_takes_too_long_takes_fewer_the_next_time(box: Outbox) -> None:
    """Committed too late, it is put back: the same claim again would never send anything."""
    await box.order(*many(30))
    dispatcher, limits = box.dispatcher, list[int]()

    class Slow:
        def submit(self, job: Callable[[Connection], T], *, apart: bool = False) -> Future[T]:
            done = box.ledger.submit(job, apart=apart)
            if isinstance(job, partial) and job.func is outbox.claim:
                limits.append(job.keywords["limit"])
                if limits[-1] > 6:
                    done.result()
                    done = Future()
                    done.set_exception(StoreTimeout("the store did not respond"))
            return done

        def close(self, timeout_s: float = 0) -> None: ...

    slow = replace(dispatcher, runtime=replace(dispatcher.runtime, ledger=Slow()))
    with capture_logs() as logged:
        for _ in range(20):
            with suppress(StoreTimeout):
                await slow.send_due()

    assert await box.states() == {NoticeState.SENT: 30}
    assert limits[:6] == [50, 25, 12, 6, 12, 6]
    assert [each["most"] for each in logged if each["event"] == "claim_too_slow"][:3] == [25, 12, 6]
