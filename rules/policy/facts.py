"""What a request should state."""

from __future__ import annotations

import re
from itertools import islice
from typing import Annotated, Self

from pydantic import Field, model_validator

from rules.mail.patterns import compiled, search
from rules.policy.base import Pattern, Section, SpanText, Text


class FactSection(Section):
    """One fact that a complete request states."""

    name: Text
    ask: Text
    """The question to a customer who has not stated it."""
    patterns: tuple[Pattern, ...] = ()
    """The fact is stated when any of them matches."""
    words: Annotated[int, Field(ge=1, le=200)] | None = None
    """It is stated, too, by a text of at least so many words."""
    if_applicable: bool = False
    """The fact is asked for, but a request is complete without it."""

    example: Text | None = None
    """A text that states the fact; `policy explain` shows it in place of the patterns."""

    @model_validator(mode="after")
    def _can_be_stated(self) -> Self:
        if not self.patterns and self.words is None:
            raise ValueError(
                "nothing would state it; write at least one pattern, or words = 12 if any text of "
                "at least 12 words states it"
            )
        return self

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
        if any(search(compiled(pattern), text) for pattern in self.patterns):
            return True
        return self.words is not None and _has_words(text, self.words)


def _has_words(text: str, least: int) -> bool:
    return sum(1 for _ in islice(_WORD.finditer(text), least)) == least


_WORD = re.compile(r"[^\W\d_]{2,}")
"""Numbers and single letters are no words."""


class CompletenessSection(Section):
    facts: tuple[FactSection, ...] = ()
    ask_again_after: SpanText | None = None
    """When the customer is asked once more for what is missing; None for half of the time that an
    incomplete request waits (`clock.waits_at_most`)."""
