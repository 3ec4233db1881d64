"""Whatever a relay does at any step for a while: nothing is lost, sent twice or kept waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.outgoing import smtp_relay
from gateway.outgoing.dispatcher import AT_ONCE
from gateway.outgoing.smtp_relay import SmtpRelay
from rules.ticket.notice_timing import LONGEST_PAUSE, LONGEST_URGENT_PAUSE
from rules.ticket.notices import NoticeState
from storage.db.database import Database
from storage.db.ledger import Ledger, open_ledger
from storage.notices.overview import NoticeSummary
from tests.examples import examples
from tests.gateway.outgoing.relay_side import RelaySide, relay_side
from tests.gateway.outgoing.test_sending import Outbox
from tests.in_process import enrolled_store
from tests.stores import SqliteStores

HANG_UP, HANG = "", "251-and nothing more"
_words = st.sampled_from(
    [
        "later",
        "4.7.1 no",
        "5.1.1 Empf\udce4nger unbekannt",
        "5.7.1 what you wrote",
        "x" * 9000,
        "é\x07",
    ]
)
_codes = st.sampled_from([421, 450, 452, 530, 550, 552, 554, 571, 599, 999])
_lines = st.builds(
    lambda code, words, more: f"{code}-{words}\r\n" * more + f"{code} {words}",
    _codes,
    _words,
    st.integers(0, 2),
)
FAULTS = st.one_of(_lines, st.sampled_from([HANG_UP, HANG, "nonsense", "99"]))
VERBS = st.sampled_from(["GREETING", "EHLO", "HELO", "MAIL", "RCPT", "DATA", ".", "RSET"])
_number = count(1)
Store = tuple[Database, Ledger]
FEW = settings(
    max_examples=examples(5),
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass
class Faults(dict[str, str]):
    """Each fault is met once, at the first such verb of any connection."""

    left: list[tuple[str, str]]

    def get(self, verb: str, default: Any = "") -> Any:
        self.pop(verb, None)
        for fault in self.left:
            if fault[0] == verb:
                self.left.remove(fault)
                self[verb] = fault[1]
                return fault[1]
        return default


@pytest.fixture
def store(sqlite_stores: SqliteStores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(smtp_relay, "COMMAND_TIMEOUT_S", 0.2)
    monkeypatch.setattr(smtp_relay, "DATA_TIMEOUT_S", 0.2)
    database = Database(enrolled_store(sqlite_stores.new()), connections=6)
    ledger = open_ledger(database)
    yield database, ledger
    ledger.close()
    database.close()


def new_addresses(kind: str, number: int) -> list[str]:
    return [f"{kind}{next(_number)}@acme.example" for _ in range(number)]


@dataclass
class Example:
    box: Outbox
    side: RelaySide
    relay: SmtpRelay
    alerts: list[str]
    others: list[str]

    async def rounds(self, number: int, pause: timedelta) -> None:
        dispatcher = self.box.dispatcher
        for _ in range(number):
            while await dispatcher.send_due():
                pass
            self.box.now += pause
            self.box.seconds += pause.total_seconds()

    async def states(self) -> dict[str, NoticeSummary]:
        ours = {*self.alerts, *self.others}
        return {each.address: each for each in await self.box.listed() if each.address in ours}

    @property
    def accepted(self) -> Counter[str]:
        return Counter(to for _, to, _ in self.side.accepted)


@asynccontextmanager
async def example(store: Store, alerts: int, others: int) -> AsyncIterator[Example]:
    async with relay_side() as side:
        relay = SmtpRelay(side.url)
        box = Outbox(*store, relay)  # type: ignore[arg-type]  # a real one
        box.ordered = next(_number) * 1000  # the ids of notices are its own
        this = Example(box, side, relay, new_addresses("a", alerts), new_addresses("b", others))
        for address in this.alerts:
            await box.order_alert(address)
        await box.order(*this.others)
        yield this
        await relay.close()


@FEW
@given(faults=st.lists(st.tuples(VERBS, FAULTS), max_size=12), alerts=st.integers(1, 3))
def test_whatever_a_relay_does_for_a_while_each_mail_arrives_once_or_is_named(
    store: Store, faults: list[tuple[str, str]], alerts: int
) -> None:
    async def run() -> None:
        async with example(store, alerts, others=4) as this:
            this.side.replies = Faults(faults[:])
            await this.rounds(3, timedelta(minutes=40))
            this.side.replies = {}  # from now on it accepts everything

            await this.rounds(2, LONGEST_URGENT_PAUSE)
            found = await this.states()
            assert not [a for a in this.alerts if found[a].state is NoticeState.DUE]

            await this.rounds(4, 2 * LONGEST_PAUSE)
            found = await this.states()
            for address, notice in found.items():
                arrived = this.accepted[address]
                assert arrived == (1 if notice.state is NoticeState.SENT else 0)
                if notice.state is NoticeState.DEAD:  # the digest and the outbox have the words
                    assert notice.last_error[:1] == "5"
            assert {each.state for each in found.values()} <= {NoticeState.SENT, NoticeState.DEAD}
            assert len(this.relay._free) <= AT_ONCE

    asyncio.run(run())


@FEW
@given(verb=st.sampled_from(["RCPT", "DATA", "."]), fault=FAULTS)
def test_what_a_relay_does_at_the_mail_of_one_delays_no_other(
    store: Store, verb: str, fault: str
) -> None:
    async def run() -> None:
        async with example(store, alerts=1, others=9) as this:
            for poison in this.others[0], this.others[5]:
                this.side.at[verb, poison] = fault

            await this.rounds(1, timedelta())

            assert set(this.accepted) == {*this.alerts, *this.others} - {poison, this.others[0]}

    asyncio.run(run())
