"""A sentence for a person: English here, translated where it is shown.

Rules report effects and refusals as sentences. The English text names its values in braces and
also serves as the key of its translation, like a message id in gettext.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """`english` is a format string; `values` are what its braces name."""

    english: str
    values: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.by_template(self.english)

    def by_template(self, template: str) -> str:
        """The sentence in another template with the same names, such as a translation."""
        return template.format_map(dict(self.values))

    def with_values(self, change: Callable[[str], str]) -> Sentence:
        """The sentence with each of its values changed."""
        return Sentence(self.english, tuple((name, change(value)) for name, value in self.values))


def sentence(english: str, **values: object) -> Sentence:
    """A sentence with its values filled in when it is shown."""
    return Sentence(english, tuple((name, str(value)) for name, value in values.items()))
