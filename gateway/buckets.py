"""The budgets of the clients seen lately (token buckets), in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from rules import budget
from rules.budget import MINUTE_S, Budget

FACTORS = (1, 4, 16)
"""An IPv4 /24 or IPv6 /48 may do four times what one of its clients may, since a /48 has 65,536 of
them; and an IPv6 /32, with as many networks, sixteen times."""


def of_each(keys: Sequence[bytes], most: int) -> Iterator[tuple[bytes, int]]:
    """What a client, its network and its provider may each do at the most, if the client may do
    `most`. `keys` are theirs, the client's first; one that is empty is left out, if not that."""
    for key, factor in zip(keys, FACTORS, strict=False):
        if key or factor == 1:
            yield key, factor * most


class Buckets:
    """Each bucket refills from empty to full within one period; of too many, the one that was seen
    longest ago is forgotten, so that a flood of addresses costs no memory."""

    def __init__(self, kept: int, clock: Callable[[], float], period_s: float = MINUTE_S) -> None:
        """`clock` gives seconds from any fixed point."""
        self._kept = kept
        self._clock = clock
        self._period_s = period_s
        self._left: OrderedDict[Hashable, Budget] = OrderedDict()

    def __len__(self) -> int:
        """The number of buckets remembered."""
        return len(self._left)

    def take(self, wanted: Collection[tuple[Hashable, int]], amount: int = 1) -> bool:
        """Whether each bucket, given with what it holds when it is full, has the amount; then it is
        taken from each, and otherwise from none: one client cannot spend what its network has.

        With an amount of 0 nothing is taken: whether each has something.
        """
        now = self._clock()
        after = [
            (key, budget.spent(self._seen(key, most, now), most, now, amount or 1, self._period_s))
            for key, most in wanted
        ]
        left = {key: remaining for key, remaining in after if remaining is not None}
        allowed = len(left) == len(after)
        if allowed and amount:
            self._left.update(left)
        return allowed

    def _seen(self, key: Hashable, most: int, now: float) -> Budget:
        known = self._left.pop(key, None) or budget.full(most, now)
        self._left[key] = known
        if len(self._left) > self._kept:
            self._left.popitem(last=False)
        return known
