"""The severities of a policy, and how a mail claims one."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rules.mail.patterns import compiled
from rules.policy.base import LevelName, Pattern, Phrase, Section, Text
from rules.validation.messages import suggestion


class LevelSection(Section):
    name: LevelName
    meaning: Text
    critical: bool = False
    aliases: tuple[LevelName, ...] = ()
    """Other names for it, such as P1."""
    phrases: tuple[Phrase, ...] = ()
    """Plain words that claim it wherever they are in the subject or the first lines."""
    outages: bool = False
    """Whether a mail claims it by describing an outage."""


class ClaimSection(Section):
    """A pattern by which a mail claims a level."""

    pattern: Pattern
    level: Text
    example: Text | None = None
    """A text in which the pattern is found; `policy explain` shows it in place of the pattern."""

    @model_validator(mode="after")
    def _finds_its_example(self) -> Self:
        if self.example is not None and not compiled(self.pattern).search(self.example):
            raise ValueError(
                f"the pattern does not find its example {self.example!r}; change one of the two"
            )
        return self


def _by_every_door(value: object) -> object:
    """`true` and `false` are the same for every door."""
    match value:
        case True:
            return "everywhere"
        case False:
            return "nowhere"
        case "everywhere" | "nowhere" | "portal" | "mail":
            return value
        case _:
            raise ValueError('expected one of: true, false, "portal", "mail"')


Doors = Annotated[
    Literal["everywhere", "nowhere", "portal", "mail"],
    BeforeValidator(_by_every_door),
]
"""Where customers may do something: `true`, `false`, or one door alone."""


class SeveritySection(Section):
    levels: Annotated[
        tuple[LevelSection, ...],
        Field(min_length=2, description="write at least 2 levels, a critical one first"),
    ]
    """Most severe first."""
    default: Text
    ceiling: Text
    """The highest level that a mail may set."""
    customers_may_set: Doors = "everywhere"
    """Where the level that a customer names takes effect; it is recorded in any case."""
    high_importance: Text | None = None
    """The level that `Importance: high` or `X-Priority: 1` claims."""
    critical_channel: Text | None = None
    """Where critical problems are reported; the first text in the reply to a critical claim."""
    critical_channel_in_portal: Text | None = None
    """The same for a critical claim that is made in the portal: a way other than the portal."""
    workaround_lowers: bool = False
    """Whether a workaround (`#workaround`) lowers the severity by one level."""
    claims: tuple[ClaimSection, ...] = ()
    """In addition to names and aliases in brackets or after `Severity:`, which always claim."""

    def may_set(self, *, by_portal: bool) -> bool:
        """Whether the level that a customer names there takes effect."""
        match self.customers_may_set:
            case "everywhere":
                return True
            case "nowhere":
                return False
            case "portal":
                return by_portal
            case "mail":
                return not by_portal

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
        if sum(level.outages for level in self.levels) > 1:
            raise ValueError("only one level can have outages = true")
        self._phrases_agree()
        return self

    @property
    def of_outages(self) -> str | None:
        """The name of the level that the description of an outage claims."""
        return next((level.name for level in self.levels if level.outages), None)

    def _phrases_agree(self) -> None:
        """Raise ValueError where a phrase claims two levels."""
        claimed: dict[str, str] = {
            name.casefold(): level.name
            for level in self.levels
            for name in (level.name, *level.aliases)
        }
        for level in self.levels:
            for phrase in level.phrases:
                other = claimed.setdefault(" ".join(phrase.casefold().split()), level.name)
                if other != level.name:
                    raise ValueError(
                        f"the phrase {phrase!r} of {level.name} also claims {other}; "
                        "give it to one level"
                    )
