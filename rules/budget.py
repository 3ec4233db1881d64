"""A budget that refills with time (a token bucket), as a pure function."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What one client has left, as of a time in seconds."""

    left: float
    at: float


def full(most: int, now: float) -> Budget:
    """The budget of a client that was not seen lately."""
    return Budget(float(most), now)


def refilled(budget: Budget, most: int, now: float, period_s: float = MINUTE_S) -> Budget:
    """The budget at a later time: `most` more after each period, and never more than `most`."""
    gained = max(now - budget.at, 0.0) * most / period_s
    return Budget(min(float(most), budget.left + gained), now)


def spent(
    budget: Budget, most: int, now: float, amount: int = 1, period_s: float = MINUTE_S
) -> Budget | None:
    """The budget after spending `amount`; None if there is not enough left."""
    current = refilled(budget, most, now, period_s)
    return Budget(current.left - amount, now) if current.left >= amount else None
