"""Sentences of the rules in the reader's language.

A language's folder holds `sentences.toml`: the translation of each English sentence that a mail can
carry, and its own words for some of the values that they name. What it does not have is shown in
English, and never costs a mail.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from rules.sentence import Sentence

FILE = "sentences.toml"
_LISTS = {"status": "status", "new_status": "status", "visibility": "visibility"}
"""The values of sentences that are words of ours, each with the list that translates them."""


def worded(sentence: Sentence, language: str) -> str:
    """The sentence in a language, else in English."""
    template = translations(language).get(sentence.english)
    if template is None:
        return str(sentence)
    named = (
        (name, word(value, _LISTS[name], language) if name in _LISTS else value)
        for name, value in sentence.values
    )
    return Sentence(sentence.english, tuple(named)).by_template(template)


def word(value: str, kind: str, language: str) -> str:
    """A word of ours, such as a status, in a language, else in English."""
    found = _read(language).get(kind, {})
    return found.get(value, value) if isinstance(found, dict) else value


@cache
def translations(language: str) -> Mapping[str, str]:
    """Translations by their English text; empty for English and for an unknown language."""
    return {key: text for key, text in _read(language).items() if isinstance(text, str)}


@cache
def _read(language: str) -> Mapping[str, str | dict[str, str]]:
    file = resources.files("gateway.outgoing").joinpath("templates", language, FILE)
    if not file.is_file():
        return {}
    return tomllib.loads(file.read_text(encoding="utf-8"))
