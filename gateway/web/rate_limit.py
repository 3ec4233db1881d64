"""How often one client may post: a token bucket per client, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network

from gateway.shares import Networks, address_of, is_in

CLIENTS_KEPT = 10_000
"""Beyond this, the client seen longest ago is forgotten, so that a flood of addresses costs no
memory; the worst effect is a full bucket for a client less than a minute after its last request."""
NETWORK_FACTOR = 4
"""A network may post this many times what one client may: a /48 has 65,536 clients."""
LOOPBACK: Networks = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class RateLimiter:
    """At most `most` requests at once from one client, and as many in each period afterwards."""

    def __init__(self, most: int, clock: Callable[[], float], period_s: float = 60) -> None:
        self._most = most
        self._period_s = period_s
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By client, longest unseen first: the tokens left, and when they were counted."""

    def __len__(self) -> int:
        """The number of clients remembered."""
        return len(self._left)

    def allows(self, client: str, network: str = "") -> bool:
        """Take one of the client's tokens, and of its network, which has more; False where either
        has none left: then none is taken, so that one client cannot spend its network's."""
        now = self._clock()
        keys = {network: NETWORK_FACTOR, client: 1} if network else {client: 1}
        left = {key: self._refilled(key, factor * self._most, now) for key, factor in keys.items()}
        allowed = min(left.values()) >= 1
        for key, tokens in left.items():
            self._left[key] = (tokens - 1 if allowed else tokens, now)
            self._left.move_to_end(key)
            if len(self._left) > CLIENTS_KEPT:
                self._left.popitem(last=False)
        return allowed

    def _refilled(self, key: str, most: int, now: float) -> float:
        left, at = self._left.get(key, (float(most), now))
        return min(float(most), left + (now - at) * most / self._period_s)


def client_of(remote: str | None, forwarded_for: str, proxies: Networks = ()) -> str:
    """The client's address: the last one in X-Forwarded-For that is no proxy, if a local or a
    listed proxy sends it.

    An IPv6 client counts as its /64, which is what one connection is assigned. Empty if unknown: a
    unix socket, or a proxy that sends no address; all of them are one client.
    """
    trusted = LOOPBACK + proxies
    client = address_of(remote or "")
    named = forwarded_for.split(",") if forwarded_for else []
    while named and is_in(client, trusted):
        client = address_of(named.pop().strip())
    if isinstance(client, IPv6Address):
        return str(ip_network((int(client), 64), strict=False))
    return str(client or "")
