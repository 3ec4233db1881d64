"""What a request should hold, and what is lifted out of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from rules.mail.patterns import compiled, search
from rules.policy.base import Pattern, Section, Text


def _one_group(pattern: str) -> str:
    groups = compiled(pattern).groups
    if groups != 1:
        raise ValueError(
            f"it has {groups} groups; put (…) once, around the value that is kept, "
            "and (?:…) around any other part"
        )
    return pattern


class FactSection(Section):
    """One thing that a complete request says."""

    name: Text
    ask: Text
    """The question to a customer who left it out."""
    patterns: Annotated[
        tuple[Pattern, ...], Field(min_length=1, description="write one pattern at least")
    ]
    """The fact is there when any of them fits."""
    if_applicable: bool = False
    """Asked for, but a request is complete without it."""

    def stands_in(self, text: str) -> bool:
        """Whether a text says it."""
        return any(search(compiled(pattern), text) for pattern in self.patterns)


class CompletenessSection(Section):
    facts: tuple[FactSection, ...] = ()


class FieldSection(Section):
    """A value that is lifted out of a mail and kept with the ticket."""

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
        Field(description="use small letters, digits and _, 40 at most, such as project_id"),
    ]
    label: Text
    pattern: Annotated[Pattern, AfterValidator(_one_group)]
    """Its one group is the value."""

    def value_in(self, text: str) -> str | None:
        """The value that a text gives; None where it gives none."""
        found = search(compiled(self.pattern), text)
        return found[1] if found else None
