"""Which language a person is written to in."""

from __future__ import annotations

import re

from rules.mail.header import Header

KNOWN = ("en", "de")
"""Languages that we have words in."""

_TAG = re.compile(
    r"([A-Za-z]{2,8})(?:-[A-Za-z0-9-]{1,40})?(?:\s*;\s*q\s*=\s*([01](?:\.\d{0,3})?))?"
)


def spoken(header: Header) -> str:
    """The language that a mail tells of its author; empty where it tells none that we know.

    `Content-Language` (RFC 3282) says what he writes in, `Accept-Language` what he reads.
    """
    for name in ("content-language", "accept-language"):
        wishes = []
        for order, part in enumerate(header.get(name)[:200].split(",")):
            tag = _TAG.fullmatch(part.strip())
            if tag is not None and tag[1].lower() in KNOWN:
                wishes.append((-float(tag[2] or 1), order, tag[1].lower()))
        if wishes:
            return min(wishes)[2]
    return ""
