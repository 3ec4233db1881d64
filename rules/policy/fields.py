"""Which values are extracted from a request and kept with it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from rules.mail.patterns import compiled, search
from rules.policy.base import Pattern, Section, Text


def _one_group(pattern: str) -> str:
    groups = compiled(pattern).groups
    if groups != 1:
        raise ValueError(
            f"the pattern must have exactly one group, not {groups}; put (…) around the value to "
            "keep, and (?:…) around any other part"
        )
    return pattern


class FieldSection(Section):
    """A value that is extracted from a mail and kept with the ticket."""

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
        Field(description="use at most 40 lower-case letters, digits and _, such as project_id"),
    ]
    label: Text
    pattern: Annotated[Pattern, AfterValidator(_one_group)]
    """Its one group is the value."""

    def value_in(self, text: str) -> str | None:
        """The value in a text; None where there is none."""
        found = search(compiled(self.pattern), text)
        return found[1] if found else None
