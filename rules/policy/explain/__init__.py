"""A whole policy in plain English: what `postern policy explain` prints.

Every setting has a sentence here, and every new setting needs one: a test changes each setting of a
policy and checks that the text changes. Patterns are an exception: their examples are shown. Each
sentence has a key, and another test demands a test of the engine for each key.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules.policy import Policy
from rules.policy.explain import conduct, escalation, people, requests, service, severity
from rules.policy.explain.english import Explained

__all__ = ["SUBJECTS", "Chapter", "Explained", "as_text", "chapters_of"]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Sentences on one subject."""

    title: str
    sentences: tuple[Explained, ...]


SUBJECTS: tuple[tuple[str, Callable[[Policy], Iterator[Explained]]], ...] = (
    ("The policy", conduct.overview),
    ("Who may write", people.senders),
    ("Requests by mail", requests.by_mail),
    ("Who is on a ticket, and who may read it", people.people),
    ("Severity", severity.severity),
    ("What a request should state", requests.requests),
    ("Incomplete requests", requests.incomplete),
    ("Response times", service.promises),
    ("When the clock runs", service.clock),
    ("How to escalate", escalation.escalation),
    ("Who is alerted", escalation.alerts),
    ("Who is notified", people.notifications),
    ("Answers, feedback and reviews", service.follow_up),
    ("Closed tickets", conduct.closed),
    ("Limits", conduct.limits),
    ("Standard texts", conduct.texts),
    ("Texts in other languages", conduct.translations),
)


def chapters_of(policy: Policy) -> tuple[Chapter, ...]:
    """The policy, subject by subject; without subjects on which it says nothing."""
    chapters = (Chapter(title, tuple(sentences(policy))) for title, sentences in SUBJECTS)
    return tuple(chapter for chapter in chapters if chapter.sentences)


def as_text(chapters: Sequence[Chapter], width: int = 80) -> str:
    """The chapters as text: each sentence after a dash, wrapped to a width in characters."""
    return "\n\n".join(
        "\n".join([chapter.title, *(_wrapped(each.text, width) for each in chapter.sentences)])
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
