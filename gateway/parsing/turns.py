"""Places at work, shared fairly among clients: the one that has had least is next.

One client that sends much waits for itself. It never has all places, and only so many of its mails
wait at a time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.shares import Caps, IPAddress, Networks, Shares, is_in, keys_of

QUEUE = Caps(total=256, per_peer=12, per_network=36, per_listed=128)
"""Mails that wait for a place or have one."""


class Overloaded(Exception):
    """The client has too many mails that wait for a place: it must try again later."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    keys: tuple[object, ...]
    """Its provider, its network, its peer and its sender; of a listed client only its sender."""
    granted: asyncio.Future[None]


class Turns:
    """Grants places one by one: first to the client with the fewest, then to the one served longest
    ago; by provider, then by network, by peer and by sender.

    One peer has at most half of the places, and one network or provider all but one, unless the
    client is listed (a relay speaks for many senders).
    """

    def __init__(self, places: int, queue: Caps = QUEUE, listed: Networks = ()) -> None:
        self.queue = Shares(queue)
        self.busy = 0
        """Places in use."""
        self._places = places
        self._listed = listed
        self._waiting: list[_Waiter] = []
        self._running: Counter[object] = Counter()
        self._served_at: dict[object, int] = {}
        """When each key with a mail here was last served, in grants."""
        self._grants = 0
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def turn(self, client: IPAddress | None, sender: str) -> AsyncIterator[None]:
        """A place, until the end of the context. Raises Overloaded for a client whose share of the
        queue is full."""
        listed = is_in(client, self._listed)
        if not self.queue.take(client, listed=listed):
            raise Overloaded
        keys = _keys(client, sender, listed=listed)
        waiter = _Waiter(keys, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            self._grant()
            await waiter.granted
            yield
        finally:
            self._leave(waiter)
            self.queue.give_back(client)
            self._grant()
            self._ended.set()

    async def finished(self) -> None:
        """Returns when no place is in use and nobody waits for one."""
        while not self.is_idle:
            self._ended.clear()
            await self._ended.wait()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is counted for anybody, as after the last turn."""
        counts = (self.busy, self.queue.used, self.queue.holders)
        return not any(counts) and not (self._waiting or self._running or self._served_at)

    def _grant(self) -> None:
        while self.busy < self._places:
            ready = [w for w in self._waiting if not w.granted.done() and self._may_run(w)]
            if not ready:
                return
            following = min(ready, key=self._precedence)
            self._waiting.remove(following)
            self.busy += 1
            self._grants += 1
            for key in following.keys:
                self._running[key] += 1
                self._served_at[key] = self._grants
            following.granted.set_result(None)

    def _leave(self, waiter: _Waiter) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        else:
            self.busy -= 1
            self._running -= Counter(waiter.keys)
        for key in waiter.keys:
            if not self._running[key] and all(key not in each.keys for each in self._waiting):
                self._served_at.pop(key, None)

    def _may_run(self, waiter: _Waiter) -> bool:
        if len(waiter.keys) == 1:  # of a listed client, or a local one
            return True
        provider, network, peer, _ = waiter.keys
        by_peer, by_network = max(1, self._places // 2), max(1, self._places - 1)
        widest = max(self._running[network], self._running[provider])
        return self._running[peer] < by_peer and widest < by_network

    def _precedence(self, waiter: _Waiter) -> tuple[int, ...]:
        """Compared among those that may run; equal ones keep their order."""
        return tuple(
            number
            for key in waiter.keys
            for number in (self._running[key], self._served_at.get(key, 0))
        )


def _keys(client: IPAddress | None, sender: str, *, listed: bool) -> tuple[object, ...]:
    if client is None or listed:
        return (sender,)
    peer, network, provider = keys_of(client)
    # Of IPv4 the network stands for the provider. In a tuple, it is another key than the network.
    return (provider or network,), network, peer, (peer, sender)
