"""Small words: days, lists, numbers and quotations."""

from __future__ import annotations

from collections.abc import Sequence

from rules.policy.base import DAYS

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def days(days: Sequence[str]) -> str:
    places = sorted(DAYS.index(day) for day in DAYS if day in days)
    if len(places) == 7:
        return "every day"
    names = [DAY_NAMES[place] for place in places]
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{names[0]} to {names[-1]}"
    return listed(names)


def listed(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), words[-1]])


def count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def quoted(text: str) -> str:
    return f'"{text}"'
