"""Texts of the policy in HTML: their addresses and phone numbers become links."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_LINK = re.compile(
    r"""(?P<web>https?://[^\s<>"']*[^\s<>"'.,;:!?)\]])"""
    r"""|(?P<phone>(?<![\w+])\+\d(?:[ ./-]?(?:\d|\(\d{1,5}\))){5,16}(?!\w))"""
)
"""A phone number is international (E.164), with separators as people write them."""


def linked(text: str) -> Markup:
    """The text as HTML, in which web addresses and international phone numbers are links."""
    return Markup("").join(_pieces(text))


def _pieces(text: str) -> Iterator[Markup]:
    end = 0
    for found in _LINK.finditer(text):
        yield escape(text[end : found.start()])
        yield _link(found)
        end = found.end()
    yield escape(text[end:])


def _link(found: re.Match[str]) -> Markup:
    shown = found[0]
    phone = "tel:" + re.sub(r"[^+\d]", "", shown.replace("(0)", ""))
    target = shown if found["web"] else phone
    return Markup('<a href="{}">{}</a>').format(target, shown)
