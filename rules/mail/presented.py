"""Sanitised HTML for one reader: images as they may be loaded, and secrets of others masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rules.mail.markup import REL, End, Piece, Tag, is_remote, text_of
from rules.mail.shown_html import HtmlView

Mask = Callable[[str], str]
"""Takes out of a text what was sealed for others."""
_MASKED_ATTRIBUTES = ("alt", "href", "src")
_TINY = ("0", "1", "0px", "1px")
_LINK = re.compile(
    r"https?://[^\s<>\"']{0,2000}[^\s<>\"'.,;:!?)\]]"
    r"|(?<![\w.+@-])[\w.+-]{1,64}@[a-z0-9][a-z0-9.-]{0,250}\.[a-z]{2,24}(?![\w@-])",
    re.IGNORECASE,
)


def with_images(
    some: Sequence[Piece], source: Callable[[str], str], *, remote: bool, placeholder: str
) -> tuple[list[Piece], int]:
    """The pieces with each image of the mail at `source(name)`, and the number of images elsewhere:
    those are kept where `remote`, else a placeholder with their description is in their place. Of
    one pixel, none is: it only counts who reads."""
    made: list[Piece] = []
    elsewhere = 0
    for piece in some:
        if not isinstance(piece, Tag) or piece.name != "img":
            made.append(piece)
            continue
        target, alt = piece.get("src"), piece.get("alt").strip()
        if is_remote(target):
            elsewhere += 1
            if remote:
                made.append(Tag("img", (*piece.attributes, ("referrerpolicy", "no-referrer"))))
            elif alt or not (piece.get("width") in _TINY or piece.get("height") in _TINY):
                made += _described(f"{placeholder}: {alt}" if alt else placeholder)
        elif found := source(target.removeprefix("part:")):
            others = (pair for pair in piece.attributes if pair[0] != "src")
            made.append(Tag("img", (("src", found), *others)))
        elif alt:
            made += _described(alt)
    return made, elsewhere


def _described(text: str) -> list[Piece]:
    return [Tag("em"), f"[{text}]", End("em")]


def images_in(some: Sequence[Piece]) -> list[str]:
    """The names of the images of the same mail."""
    sources = (piece.get("src") for piece in some if isinstance(piece, Tag) and piece.name == "img")
    return [each.removeprefix("part:") for each in sources if each.startswith("part:")]


def quoted_images(view: HtmlView, quoted: Sequence[Piece]) -> set[str]:
    """The names of the images that a mail has in what it quotes, or in its signature. `quoted` are
    the pieces of `view.quoted`."""
    return {*images_in(quoted), *view.quoted_images}


def masked_pieces(some: Sequence[Piece], mask: Mask) -> list[Piece] | None:
    """The pieces without what was sealed for somebody else, in texts and in attributes; None where
    that is spread over elements, so that it cannot be masked piece by piece."""
    values = [
        value
        for piece in some
        if isinstance(piece, Tag)
        for name, value in piece.attributes
        if name in _MASKED_ATTRIBUTES
    ]
    joined = "\n".join(values)
    clean_values = mask(joined) == joined
    text = text_of(some)
    clean_text = mask(text) == text
    if clean_values and clean_text:
        return list(some)
    made: list[Piece] = [
        mask(piece) if isinstance(piece, str) else _masked(piece, mask) for piece in some
    ]
    text = text_of(made)
    return made if mask(text) == text else None


def _masked(piece: Tag | End, mask: Mask) -> Tag | End:
    if isinstance(piece, End):
        return piece
    kept = []
    for name, value in piece.attributes:
        masked = mask(value) if name in _MASKED_ATTRIBUTES else value
        if masked == value or name == "alt":
            kept.append((name, masked))
    return Tag(piece.name, tuple(kept))


def pieces_of_text(text: str) -> list[Piece]:
    """Plain text as HTML: its lines and spaces as they are, its addresses as links."""
    made: list[Piece] = [Tag("div", (("style", "white-space:pre-wrap"),))]
    end = 0
    for found in _LINK.finditer(text):
        if found.start() > end:
            made.append(text[end : found.start()])
        target = found[0] if "://" in found[0] else f"mailto:{found[0]}"
        made += [Tag("a", (("href", target), ("rel", REL))), found[0], End("a")]
        end = found.end()
    if end < len(text):
        made.append(text[end:])
    made.append(End("div"))
    return made
