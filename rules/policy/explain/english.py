"""Building blocks of sentences: days, lists, numbers, durations and quotations."""

from __future__ import annotations

from collections.abc import Sequence

from rules.policy.base import DAYS
from rules.sentence import Phrase, literal, phrase
from rules.ticket.business_time import parse_span

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


class Explained:
    """One sentence about a policy."""

    __slots__ = ("key", "phrase")

    def __init__(self, key: str, text: str | Phrase, /, **values: object) -> None:
        self.key = key
        """What it states: `tests/rules/policy/explained.toml` names the tests that prove it."""
        self.phrase = text if isinstance(text, Phrase) else phrase(text, **values)
        """It is translated where it is shown."""

    @property
    def text(self) -> str:
        """In English."""
        return str(self.phrase)


def days(days: Sequence[str]) -> Phrase:
    """`Monday to Friday`, `every day`, or the days one by one."""
    numbers = sorted(DAYS.index(day) for day in DAYS if day in days)
    if len(numbers) == 7:
        return phrase("every day")
    names = [phrase(DAY_NAMES[number]) for number in numbers]
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return phrase("{first} to {last}", first=names[0], last=names[-1])
    return listed(names)


def month_and_day(written: str) -> Phrase:
    """`25 December`, for `12-25`."""
    month, _, day = written.partition("-")
    return phrase("{day} {month}", day=int(day), month=phrase(MONTHS[int(month) - 1]))


def listed(items: Sequence[str | Phrase]) -> Phrase:
    """`one`, `one and two`, `one, two and three`."""
    return _joined(items, "{before} and {last}")


def either(items: Sequence[str | Phrase]) -> Phrase:
    """`one`, `one or two`, `one, two or three`."""
    return _joined(items, "{before} or {last}")


def _joined(items: Sequence[str | Phrase], ending: str) -> Phrase:
    first, *rest = items
    before = first if isinstance(first, Phrase) else literal(first)
    for each in rest[:-1]:
        before = Phrase("{before}, {next}", {"before": before, "next": each})
    return Phrase(ending, {"before": before, "last": rest[-1]}) if rest else before


def count(number: int, one: str, many: str = "") -> Phrase:
    """`1 day`, `2 days`; `many` is an irregular plural."""
    return phrase(f"{{number}} {one if number == 1 else many or f'{one}s'}", number=number)


def span(written: str) -> Phrase:
    """`2 business hours`, as a policy writes it."""
    try:
        found = parse_span(written)
    except ValueError:  # of a policy that was not validated
        return literal(written)
    return count(found.value, found.unit.value)


def quoted(text: str) -> Phrase:
    return phrase('"{text}"', text=text)
