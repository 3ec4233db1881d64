"""A budget that refills with time (a token bucket), as a pure function."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What one client has left, as of a time in seconds."""

    left: float
    at: float


def full(per_minute: int, now: float) -> Budget:
    """The budget of a client that was not seen lately."""
    return Budget(float(per_minute), now)


def refilled(budget: Budget, per_minute: int, now: float) -> Budget:
    """The budget at a later time; never more than `per_minute`."""
    gained = max(now - budget.at, 0.0) * per_minute / MINUTE_S
    return Budget(min(float(per_minute), budget.left + gained), now)


def spent(budget: Budget, per_minute: int, now: float, amount: int = 1) -> Budget | None:
    """The budget after spending `amount`; None if there is not enough left."""
    current = refilled(budget, per_minute, now)
    return Budget(current.left - amount, now) if current.left >= amount else None
