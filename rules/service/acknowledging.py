"""When a new ticket is acknowledged: at once, after the pause since the last one, or together with
others in one that waits already. Only what a machine opens is never acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.facts import Recent
from rules.service.limits import HOUR, INSTANT

FEW = 3
"""After so many tickets of an author within the hour, a late acknowledgement waits for an hour: two
machines that write new mails to each other exchange one an hour at most."""
ANSWERED = 2
"""An author who has opened so many within the hour, and who writes at once after an acknowledgement
again, is a machine that answers it with new mails."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The ticket is acknowledged now."""


@dataclass(frozen=True, slots=True)
class Later:
    """One was sent within the pause: the ticket is acknowledged at its end."""

    at: datetime


@dataclass(frozen=True, slots=True)
class NamedWith:
    """An acknowledgement waits already: it names the ticket too."""

    at: datetime
    """When that one is sent."""


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    why: str


Acknowledging = AtOnce | Later | NamedWith | Unacknowledged


def acknowledging(
    last: datetime | None,
    waits_until: datetime | None,
    now: datetime,
    pause: timedelta,
    recent: Sequence[Recent],
) -> Acknowledging:
    """How a ticket is acknowledged. `last` is when the author's last acknowledgement was sent, and
    `waits_until` when one that waits will be.

    One that was sent by a clock ahead of ours counts as sent now, but nothing answers it yet.
    """
    if last is None:
        return AtOnce()
    if waits_until is not None:
        return NamedWith(waits_until)
    sent = min(last, now)
    if now - sent >= pause:
        return AtOnce()
    opened = sum(1 for each in recent if each.opened and now - each.decided_at < HOUR)
    if opened >= ANSWERED and last <= now < last + INSTANT:
        return Unacknowledged("it answers an acknowledgement at once, again, as machines do")
    return Later(sent + (HOUR if opened >= FEW else pause))
