"""Points in time as people read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}


def date_and_time(at: datetime, zone: str, language: str) -> str:
    """`Monday 23 November 2026, 10:00 (Europe/Berlin)`: the zone is always named."""
    local = at.astimezone(ZoneInfo(zone))
    day, month = _DAYS[language][local.weekday()], _MONTHS[language].split()[local.month - 1]
    if language == "de":
        return f"{day}, {local.day}. {month} {local.year}, {local:%H:%M} Uhr ({zone})"
    return f"{day} {local.day} {month} {local.year}, {local:%H:%M} ({zone})"


def date(at: datetime, language: str) -> str:
    """`23 November 2026`, in UTC."""
    month = _MONTHS[language].split()[at.month - 1]
    return f"{at.day}{'.' if language == 'de' else ''} {month} {at.year}"
