"""How often a password of the console may be tried, as budgets (`rules/budget.py`).

A stranger who knows the address of a user must not keep them out, so the budget of an address is
one for each network. All networks from which the user has not logged in before share another one:
else somebody with very many networks could guess without end.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR_S = 3600.0
A_MINUTE = 10
"""Attempts from one client, at any address; and from one network at one address."""
OF_STRANGERS_AN_HOUR = 100
"""Attempts at one address from all networks together from which its user has not logged in."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget by its key, with what it holds when it is full."""

    key: tuple[str, ...]
    most: int


def in_a_minute(address: str, network: str) -> Limit:
    """What one network may try at one address."""
    return Limit((address, network), A_MINUTE)


def in_an_hour(address: str, *, is_known: bool) -> Limit | None:
    """What may be tried at the address from all networks like this one; None for no such limit, as
    for a network from which its user has logged in."""
    return None if is_known else Limit((address,), OF_STRANGERS_AN_HOUR)
