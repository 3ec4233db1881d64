"""What the sections of a policy share: texts, addresses, patterns, spans and hours of the day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from rules.mail.addresses import normalise
from rules.mail.patterns import compiled
from rules.ticket.business_time import parse_span, parse_time_of_day
from rules.validation.messages import LONGEST_NAME, suggestion


class Section(BaseModel):
    """A table of the policy file: closed to unknown settings, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    removed: ClassVar[Mapping[str, str]] = {}
    """Settings of earlier versions, and what holds instead: a file that has one reads it."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some settings changed, which derives anew what depends on them: pydantic
        would keep the cached properties of the original."""
        copied = super().model_copy(update=update, deep=deep)
        for derived in vars(copied).keys() - type(self).model_fields.keys() if update else ():
            del vars(copied)[derived]
        return copied


def _address(value: str) -> str:
    if normalise(value) is None:
        raise ValueError("this is not a valid email address; write one such as duty@help.example")
    return value


def _list_name(value: str) -> str:
    if "@" in value:
        return _address(value)
    if re.fullmatch(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+", value) is None:
        raise ValueError(
            "this is neither the address of a list nor its List-Id; write one such as "
            "support@help.example or support.help.example"
        )
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("the text contains an invisible character; type it again")
    return value


def _pattern(value: str) -> str:
    compiled(value)
    return value


def _span(value: str) -> str:
    parse_span(value)
    return value


def _quoted(value: object) -> object:
    """TOML has a time type of its own (09:00:00); both ways of writing a time are accepted."""
    return value.strftime("%H:%M") if isinstance(value, time) else value


def _time_of_day(value: str) -> str:
    parse_time_of_day(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        hint = _zone_like(value) or "such as Europe/Berlin or UTC"
        raise ValueError(f"this is not a known time zone ({hint})") from None
    return value


def _zone_like(value: str) -> str:
    """A known zone with a similar name, or in which a word of the name is the place: `London`."""
    zones = sorted(available_timezones())
    if similar := suggestion(value, zones):
        return similar
    words = value[:LONGEST_NAME].casefold().replace("/", " ").split()
    found = (
        z for word in ("_".join(words), *words) for z in zones if z.casefold().endswith(f"/{word}")
    )
    return f"did you mean {zone}?" if (zone := next(found, "")) else ""


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ReplyText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=400, pattern=r"^[ -~]+$"),
    Field(description="write it in plain ASCII on one line, since it is sent in an SMTP reply"),
]
"""Sent in an SMTP reply: one line of printable ASCII."""
LevelName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    AfterValidator(_printable),
]
"""As long as the database column; two names must not differ only in invisible characters."""
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"),
    Field(description="use at most 40 lower-case letters, digits and hyphens, such as help-desk"),
]
Address = Annotated[str, AfterValidator(_address)]
ListName = Annotated[str, AfterValidator(_list_name)]
"""The address of a mailing list, or its List-Id without angle brackets."""
Phrase = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=80),
    AfterValidator(_printable),
]
"""Plain words that are searched for as they are; no pattern."""
Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression whose search is cheap for any text: see `rules.mail.patterns`."""
SpanText = Annotated[str, AfterValidator(_span)]
"""`2 business hours`, `1 day`: see `rules.ticket.business_time.parse_span`."""
Zone = Annotated[str, AfterValidator(_zone)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HourText = Annotated[str, BeforeValidator(_quoted), AfterValidator(_time_of_day)]
"""`09:00`, on the wall clock of a zone; `24:00` is the end of the day."""

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING_DAYS: tuple[Day, ...] = DAYS[:5]
