"""A relay that hangs on one mail, or accepts nothing for a while: what waits, and for how long."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway import clock
from gateway.outgoing import in_hand
from gateway.outgoing.delivery import Outgoing, RelayDown, Undelivered
from gateway.outgoing.dispatcher import AT_ONCE, Dispatcher
from gateway.outgoing.relay_pause import MAILS, PAUSE_S
from gateway.outgoing.smtp_relay import SmtpRelay
from rules.mail.relay_refusals import DOMAINS
from rules.ticket.notice_timing import GIVE_UP_AFTER, LONGEST_URGENT_PAUSE
from rules.ticket.notices import NoticeState
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.notices import claims, outbox, relay_refusals, suppression
from storage.notices.overview import NoticeSummary
from storage.notices.relay_refusals import RelayTrouble
from storage.registry import mailboxes
from tests.gateway.outgoing.relay_side import RelaySide, relay_side
from tests.gateway.outgoing.test_sending import Outbox, Relay
from tests.in_process import SUPPORT, enrolled_store
from tests.rules.building import NOON

_number = count(1)
Store = tuple[Database, Ledger]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    stores: Any = request.getfixturevalue(f"{request.param}_stores")
    database = Database(enrolled_store(stores.new()), connections=6)
    ledger = open_ledger(database)
    yield database, ledger
    ledger.close()
    database.close()


@pytest.fixture
def box(store: Store) -> Outbox:
    """Of its own in a store of all: the mails of the tests before it were sent."""
    outbox = Outbox(*store, Relay())
    outbox.ordered = next(_number) * 1000
    return outbox


def new(count: int) -> list[str]:
    """Addresses of a domain each."""
    return [f"ann@c{next(_number)}.example" for _ in range(count)]


async def found(box: Outbox, addresses: Sequence[str]) -> list[NoticeSummary]:
    """The mail to each of some addresses."""
    by_address = {each.address: each for each in await box.listed()}
    return [by_address[address] for address in addresses]


async def states(box: Outbox, addresses: Sequence[str]) -> set[NoticeState]:
    return {each.state for each in await found(box, addresses)}


@dataclass
class Hanging(Relay):
    """Takes the mail to some addresses, and does not reply to it until the gate opens."""

    at: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, outgoing: Outgoing) -> None:
        await super().send(outgoing)
        if outgoing.rcpt_to in self.at:
            await self.gate.wait()


@pytest.fixture
def hanging(box: Outbox) -> Hanging:
    box.relay = Hanging()
    return box.relay


@pytest.fixture
def dispatcher(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> Dispatcher:
    monkeypatch.setattr(in_hand, "SLOW_S", 0.01)
    return box.dispatcher


async def send_what_is_due(dispatcher: Dispatcher, hangs: int = 0) -> None:
    """Returns once all are settled but those on which the relay hangs."""
    async with asyncio.timeout(20):
        while await dispatcher.send_due():
            pass
        while len(left := [*dispatcher.in_hand._tasks.values()]) > hangs:
            await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)


# One mail on which it hangs


async def test_an_alert_does_not_wait_for_a_mail_on_which_the_relay_hangs(
    box: Outbox, hanging: Hanging, dispatcher: Dispatcher
) -> None:
    slow, alert = new(2)
    hanging.at = {slow}
    await box.order(slow)
    await asyncio.wait_for(dispatcher.send_due(), 20)
    await box.order_alert(alert)

    await send_what_is_due(dispatcher, hangs=1)

    assert await states(box, [alert]) == {NoticeState.SENT}
    assert await states(box, [slow]) == {NoticeState.DUE}
    hanging.gate.set()
    await dispatcher.in_hand.wait()
    assert await states(box, [slow]) == {NoticeState.SENT}
    assert sorted(hanging.tried) == sorted([slow, alert])


async def test_so_many_continue_beside_the_others_and_no_more(
    box: Outbox, hanging: Hanging, dispatcher: Dispatcher
) -> None:
    hanging.at = {*new(3 * AT_ONCE)}
    await box.order(*hanging.at)

    sending = asyncio.create_task(dispatcher.send_due())
    async with asyncio.timeout(20):
        while len(hanging.tried) < 2 * AT_ONCE:
            hanging.used.clear()
            await hanging.used.wait()
    done, _ = await asyncio.wait([sending], timeout=10 * in_hand.SLOW_S)

    assert not done
    assert len(hanging.tried) == 2 * AT_ONCE
    hanging.gate.set()
    await sending
    await send_what_is_due(dispatcher)
    assert Counter(hanging.tried) == Counter(hanging.at)


async def test_what_continues_is_not_sent_again_whatever_becomes_of_its_claim(
    box: Outbox, hanging: Hanging, dispatcher: Dispatcher
) -> None:
    """Others may have taken this node for dead; it may then claim the mail itself."""
    (slow,) = new(1)
    hanging.at = {slow}
    await box.order(slow)
    await dispatcher.send_due()
    write = dispatcher.runtime.write
    beats = await write(partial(claims.observe, node=clock.new_id()))
    lost = partial(claims.take_over, dead=dispatcher.node, beats=beats[dispatcher.node])
    assert await write(lost) == 1

    await dispatcher.send_due()
    await dispatcher.send_due()

    hanging.gate.set()
    await dispatcher.in_hand.wait()
    assert hanging.tried == [slow]
    assert await states(box, [slow]) == {NoticeState.SENT}


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_stop_waits_for_it_and_a_stop_that_is_cut_short_frees_it(
    box: Outbox, hanging: Hanging, dispatcher: Dispatcher, orderly: bool
) -> None:
    (slow,) = new(1)
    hanging.at = {slow}
    await box.order(slow)
    running = asyncio.create_task(dispatcher.run())
    async with asyncio.timeout(20):
        await hanging.tidied.wait()  # the round is over

    dispatcher.stop()
    if orderly:
        hanging.gate.set()
    else:
        running.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(running, 20)

    box.relay = Relay()
    await send_what_is_due(box.dispatcher)
    assert await states(box, [slow]) == {NoticeState.SENT}
    assert box.relay.tried == ([] if orderly else [slow])


# One that accepts nothing for a while

DOWN = RelayDown("the relay relay.example:25: refused")


async def an_outage(box: Outbox, failure: Exception, rounds: int = 12) -> Dispatcher:
    """Three hours of it, as one dispatcher meets it, which is returned."""
    box.relay.failure = failure
    dispatcher = box.dispatcher
    for _ in range(rounds):
        await send_what_is_due(dispatcher)
        box.now += timedelta(minutes=15)
        box.seconds += 15 * 60
    box.relay.failure = None
    box.relay.tried.clear()
    return dispatcher


async def test_what_waited_for_the_relay_is_sent_soon_after_it_accepts_again(box: Outbox) -> None:
    """Not only what is urgent: a mail of its own fault would be tried again after hours."""
    waiting = new(3 * AT_ONCE)
    await box.order(*waiting)
    dispatcher = await an_outage(box, DOWN)

    box.now += LONGEST_URGENT_PAUSE
    box.seconds += LONGEST_URGENT_PAUSE.total_seconds()
    await send_what_is_due(dispatcher)

    assert await states(box, waiting) == {NoticeState.SENT}
    assert Counter(box.relay.tried) == Counter(waiting)


async def test_so_is_a_mail_for_which_it_was_down_for_longer_than_mails_are_tried(
    box: Outbox,
) -> None:
    (waiting,) = new(1)
    await box.order(waiting)
    box.now += GIVE_UP_AFTER
    dispatcher = await an_outage(box, DOWN, rounds=2)

    await send_what_is_due(dispatcher)

    assert await states(box, [waiting]) == {NoticeState.SENT}


async def test_a_relay_that_is_down_is_asked_by_a_few_mails_after_each_pause(box: Outbox) -> None:
    waiting = new(5 * AT_ONCE)
    await box.order(*waiting)
    box.relay.failure = DOWN
    dispatcher = box.dispatcher
    with capture_logs() as logged:
        for _ in range(2):
            await send_what_is_due(dispatcher)
            await box.order_alert(*new(1))  # what is ordered meanwhile does not ask it either
            await send_what_is_due(dispatcher)
            box.seconds += PAUSE_S

    assert len(box.relay.tried) <= 2 * AT_ONCE
    assert [each["event"] for each in logged].count("relay_refused") == 2
    box.relay.failure = None
    box.now += timedelta(hours=6)
    await send_what_is_due(dispatcher)
    assert await states(box, waiting) == {NoticeState.SENT}


class First(dict[str, str]):
    """Replies that a relay gives once each."""

    def get(self, verb: str, default: Any = "") -> Any:
        return self.pop(verb, default)


@pytest.fixture
async def side() -> AsyncIterator[RelaySide]:
    async with relay_side() as opened:
        yield opened


@pytest.fixture
async def over_smtp(box: Outbox, side: RelaySide) -> AsyncIterator[Dispatcher]:
    relay = SmtpRelay(side.url)
    yield replace(box.dispatcher, relay=relay)
    await relay.close()


@pytest.mark.parametrize("reply", ["421 4.7.0 too much from you", "530 5.7.0 log in"])
async def test_a_relay_that_does_not_want_one_sender_gets_the_mails_of_the_others(
    box: Outbox, side: RelaySide, over_smtp: Dispatcher, reply: str
) -> None:
    waiting = new(2 * AT_ONCE)
    await box.order(*waiting)
    side.replies = First(MAIL=reply)

    await send_what_is_due(over_smtp)

    (not_sent,) = [each for each in await found(box, waiting) if each.state is not NoticeState.SENT]
    assert reply in not_sent.last_error
    assert len(side.accepted) == len(waiting) - 1


async def test_one_that_wants_no_sender_is_down(
    box: Outbox, side: RelaySide, over_smtp: Dispatcher
) -> None:
    waiting = new(5 * AT_ONCE)
    await box.order(*waiting)
    side.replies = {"MAIL": "421 4.3.2 shutting down"}
    with capture_logs() as logged:
        await send_what_is_due(over_smtp)

    assert await states(box, waiting) == {NoticeState.DUE}
    assert side.verbs.count("MAIL") <= 2 * AT_ONCE
    assert [each["event"] for each in logged].count("relay_refused") <= MAILS
    side.replies = {}
    box.now += LONGEST_URGENT_PAUSE
    box.seconds += PAUSE_S
    await send_what_is_due(over_smtp)
    assert await states(box, waiting) == {NoticeState.SENT}


# One that refuses every recipient

UNKNOWN = Undelivered("550 5.1.1 no such user", permanent=True, code=550, status="5.1.1")


@dataclass
class Refusing(Relay):
    """Refuses some recipients for good."""

    at: set[str] = field(default_factory=set)

    async def send(self, outgoing: Outgoing) -> None:
        await super().send(outgoing)
        if outgoing.rcpt_to in self.at:
            raise UNKNOWN


async def order_alerts(box: Outbox, addresses: Sequence[str]) -> None:
    for address in addresses:
        await box.order_alert(address)


async def hard_failures(box: Outbox) -> dict[str, int]:
    """Of each address that any count against."""

    def look(connection: Connection) -> dict[str, int]:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        return {each.address: each.hard for each in suppression.listing(connection, mailbox.id)}

    return await asyncio.to_thread(box.database.read, look)


async def accepts_one(box: Outbox) -> None:
    """For the next test: what a relay has refused counts no more."""
    box.relay = Relay()
    await order_alerts(box, new(1))
    await send_what_is_due(box.dispatcher)


async def sends_all(box: Outbox) -> None:
    """For the next test as well."""
    box.now += LONGEST_URGENT_PAUSE * 2
    await accepts_one(box)


async def trouble(box: Outbox) -> RelayTrouble | None:
    return await asyncio.to_thread(box.database.read, relay_refusals.trouble)


async def test_a_relay_that_knows_nobody_costs_nobody_a_mail_or_their_address(box: Outbox) -> None:
    waiting = new(3 * DOMAINS)
    await order_alerts(box, waiting)
    box.relay.failure = UNKNOWN
    dispatcher = box.dispatcher
    await send_what_is_due(dispatcher)
    assert len(box.relay.tried) < DOMAINS + AT_ONCE, "the others wait, and are not put off"

    dispatcher = await an_outage(box, UNKNOWN, rounds=3)

    assert await states(box, waiting) == {NoticeState.DUE}
    assert not {*waiting} & (await hard_failures(box)).keys()
    known = await trouble(box)
    assert known is not None
    assert known.recipients >= DOMAINS
    await send_what_is_due(dispatcher)
    assert await states(box, waiting) == {NoticeState.SENT}
    assert await trouble(box) is None


async def test_what_one_node_gave_up_is_tried_again_once_another_meets_the_next_refusal(
    box: Outbox,
) -> None:
    first, second = new(2)
    box.relay = Refusing(at={first, second})
    await order_alerts(box, [first])
    await send_what_is_due(box.dispatcher)
    assert await states(box, [first]) == {NoticeState.DEAD}
    assert (await hard_failures(box))[first] == 1
    await order_alerts(box, [second])

    with capture_logs() as logged:
        await send_what_is_due(box.dispatcher)

    assert await states(box, [first, second]) == {NoticeState.DUE}
    assert first not in await hard_failures(box)
    assert "relay_refused" in [each["event"] for each in logged]
    box.relay = Relay()
    box.now += LONGEST_URGENT_PAUSE
    await send_what_is_due(box.dispatcher)
    assert await states(box, [first, second]) == {NoticeState.SENT}


async def test_wrong_addresses_are_given_up_while_the_relay_accepts_others(box: Outbox) -> None:
    wrong = new(2)
    box.relay = Refusing(at={*wrong})
    await order_alerts(box, wrong)
    dispatcher = box.dispatcher
    for _ in range(2 * len(wrong)):
        await send_what_is_due(dispatcher)
        await order_alerts(box, new(1))
        await send_what_is_due(dispatcher)
        box.now += 2 * LONGEST_URGENT_PAUSE

    assert await states(box, wrong) == {NoticeState.DEAD}
    counted = await hard_failures(box)
    assert [counted[each] for each in wrong] == [1, 1]


async def test_an_invitation_blames_no_relay(box: Outbox) -> None:
    """Anybody can have one sent to any address of a customer's domain."""
    invited, alerted = new(2)
    box.relay = Refusing(at={invited, alerted})
    await box.order(invited)
    await send_what_is_due(box.dispatcher)
    await order_alerts(box, [alerted])

    await send_what_is_due(box.dispatcher)

    assert await states(box, [invited, alerted]) == {NoticeState.DEAD}
    await accepts_one(box)


