"""Until when a ticket is set aside: how a person writes it, and the time that it means."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rules.ticket.business_time import Calendar

LONGEST = timedelta(days=366)
MORNING = 8 * 60
"""In minutes after midnight: when a day begins on which the calendar does not open."""
_SPAN = re.compile(r"([0-9]{1,4}) ?([a-z]+)")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_UNITS = {
    **dict.fromkeys(("h", "hour", "hours", "stunde", "stunden", "std"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days", "t", "tag", "tage", "tagen"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks", "woche", "wochen"), timedelta(weeks=1)),
}
_DAYS = (
    ("monday", "mon", "mo", "montag"),
    ("tuesday", "tue", "di", "dienstag"),
    ("wednesday", "wed", "mi", "mittwoch"),
    ("thursday", "thu", "do", "donnerstag"),
    ("friday", "fri", "fr", "freitag"),
    ("saturday", "sat", "sa", "samstag", "sonnabend"),
    ("sunday", "sun", "so", "sonntag"),
)
_WEEKDAYS = {name: number for number, names in enumerate(_DAYS) for name in names}
_TOMORROW = ("tomorrow", "morgen")
_OVER = ("off", "over", "none", "end", "aus", "ende", "nein")


@dataclass(frozen=True, slots=True)
class Until:
    """A time as it was written; with nothing set, the snooze ends now."""

    span: timedelta | None = None
    day: date | None = None
    weekday: int | None = None
    """0 is Monday: the next one after today."""
    instant: datetime | None = None

    @property
    def is_end(self) -> bool:
        return self == Until()


def parse_until(written: str) -> Until | None:
    """The time that somebody wrote; None if it cannot be read."""
    text = unicodedata.normalize("NFKC", written).strip().casefold()
    if text in _OVER:
        return Until()
    if text in _TOMORROW:
        return Until(span=timedelta(days=1))
    if text in _WEEKDAYS:
        return Until(weekday=_WEEKDAYS[text])
    if (span := _SPAN.fullmatch(text)) and (unit := _UNITS.get(span[2])) and int(span[1]):
        return Until(span=int(span[1]) * unit)
    try:
        if found := _DAY_FIRST.fullmatch(text):
            return Until(day=date(int(found[3]), int(found[2]), int(found[1])))
        if len(text) == 10:
            return Until(day=date.fromisoformat(text))
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return Until(instant=instant) if instant.tzinfo is not None else None


def wakes_at(until: Until, now: datetime, calendar: Calendar) -> datetime:
    """The time that it means: of a day, when the calendar opens on it. Hours count as they are."""
    if until.instant is not None:
        return until.instant.astimezone(UTC)
    today = now.astimezone(calendar.zone).date()
    if until.span is not None and until.span < timedelta(days=1):
        return now + until.span
    if until.weekday is not None:
        day = today + timedelta(days=(until.weekday - today.weekday() - 1) % 7 + 1)
    elif until.day is not None:
        day = until.day
    elif until.span is not None and until.span % timedelta(days=1):
        return now + until.span
    else:
        day = today + (until.span or timedelta())
    opens = calendar.hours_on(day)
    minutes = opens[0] if opens is not None and opens != (0, 1440) else MORNING
    begins = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    return (begins + timedelta(minutes=minutes)).astimezone(UTC)
