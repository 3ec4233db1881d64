"""How often one client may post: a token bucket per client, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.shares import IPAddress, Networks, address_of, is_in

CLIENTS_KEPT = 10_000
"""Beyond this, the client seen longest ago is forgotten, so that a flood of addresses costs no
memory; the worst effect is a full bucket for a client less than a minute after its last request."""
NETWORK_FACTOR = 4
"""A network may post this many times what one client may: a /48 has 65,536 clients."""
PROVIDER_FACTOR = 16
"""And an IPv6 /32, with as many networks, this many times."""


class RateLimiter:
    """At most `most` requests at once from one client, and as many in each period afterwards."""

    def __init__(self, most: int, clock: Callable[[], float], period_s: float = 60) -> None:
        self._most = most
        self._period_s = period_s
        self._clock = clock
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        """By client, longest unseen first: the tokens left, and when they were counted."""

    def __len__(self) -> int:
        """The number of clients remembered."""
        return len(self._left)

    def allows(self, client: bytes, network: bytes = b"", provider: bytes = b"") -> bool:
        """Take one of the client's tokens, and of its network and provider, which have more; False
        where any has none left: then none is taken, so that one client cannot spend the others'."""
        now = self._clock()
        keys = {client: 1}
        keys |= {network: NETWORK_FACTOR} if network else {}
        keys |= {provider: PROVIDER_FACTOR} if provider else {}
        left = {key: self._refilled(key, factor * self._most, now) for key, factor in keys.items()}
        allowed = min(left.values()) >= 1
        for key, tokens in left.items():
            self._left[key] = (tokens - 1 if allowed else tokens, now)
            self._left.move_to_end(key)
            if len(self._left) > CLIENTS_KEPT:
                self._left.popitem(last=False)
        return allowed

    def _refilled(self, key: bytes, most: int, now: float) -> float:
        left, at = self._left.get(key, (float(most), now))
        return min(float(most), left + (now - at) * most / self._period_s)


def client_of(remote: str | None, forwarded_for: str, proxies: Networks) -> IPAddress | None:
    """The client's address: the right-most one that is no listed proxy, of those in
    X-Forwarded-For and then the socket's.

    Each proxy appends the address that it was contacted from; what stands to the left of the
    client's own address is its invention. None if unknown: a proxy that names no address.
    """
    hops = [*forwarded_for.split(","), remote or ""] if forwarded_for else [remote or ""]
    client = None
    for hop in reversed(hops):
        client = address_of(hop.strip())
        if not is_in(client, proxies):
            break
    return client
