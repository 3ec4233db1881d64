"""How often somebody may try to log in: the budgets of clients, networks and addresses, in the
memory of this process."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from gateway.buckets import Buckets
from gateway.shares import IPAddress, keys_of
from gateway.web.rate_limit import RateLimiter
from rules.networks import LOCAL, network_of
from rules.service import login_attempts
from rules.service.login_attempts import A_MINUTE, HOUR_S

KEPT = 10_000
"""Budgets remembered of each kind; the one that was used longest ago is forgotten."""


def network_of_client(client: IPAddress | None) -> str:
    """The network that a client's attempts count against."""
    return network_of(str(client)) if client is not None else LOCAL


class LoginAttempts:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` gives seconds from any fixed point."""
        self._clients = RateLimiter(A_MINUTE, clock)
        self._sessions = RateLimiter(A_MINUTE, clock)
        self._minutes = Buckets(KEPT, clock)
        self._hours = Buckets(KEPT, clock, HOUR_S)

    def of_client(self, client: IPAddress | None) -> bool:
        """Whether a client may try to log in, at any address."""
        return self._clients.allows(*(keys_of(client) if client is not None else (b"",)))

    def of_session(self, address: str) -> bool:
        """Whether a user who is logged in may try their present password once more."""
        return self._sessions.allows(address.encode())

    def of_address(self, address: str, network: str, *, is_known: bool) -> bool:
        """Whether a password may be tried at an address from a network; `is_known` says that its
        user has logged in from there before."""
        minute = login_attempts.in_a_minute(address, network)
        hour = login_attempts.in_an_hour(address, is_known=is_known)
        if not self._minutes.take([(minute.key, minute.most)]):
            return False
        return hour is None or self._hours.take([(hour.key, hour.most)])
