"""A whole policy in plain English: what `postern policy explain` prints.

Every setting has its sentence here, so a new setting gets one too; a test changes each setting of a
policy and looks whether the words change.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules.policy import Policy
from rules.policy.explain import conduct, people, requests, service


@dataclass(frozen=True, slots=True)
class Chapter:
    """Sentences on one subject."""

    title: str
    sentences: tuple[str, ...]


SUBJECTS: tuple[tuple[str, Callable[[Policy], Iterator[str]]], ...] = (
    ("The policy", conduct.itself),
    ("Who may write", people.senders),
    ("Who is on a ticket, and who reads it", people.people),
    ("Severity", requests.severity),
    ("What a request should say", requests.requests),
    ("What is promised", service.promises),
    ("When the clock runs", service.clock),
    ("Escalation", service.escalation),
    ("Who is told", people.told),
    ("Closed tickets", conduct.closed),
    ("Limits", conduct.limits),
    ("Our words", conduct.words),
)


def explained(policy: Policy) -> tuple[Chapter, ...]:
    """The policy, subject by subject."""
    return tuple(Chapter(title, tuple(say(policy))) for title, say in SUBJECTS)


def as_text(chapters: Sequence[Chapter], width: int = 80) -> str:
    """The chapters, each sentence wrapped to a width in characters, with a dash before it."""
    return "\n\n".join(
        "\n".join([chapter.title, *(_wrapped(each, width) for each in chapter.sentences)])
        for chapter in chapters
    )


def _wrapped(sentence: str, width: int) -> str:
    return textwrap.fill(
        sentence,
        width,
        initial_indent="  - ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
