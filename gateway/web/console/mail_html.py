"""The HTML of a mail as a document in which nothing runs, and which loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from rules.mail.images import image_type
from rules.mail.markup import Piece, Tag, UnsafeMarkupError, pieces, written
from rules.mail.presented import images_in, masked_pieces, with_images
from rules.mail.shown_html import HtmlView

PLACEHOLDER = "image not loaded"
LARGEST_IMAGES = 4 * 1024 * 1024
"""Octets of all images in one document."""

FRAME_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""A sandbox also for who opens the frame alone. Style is inline in mail, and loads nothing."""

_BEGIN = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light">'
    "<style>body{margin:12px;background:#fff;color:#111;font:15px/1.5 sans-serif;"
    "overflow-wrap:anywhere}img{max-width:100%;height:auto}a{color:#0d6a54;"
    "text-decoration:underline;cursor:help}</style>"
)


def image_names(view: HtmlView) -> list[str]:
    """The images that the HTML shows from the same mail."""
    try:
        return images_in([*pieces(view.html), *pieces(view.quoted)])
    except UnsafeMarkupError:
        return []


def document(view: HtmlView, mask: Callable[[str], str], images: Mapping[str, bytes]) -> str:
    """The author's part and what they quote; empty where it cannot be shown surely."""
    if view.plain_only is not None:
        return ""
    try:
        found = [*pieces(view.html), *pieces(view.quoted)]
    except UnsafeMarkupError:
        return ""
    masked = masked_pieces(found, mask)
    if masked is None:
        return ""
    left = LARGEST_IMAGES

    def source(name: str) -> str:
        nonlocal left
        content = images.get(name, b"")
        kind = image_type(content)
        if not kind or len(content) > left:
            return ""
        left -= len(content)
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    shown, _ = with_images(masked, source, remote=False, placeholder=PLACEHOLDER)
    return _BEGIN + written(map(_without_target, shown))


def _without_target(piece: Piece) -> Piece:
    """A link shows where it leads, and leads nowhere: the frame has no other page."""
    if not isinstance(piece, Tag) or piece.name != "a":
        return piece
    target = piece.get("href")
    return Tag("a", (("title", target),) if target else ())
