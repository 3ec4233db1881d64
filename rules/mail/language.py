"""The language in which a person is addressed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from rules.mail.header import Header

Language = Literal["en", "de"]
KNOWN: tuple[Language, ...] = get_args(Language)
"""Languages that have translations."""
ENGLISH_NAMES: Mapping[Language, str] = MappingProxyType({"en": "English", "de": "German"})
MAX_PREFERENCES = 20
"""Preferences read from one field; further ones are ignored."""

_RANGE = re.compile(
    r"([A-Za-z]{2,8})(?:-[A-Za-z0-9-]{1,40})?"
    r"(?:\s*;\s*[Qq]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)


def supported_language(*preferences: str) -> str:
    """The first non-empty preference; English if it is not supported or none is given."""
    language = next(filter(None, preferences), "").partition("-")[0].lower()
    return language if language in KNOWN else "en"


def preferred_language(field: str) -> str:
    """The supported language that an `Accept-Language` value prefers (RFC 9110 §12.5.4); empty if
    it contains none. A weight of 0 excludes a language, and `*` is ignored."""
    preferences = []
    for order, part in enumerate(field.split(",", MAX_PREFERENCES)[:MAX_PREFERENCES]):
        found = _RANGE.fullmatch(part.strip())
        if found is not None and found[1].lower() in KNOWN:
            weight = float(found[2] or 1)
            preferences.append((-weight, order, found[1].lower()))
    best, _, language = min(preferences, default=(0.0, 0, ""))
    return language if best else ""


def author_language(header: Header) -> str:
    """The language of a mail's author from its header; empty if it gives no supported language.

    `Content-Language` (RFC 3282), the language written, takes precedence over `Accept-Language`,
    the language read.
    """
    return preferred_language(header.get("content-language")) or preferred_language(
        header.get("accept-language")
    )


def written_language(text: str) -> str:
    """The supported language in which a text is written; empty if that is not clear.

    Small words tell, which each text has and the other language has not. Mail clients state the
    language of their menus, whatever their user writes.
    """
    words = text[:_LOOKED_AT].lower().translate(_NO_LETTERS).split()
    counts = Counter(map(_LANGUAGE_OF.get, words))
    (first, most), (_, fewer) = sorted(
        ((language, counts[language]) for language in KNOWN), key=lambda each: -each[1]
    )
    return first if most >= _CLEARLY and most >= _TIMES * fewer else ""


_LOOKED_AT = 1024
_CLEARLY = 4
_TIMES = 3
_NO_LETTERS = str.maketrans(".,;:!?()", " " * 8)
_SMALL_WORDS: Mapping[Language, str] = {
    "en": (
        "the and is are not we with for on please since cannot can have has our us at of to this "
        "that when how hello thanks my it you your does from be but there which after all i"
    ),
    "de": (
        "der die das und ist sind nicht wir ich mit für auf bitte seit kein keine keinen können "
        "kann haben hat unser unsere unserer uns bei zu dem den ein eine einen auch noch wenn wie "
        "hallo danke guten mein meine es sie ihre von nach aber wird werden steht sich über"
    ),
}
_LANGUAGE_OF = {word: name for name, words in _SMALL_WORDS.items() for word in words.split()}
