"""Which connection gives way when no slot is left: the longest idle of the largest network.

A client with few connections is served even while many networks hold all slots. Every operation
takes constant time, since an attacker chooses how often they are called.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from itertools import chain, islice
from typing import Generic, Protocol, TypeVar

from gateway.seldom import Seldom
from gateway.shares import IPAddress, Shares

log = logging.getLogger("gateway.places")

NETWORKS_ASKED = 32
"""The largest networks that are asked for a slot: else one whose connections are all busy would
protect those of the others."""


class Displaceable(Protocol):
    """A connection that can give way."""

    @property
    def may_give_way(self) -> bool:
        """Whether nothing is lost if it is dropped now."""

    def give_way(self) -> None:
        """Say so to the client and drop the connection; its slot is free on return."""


C = TypeVar("C", bound=Displaceable)


class IdleQueue(Generic[C]):
    """Idle connections by network; a network's size is the number of its idle connections."""

    def __init__(self) -> None:
        self._network_of: dict[C, bytes] = {}
        self._idle: defaultdict[bytes, OrderedDict[C, None]] = defaultdict(OrderedDict)
        """By network; the longest idle first."""
        self._of_size: defaultdict[int, OrderedDict[bytes, None]] = defaultdict(OrderedDict)
        """Networks by size; the one that was active longest ago first."""
        self._largest = 0

    def __len__(self) -> int:
        return len(self._network_of)

    def put(self, connection: C, network: bytes) -> None:
        """The connection is idle from now on; if it was idle already, it begins anew."""
        self.discard(connection)
        self._network_of[connection] = network
        self._idle[network][connection] = None
        self._resize(network, len(self._idle[network]) - 1)

    def touch(self, connection: C) -> None:
        """The connection did something; it is idle from now on, if it is in the queue."""
        network = self._network_of.get(connection)
        if network is not None:
            self._idle[network].move_to_end(connection)
            self._of_size[len(self._idle[network])].move_to_end(network)

    def discard(self, connection: C) -> None:
        """The connection is idle no more, or gone."""
        network = self._network_of.pop(connection, None)
        if network is not None:
            del self._idle[network][connection]
            self._resize(network, len(self._idle[network]) + 1)

    def in_turn(self, most: int) -> Iterator[tuple[C, bytes]]:
        """The longest idle connection of each of the largest networks, and the network."""
        sizes = sorted(self._of_size, reverse=True)  # few: n networks have at most √2n sizes
        networks = chain.from_iterable(self._of_size[size] for size in sizes)
        for network in islice(networks, most):
            yield next(iter(self._idle[network])), network

    def _resize(self, network: bytes, before: int) -> None:
        size = len(self._idle[network])
        for_size = self._of_size.get(before)
        if for_size is not None:
            for_size.pop(network, None)
            if not for_size:
                del self._of_size[before]
        if size:
            self._of_size[size][network] = None
        else:
            del self._idle[network]
        if size > self._largest or (before == self._largest and before not in self._of_size):
            self._largest = size


class Places(Generic[C]):
    """The slots of connections; who is idle gives way to a client that holds less."""

    def __init__(self, what: str, shares: Shares, seldom: Seldom) -> None:
        """`what` names the slots in the log."""
        self.idle: IdleQueue[C] = IdleQueue()
        self.stalled: IdleQueue[C] = IdleQueue()
        """In the middle of something that does not go on: they give way where nobody is idle."""
        self._what = what
        self._shares = shares
        self._seldom = seldom

    def grant(self, client: IPAddress | None, *, listed: bool) -> bool:
        """Whether the client may have a slot, which it has to take at once."""
        if self._shares.fits(client, listed=listed):
            return True
        for connection, network in chain(
            self.idle.in_turn(NETWORKS_ASKED), self.stalled.in_turn(NETWORKS_ASKED)
        ):
            if connection.may_give_way and self._shares.may_displace(
                client, network, listed=listed
            ):
                self.discard(connection)
                connection.give_way()
                self._shares.evicted += 1
                if self._seldom.allows(b""):
                    log.warning(
                        "%s: no slot is left, the idle clients of the largest network give way"
                        " (%d so far)",
                        self._what,
                        self._shares.evicted,
                    )
                return True
        self._shares.refused += 1
        return False

    def touch(self, connection: C) -> None:
        """The connection received something."""
        self.idle.touch(connection)
        self.stalled.touch(connection)

    def discard(self, connection: C) -> None:
        """The connection is busy, or gone."""
        self.idle.discard(connection)
        self.stalled.discard(connection)
