"""Which language a person is written to in."""

from __future__ import annotations

import re

from rules.mail.header import Header

KNOWN = ("en", "de")
"""Languages that we have words in."""
MAX_PREFERENCES = 20
"""Of one field; nobody reads so many languages."""

_RANGE = re.compile(
    r"([A-Za-z]{2,8})(?:-[A-Za-z0-9-]{1,40})?"
    r"(?:\s*;\s*[Qq]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)


def supported_language(*preferences: str) -> str:
    """The first wish that there is; English for one that we have no words in, and for none."""
    language = next(filter(None, preferences), "").partition("-")[0].lower()
    return language if language in KNOWN else "en"


def preferred_language(field: str) -> str:
    """The language that the text of an `Accept-Language` likes best (RFC 9110 §12.5.4); empty where
    it names none that we know. A weight of 0 refuses a language, and `*` names none."""
    preferences = []
    for order, part in enumerate(field.split(",", MAX_PREFERENCES)[:MAX_PREFERENCES]):
        found = _RANGE.fullmatch(part.strip())
        if found is not None and found[1].lower() in KNOWN:
            weight = float(found[2] or 1)
            preferences.append((-weight, order, found[1].lower()))
    best, _, language = min(preferences, default=(0.0, 0, ""))
    return language if best else ""


def author_language(header: Header) -> str:
    """The language that a mail tells of its author; empty where it tells none that we know.

    `Content-Language` (RFC 3282) says what he writes in, `Accept-Language` what he reads.
    """
    return preferred_language(header.get("content-language")) or preferred_language(
        header.get("accept-language")
    )
