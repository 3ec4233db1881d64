"""Rate limits as pure functions over what the store remembers.

Nothing is counted in memory. The counts come from rows that are written anyway (journal, notices,
audit), so they survive a restart and are the same on every node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import pairwise

from rules.facts import Recent

HOUR = timedelta(hours=1)
MIB = 2**20
WINDOW = timedelta(minutes=2)
"""The storm breaker compares successive windows of this length."""
STORM = (2, 4, 8)
"""Minimum number of mails in three successive windows, oldest first: traffic that doubles."""
REMEMBERED = 1000
"""At most this many mails of one author per hour are read; more exceed every limit anyway."""
BUSY = 20
"""After so many mails of one author within the hour, those of their domain are counted too. An
author who is enrolled by the mail counts as busy: anybody can invent the next one."""
BUSY_BYTES = 16 * MIB
"""And after mails that take so much in the store."""


@dataclass(frozen=True, slots=True)
class SignUpsSent:
    """Sign-up links that were mailed before: anybody can ask for one in anybody's name."""

    domain_hour: int
    """To addresses in one domain within the hour."""
    domain_day: int
    hour: int
    """From one mailbox within the hour."""
    day: int
    network_hour: int = 0
    """Of those to the domain, requested from one client network (/24, or /48 of IPv6)."""
    network_day: int = 0
    provider_hour: int = 0
    """And from one IPv6 /32."""
    provider_day: int = 0


SIGN_UPS = SignUpsSent(
    domain_hour=30,
    domain_day=200,
    hour=100,
    day=500,
    network_hour=10,
    network_day=50,
    provider_hour=20,
    provider_day=100,
)
"""At most so many. A network has a third of a domain's hour and a quarter of its day, so that none
keeps all the others from signing up; a provider has twice as much."""


def may_send_sign_up(sent: SignUpsSent) -> bool:
    """Whether one more link may be mailed; beyond, the visitor sees the same page, and the log and
    a metric say it."""
    return (
        sent.domain_hour < SIGN_UPS.domain_hour
        and sent.domain_day < SIGN_UPS.domain_day
        and sent.hour < SIGN_UPS.hour
        and sent.day < SIGN_UPS.day
    )


def has_sign_up_share(sent: SignUpsSent) -> bool:
    """Whether one more link to the domain may be requested from the network: beyond, as above."""
    return (
        sent.network_hour < SIGN_UPS.network_hour
        and sent.network_day < SIGN_UPS.network_day
        and sent.provider_hour < SIGN_UPS.provider_hour
        and sent.provider_day < SIGN_UPS.provider_day
    )


def may_open(recent: Sequence[Recent], now: datetime, per_hour: int) -> bool:
    """Whether the author may open one more ticket now."""
    return opened_lately(recent, now) < per_hour


def opened_lately(recent: Sequence[Recent], now: datetime) -> int:
    """How many tickets the author has opened within the hour."""
    return sum(1 for each in recent if each.opened and now - each.decided_at < HOUR)


def may_write(recent: Sequence[Recent], now: datetime, per_hour: int) -> bool:
    """Whether the author, who is proven, may write one more mail now. What only a token proved does
    not count: it may be another's."""
    return sum(1 for r in recent if r.proven and now - r.decided_at < HOUR) < per_hour


def bytes_written(recent: Sequence[Recent], now: datetime) -> int:
    """What the author's proven mails of the last hour take in the store."""
    return sum(r.kept_bytes for r in recent if r.proven and now - r.decided_at < HOUR)


class NoticeBudget(IntEnum):
    """How far the mails about a ticket to one address may fill the hour, by who causes one more: in
    quarters of the budget. So nobody uses up what those before whom they stand back need."""

    WAITING = 2
    """What waits for staff, its receipt, and whatever is unproven: anybody may have written it."""
    STORM = 3
    """The alert that so much of it came that its author is muted."""
    CUSTOMERS = 4
    STAFF = 8
    CRITICAL = 12
    """The alert of a ticket that has become critical: neither the comments of customers nor those
    of staff take its room."""


