"""How a decision was reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the trace: a check, what it examined, and its result."""

    check: str
    saw: str
    outcome: str
