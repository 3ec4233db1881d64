"""How often one client may ask: a bucket of tokens for each, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

CLIENTS_KEPT = 10_000
"""Past it the client seen longest ago is forgotten, so that a flood of addresses costs no memory;
within a minute of its last request that gives it a full bucket again, and no more."""


class RateLimiter:
    """At most `a_minute` requests at once from one client, and as many a minute after that."""

    def __init__(self, a_minute: int, seconds: Callable[[], float]) -> None:
        self._a_minute = a_minute
        self._seconds = seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By client, longest unseen first: the tokens left, and when that was counted."""

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._left)

    def allows(self, client: str) -> bool:
        """Take one of the client's tokens; False where none is left."""
        now = self._seconds()
        left, at = self._left.get(client, (float(self._a_minute), now))
        left = min(float(self._a_minute), left + (now - at) * self._a_minute / 60)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        self._left.move_to_end(client)
        if len(self._left) > CLIENTS_KEPT:
            self._left.popitem(last=False)
        return allowed


def client_of(remote: str | None, forwarded_for: str) -> str:
    """Who asks. A proxy on this machine is believed about it: the last of X-Forwarded-For.

    An IPv6 client counts as its /64, which is what one connection gets.
    """
    address = remote or ""
    try:
        if forwarded_for and ip_address(address).is_loopback:
            address = forwarded_for.rpartition(",")[2].strip()
        known = ip_address(address)
    except ValueError:  # a unix socket, or a proxy that writes no address: all are one client
        return ""
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is None:
            return str(ip_network((int(known), 64), strict=False))
        return str(known.ipv4_mapped)
    return str(known)
