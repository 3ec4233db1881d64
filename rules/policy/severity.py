"""The severities of a policy, and how a mail claims one."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from rules.policy.base import LevelName, Pattern, Section, Text
from rules.validation.messages import suggestion


class LevelSection(Section):
    name: LevelName
    meaning: Text
    critical: bool = False
    aliases: tuple[LevelName, ...] = ()
    """Other names for it, such as P1."""


class ClaimSection(Section):
    """A pattern by which a mail claims a level."""

    pattern: Pattern
    level: Text


class SeveritySection(Section):
    levels: Annotated[
        tuple[LevelSection, ...],
        Field(min_length=2, description="write at least 2 levels, a critical one first"),
    ]
    """Most severe first."""
    default: Text
    ceiling: Text
    """The highest level that a mail may set."""
    customers_may_set: bool = True
    high_importance: Text | None = None
    """The level that `Importance: high` or `X-Priority: 1` claims."""
    critical_channel: Text | None = None
    """Where critical problems are reported; the first text in the reply to a critical claim."""
    workaround_lowers: bool = False
    """Whether a workaround (`#workaround`) lowers the severity by one level."""
    claims: tuple[ClaimSection, ...] = ()
    """In addition to names and aliases in brackets or after `Severity:`, which always claim."""

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        names = [level.name for level in self.levels]
        for key in ("default", "ceiling", "high_importance"):
            wanted = getattr(self, key)
            if wanted is not None and wanted not in names:
                hint = suggestion(wanted, names) or f"expected one of: {', '.join(names)}"
                raise ValueError(f"{key} = {wanted!r} is not the name of a level ({hint})")
        critical = [level.critical for level in self.levels]
        if not critical[0] or critical[-1] or critical != sorted(critical, reverse=True):
            raise ValueError(
                "the first level, and only levels at the top, must have critical = true; "
                "the last must not"
            )
        by_name = {level.name: level for level in self.levels}
        for key in ("default", "ceiling"):
            if by_name[getattr(self, key)].critical:
                raise ValueError(f"{key} must not be a critical level; no mail is ever critical")
        if names.index(self.default) < names.index(self.ceiling):
            raise ValueError(
                f"default = {self.default!r} must not be above ceiling = {self.ceiling!r}; "
                "no mail can open a ticket there"
            )
        names = [n.casefold() for level in self.levels for n in (level.name, *level.aliases)]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"the name {repeated[0]!r} is used by more than one level")
        return self
