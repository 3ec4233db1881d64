"""A support policy: the file that a support lead reads, checked whole."""

from __future__ import annotations

import tomllib
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from rules.complaints import Refused, complaints
from rules.severity import Level

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ReplyText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=400, pattern=r"^[ -~]+$"),
    Field(description="write it in plain ASCII on one line, since it stands in an SMTP reply"),
]
"""Goes into an SMTP reply: one line of printable ASCII."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LevelSection(_Section):
    name: Text
    meaning: Text
    critical: bool = False
    aliases: tuple[Text, ...] = ()


class SeveritySection(_Section):
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

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        names = [level.name for level in self.levels]
        for key in ("default", "ceiling", "high_importance"):
            wanted = getattr(self, key)
            if wanted is not None and wanted not in names:
                raise ValueError(f"{key} = {wanted!r} names no level; there are {', '.join(names)}")
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
        words = [w.casefold() for level in self.levels for w in (level.name, *level.aliases)]
        twice = sorted({w for w in words if words.count(w) > 1})
        if twice:
            raise ValueError(f"two levels are called {twice[0]!r}")
        return self


class CcSection(_Section):
    guests: Literal["add", "propose", "ignore"] = "propose"
    """What happens to an address of no user that a customer puts in To or Cc."""
    by_guests: Literal["add", "propose", "ignore"] = "propose"
    per_mail: Annotated[int, Field(ge=0, le=100)] = 10
    per_ticket: Annotated[int, Field(ge=1, le=500)] = 25


class SubjectTagSection(_Section):
    format: Annotated[
        str,
        StringConstraints(pattern=r"^[^{}]+\{n\}[^{}]*$", max_length=40),
        Field(description="put {n} once where the ticket's number goes, such as [#{n}]"),
    ] = "[#{n}]"


class AcknowledgementSection(_Section):
    send: bool = True
    text: Text
    pause_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    """At most one acknowledgement to one sender in so many minutes."""


class HoldSection(_Section):
    """Mails in quarantine."""

    days: Annotated[int, Field(ge=1, le=365)] = 14
    """How long a mail waits for its release, or for its author to be enrolled."""
    then: Literal["discard", "keep"] = "discard"
    """What happens to it after that; the raw mail is stored in either case."""


class TextsSection(_Section):
    sign_up: ReplyText
    """What a stranger is told, inside the SMTP dialogue."""
    invitation: Text
    """What a colleague who is not enrolled is written, above his sign-up link."""
    deactivated: ReplyText
    suspended: ReplyText


class Policy(_Section):
    """The whole policy; `parse` is the way to make one."""

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"),
        Field(description="use small letters, digits and hyphens, 40 at most, such as help-desk"),
    ]
    title: Text
    registration: Literal["user", "domain"] = "user"
    unauthenticated: Literal["refuse", "hold"] = "refuse"
    strangers: Literal["refuse", "hold"] = "refuse"
    dns_patience_hours: Annotated[int, Field(ge=1, le=120)] = 24
    """A sender whose DNS does not answer is told to try again for so long; then it is held."""
    aliases: tuple[Text, ...] = ()
    """Other addresses whose mail is passed on to this mailbox."""
    sender_name: Text = "Support"
    """The name in From of what we send."""
    hold: HoldSection = HoldSection()
    severity: SeveritySection
    cc: CcSection = CcSection()
    subject_tag: SubjectTagSection = SubjectTagSection()
    acknowledgement: AcknowledgementSection
    texts: TextsSection

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Every level, severest first, with its rank (0 is the lowest)."""
        last = len(self.severity.levels) - 1
        return tuple(
            Level(x.name, x.meaning, x.critical, x.aliases, last - i)
            for i, x in enumerate(self.severity.levels)
        )


class PolicyRefused(Refused):
    """A policy file that does not hold; `str()` names file, key and what to do."""


def parse(text: str, source: str) -> Policy:
    """The policy in a TOML text. Raises PolicyRefused with every fault named."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused(source, [f"not TOML: {error}"]) from error
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        raise PolicyRefused(source, complaints(error, Policy)) from error
