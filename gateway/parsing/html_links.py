"""Where a link leads and what an image shows, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST_TARGET = 2_000
LONGEST_DESCRIPTION = 1_000
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,30}):", re.IGNORECASE)
_INTERNAL = frozenset(
    (
        "javascript",
        "vbscript",
        "data",
        "cid",
        "mid",
        "about",
        "blob",
        "applewebdata",
        "outbind",
        "chrome",
        "file-system",
    )
)
"""They lead to nothing that a reader could open."""
_NOT_IN_TARGETS = re.compile(r"[\x00-\x1f\x7f]+")
_ESCAPED = str.maketrans({" ": "%20", "<": "%3C", ">": "%3E"})
_NOT_DIGIT = re.compile(r"[^\d+]+")
_NUMBERS = ("tel", "sms", "callto")
_LETTER = re.compile(r"[A-Za-z0-9]")


def target_of(href: str) -> str:
    """The target of a link as a reader may use it; empty if it leads nowhere outside of the mail.

    Of an address only the address is left, of a telephone number the number.
    """
    href = _NOT_IN_TARGETS.sub("", href[: 4 * LONGEST_TARGET]).strip()
    found = _SCHEME.match(href)
    if found is None:
        return href.translate(_ESCAPED) if href.lower().startswith(("//", "www.", "\\\\")) else ""
    scheme, rest = found[1].lower(), href[found.end() :]
    if scheme in _INTERNAL or scheme.startswith("x-apple"):
        return ""
    if scheme == "mailto":
        return rest.partition("?")[0].replace("%40", "@").translate(_ESCAPED)
    if scheme in _NUMBERS:
        return rest.partition("?")[0].translate(_ESCAPED)
    target = href.translate(_ESCAPED) if rest.strip("/") else ""
    return target if len(target) <= LONGEST_TARGET else target[:LONGEST_TARGET] + "…"


def is_shown_by(label: str, target: str) -> bool:
    """Whether the label of a link has its target already."""
    wanted = _plain(target)
    if not wanted or wanted in _plain(label):
        return True
    digits = _NOT_DIGIT.sub("", target)
    return len(digits) * 2 > len(target) and digits.lstrip("+0") in _NOT_DIGIT.sub("", label)


def _plain(text: str) -> str:
    text = "".join(text.lower().split())
    text = text.removeprefix("https://").removeprefix("http://").removeprefix("//")
    return text.removeprefix("www.").rstrip("/")


def described_image(found: Mapping[str, str]) -> str:
    """The description of an image in brackets, or the sign that it stands for; else empty."""
    described = " ".join(found.get("alt", "")[: 4 * LONGEST_DESCRIPTION].split())
    if not described or any(found.get(each, "").strip() in ("0", "1") for each in _SIZES):
        return ""
    if len(described) <= 8 and not described.isascii() and not _LETTER.search(described):
        return described  # an emoji
    return f"[{described[:LONGEST_DESCRIPTION]}]"


_SIZES = ("width", "height")
