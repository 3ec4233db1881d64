"""Which values are extracted from a request and kept with it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from rules.mail.patterns import compiled, occurrences
from rules.policy.base import Pattern, Section, Text
from rules.ticket.fields import VALUE_LENGTH, listed, one_line, values_of

MOST_EXAMINED = 200
"""At most so many values of one field in one text are examined; repeated ones count."""


def _one_group(pattern: str) -> str:
    groups = compiled(pattern).groups
    if groups != 1:
        raise ValueError(
            f"the pattern must have exactly one group, not {groups}; put (…) around the value to "
            "keep, and (?:…) around any other part"
        )
    return pattern


def _choice(value: str) -> str:
    if one_line(value) != value:
        raise ValueError("write it on one line, with single spaces and visible characters")
    return value


FieldPattern = Annotated[Pattern, AfterValidator(_one_group)]
FieldChoice = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=VALUE_LENGTH),
    AfterValidator(_choice),
]


class FieldSection(Section):
    """A value that is extracted from a request, or set by people, and kept with the ticket."""

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
        Field(description="use at most 40 lower-case letters, digits and _, such as project_id"),
    ]
    label: Text
    pattern: FieldPattern | None = None
    """Its one group is the value. Without any pattern, people set the field."""
    patterns: tuple[FieldPattern, ...] = ()
    """Further patterns: the first that finds a value gives it."""
    several: bool = False
    """Whether every value that is found is kept, and not only the first."""
    choices: tuple[FieldChoice, ...] = ()
    """The only values that it may have; empty for any."""
    example: Text | None = None
    """A text in which a value is found; shown instead of the patterns."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        folded = [choice.casefold() for choice in self.choices]
        repeated = [choice for choice in self.choices if folded.count(choice.casefold()) > 1]
        if repeated:
            raise ValueError(f"the choice {repeated[0]!r} is written more than once")
        with_comma = [choice for choice in self.choices if "," in choice]
        if self.several and with_comma:
            raise ValueError(
                f"the choice {with_comma[0]!r} has a comma, which separates several values"
            )
        if self.example is not None and self.value_in(self.example) is None:
            raise ValueError(f"no pattern finds a value in the example {self.example!r}")
        return self

    @property
    def expressions(self) -> tuple[str, ...]:
        """All of its patterns."""
        return (*((self.pattern,) if self.pattern is not None else ()), *self.patterns)

    def value_in(self, text: str) -> str | None:
        """What a text gives: the first value, or the list of all where the field takes several;
        None where there is none."""
        found = self._values_in(text)
        if self.several:
            return listed(islice(found, MOST_EXAMINED)) or None
        return next(found, None)

    def _values_in(self, text: str) -> Iterator[str]:
        """The values in a text: those of the first pattern first."""
        for expression in self.expressions:
            for found in occurrences(compiled(expression), text):
                yield from self.accepted(found[1] or "") or ()

    def accepted(self, written: str) -> tuple[str, ...] | None:
        """The values that a text means, each as it is kept; None where one is not a choice.

        More than one only where the field takes several.
        """
        line = one_line(written)
        values = values_of(written) if self.several else (line,) if line else ()
        if not self.choices:
            return values
        by_name = {choice.casefold(): choice for choice in self.choices}
        chosen = tuple(by_name.get(value.casefold(), "") for value in values)
        return chosen if all(chosen) else None
