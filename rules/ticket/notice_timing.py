"""When an outgoing mail is tried again, and how often one address may be invited."""

from __future__ import annotations

from datetime import datetime, timedelta

GIVE_UP_AFTER = timedelta(days=4)
"""RFC 5321 §4.5.4.1: at least 4–5 days before a mail is given up."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
LONGEST_URGENT_PAUSE = timedelta(minutes=5)
"""Of an urgent mail: it is sent soon after whatever delayed it is over."""

INVITATION_PAUSE = timedelta(days=1)
"""At most one sign-up link to one address within this time."""
INVITATION_LASTS = timedelta(days=14)
"""How long the link of an invitation works."""
KEPT_PAUSE = timedelta(days=1)
"""At most one notification to one author that a mail of theirs is held, within this time."""
CRITICAL_PAUSE = timedelta(hours=1)
"""The same of a mail that claims to be critical: it names the critical channel."""


def next_attempt(
    created_at: datetime,
    attempts: int,
    now: datetime,
    jitter: float,
    longest: timedelta = LONGEST_PAUSE,
) -> datetime | None:
    """When to try again after `attempts` temporary failures; None when it is time to give up.

    The pause doubles from a minute to `longest`; `jitter` in [0, 1) extends it by up to a half.
    """
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), longest)
    due = now + pause * (1 + jitter / 2)
    return due if due - created_at < GIVE_UP_AFTER else None


def may_be_invited(last: datetime | None, now: datetime) -> bool:
    """Whether an address last invited at `last` (None for never) may be invited again.

    An address gets one invitation a day, no matter how many people request one for it.
    """
    return last is None or now - last >= INVITATION_PAUSE


def may_be_notified_of_hold(last: datetime | None, now: datetime, *, critical: bool) -> bool:
    return last is None or now - last >= (CRITICAL_PAUSE if critical else KEPT_PAUSE)
