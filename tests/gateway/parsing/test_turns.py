"""Worker processes are shared fairly: a client that sends much waits for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parsing.parser import Parser
from gateway.parsing.turns import QUEUE, Overloaded, Turns
from gateway.shares import Caps, IPAddress
from rules.mail import Envelope, Mail
from tests.gateway.building import a_mail, a_part, multipart

A, A2, NEIGHBOUR, OTHER = map(ip_address, ("192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.1"))
PLACES = 4


@dataclass
class Crowd:
    """Mails that take a turn, and keep it until their event is set."""

    turns: Turns
    running: list[str] = field(default_factory=list)
    """The names of those that have a place, in the order in which they got it."""
    _tasks: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = field(default_factory=dict)

    async def enter(self, name: str, client: IPAddress | None, sender: str = "") -> None:
        leave = asyncio.Event()

        async def stay() -> None:
            async with self.turns.turn(client, sender):
                self.running.append(name)
                await leave.wait()

        self._tasks[name] = asyncio.create_task(stay()), leave
        await settled()

    async def leave(self, name: str) -> None:
        task, event = self._tasks.pop(name)
        event.set()
        await task
        await settled()

    async def leave_all(self) -> None:
        for task, _ in self._tasks.values():
            task.cancel()
        await asyncio.gather(*(task for task, _ in self._tasks.values()), return_exceptions=True)


async def settled() -> None:
    """After everything that is due now."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def a_crowd(turns: Turns) -> AsyncIterator[Crowd]:
    crowd = Crowd(turns)
    yield crowd
    await crowd.leave_all()
    assert turns.is_idle


async def test_one_address_never_has_more_than_half_of_the_places() -> None:
    async with a_crowd(Turns(PLACES)) as crowd:
        for n in range(8):
            await crowd.enter(f"flood {n}", A)
        assert crowd.running == ["flood 0", "flood 1"]
        await crowd.enter("honest", NEIGHBOUR)
        assert crowd.running[-1] == "honest"


async def test_one_network_never_has_all_places() -> None:
    async with a_crowd(Turns(PLACES)) as crowd:
        for n in range(4):
            await crowd.enter(f"a{n}", A)
            await crowd.enter(f"b{n}", A2)
        assert len(crowd.running) == PLACES - 1
        await crowd.enter("honest", OTHER)
        assert crowd.running[-1] == "honest"


async def test_the_networks_of_one_provider_never_have_all_places() -> None:
    async with a_crowd(Turns(PLACES)) as crowd:
        for n in range(8):
            await crowd.enter(str(n), ip_address(f"2001:db8:{n}::1"))
        assert len(crowd.running) == PLACES - 1
        await crowd.enter("honest", OTHER)
        assert crowd.running[-1] == "honest"


async def test_a_provider_with_many_networks_takes_turns_as_one() -> None:
    async with a_crowd(Turns(1)) as crowd:
        for n in range(8):
            await crowd.enter(f"a{n}", ip_address(f"2001:db8:{n}::1"))
        await crowd.enter("honest", OTHER)
        await crowd.leave("a0")
        assert crowd.running == ["a0", "honest"]


async def test_who_was_served_longest_ago_is_next() -> None:
    async with a_crowd(Turns(1)) as crowd:
        await crowd.enter("a0", A)
        for n in range(1, 4):
            await crowd.enter(f"a{n}", A)
        await crowd.enter("b0", OTHER)
        await crowd.enter("b1", OTHER)
        for name in ("a0", "b0", "a1", "b1", "a2"):
            await crowd.leave(name)
        assert crowd.running == ["a0", "b0", "a1", "b1", "a2", "a3"]


async def test_the_senders_behind_a_relay_take_turns() -> None:
    turns = Turns(1, listed=(ip_network("192.0.2.1/32"),))
    async with a_crowd(turns) as crowd:
        for n in range(3):
            await crowd.enter(f"eve{n}", A, "eve@evil.example")
        await crowd.enter("ann", A, "ann@acme.example")
        await crowd.leave("eve0")
        assert crowd.running == ["eve0", "ann"]


