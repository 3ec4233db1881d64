"""The limits of one process, and the state that its connections share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Protocol

from rules import replies
from rules.replies import Reply

IPAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process. Times in seconds, sizes in bytes."""

    mail_size_bytes: int = 25 * 2**20
    recipients: int = 100
    connections: int = 500
    connections_per_peer: int = 20
    """Per IPv4 address, or per IPv6 /64."""
    connections_per_relay: int = 200
    """The same limit for the `relay_peers` of a listener."""
    in_flight_bytes: int = 256 * 2**20
    idle_s: float = 300
    data_min_bytes_per_s: int = 1024
    """Minimum average rate of DATA, checked once in each `data_window_s`."""
    data_window_s: float = 60
    data_total_s: float = 1800
    handler_s: float = 120
    """How long the client waits for the data hook; the hook itself keeps running."""
    errors: int = 20
    """5xx replies before the connection is closed; an accepted mail resets the count."""
    junk_commands: int = 100
    """Commands other than MAIL, RCPT, DATA and QUIT, counted in the same way."""


class PooledConnection(Protocol):
    """What `drain` needs from a connection."""

    def shut_down(self) -> None:
        """Closes with 421: now, or after the reply to the mail in progress."""

    def abort(self) -> None:
        """Drops the connection."""


class ConnectionPool:
    """All connections of one process: the counts behind the limits, and the drain."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.connections: dict[PooledConnection, bytes | None] = {}
        """Each connection with its key in `peers`, if it has one."""
        self.peers: Counter[bytes] = Counter()
        self.in_flight_bytes = 0
        self.tasks: set[asyncio.Task[Sequence[Reply]]] = set()
        self.draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, connection: PooledConnection) -> Reply | None:
        """Adds the connection and returns None, or returns the reply that refuses it."""
        if self.draining:
            return replies.SHUTTING_DOWN
        if len(self.connections) >= self.limits.connections:
            return replies.TOO_MANY_CONNECTIONS
        self.connections[connection] = None
        self._idle.clear()
        return None

    def count_peer(
        self, connection: PooledConnection, peer: IPAddress, max_connections: int
    ) -> Reply | None:
        """Counts the connection for its peer and returns None, or the reply that refuses it."""
        key = peer.packed[:8]  # all of IPv4, the /64 of IPv6
        if self.peers[key] >= max_connections:
            return replies.TOO_MANY_CONNECTIONS
        self.peers[key] += 1
        self.connections[connection] = key
        return None

    def remove(self, connection: PooledConnection) -> None:
        """Removes the connection; may be called more than once."""
        key = self.connections.pop(connection, None)
        if key is not None:
            self.peers[key] -= 1
            if not self.peers[key]:
                del self.peers[key]
        self._update_idle()

    def run(self, work: Coroutine[Any, Any, Sequence[Reply]]) -> asyncio.Task[Sequence[Reply]]:
        """Starts a task that outlives its connection and that `drain` waits for."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(lambda _: self._update_idle())
        return task

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
