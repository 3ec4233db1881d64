"""How much mail is enough: limits as pure functions over what the store remembers.

Nothing is counted in memory. The counts are rows that are written anyway (journal, notices,
audit), so they survive a restart and are the same on every node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from rules.facts import Recent

HOUR = timedelta(hours=1)
WINDOW = timedelta(minutes=2)
"""The storm breaker compares the last windows with each other."""
STORM = (2, 4, 8)
"""So many mails at least in three successive windows, oldest first: traffic that doubles."""
REMEMBERED = 200
"""So many mails of one author within the hour are looked at; whoever sends more is over it all."""


def may_open(recent: Sequence[Recent], now: datetime, per_hour: int) -> bool:
    """Whether the author may open one more ticket now."""
    opened = (r for r in recent if r.opened and now - r.decided_at < HOUR)
    return sum(1 for _ in opened) < per_hour


def may_notify(sent_within_the_hour: int, per_hour: int) -> bool:
    """Whether one more mail about a ticket may go to an address."""
    return sent_within_the_hour < per_hour


def may_reopen(reopened_within_the_hour: int, per_hour: int) -> bool:
    return reopened_within_the_hour < per_hour


AT_ONCE = timedelta(seconds=15)
"""Whoever answers a notice of ours so soon has not read it."""
AGAIN = timedelta(minutes=1)


def answers_like_a_machine(
    recent: Sequence[Recent], ticket: int, answered: datetime | None, now: datetime
) -> bool:
    """Whether this is the author's second mail on the ticket within a minute, and answers at once.

    `answered` is when the notice was ordered that the mail replies to. One such answer may be a
    person's, whose mails are quick or who tries us out; two are a machine's that says nothing of
    it. They are kept, but told to staff alone.
    """
    if answered is None or now - answered >= AT_ONCE:
        return False
    return any(r.ticket == ticket and not r.opened and now - r.decided_at < AGAIN for r in recent)


@dataclass(frozen=True, slots=True)
class Storm:
    """Somebody's mails on one ticket double from window to window: no person writes like that."""

    breaks_now: bool
    """With this mail: the moment to raise the one alert."""


def storm(recent: Sequence[Recent], ticket: int, now: datetime) -> Storm | None:
    """Whether the pair of author and ticket is muted: it stormed at this mail or within the hour.

    Their mails are kept, but tell nobody. After an hour without a storm they are heard again.
    """
    times = sorted(r.decided_at for r in recent if r.ticket == ticket and now - r.decided_at < HOUR)
    if any(_doubles(times, moment) for moment in times):
        return Storm(breaks_now=False)
    return Storm(breaks_now=True) if _doubles([*times, now], now) else None


def _doubles(times: Sequence[datetime], end: datetime) -> bool:
    """Whether traffic doubled in the three windows up to a moment, that one included."""
    counts = [0] * len(STORM)
    for moment in times:
        age = (end - moment) // WINDOW
        if moment <= end and age < len(STORM):
            counts[len(STORM) - 1 - age] += 1
    enough = all(count >= least for count, least in zip(counts, STORM, strict=True))
    return enough and all(later >= 2 * earlier for earlier, later in pairwise(counts))