async def test_a_relay_may_have_all_places() -> None:
    async with a_crowd(Turns(PLACES, listed=(ip_network("192.0.2.1/32"),))) as crowd:
        for n in range(PLACES):
            await crowd.enter(str(n), A)
        assert len(crowd.running) == PLACES


async def test_a_client_with_too_many_waiting_mails_must_try_again_later() -> None:
    turns = Turns(1)
    async with a_crowd(turns) as crowd, AsyncExitStack() as stack:
        for n in range(QUEUE.per_peer):
            await crowd.enter(str(n), A)
        with pytest.raises(Overloaded):
            await stack.enter_async_context(turns.turn(A, ""))
        assert turns.queue.refused == 1
        await crowd.enter("honest", OTHER)
        assert turns.waiting == QUEUE.per_peer


async def test_a_mail_that_was_given_up_leaves_no_trace() -> None:
    turns = Turns(1)
    async with a_crowd(turns) as crowd:
        await crowd.enter("first", A)
        waiting = asyncio.create_task(turns.turn(A, "").__aenter__())
        await settled()
        waiting.cancel()
        await settled()
        assert turns.waiting == 0
        await crowd.leave("first")
        await crowd.enter("next", A)
        assert crowd.running == ["first", "next"]


V6 = map(ip_address, ("2001:db8::1", "2001:db8:1::1"))
CLIENTS = st.sampled_from([A, A2, NEIGHBOUR, OTHER, *V6, None])


@given(st.lists(st.tuples(CLIENTS, st.integers(0, 2), st.booleans()), max_size=30))
def test_after_any_sequence_all_places_are_free(
    mails: list[tuple[IPAddress | None, int, bool]],
) -> None:
    async def run() -> None:
        turns = Turns(2, Caps(total=20, per_peer=4, per_network=6, per_listed=20))
        async with a_crowd(turns) as crowd:
            for number, (client, sender, leaves) in enumerate(mails):
                await crowd.enter(str(number), client, str(sender))
                assert turns.busy <= 2
                if leaves and crowd.running and crowd.running[-1] in crowd._tasks:
                    await crowd.leave(crowd.running[-1])

    asyncio.run(run())


BOMB = multipart("mixed", *[a_part(b"<b><i><u><s><p>" * 17_000, "Content-Type: text/html")] * 2)


async def test_bombs_of_one_address_do_not_hold_up_another() -> None:
    parser = Parser(workers=2)
    finished: list[str] = []

    async def read(name: str, mail: Mail, raw: bytes, peer: str) -> None:
        envelope = Envelope(peer, "client.example", False, "x@y.test", ("z@help.test",))
        await parser.read_rest(mail, raw, envelope)
        finished.append(name)

    bombs = [a_mail(BOMB) + b"%d" % n for n in range(4)]
    begun = [await parser.begin(raw) for raw in bombs]
    async with asyncio.TaskGroup() as group:
        for mail, raw in zip(begun, bombs, strict=True):
            group.create_task(read("bomb", mail, raw, "127.0.0.1"))
        await settled()
        assert (parser.turns.busy, parser.turns.waiting) == (1, 3)
        large = a_mail(a_part(b"x\r\n" * 40_000, "Content-Type: text/plain"))
        group.create_task(read("honest", await parser.begin(large), large, "127.0.0.2"))
    await parser.close()

    assert finished.index("honest") <= 1
    assert parser.turns.is_idle


async def test_small_mails_of_one_network_do_not_hold_up_another() -> None:
    parser = Parser(listed=(ip_network("198.51.100.7/32"),))
    read: list[str] = []

    async def begin(name: str, peer: str, sender: str = "x@y.test") -> None:
        envelope = Envelope(peer, "client.example", False, sender, ("z@help.test",))
        await parser.begin(a_mail(b"x"), envelope)
        read.append(name)

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(begin("flood", f"192.0.2.{number}"))
            group.create_task(begin("relayed flood", "198.51.100.7", "one@sender.test"))
        group.create_task(begin("honest", "203.0.113.1"))
        group.create_task(begin("relayed", "198.51.100.7", "another@sender.test"))
    await parser.close()

    assert len(read) == 82
    assert read.index("honest") < 8
    assert read.index("relayed") < 8
