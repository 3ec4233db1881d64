"""What a request should state."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from rules.mail.patterns import compiled, search
from rules.policy.base import Pattern, Section, SpanText, Text


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

    example: Text | None = None
    """A text that states the fact; `policy explain` shows it in place of the patterns."""

    @model_validator(mode="after")
    def _finds_its_example(self) -> Self:
        if self.example is not None and not self.matches(self.example):
            raise ValueError(
                f"no pattern finds the example {self.example!r}; change the example, or add a "
                "pattern for it"
            )
        return self

    def matches(self, text: str) -> bool:
        """Whether a text states the fact."""
        return any(search(compiled(pattern), text) for pattern in self.patterns)


class CompletenessSection(Section):
    facts: tuple[FactSection, ...] = ()
    ask_again_after: SpanText | None = None
    """When the customer is asked once more for what is missing; None for half of the time that an
    incomplete request waits (`clock.waits_at_most`)."""
