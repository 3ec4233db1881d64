"""What the clock of a ticket waits for before its promise begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Beginning(StrEnum):
    """Why the promise of a ticket that waited begins."""

    COMPLETE = "complete"
    """The last missing fact was given, or the request was declared complete."""
    ACCEPTED = "accepted"
    """Staff accepted a request that came by mail, or it was submitted in the portal."""
    WAITED = "waited"
    """The policy's time was over."""
    CRITICAL = "critical"
    """The ticket became critical."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A promise that has not begun. A ticket has a clock, or waits, or is promised nothing."""

    since: datetime
    facts: bool = False
    """It waits for the facts that are missing from the request."""
    portal: bool = False
    """It waits for the request to be submitted in the portal, or accepted by staff."""
    ask_at: datetime | None = None
    """When the requester is asked for the facts once more; None if they were, or never are."""
    until: datetime | None = None
    """When the promise begins with what is there; None if only an act begins it."""

    @property
    def waits_for(self) -> str:
        """`portal`, which takes precedence, or `facts`."""
        return "portal" if self.portal else "facts"

    @property
    def next_at(self) -> datetime | None:
        """When something is due while it waits; None if nothing is."""
        times = [at for at in (self.ask_at, self.until) if at is not None]
        return min(times, default=None)
