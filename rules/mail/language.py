"""The language in which a person is addressed."""

from __future__ import annotations

import re
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