def may_notify(
    sent_within_the_hour: int, per_hour: int, budget: NoticeBudget = NoticeBudget.CUSTOMERS
) -> bool:
    """Whether one more mail about a ticket may go to an address."""
    return 4 * sent_within_the_hour < budget * per_hour


SEVERITY_CHANGES = 6
"""By one customer, of one ticket, within an hour: each rise to a critical level is an alert to
the person on call, whose mails about the ticket are limited too."""


def severity_may_change_at(changes: Sequence[datetime], at: datetime) -> datetime | None:
    """When a customer may change the severity of a ticket again; None if they may now. `changes`
    are the times of theirs."""
    lately = sorted(each for each in changes if at - each < HOUR)
    return lately[-SEVERITY_CHANGES] + HOUR if len(lately) >= SEVERITY_CHANGES else None


ESCALATIONS_PER_HOUR = 20
"""By one customer, of all tickets of a mailbox: the pause between two requests to the same contact
is each ticket's own, and one customer may have hundreds of tickets."""


def may_escalate_at(escalations: Sequence[datetime], at: datetime) -> datetime | None:
    """When a customer may escalate again; None if they may now. `escalations` are the times of
    theirs, of any ticket."""
    lately = sorted(each for each in escalations if at - each < HOUR)
    return lately[-ESCALATIONS_PER_HOUR] + HOUR if len(lately) >= ESCALATIONS_PER_HOUR else None


def may_reopen(reopened_within_the_hour: int, per_hour: int) -> bool:
    return reopened_within_the_hour < per_hour


INSTANT = timedelta(seconds=15)
"""An answer to a notice within this time comes from somebody who has not read it."""
INSTANT_REPEAT = timedelta(minutes=1)
QUICK_ANSWERS = 1
QUICK_ANSWERS_OF_STAFF = 2
"""So many mails within a minute may come before an instant answer. A staff person corrects a reply
that was refused seconds ago; customers read what they answer."""


def mails_before_instant_answer(
    recent: Sequence[Recent], ticket: int, answered: datetime | None, now: datetime
) -> int:
    """If this mail answers a notice at once: how many the author has written on the ticket within a
    minute; else 0.

    `answered` is when the notice that the mail replies to was queued. One such answer may come from
    a person who is quick or is testing the service; two come from a machine that does not declare
    itself. They are kept, but only staff are notified.
    """
    if answered is None or now - answered >= INSTANT:
        return 0
    lately = (r for r in recent if now - r.decided_at < INSTANT_REPEAT)
    return sum(1 for r in lately if r.ticket == ticket and not r.opened)


@dataclass(frozen=True, slots=True)
class Storm:
    """An author's mails on one ticket double from window to window: no person writes like that."""

    begins_now: bool
    """The storm begins with this mail: the one alert is raised."""


def storm(recent: Sequence[Recent], ticket: int, now: datetime) -> Storm | None:
    """The storm of this author on this ticket, at this mail or within the last hour; else None.

    Their mails are kept, but nobody is notified. The muting ends after an hour without a storm.
    """
    times = sorted(r.decided_at for r in recent if r.ticket == ticket and now - r.decided_at < HOUR)
    if any(_doubles(times, time) for time in times):
        return Storm(begins_now=False)
    return Storm(begins_now=True) if _doubles([*times, now], now) else None


def _doubles(times: Sequence[datetime], end: datetime) -> bool:
    """Whether traffic doubled in the three windows up to a time, inclusive."""
    counts = [0] * len(STORM)
    for time in times:
        age = (end - time) // WINDOW
        if time <= end and age < len(STORM):
            counts[len(STORM) - 1 - age] += 1
    enough = all(count >= least for count, least in zip(counts, STORM, strict=True))
    return enough and all(later >= 2 * earlier for earlier, later in pairwise(counts))
