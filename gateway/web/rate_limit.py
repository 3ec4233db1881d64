"""How often one client may post: a token bucket per client, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

CLIENTS_KEPT = 10_000
"""Beyond this, the client seen longest ago is forgotten, so that a flood of addresses costs no
memory; the worst effect is a full bucket for a client less than a minute after its last request."""


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

    def allows(self, client: str) -> bool:
        """Take one of the client's tokens; False where none is left."""
        now = self._clock()
        left, at = self._left.get(client, (float(self._most), now))
        left = min(float(self._most), left + (now - at) * self._most / self._period_s)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        self._left.move_to_end(client)
        if len(self._left) > CLIENTS_KEPT:
            self._left.popitem(last=False)
        return allowed


def client_of(remote: str | None, forwarded_for: str) -> str:
    """The client's address; a local proxy is trusted for it (the last one in X-Forwarded-For).

    An IPv6 client counts as its /64, which is what one connection is assigned. Empty if unknown.
    """
    address = remote or ""
    try:
        if forwarded_for and ip_address(address).is_loopback:
            address = forwarded_for.rpartition(",")[2].strip()
        known = ip_address(address)
    except ValueError:  # a unix socket, or a proxy that sends no address: all are one client
        return ""
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is None:
            return str(ip_network((int(known), 64), strict=False))
        return str(known.ipv4_mapped)
    return str(known)
