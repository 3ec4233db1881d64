"""Sentences of the rules in the reader's language.

A language's folder holds `sentences.toml`: the translation of each English sentence that a mail can
carry. A sentence without one is shown in English, and never costs a mail.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from rules.sentence import Sentence

FILE = "sentences.toml"


def worded(sentence: Sentence, language: str) -> str:
    """The sentence in a language, else in English."""
    template = translations(language).get(sentence.english)
    return str(sentence) if template is None else sentence.by_template(template)


@cache
def translations(language: str) -> Mapping[str, str]:
    """Translations by their English text; empty for English and for an unknown language."""
    file = resources.files("gateway.outgoing").joinpath("templates", language, FILE)
    if not file.is_file():
        return {}
    return tomllib.loads(file.read_text(encoding="utf-8"))
