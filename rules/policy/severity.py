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
    """Other words for it, such as P1."""


class ClaimSection(Section):
    """A wording by which a mail claims a level."""

    pattern: Pattern
    level: Text


class SeveritySection(Section):
    levels: Annotated[
        tuple[LevelSection, ...],
        Field(min_length=2, description="there are 2 levels at least, a critical one first"),
    ]
    """Severest first."""
    default: Text
    ceiling: Text
    """The highest level that a mail may set."""
    customers_may_set: bool = True
    high_importance: Text | None = None
    """The level that `Importance: high` or `X-Priority: 1` claims."""
    critical_channel: Text | None = None
    """Where critical problems are reported; stands first when a mail claims to be critical."""
    workaround_lowers: bool = False
    """Whether a workaround (`#workaround`) lowers the severity by one level."""
    claims: tuple[ClaimSection, ...] = ()
    """Beside names and aliases in brackets or after `Severity:`, which always claim."""

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        names = [level.name for level in self.levels]
        for key in ("default", "ceiling", "high_importance"):
            wanted = getattr(self, key)
            if wanted is not None and wanted not in names:
                hint = suggestion(wanted, names)
                there_are = f" ({hint})" if hint else f"; there are {', '.join(names)}"
                raise ValueError(f"{key} = {wanted!r} names no level{there_are}")
        critical = [level.critical for level in self.levels]
        if not critical[0] or critical[-1] or critical != sorted(critical, reverse=True):
            raise ValueError(
                "the first level, and only levels at the top, must have critical = true; "
                "the last must not"
            )
        by_name = {level.name: level for level in self.levels}
        for key in ("default", "ceiling"):
            if by_name[getattr(self, key)].critical:
                raise ValueError(f"{key} is a critical level; no mail may ever be critical")
        if names.index(self.default) < names.index(self.ceiling):
            raise ValueError(
                f"default = {self.default!r} is above ceiling = {self.ceiling!r}; "
                "no mail can open a ticket there"
            )
        words = [w.casefold() for level in self.levels for w in (level.name, *level.aliases)]
        twice = sorted({w for w in words if words.count(w) > 1})
        if twice:
            raise ValueError(f"two levels are called {twice[0]!r}")
        return self
