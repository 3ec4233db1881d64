"""Sanitised HTML as pieces: text, tags and their ends.

A sanitiser writes it, in a process that reads hostile bytes and is not trusted. `pieces` therefore
accepts only what is listed here, in the one form in which it is written, and refuses all else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


BLOCKS = names(
    "address article blockquote caption center dd details div dl dt figcaption figure footer h1 h2 "
    "h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr "
    "ul"
)
"""Elements that begin and end a line."""
CELLS = frozenset(("td", "th"))
VOID = frozenset(("br", "col", "hr", "img", "wbr"))
TAGS = (
    names(
        "a abbr b bdi big cite code colgroup del dfn em font i ins kbd mark q s samp small span "
        "strike strong sub sup tt u var"
    )
    | BLOCKS
    | CELLS
    | VOID
)
SHARED_ATTRIBUTES = frozenset(("align", "bgcolor", "dir", "lang", "style", "valign"))
ATTRIBUTES = {
    "a": frozenset(("href", "rel")),
    "col": frozenset(("span", "width")),
    "colgroup": frozenset(("span", "width")),
    "font": frozenset(("color", "face", "size")),
    "hr": frozenset(("size", "width")),
    "img": frozenset(("alt", "height", "referrerpolicy", "src", "width")),
    "li": frozenset(("type", "value")),
    "ol": frozenset(("start", "type")),
    "table": frozenset(("border", "cellpadding", "cellspacing", "height", "width")),
    "td": frozenset(("colspan", "height", "nowrap", "rowspan", "width")),
    "th": frozenset(("colspan", "height", "nowrap", "rowspan", "width")),
    "tr": frozenset(("height",)),
    "ul": frozenset(("type",)),
}
STYLES = names(
    "background-color border border-bottom border-bottom-color border-bottom-style "
    "border-bottom-width border-collapse border-color border-left border-left-color "
    "border-left-style border-left-width border-radius border-right border-right-color "
    "border-right-style border-right-width border-spacing border-style border-top "
    "border-top-color border-top-style border-top-width border-width color direction font "
    "font-family font-size font-style font-variant font-weight height letter-spacing line-height "
    "list-style-type margin margin-bottom margin-left margin-right margin-top max-width padding "
    "padding-bottom padding-left padding-right padding-top text-align text-decoration "
    "text-indent text-transform vertical-align white-space width word-break "
    "word-spacing"
)
_VALUE = re.compile(r"(?:rgba?\([0-9.,% ]{1,40}\)|hsla?\([0-9.,% a-z]{1,40}\)|[\w .,%#'\"!+-])+")
_NEGATIVE = re.compile(r"(?<![\w#.-])-\s*[0-9.]")
REL = "noopener noreferrer nofollow"
_WEB = re.compile(r"(?:https?://[^\s/\\?#]|mailto:|tel:[+\d])[^\x00-\x20\x7f]*", re.IGNORECASE)
_PARTS = re.compile(r"part:(?:[0-9]{1,4}(?:\.[0-9]{1,4}){0,32}|data-[0-9a-f]{32})")
"""How the sanitiser names an image of the same mail: by its part, or by a digest."""
LONGEST_LINK = 8_192


class Tag(NamedTuple):
    name: str
    attributes: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        return next((value for each, value in self.attributes if each == name), "")


class End(NamedTuple):
    name: str


Piece = str | Tag | End


class UnsafeMarkupError(ValueError):
    """Not as the sanitiser writes: something that is not listed here."""


_PIECE = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>|([^<>]+)')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


def pieces(markup: str) -> list[Piece]:
    """The pieces of sanitised HTML. Raises UnsafeMarkupError for anything else."""
    found: list[Piece] = []
    for name, attributes, text, ends in _matches(markup):
        if text:
            found.append(text)
        elif name not in TAGS:
            raise UnsafeMarkupError(name)
        elif ends:
            found.append(End(name))
        else:
            tag = Tag(name, attributes)
            if not is_safe(tag):
                raise UnsafeMarkupError(name)
            found.append(tag)
    return found


def raw_pieces(markup: str) -> list[Piece]:
    """The same without regard to what is listed, for the sanitiser's own marks."""
    return [
        text or (End(name) if ends else Tag(name, attributes))
        for name, attributes, text, ends in _matches(markup)
    ]


