"""What the sections of a policy share: texts, addresses, patterns, spans and hours of the day."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
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
from rules.validation.messages import suggestion


class Section(BaseModel):
    """A table of the policy file: closed to unknown settings, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _address(value: str) -> str:
    if normalise(value) is None:
        raise ValueError("this is no mail address; write one such as duty@help.example")
    return value


def _seen(value: str) -> str:
    if not value.isprintable():
        raise ValueError("a sign in it cannot be seen; write the name anew")
    return value


def _pattern(value: str) -> str:
    compiled(value)
    return value


def _span(value: str) -> str:
    parse_span(value)
    return value


def _quoted(value: object) -> object:
    """TOML has times of its own (09:00:00); both ways of writing one are meant the same."""
    return value.strftime("%H:%M") if isinstance(value, time) else value


def _time_of_day(value: str) -> str:
    parse_time_of_day(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        hint = suggestion(value, available_timezones()) or "such as Europe/Berlin or UTC"
        raise ValueError(f"this is no time zone ({hint})") from None
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ReplyText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=400, pattern=r"^[ -~]+$"),
    Field(description="write it in plain ASCII on one line, since it stands in an SMTP reply"),
]
"""Goes into an SMTP reply: one line of printable ASCII."""
LevelName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    AfterValidator(_seen),
]
"""The column that keeps it is as wide; and two names must not differ in what nobody sees."""
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"),
    Field(description="use small letters, digits and hyphens, 40 at most, such as help-desk"),
]
Address = Annotated[str, AfterValidator(_address)]
Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression that is cheap whatever it is searched in: see `rules.mail.patterns`."""
SpanText = Annotated[str, AfterValidator(_span)]
"""`2 business hours`, `1 day`: see `rules.ticket.business_time.parse_span`."""
Zone = Annotated[str, AfterValidator(_zone)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HourText = Annotated[str, BeforeValidator(_quoted), AfterValidator(_time_of_day)]
"""`09:00`, on the wall clock of a zone; `24:00` is the end of the day."""

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING_DAYS: tuple[Day, ...] = DAYS[:5]
