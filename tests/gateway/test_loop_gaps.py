"""Nobody holds the event loop for long. Counted in its turns, since time depends on the machine."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from gateway.mail_services import STEPS_S, _run_on_loop
from gateway.parsing.parser import Parser
from storage.db.database import Connection, Database
from storage.db.group_commit import GROUP_SIZE
from storage.db.ledger import SingleWriter
from tests.gateway.building import a_mail, text
from tests.stores import SqliteStores

ON_BOTH_LOOPS = True

MAILS = 20


@dataclass
class Turns:
    """Counts the turns of the event loop, as one more callback that is due in each of them."""

    number: int = 0
    counting: bool = True

    def count(self) -> None:
        self.number += 1
        if self.counting:
            asyncio.get_running_loop().call_soon(self.count)


@asynccontextmanager
async def counted() -> AsyncIterator[Turns]:
    turns = Turns()
    turns.count()
    yield turns
    turns.counting = False


@dataclass
class SlowClock:
    """Time passes only by what is done: one unit of it for each step."""

    unit_s: float
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def tick(self) -> None:
        self.now_s += self.unit_s


async def parsed_in(parser: Parser, turns: Turns, number: int) -> tuple[int, int]:
    await parser.parse(a_mail(text(f"mail {number}")))
    return number, turns.number


async def test_mails_that_come_together_are_parsed_in_turns_of_their_own() -> None:
    parser = Parser()
    async with counted() as turns:
        done = await asyncio.gather(*(parsed_in(parser, turns, n) for n in range(MAILS)))

    assert max(Counter(turn for _, turn in done).values()) == 1
    assert sorted(done, key=lambda each: each[1]) == done


async def test_a_mail_that_comes_alone_is_parsed_at_once() -> None:
    parser = Parser()
    async with counted() as turns:
        before = turns.number
        assert (await parsed_in(parser, turns, 0))[1] == before


async def test_a_mail_that_gave_up_its_turn_holds_up_nobody() -> None:
    parser = Parser()
    async with asyncio.timeout(10), counted() as turns, asyncio.TaskGroup() as group:
        first = group.create_task(parsed_in(parser, turns, 0))
        second = group.create_task(parsed_in(parser, turns, 1))
        third = group.create_task(parsed_in(parser, turns, 2))
        await asyncio.sleep(0)
        second.cancel()

    assert second.cancelled()
    assert third.result()[1] > first.result()[1]


@pytest.mark.parametrize(("per_turn", "unit_s"), [(1, 2 * STEPS_S), (2, STEPS_S / 2)])
async def test_steps_give_the_turn_back_when_their_time_is_up(per_turn: int, unit_s: float) -> None:
    clock, seen = SlowClock(unit_s), []

    def steps() -> Iterator[None]:
        for _ in range(GROUP_SIZE):
            clock.tick()
            seen.append(turns.number)
            yield

    async with counted() as turns:
        await asyncio.to_thread(_run_on_loop, asyncio.get_running_loop(), steps(), clock)

    assert set(Counter(seen).values()) == {per_turn}


async def test_steps_that_fail_later_on_fail_for_the_thread_that_waits() -> None:
    clock = SlowClock(2 * STEPS_S)

    def steps() -> Iterator[None]:
        clock.tick()
        yield
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await asyncio.to_thread(_run_on_loop, asyncio.get_running_loop(), steps(), clock)


async def test_a_group_of_jobs_is_one_commit_of_many_turns(sqlite_stores: SqliteStores) -> None:
    clock = SlowClock(2 * STEPS_S)
    database = Database(sqlite_stores.new())
    run = partial(_run_on_loop, asyncio.get_running_loop(), clock=clock)
    ledger = SingleWriter(database.engine, run=run)

    def job(connection: Connection) -> tuple[int, Connection]:
        clock.tick()
        return turns.number, connection

    async with counted() as turns:
        # None runs before the last is submitted: they are run in this thread.
        jobs: list[Future[tuple[int, Connection]]] = [ledger.submit(job) for _ in range(GROUP_SIZE)]
        done = await asyncio.gather(*(asyncio.wrap_future(each) for each in jobs))
    await asyncio.to_thread(ledger.close)
    database.close()

    assert max(Counter(turn for turn, _ in done).values()) == 1
    assert len({id(connection) for _, connection in done}) <= 2, "the first alone, then the rest"
