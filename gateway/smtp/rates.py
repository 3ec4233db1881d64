"""How much one client may do in a minute: connections, mails, recipients, unknown recipients.

In the memory of this process; per sender and per domain the store counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.buckets import Buckets, of_each
from gateway.shares import IPAddress, keys_of

CLIENTS_KEPT = 20_000
"""Beyond this the client seen longest ago is forgotten."""


class Act(StrEnum):
    CONNECT = "connections"
    MAIL = "mails"
    RECIPIENT = "recipients"
    UNKNOWN_RECIPIENT = "unknown_recipients"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Per minute and peer (an IPv4 address or IPv6 /64); None for no limit."""

    connections: int | None = None
    mails: int | None = None
    recipients: int | None = None
    unknown_recipients: int | None = None

    def of(self, act: Act) -> int | None:
        match act:
            case Act.CONNECT:
                return self.connections
            case Act.MAIL:
                return self.mails
            case Act.RECIPIENT:
                return self.recipients
            case Act.UNKNOWN_RECIPIENT:
                return self.unknown_recipients


class ClientRates:
    """The budgets of the clients seen lately."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float]) -> None:
        """`clock` gives seconds from any fixed point."""
        self.refused = {act.value: 0 for act in Act}
        """How often a client was refused an act: for the metrics."""
        self._limits = limits
        self._left = Buckets(CLIENTS_KEPT, clock)

    def allows(self, client: IPAddress | None, act: Act, *, listed: bool, amount: int = 1) -> bool:
        """Whether the client may act once more; if so, that is spent. Listed clients always may.

        With an amount of 0 nothing is spent: whether something is left.
        """
        per_minute = self._limits.of(act)
        if per_minute is None or listed or client is None:
            return True
        wanted = [((key, act), most) for key, most in of_each(keys_of(client), per_minute)]
        allowed = self._left.take(wanted, amount)
        self.refused[act.value] += not allowed
        return allowed
