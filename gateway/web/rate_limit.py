"""How often one client may post: a token bucket per client, in the memory of this process."""

from __future__ import annotations

from collections.abc import Callable

from gateway.buckets import Buckets, of_each
from gateway.shares import IPAddress, Networks, address_of, is_in

CLIENTS_KEPT = 10_000
"""Beyond this the client seen longest ago is forgotten; the worst effect is a full bucket for a
client less than a minute after its last request."""


class RateLimiter:
    """At most `most` requests at once from one client, and as many in each period afterwards."""

    def __init__(self, most: int, clock: Callable[[], float], period_s: float = 60) -> None:
        self._most = most
        self._buckets = Buckets(CLIENTS_KEPT, clock, period_s)

    def __len__(self) -> int:
        """The number of clients remembered."""
        return len(self._buckets)

    def allows(self, client: bytes, network: bytes = b"", provider: bytes = b"") -> bool:
        """Take one of the client's tokens, and of its network and provider, which have more; False
        where any has none left."""
        return self._buckets.take(tuple(of_each((client, network, provider), self._most)))


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
