"""What is scarce, divided among clients: connection slots, bytes in flight, worker processes.

A client is an IP address; its network is the IPv4 /24 or the IPv6 /48 around it, and its provider
the IPv6 /32 (`rules/networks.py`). An IPv6 client counts as its /64, since a host with one address
of a /64 has all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from rules.networks import counted

IPAddress = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

RESERVE = 10
"""One part in this many is kept for listed clients."""
PEER_PART, NETWORK_PART = 4, 2
"""A peer may hold one part in this many of what is left to all others; and so may a network. A
provider may hold as much as is left."""
PROVIDER_FACTOR = 4
"""A provider may hold this many times what one network may."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be held at a time."""

    total: int
    per_peer: int
    """By one IPv4 address or one IPv6 /64."""
    per_network: int
    """By one IPv4 /24 or one IPv6 /48."""
    per_listed: int
    """By one listed address (a relay, a proxy), in place of the two caps above."""
    floor: int = 1
    """What a client may hold however little is left to others."""

    @property
    def reserve(self) -> int:
        return self.total // RESERVE

    @property
    def per_provider(self) -> int:
        """By one IPv6 /32, whose owner has 65,536 networks; of IPv4 there is no such cap."""
        return PROVIDER_FACTOR * self.per_network


class Shares:
    """Counts what each client holds of one scarce thing.

    Besides its caps, a client that is not listed may hold only a fraction of what is still free.
    So it takes very many networks to hold everything, and who holds little is served longest.
    """

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.used = 0
        self.refused = 0
        """How often a client was refused something: for the metrics."""
        self.evicted = 0
        """How often a client lost something to one that held less: for the metrics."""
        self._held: Counter[bytes] = Counter()
        """By peer, by network and by provider; the keys differ in their lengths."""

    def take(self, client: IPAddress | None, amount: int = 1, *, listed: bool = False) -> bool:
        """Whether the client may have `amount` more; if so it is counted, until `give_back`.

        A client without an address, behind a unix socket, is local: only the total limits it.
        """
        if not self.allows(client, amount, listed=listed):
            return False
        self.add(client, amount)
        return True

    def allows(self, client: IPAddress | None, amount: int = 1, *, listed: bool = False) -> bool:
        """Whether the client may have `amount` more; a refusal is counted, `amount` is not."""
        allowed = self._allows(client, amount, listed)
        self.refused += not allowed
        return allowed

    def fits(self, client: IPAddress | None, amount: int = 1, *, listed: bool) -> bool:
        """Whether the client may have `amount` more; nothing is counted."""
        return self._allows(client, amount, listed)

    def may_displace(self, client: IPAddress | None, holder: bytes, *, listed: bool) -> bool:
        """Whether the client, for which nothing is free, may have one that a network holds.

        It must be within its caps and, unless it is listed, hold less than that network. A provider
        with half of everything displaces nobody, however little its single networks hold.
        """
        if client is None:
            return True
        caps = self.caps
        peer, network, provider = keys_of(client)
        if listed:
            return self._held[peer] < caps.per_listed
        held, by_provider = self._held[network], self._held[provider] if provider else 0
        within_caps = self._held[peer] < caps.per_peer and held < caps.per_network
        half = min(caps.per_provider, (caps.total - caps.reserve) // 2)
        return within_caps and by_provider < half and held < self._held[holder]

    def add(self, client: IPAddress | None, amount: int) -> None:
        """Count `amount` that the client holds already, whatever the caps say."""
        self._change(client, amount)

    def give_back(self, client: IPAddress | None, amount: int = 1) -> None:
        """Count `amount` as free again."""
        self._change(client, -amount)

    def held_by(self, client: IPAddress) -> int:
        """What the peer of an address holds."""
        return self._held[keys_of(client)[0]]

    @property
    def holders(self) -> int:
        """The number of peers, networks and providers that hold something: 0 once all is given
        back."""
        return len(self._held)

    def _allows(self, client: IPAddress | None, amount: int, listed: bool) -> bool:
        caps = self.caps
        left = caps.total - self.used
        if amount > left:
            return False
        if client is None:
            return True
        peer, network, provider = keys_of(client)
        if listed:
            return self._held[peer] + amount <= caps.per_listed
        free = left - caps.reserve
        by_peer, by_network = self._held[peer] + amount, self._held[network] + amount
        by_provider = self._held[provider] + amount if provider else 0
        return (
            amount <= free
            and by_peer <= min(caps.per_peer, max(caps.floor, free // PEER_PART))
            and by_network <= min(caps.per_network, max(caps.floor, free // NETWORK_PART))
            and by_provider <= min(caps.per_provider, max(caps.floor, free))
        )

    def _change(self, client: IPAddress | None, amount: int) -> None:
        self.used += amount
        if client is None or not amount:
            return
        held = self._held
        for key in keys_of(client):
            if key:
                left = held[key] + amount
                if left:
                    held[key] = left
                else:
                    del held[key]


def is_in(client: IPAddress | None, networks: Networks) -> bool:
    """Whether the client's address is in one of the networks."""
    return client is not None and any(client in network for network in networks)


def address_of(host: str) -> IPAddress | None:
    """The address that a socket names, without its IPv6 zone; None for a unix socket.

    An IPv4 client of a socket that takes both is an IPv4 client.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def keys_of(client: IPAddress) -> tuple[bytes, bytes, bytes]:
    """The client's peer, its network and its provider, which is empty for an IPv4 client."""
    packed = counted(client.packed)
    if len(packed) == 4:
        return packed, packed[:3], b""
    return packed[:8], packed[:6], packed[:4] + b"/"  # an IPv4 peer has four octets, too
