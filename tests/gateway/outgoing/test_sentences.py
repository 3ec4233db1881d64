"""Every sentence that a mail can carry has its translation, with the same names in it."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

import rules
from gateway.outgoing.sentences import translations, worded
from rules.mail.language import KNOWN
from rules.sentence import Sentence, sentence

RULES = Path(rules.__file__).parent
PASSED_ON = {"{text}"}
"""A policy's own text."""
ONLY_OVER_THE_API = {
    "{company} is suspended",
    "{address} is not an active user of {mailbox}",
    (
        "{address} has opened {budget} tickets within the hour; "
        "comment on one of them, or try again later"
    ),
}


def written_in_the_rules() -> set[str]:
    """The English text of each `sentence(...)` in the rules."""
    found = set()
    for file in RULES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sentence":
                (english, *_) = node.args
                if isinstance(english, ast.Constant):
                    found.add(str(english.value))
    return found - PASSED_ON - ONLY_OVER_THE_API


def names_in(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


TRANSLATED = sorted(set(KNOWN) - {"en"})


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_of_the_rules_is_translated_and_no_other(language: str) -> None:
    assert set(translations(language)) == written_in_the_rules()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_names_the_same_values(language: str) -> None:
    for english, translated in translations(language).items():
        assert names_in(translated) <= names_in(english), english


def test_a_sentence_is_shown_in_the_readers_language() -> None:
    done = sentence("#{ticket} is deleted", ticket=7)

    assert worded(done, "de") == "#7 ist gelöscht"
    assert worded(done, "en") == str(done) == "#7 is deleted"


def test_a_sentence_without_a_translation_is_shown_in_english() -> None:
    assert worded(Sentence("Nobody {verb} this.", (("verb", "knows"),)), "de") == (
        "Nobody knows this."
    )


def test_a_value_with_braces_stays_as_it_is() -> None:
    assert str(sentence("{address} is deactivated", address="{x}@a.example")) == (
        "{x}@a.example is deactivated"
    )
