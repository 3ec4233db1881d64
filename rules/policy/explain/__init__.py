"""A whole policy in plain English: what `postern policy explain` prints.

Every setting has a sentence here, and every new setting needs one: a test changes each setting of a
policy and checks that the text changes.
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
    ("The policy", conduct.overview),
    ("Who may write", people.senders),
    ("Who is on a ticket, and who may read it", people.people),
    ("Severity", requests.severity),
    ("What a request should state", requests.requests),
    ("Response times", service.promises),
    ("When the clock runs", service.clock),
    ("Who is alerted", service.on_call),
    ("Escalation", service.escalation),
    ("Who is notified", people.notifications),
    ("Answers, feedback and reviews", service.follow_up),
    ("Closed tickets", conduct.closed),
    ("Limits", conduct.limits),
    ("Standard texts", conduct.texts),
)


def chapters_of(policy: Policy) -> tuple[Chapter, ...]:
    """The policy, subject by subject."""
    return tuple(Chapter(title, tuple(sentences(policy))) for title, sentences in SUBJECTS)


def as_text(chapters: Sequence[Chapter], width: int = 80) -> str:
    """The chapters as text: each sentence after a dash, wrapped to a width in characters."""
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
