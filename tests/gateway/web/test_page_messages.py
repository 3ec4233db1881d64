"""The texts of the pages: every language has the same messages and the same forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from itertools import product
from string import Formatter

import pytest

from gateway.web.held_mail import HeldOutcome
from gateway.web.messages import CATALOGUES, Catalogue, FormError, PageError, form_error
from gateway.web.pages.render import page
from rules.mail.language import KNOWN

VALUES: Mapping[str, object] = {
    "mailbox": "support@help.example",
    "ticket": 7,
    "subject": "Printer",
    "address": "ann@acme.example",
    "name": "Ann",
    "owner": "bob@acme.example",
    "days": 14,
    "typed": "Ann",
    "longest": 2000,
    "earlier": "good",
    "chosen": "bad",
    "title": "Given title",
    "text": "Given text.",
    "again": "/signup",
    "author": "gil@globex.example",
    "why": "Given why.",
    "since": "Given time",
    "until": "Given time",
    "people": ["eve@evil.example"],
    "files": ["plan.pdf"],
    "shortened": True,
    "was": 7,
    "into": 9,
    "choices": ["release", "new", "enrol", "discard"],
    "enrolled": True,
    "said": "Printer",
    "journal_id": "given-id",
    "content_type": "given/type",
    "size": "3 B",
    "effect": "Given effect.",
    "shown": "given",
}
GIVEN = (
    *("Given title", "Given title · Postern", "Given text.", "Given why.", "Given time"),
    "Given effect.",
    *("eve@evil.example", "plan.pdf", "postern held show given-id", "given/type, 3 B"),
)
"""Texts that are passed in, not part of the pages."""
CASES = [
    {
        "error": error,
        "before": before,
        "taken_in": taken_in,
        "outcome": outcome,
        "rating": rating,
        "use": "feedback" if rating == "good" else "reopen",
        "text_kept": text_kept,
        "audited": audited,
        "public": taken_in,
        "now": before,
        "hindrance": ("gone" if rating == "good" else "unread")
        if before
        else "withheld"
        if taken_in
        else "",
    }
    for error, before, taken_in, outcome, rating, text_kept, audited in product(
        ("", "Wrong."),
        (True, False),
        (True, False),
        ("now", "before", "not", *HeldOutcome),
        ("good", "bad"),
        (True, False),
        (True, False),
    )
]
"""Everything that a page can depend on."""


def pages_of(folder: str) -> set[str]:
    templates = resources.files("gateway.web") / "templates" / folder
    return {entry.name for entry in templates.iterdir()}


PAGES = sorted(name for name in pages_of("en") if re.fullmatch(r"[^_].*\.html", name))


class Read(HTMLParser):
    """A page's elements with the attributes that are not text for a reader, and its texts."""

    READABLE = ("lang", "aria-label", "placeholder")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(each for each in attrs if each[0] not in self.READABLE)))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        self.texts.add(" ".join(data.split()))


def read(language: str, name: str, case: Mapping[str, object]) -> Read:
    html = page(language, name, 200, **VALUES, **case).text
    assert html is not None
    return parsed(html)


@cache
def parsed(html: str) -> Read:
    """Most cases of a page look alike, and each look is read once."""
    found = Read()
    found.feed(html)
    return found


def names_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_language_of_the_notices_has_a_catalogue() -> None:
    assert set(CATALOGUES) == set(KNOWN)


@pytest.mark.parametrize("catalogue", CATALOGUES.values(), ids=list(CATALOGUES))
def test_every_language_has_every_message(catalogue: Catalogue) -> None:
    assert set(catalogue.page_errors) == set(PageError)
    assert set(catalogue.form_errors) == set(FormError)
    assert all(message.title and message.text for message in catalogue.page_errors.values())
    assert all(catalogue.form_errors.values())


@pytest.mark.parametrize("error", FormError)
def test_every_language_fills_in_the_same_values(error: FormError) -> None:
    (names,) = {
        frozenset(names_in(catalogue.form_errors[error])) for catalogue in CATALOGUES.values()
    }

    assert names <= {"ticket", "limit", "length", "typed"}


def test_no_values_are_filled_into_a_page_error() -> None:
    messages = [
        asdict(message)
        for catalogue in CATALOGUES.values()
        for message in catalogue.page_errors.values()
    ]

    assert not any(names_in(text) for message in messages for text in message.values())


def test_user_input_is_not_a_placeholder() -> None:
    assert form_error("en", FormError.NOT_SERVED, typed="{limit}").startswith("“{limit}”")


@pytest.mark.parametrize("language", KNOWN)
def test_every_language_has_every_page(language: str) -> None:
    assert pages_of(language) == pages_of("en")


@pytest.mark.parametrize("name", PAGES)
def test_every_language_has_the_same_form(name: str) -> None:
    for case in CASES:
        english, *others = (read(language, name, case).seen for language in KNOWN)
        assert english
        assert all(other == english for other in others)


@pytest.mark.parametrize("name", PAGES)
def test_no_sentence_is_left_in_english(name: str) -> None:
    def sentences(language: str) -> set[str]:
        texts = set().union(*(read(language, name, case).texts for case in CASES))
        return {text for text in texts if " " in text and text not in GIVEN}

    english = sentences("en")
    assert english
    assert english.isdisjoint(sentences("de"))
