"""The values of a ticket's fields: text on one line; of a field that takes several, a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

VALUE_LENGTH = 200
MOST_VALUES = 10
"""Of a field that takes several."""
MORE = "…"
"""The end of a list that has more values than are kept."""
_SEPARATOR = ", "


def one_line(value: str) -> str:
    """A value as it is kept: printable, on one line, of at most `VALUE_LENGTH` characters."""
    parts = "".join(c for c in value if c.isprintable() or c.isspace()).split()
    return " ".join(parts)[:VALUE_LENGTH].rstrip()


def values_of(text: str) -> tuple[str, ...]:
    """The values in a list as people write it, without those that are written twice."""
    values: dict[str, str] = {}
    for written in text.split(","):
        if value := one_line(written):
            values.setdefault(value.casefold(), value)
    return tuple(values.values())


def listed(values: Iterable[str]) -> str:
    """The list as it is kept: at most `MOST_VALUES`, and a mark where there are more."""
    every = values_of(_SEPARATOR.join(values))
    kept = tuple(each for each in every if each != MORE)
    cut = len(kept) > MOST_VALUES or MORE in every
    return _SEPARATOR.join((*kept[:MOST_VALUES], *((MORE,) if cut else ())))


@dataclass(frozen=True, slots=True)
class FoundFields:
    """Values that a text gives for fields, by the field's name."""

    values: Mapping[str, str] = field(default_factory=dict)
    several: frozenset[str] = frozenset()
    """The fields among them that take several values."""

    def __bool__(self) -> bool:
        return bool(self.values)

    def onto(self, kept: Mapping[str, str]) -> Mapping[str, str]:
        """The fields of a ticket that has some: a field keeps its value, and a list grows."""
        grown = {
            name: listed((kept[name], self.values[name]))
            for name in self.several
            if name in kept and name in self.values
        }
        return {**self.values, **kept, **grown}
