"""A sentence for a person: English here, translated where it is shown.

Rules report effects and refusals as sentences. The English text names its values in braces and
also serves as the key of its translation, like a message id in gettext.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence, or a part of one, whose values may be phrases themselves.

    Unlike a `Sentence` it is not stored: it is shown at once.
    """

    english: str
    values: Mapping[str, str | Phrase] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.worded(lambda english: english)

    def worded(self, template_of: Callable[[str], str]) -> str:
        """The phrase in a language; `template_of` gives the template of an English one."""
        values = {
            name: value.worded(template_of) if isinstance(value, Phrase) else value
            for name, value in self.values.items()
        }
        return template_of(self.english).format_map(values)


def phrase(english: str, /, **values: object) -> Phrase:
    """A phrase with its values filled in when it is shown."""
    return Phrase(
        english,
        {name: each if isinstance(each, Phrase) else str(each) for name, each in values.items()},
    )


def literal(text: str) -> Phrase:
    """A text that is the same in every language, such as a name."""
    return Phrase("{text}", {"text": text})
