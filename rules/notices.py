"""Outgoing mails as rows: what kinds there are, and when the next attempt is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

GIVE_UP_AFTER = timedelta(days=4)
"""RFC 5321 §4.5.4.1: at least 4–5 days before a mail is given up."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)


class Kind(StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"
    INVITATION = "invitation"
    """A sign-up link for somebody whose company is registered."""


INVITATION_PAUSE = timedelta(days=1)
"""At most one sign-up notice to one address in so long."""
INVITATION_LASTS = timedelta(days=14)


class NoticeState(StrEnum):
    DUE = "due"
    SENT = "sent"
    DEAD = "dead"


def next_attempt(
    created_at: datetime, attempts: int, now: datetime, jitter: float
) -> datetime | None:
    """When to try again after `attempts` temporary failures; None when it is time to give up.

    The pause doubles from a minute to four hours; `jitter` in [0, 1) spreads it by up to a half.
    """
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), LONGEST_PAUSE)
    due = now + pause * (1 + jitter / 2)
    return due if due - created_at < GIVE_UP_AFTER else None
