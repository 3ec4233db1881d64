"""Points in time as people read them, in the form that a language's folder gives."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

FILE = "dates.toml"


@dataclass(frozen=True, slots=True)
class DateForm:
    """How a language writes dates. The forms name their parts in braces."""

    weekdays: tuple[str, ...]
    """From Monday."""
    months: tuple[str, ...]
    date: str
    date_and_time: str

    def __post_init__(self) -> None:
        if (len(self.weekdays), len(self.months)) != (7, 12):
            raise ValueError(f"{FILE} must name 7 weekdays and 12 months")


def date_and_time(at: datetime, zone: str, language: str) -> str:
    """`Monday 23 November 2026, 10:00 (Europe/Berlin)`: the zone is always named."""
    form, local = _form(language), at.astimezone(ZoneInfo(zone))
    return form.date_and_time.format(
        weekday=form.weekdays[local.weekday()],
        day=local.day,
        month=form.months[local.month - 1],
        year=local.year,
        time=f"{local:%H:%M}",
        zone=zone,
    )


def date(at: datetime, language: str) -> str:
    """`23 November 2026`, in UTC."""
    form = _form(language)
    return form.date.format(day=at.day, month=form.months[at.month - 1], year=at.year)


@cache
def _form(language: str) -> DateForm:
    file = resources.files("gateway.outgoing").joinpath("templates", language, FILE)
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    return DateForm(
        tuple(values["weekdays"].split()),
        tuple(values["months"].split()),
        values["date"],
        values["date_and_time"],
    )
