"""The states of an outgoing mail."""

from __future__ import annotations

from enum import StrEnum


class NoticeState(StrEnum):
    DUE = "due"
    SENT = "sent"
    DEAD = "dead"
    """Given up; or not sent, because the recipient may not have it any more."""
