"""Building blocks of sentences: days, lists, numbers and quotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rules.policy.base import DAYS

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


class Explained(NamedTuple):
    """One sentence about a policy."""

    key: str
    """What it states: `tests/rules/policy/explained.toml` names the tests that prove it."""
    text: str


def days(days: Sequence[str]) -> str:
    """`Monday to Friday`, `every day`, or the days one by one."""
    numbers = sorted(DAYS.index(day) for day in DAYS if day in days)
    if len(numbers) == 7:
        return "every day"
    names = [DAY_NAMES[number] for number in numbers]
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{names[0]} to {names[-1]}"
    return listed(names)


def month_and_day(written: str) -> str:
    """`25 December`, for `12-25`."""
    month, _, day = written.partition("-")
    return f"{int(day)} {MONTHS[int(month) - 1]}"


def listed(items: Sequence[str], conjunction: str = "and") -> str:
    """`one`, `one and two`, `one, two and three`."""
    *before, last = items
    return f"{', '.join(before)} {conjunction} {last}" if before else last


def count(number: int, one: str, many: str = "") -> str:
    """`1 day`, `2 days`; `many` is an irregular plural."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def quoted(text: str) -> str:
    return f'"{text}"'
