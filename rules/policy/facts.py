"""What a request should state."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rules.mail.patterns import compiled, search
from rules.policy.base import Pattern, Section, Text


class FactSection(Section):
    """One fact that a complete request states."""

    name: Text
    ask: Text
    """The question to a customer who has not stated it."""
    patterns: Annotated[
        tuple[Pattern, ...], Field(min_length=1, description="write at least one pattern")
    ]
    """The fact is stated when any of them matches."""
    if_applicable: bool = False
    """The fact is asked for, but a request is complete without it."""

    def matches(self, text: str) -> bool:
        """Whether a text states the fact."""
        return any(search(compiled(pattern), text) for pattern in self.patterns)


class CompletenessSection(Section):
    facts: tuple[FactSection, ...] = ()
