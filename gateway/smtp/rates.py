"""How much one client may do in a minute: connections, mails, recipients, unknown recipients.

In the memory of this process; per sender and per domain the store counts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.shares import IPAddress, keys_of
from rules import budget
from rules.budget import Budget

CLIENTS_KEPT = 20_000
"""Beyond this the client seen longest ago is forgotten: a flood of addresses costs no memory."""
NETWORK_FACTOR = 4
"""An IPv4 /24 or IPv6 /48 may do this many times what one peer may."""
PROVIDER_FACTOR = 16
"""And an IPv6 /32 this many times."""


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
        self._clock = clock
        self._left: OrderedDict[tuple[bytes, Act], Budget] = OrderedDict()

    def allows(self, client: IPAddress | None, act: Act, *, listed: bool, amount: int = 1) -> bool:
        """Whether the client may act once more; if so, that is spent. Listed clients always may.

        With an amount of 0 nothing is spent: whether something is left.
        """
        per_minute = self._limits.of(act)
        if per_minute is None or listed or client is None:
            return True
        factors = zip(keys_of(client), (1, NETWORK_FACTOR, PROVIDER_FACTOR), strict=True)
        budgets = [((key, act), factor * per_minute) for key, factor in factors if key]
        now = self._clock()
        # Else what one peer is refused would use up what the rest of its network may do.
        allowed = all(self._has(key, most, now, max(amount, 1)) for key, most in budgets)
        for key, _ in budgets if allowed and amount else ():
            self._left[key] = Budget(self._left[key].left - amount, now)
        self.refused[act.value] += not allowed
        return allowed

    def _has(self, key: tuple[bytes, Act], per_minute: int, now: float, amount: int) -> bool:
        known = self._left.pop(key, None) or budget.full(per_minute, now)
        self._left[key] = current = budget.refilled(known, per_minute, now)
        if len(self._left) > CLIENTS_KEPT:
            self._left.popitem(last=False)
        return current.left >= amount