def _matches(markup: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...], str, str]]:
    at = 0
    while at < len(markup):
        found = _PIECE.match(markup, at)
        if found is None:
            raise UnsafeMarkupError(f"at character {at}")
        at = found.end()
        ends, name, attributes, text = found.groups()
        if text:
            yield "", (), html.unescape(text), ""
        else:
            pairs = (
                tuple(
                    (each, html.unescape(value)) for each, value in _ATTRIBUTE.findall(attributes)
                )
                if attributes
                else ()
            )
            yield name, pairs, "", ends


def written(some: Iterable[Piece]) -> str:
    """The HTML of pieces."""
    return "".join(map(_written, some))


def _written(piece: Piece) -> str:
    match piece:
        case Tag(name, attributes):
            pairs = "".join(f' {each}="{_escaped(value)}"' for each, value in attributes)
            return f"<{name}{pairs}>"
        case End(name):
            return f"</{name}>"
        case _:
            return html.escape(piece, quote=False)


def _escaped(value: str) -> str:
    return html.escape(value, quote=True)


def is_safe(tag: Tag) -> bool:
    """Whether each attribute of a listed tag is listed, and has a value that neither loads nor runs
    anything."""
    listed = ATTRIBUTES.get(tag.name, frozenset())
    for name, value in tag.attributes:
        if name not in listed and name not in SHARED_ATTRIBUTES:
            return False
        match name:
            case "href":
                safe = is_web_link(value)
            case "src":
                safe = is_remote(value) or _PARTS.fullmatch(value) is not None
            case "style":
                safe = safe_style(value) == value
            case "rel":
                safe = value == REL
            case "referrerpolicy":
                safe = value == "no-referrer"
            case _:
                safe = True
        if not safe:
            return False
    return True


def is_web_link(target: str) -> bool:
    """Whether a link leads to the web, a mailbox or a phone."""
    return len(target) <= LONGEST_LINK and _WEB.fullmatch(target) is not None


def is_remote(source: str) -> bool:
    """Whether an image would be loaded from somewhere else."""
    return is_web_link(source) and source[:4].lower() == "http"


def safe_style(style: str) -> str:
    """The declarations that only change how a text looks: listed properties, and no value that may
    load anything, move the text elsewhere or end its declaration."""
    kept = []
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if name in STYLES and is_safe_value(value):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def is_safe_value(value: str) -> bool:
    return (
        0 < len(value) <= 200
        and value.isascii()
        and _VALUE.fullmatch(value) is not None
        and not value.count("'") % 2
        and not value.count('"') % 2
        and _NEGATIVE.search(value) is None
    )


def text_of(some: Sequence[Piece]) -> str:
    """The text of pieces: a line for each block and each row, and a space between cells."""
    return "".join(_text(piece) for piece in some)


def _text(piece: Piece) -> str:
    match piece:
        case Tag(name, _) | End(name):
            if name == "wbr":
                return ""
            if name == "br" or name in BLOCKS:
                return "\n"
            return " " if name in CELLS or name == "img" else ""
        case _:
            return piece


def balanced(some: Sequence[Piece], begin: int, end: int) -> list[Piece]:
    """The pieces from `begin` to `end` within the elements around them, each of them ended."""
    opened: list[Tag] = []
    for piece in some[:begin]:
        _follow(piece, opened)
    part: list[Piece] = [*opened, *some[begin:end]]
    for piece in some[begin:end]:
        _follow(piece, opened)
    part += [End(tag.name) for tag in reversed(opened)]
    return part


def _follow(piece: Piece, opened: list[Tag]) -> None:
    if isinstance(piece, Tag):
        if piece.name not in VOID:
            opened.append(piece)
    elif isinstance(piece, End) and any(tag.name == piece.name for tag in opened):
        while opened.pop().name != piece.name:
            pass