async def test_nor_does_one_take_back_what_another_refusal_will(box: Outbox) -> None:
    """It would be given up again, by itself, and for good."""
    first, invited, second = new(3)
    box.relay.failure = UNKNOWN
    await order_alerts(box, [first])
    await send_what_is_due(box.dispatcher)
    await box.order(invited)
    await send_what_is_due(box.dispatcher)
    await order_alerts(box, [second])

    await send_what_is_due(box.dispatcher)

    assert await states(box, [first, second]) == {NoticeState.DUE}
    assert not {first, second} & (await hard_failures(box)).keys()
    await sends_all(box)


async def test_invitations_that_are_refused_pause_nothing(box: Outbox) -> None:
    invited, other = new(2 * DOMAINS), new(1)
    box.relay = Refusing(at={*invited})
    await box.order(*invited, *other)

    await send_what_is_due(box.dispatcher)

    assert await states(box, other) == {NoticeState.SENT}


async def test_mails_that_are_refused_again_and_again_let_those_behind_them_be_tried(
    box: Outbox,
) -> None:
    wrong, alert = new(7 * AT_ONCE), new(1)
    box.relay = Refusing(at={*wrong})
    await order_alerts(box, wrong)
    box.now += timedelta(seconds=1)
    await order_alerts(box, alert)
    dispatcher = box.dispatcher
    for _ in range(len(wrong) // AT_ONCE + 2):
        await send_what_is_due(dispatcher)
        box.now += timedelta(seconds=PAUSE_S)
        box.seconds += PAUSE_S

    assert await states(box, alert) == {NoticeState.SENT}
    await sends_all(box)


async def test_the_addresses_of_one_domain_that_are_refused_pause_nothing(box: Outbox) -> None:
    """That of a company that has let it lapse."""
    gone, alert = [f"user{n}@lapsed.example" for n in range(2 * DOMAINS)], new(1)
    box.relay = Refusing(at={*gone})
    await order_alerts(box, gone)
    box.now += timedelta(seconds=1)
    await order_alerts(box, alert)

    await send_what_is_due(box.dispatcher)

    assert await states(box, alert) == {NoticeState.SENT}
    await sends_all(box)


async def test_what_a_suspension_has_stopped_is_sent_once_the_relay_is_to_blame_for_it(
    box: Outbox,
) -> None:
    suspended, other = new(2)
    box.relay.failure = UNKNOWN
    for _ in range(3):
        await order_alerts(box, [suspended])
        await send_what_is_due(box.dispatcher)
    to_suspended = [each for each in await box.listed() if each.address == suspended]
    assert outbox.DISCONTINUED in [each.last_error for each in to_suspended]
    await order_alerts(box, [other])

    await send_what_is_due(box.dispatcher)

    to_suspended = [each for each in await box.listed() if each.address == suspended]
    assert [each.state for each in to_suspended] == 3 * [NoticeState.DUE]
    await sends_all(box)


async def test_a_relay_that_is_down_is_known_to_all_nodes_until_one_is_accepted(
    box: Outbox,
) -> None:
    await order_alerts(box, new(1))
    dispatcher = await an_outage(box, DOWN, rounds=1)
    known = await trouble(box)
    assert known == RelayTrouble(NOON, str(DOWN), 0)

    await send_what_is_due(box.dispatcher)

    assert await trouble(box) is None
    assert dispatcher.node != box.dispatcher.node
