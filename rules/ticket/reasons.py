"""Who reads the reason of a change: staff alone, or the customers on the ticket too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    internal: str
    """For the audit trail."""
    public: str
    """For the customers' notices; may be empty."""


def spoken(reason: str, *, by_staff: bool) -> Spoken:
    """The reason of a change, for each of its readers."""
    del by_staff
    return Spoken(reason, reason)
