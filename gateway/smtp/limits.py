"""The limits of one process, and the state that its connections share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.loop_turns import LoopTurns
from gateway.places import Displaceable, Places
from gateway.seldom import Seldom
from gateway.shares import Caps, IPAddress, Shares, keys_of
from gateway.smtp.rates import Act, ClientRates, RateLimits
from rules import replies
from rules.replies import Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process. Times in seconds, sizes in bytes."""

    mail_size_bytes: int = 25 * 2**20
    recipients: int = 100
    connections: int = 500
    connections_per_peer: int = 20
    """Per IPv4 address, or per IPv6 /64."""
    connections_per_network: int | None = None
    """Per IPv4 /24, or per IPv6 /48; None for three times the limit per peer."""
    connections_per_relay: int = 200
    """The limit per peer for the `relay_peers` of a listener."""
    in_flight_bytes: int = 256 * 2**20
    idle_s: float = 300
    linger_s: float = 2.0
    """Time for a connection to close after its last reply before it is aborted."""
    data_min_bytes_per_s: int = 1024
    """Minimum average rate of DATA, checked once in each `data_window_s`."""
    data_window_s: float = 60
    data_total_s: float = 1800
    handler_s: float = 120
    """How long the client waits for the data hook; the hook itself keeps running."""
    errors: int = 20
    """Replies 5xx, and 451 for too high a rate, before the connection is closed; an accepted mail
    resets the count."""
    junk_commands: int = 100
    """Commands other than MAIL, RCPT, DATA and QUIT, counted in the same way."""

    @property
    def slots(self) -> Caps:
        per_network = self.connections_per_network or 3 * self.connections_per_peer
        return Caps(
            total=self.connections,
            per_peer=self.connections_per_peer,
            per_network=per_network,
            per_listed=self.connections_per_relay,
        )

    @property
    def in_flight(self) -> Caps:
        """A quarter for a peer, a half for a network, but always room for a mail of full size."""
        total = self.in_flight_bytes
        return Caps(
            total=total,
            per_peer=max(total // 4, min(total, self.mail_size_bytes + MAIL_OVERHEAD_BYTES)),
            per_network=max(total // 2, min(total, self.mail_size_bytes + MAIL_OVERHEAD_BYTES)),
            per_listed=total,
            floor=SMALL_MAIL_BYTES,
        )


MAIL_OVERHEAD_BYTES = 1024 * 1024
"""What is in flight besides a mail of full size: its end mark, and the input that is buffered."""


SMALL_MAIL_BYTES = 256 * 1024
"""What any network may have in flight while anything is left."""


class Slot:
    """One connection's place; it is free once the connection and its last mail are done with it.

    A client that leaves while its mail is being filed still uses what the mail uses.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._client: IPAddress | None = None
        self._holders = 0

    def take(self, client: IPAddress | None) -> None:
        """Take a slot that was granted to the client."""
        self._shares.add(client, 1)
        self._client, self._holders = client, 1

    @property
    def has_one_holder(self) -> bool:
        return self._holders == 1

    def hold(self) -> None:
        """Keep the slot for one more holder, until it calls `free`."""
        self._holders += 1

    def free(self) -> None:
        """One holder less; does nothing without a holder."""
        if self._holders:
            self._holders -= 1
            if not self._holders:
                self._shares.give_back(self._client)


class PooledConnection(Displaceable, Protocol):
    """What the pool needs from a connection."""

    slot: Slot

    def shut_down(self) -> None:
        """Closes with 421: now, or after the reply to the mail in progress."""

    def close_if_idle(self) -> None:
        """Closes with 421 if no mail is in progress."""

    def abort(self) -> None:
        """Drops the connection."""


class ConnectionPool:
    """All connections of one process: what they hold of what is scarce, and the drain."""

    def __init__(
        self,
        limits: Limits,
        rates: RateLimits | None = None,
        has_disk: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """`has_disk` states whether there is disk space for a mail of a size."""
        self.limits = limits
        self.has_disk = has_disk
        self.rates = ClientRates(rates or RateLimits(), time.monotonic)
        self.slots = Shares(limits.slots)
        self.in_flight = Shares(limits.in_flight)
        """The bytes of mails from their arrival to their reply, and of buffered input."""
        self.block_turns = LoopTurns()
        """For the blocks of large mails: however many are sent at once, a small one is answered."""
        self.connections: set[PooledConnection] = set()
        self.seldom = Seldom()
        """For events of the log that a client causes as often as it likes."""
        self.not_balancers = 0
        """How often a client was refused that is no listed balancer: for the metrics."""
        self.places: Places[PooledConnection] = Places("smtp_connections", self.slots, Seldom())
        """Clients that wait between mails are idle; those in DATA are stalled unless they go on."""
        self.tasks: set[asyncio.Task[Sequence[Reply]]] = set()
        self.draining = False
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="large-mails")
        self._idle = asyncio.Event()
        self._idle.set()

    def add(
        self, connection: PooledConnection, client: IPAddress | None, *, listed: bool
    ) -> Reply | None:
        """Adds the connection and returns None, or returns the reply that refuses it."""
        if self.draining:
            return replies.SHUTTING_DOWN
        if not self.rates.allows(client, Act.CONNECT, listed=listed):
            return replies.CONNECTING_TOO_FAST
        if not self.places.grant(client, listed=listed):
            return replies.TOO_MANY_CONNECTIONS
        connection.slot.take(client)
        self.connections.add(connection)
        self._idle.clear()
        self.waits(connection, client, listed=listed)
        return None

    def change_client(
        self, connection: PooledConnection, client: IPAddress | None, *, listed: bool
    ) -> Reply | None:
        """Counts the connection for the client that a balancer names; or the reply to it."""
        connection.slot.free()
        if not self.places.grant(client, listed=listed):
            connection.slot.take(None)  # it has a descriptor until it is closed
            return replies.TOO_MANY_CONNECTIONS
        connection.slot.take(client)
        self.waits(connection, client, listed=listed)
        return None

    def waits(
        self, connection: PooledConnection, client: IPAddress | None, *, listed: bool
    ) -> None:
        """The connection has no mail in progress: it is the last in line to give way."""
        self.places.discard(connection)
        is_counted = connection in self.connections and connection.slot.has_one_holder
        if is_counted and client is not None and not listed:
            self.places.idle.put(connection, keys_of(client)[1])

    def receives(
        self, connection: PooledConnection, client: IPAddress | None, *, listed: bool
    ) -> None:
        """The connection is in DATA, and gives way only if that does not go on."""
        self.places.discard(connection)
        if connection in self.connections and client is not None and not listed:
            self.places.stalled.put(connection, keys_of(client)[1])

    def remove(self, connection: PooledConnection) -> None:
        """Removes the connection; may be called more than once."""
        if connection in self.connections:
            self.connections.discard(connection)
            self.places.discard(connection)
            connection.slot.free()
        self._update_idle()

    def run(
        self, connection: PooledConnection, work: Coroutine[Any, Any, Sequence[Reply]]
    ) -> asyncio.Task[Sequence[Reply]]:
        """Starts a task that outlives its connection, holds its slot, and that `drain` awaits."""
        task = asyncio.create_task(work)
        self.places.discard(connection)
        connection.slot.hold()
        self.tasks.add(task)
        self._idle.clear()

        def done(task: asyncio.Task[Sequence[Reply]]) -> None:
            connection.slot.free()
            self.tasks.discard(task)
            self._update_idle()

        task.add_done_callback(done)
        return task

    def apart(self, call: Callable[[], T]) -> Awaitable[T]:
        """The result of a call that would hold the event loop, from a thread that does no more."""
        return asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close_idle(self) -> None:
        """Closes every connection without a mail in progress: descriptors have run out."""
        for connection in tuple(self.connections):
            connection.close_if_idle()

    async def drain(self, grace_s: float) -> bool:
        """Closes every connection: idle ones at once, others after the reply to their mail.

        True if all have closed within `grace_s`; otherwise the remaining ones are aborted and the
        result is False. Hooks that are then still running are in `tasks`. Close the listening
        sockets first.
        """
        self.draining = True
        for connection in tuple(self.connections):
            connection.shut_down()
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            for connection in tuple(self.connections):
                connection.abort()
            return False
        return True

    def _update_idle(self) -> None:
        if not self.connections and not self.tasks:
            self._idle.set()
