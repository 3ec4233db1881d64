"""Which language a person is written to in."""

from __future__ import annotations

import re

from rules.mail.header import Header

KNOWN = ("en", "de")
"""Languages that we have words in."""
MOST_WISHES = 20
"""Of one field; nobody reads so many languages."""

_RANGE = re.compile(
    r"([A-Za-z]{2,8})(?:-[A-Za-z0-9-]{1,40})?"
    r"(?:\s*;\s*[Qq]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)


def written_in(*wishes: str) -> str:
    """The first wish that there is; English for one that we have no words in, and for none."""
    wanted = next(filter(None, wishes), "").partition("-")[0].lower()
    return wanted if wanted in KNOWN else "en"


def wished(field: str) -> str:
    """The language that the text of an `Accept-Language` likes best (RFC 9110 §12.5.4); empty where
    it names none that we know. A weight of 0 refuses a language, and `*` names none."""
    wishes = []
    for order, part in enumerate(field.split(",", MOST_WISHES)[:MOST_WISHES]):
        found = _RANGE.fullmatch(part.strip())
        if found is not None and found[1].lower() in KNOWN:
            weight = float(found[2] or 1)
            wishes.append((-weight, order, found[1].lower()))
    best, _, language = min(wishes, default=(0.0, 0, ""))
    return language if best else ""


def spoken(header: Header) -> str:
    """The language that a mail tells of its author; empty where it tells none that we know.

    `Content-Language` (RFC 3282) says what he writes in, `Accept-Language` what he reads.
    """
    return wished(header.get("content-language")) or wished(header.get("accept-language"))
