"""The HTML of a mail as it can be shown: sanitised, its images named, its quotes apart.

This runs in a process that can be killed: to sanitise hostile HTML may take long. What comes out of
it is checked once more by those who show it (`rules.mail.markup.pieces`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import quote, unquote

import nh3

from gateway.parsing.html_controls import control_text
from gateway.parsing.html_fold import fold, is_tiny, says_something
from gateway.parsing.html_quotes import QuoteMark, mark_of
from gateway.parsing.html_style import declarations
from gateway.parsing.html_style import is_hidden as has_hiding
from gateway.parsing.mail_tree import read_tree
from gateway.parsing.mime import read_body
from rules.mail import Body, Unreadable
from rules.mail.encoded_words import decode_words
from rules.mail.header import read as read_header
from rules.mail.images import image_type
from rules.mail.markup import (
    ATTRIBUTES,
    LONGEST_LINK,
    REL,
    SHARED_ATTRIBUTES,
    TAGS,
    VOID,
    End,
    Piece,
    Tag,
    balanced,
    is_remote,
    is_web_link,
    names,
    raw_pieces,
    safe_style,
    written,
)
from rules.mail.quoting import is_forward
from rules.mail.shown_html import HtmlView, PlainOnly

LONGEST = 1024 * 1024
"""Characters of HTML that are sanitised."""
DEEPEST = 256
"""Elements within each other: to build a deeper tree takes quadratic time."""
LONGEST_TAG = 16 * 1024
"""Unless it has an image in it: one tag with thousands of attributes takes quadratic time."""
MOST_TAGS = 100_000
"""In the markup; and pieces of what the sanitiser makes of it, which closes and opens elements
again. Each is a Python object here and with those who show it."""
DATA_BYTES = 8 * 1024 * 1024
"""Of all images that are written in the HTML itself."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_UNCLOSED = VOID | names(
    "p li dt dd tr td th tbody thead tfoot option optgroup colgroup area base input link meta "
    "param source track embed"
)
"""Elements that need no end."""
_WITH_CONTENT = {
    "applet",
    "audio",
    "canvas",
    "frameset",
    "iframe",
    "math",
    "noembed",
    "noframes",
    "script",
    "style",
    "svg",
    "template",
    "title",
    "video",
}
"""Removed with what is in them."""
_MARKED = frozenset(("class", "data-marker", "hidden", "id", "name", "type"))
_ALLOWED = {
    "*": set(SHARED_ATTRIBUTES | _MARKED),
    **{name: set(attributes - {"rel"}) for name, attributes in ATTRIBUTES.items()},
    "input": {"checked", "placeholder", "type", "value"},
}
_EMPTY = VOID | {"input"}
"""What the sanitiser leaves of elements without an end. Of an `input` its words are shown."""
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_SURROGATES = re.compile("[\ud800-\udfff]")
_OVERRIDES = re.compile("[\u202d\u202e]")
"""Marks that show letters in another order than they are written in."""
_SOURCE = re.compile(r"data:image/[a-z+.-]{1,20};base64,", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x20\x7f]+")
_NUMBERS = names(
    "border cellpadding cellspacing colspan height rowspan size span start value width"
)
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}(?:\.[0-9]{1,4})?(?:px|%|pt|em)?")
_WORDS = re.compile(r"[\w #,.'-]{1,100}")


def view_of(raw: bytes) -> HtmlView:
    """The HTML of a mail; empty, with the reason, where it has none that can be shown."""
    header = read_header(raw)
    tree = read_tree(raw, header)
    if isinstance(tree, Unreadable):
        return HtmlView(plain_only=PlainOnly.UNREADABLE)
    body = read_body(tree)
    subjects = header.raw_values("subject")
    subject = decode_words(subjects[0][:998]) if subjects else ""
    return view_of_body(body, forwarded=is_forward(subject.strip(), body.text))


def view_of_body(body: Body, *, forwarded: bool = False) -> HtmlView:
    if not body.html.strip():
        return HtmlView(text=body.text, plain_only=PlainOnly.NO_HTML)
    markup = _SURROGATES.sub("\ufffd", body.html)
    if (why := too_costly(markup)) is not None:
        return HtmlView(text=body.text, plain_only=why)
    parts = {each.content_id.lower(): each.part for each in body.attachments if each.content_id}
    reading = _Reading(parts)
    reading.read(raw_pieces(_sanitised(markup)))
    if len(reading.pieces) > 2 * MOST_TAGS:
        return HtmlView(text=body.text, plain_only=PlainOnly.TOO_COMPLEX)
    if not says_something(reading.pieces):
        return HtmlView(text=body.text, plain_only=PlainOnly.NO_HTML)
    cut, quoted_images = fold(reading.pieces, reading.marks, forwarded=forwarded)
    return HtmlView(
        html=written(balanced(reading.pieces, 0, cut)),
        quoted=written(balanced(reading.pieces, cut, len(reading.pieces)))
        if cut < len(reading.pieces)
        else "",
        text=body.text,
        images=tuple(reading.images.items()),
        quoted_images=quoted_images,
        plain_only=None,
    )


def too_costly(markup: str) -> PlainOnly | None:
    """Why this HTML is not sanitised at all."""
    if len(markup) > LONGEST + DATA_BYTES * 4 // 3 or _without_images(markup) > LONGEST:
        return PlainOnly.TOO_LARGE
    if markup.count("<") > MOST_TAGS:
        return PlainOnly.TOO_COMPLEX
    for between in markup.split(">"):
        tag = between.rpartition("<")[2]
        if len(tag) > LONGEST_TAG and ";base64," not in tag[:LONGEST_TAG]:
            return PlainOnly.TOO_COMPLEX
    depth = 0
    for found in _TAG.finditer(markup):
        if found[2].lower() in _UNCLOSED:
            continue
        depth = max(0, depth - 1) if found[1] else depth + 1
        if depth > DEEPEST:
            return PlainOnly.TOO_COMPLEX
    return None


def _without_images(markup: str) -> int:
    """Characters besides images that are written in the HTML itself."""
    size, at = len(markup), markup.find(";base64,")
    while at >= 0:
        end = _END_OF_BASE64.search(markup, at + 8)
        stop = end.start() if end else len(markup)
        size -= stop - at
        at = markup.find(";base64,", stop)
    return size


_END_OF_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s%]")


def _sanitised(markup: str) -> str:
    return nh3.clean(
        markup,
        tags={*TAGS, "input"},
        clean_content_tags=_WITH_CONTENT,
        attributes=_ALLOWED,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


@dataclass(slots=True)
class _Reading:
    """Goes through what the sanitiser left, and keeps what is listed."""

    parts: Mapping[str, str]
    """Of the mail, by their Content-IDs."""
    pieces: list[Piece] = field(default_factory=list)
    marks: dict[int, QuoteMark] = field(default_factory=dict)
    """Of pieces, by their index."""
    images: dict[str, bytes] = field(default_factory=dict)
    """Those that are written in the HTML itself, by the names that they get here."""
    left: int = DATA_BYTES

    def read(self, found: Sequence[Piece]) -> None:
        hidden = preformatted = 0
        invisible, around = False, list[bool]()
        for at, piece in enumerate(found):
            if hidden:
                hidden += _deeper(piece)
                continue
            match piece:
                case Tag(name, attributes):
                    values = dict(attributes)
                    within = is_invisible(values, inherited=invisible)
                    dropped = is_hidden(values)
                    if within and not invisible:
                        dropped = dropped or not _shows_again(found, at)
                    if dropped or (within and name in _EMPTY):
                        hidden = 0 if name in _EMPTY else 1
                        continue
                    if name == "input":
                        if shown := _OVERRIDES.sub("", control_text(values)):
                            self.pieces.append(shown)
                        continue
                    if name not in _EMPTY:
                        around.append(invisible)
                        invisible = within
                    if (mark := mark_of(name, values)) is not None:
                        self.marks[len(self.pieces)] = mark
                    preformatted += name == "pre"
                    if name == "img":
                        self._image(values)
                    else:
                        self.pieces.append(Tag(name, _listed(name, attributes)))
                case End(name):
                    preformatted -= name == "pre"
                    invisible = around.pop() if around else False
                    self.pieces.append(piece)
                case _ if invisible:
                    pass
                case _:
                    text = _OVERRIDES.sub("", piece)
                    self.pieces += text.splitlines(keepends=True) if preformatted else [text]

    def _image(self, values: Mapping[str, str]) -> None:
        source, alt = self._source(values.get("src", "")), values.get("alt", "").strip()
        if source:
            rest = [(name, values[name]) for name in ("alt", *_SIZES) if name in values]
            self.pieces.append(Tag("img", (("src", source), *_listed("img", rest))))
        elif alt and not is_tiny(values):
            self.pieces += [Tag("em"), f"[{_OVERRIDES.sub('', alt)[:500]}]", End("em")]

    def _source(self, source: str) -> str:
        """How an image is named here; empty for one that is not shown."""
        bare = _CONTROLS.sub("", source[: LONGEST_LINK * 2])
        if bare[:4].lower() == "cid:":
            name = unquote(bare[4:]).strip("<>").lower()
            return f"part:{self.parts[name]}" if name in self.parts else ""
        if found := _SOURCE.match(source):
            return self._written_image(source[found.end() :])
        target = web_link(source)
        return target if is_remote(target) else ""

    def _written_image(self, encoded: str) -> str:
        try:
            content = base64.b64decode(unquote(encoded))
        except (binascii.Error, ValueError):
            return ""
        if not image_type(content):
            return ""
        name = f"data-{hashlib.sha256(content).hexdigest()[:32]}"
        if name not in self.images:
            self.left -= len(content)
            if self.left < 0:
                return ""
            self.images[name] = content
        return f"part:{name}"


_SIZES = ("width", "height", "style")


def _deeper(piece: Piece) -> int:
    match piece:
        case Tag(name, _):
            return 0 if name in _EMPTY else 1
        case End():
            return -1
        case _:
            return 0


def _shows_again(found: Sequence[Piece], at: int) -> bool:
    """Whether an element within the invisible one that begins there is visible."""
    depth = 0
    for piece in islice(found, at, None):
        depth += _deeper(piece)
        if depth <= 0:
            return False
        if isinstance(piece, Tag) and not is_invisible(dict(piece.attributes), inherited=True):
            return True
    return False


def is_invisible(values: Mapping[str, str], *, inherited: bool) -> bool:
    """Whether the words directly in an element are not seen, which an element within can revert. As
    for the text: of two declarations the last counts."""
    visibility = declarations(values.get("style", "")).get("visibility", "")
    return visibility in ("hidden", "collapse") if visibility else inherited


def is_hidden(values: Mapping[str, str]) -> bool:
    """Whether the sender's client shows nothing of an element, nor of what is within it."""
    declared = declarations(values.get("style", ""))
    # As for the text: of two declarations the last counts. What only Outlook hides is shown.
    return has_hiding(declared, "a") or ("hidden" in values and "display" not in declared)


def web_link(target: str) -> str:
    """A link as it may be followed; empty for any that does not lead to the web, a mailbox or a
    phone."""
    bare = _CONTROLS.sub(lambda found: "%20" if found[0].strip(" ") == "" else "", target.strip())
    bare = quote(bare, safe="".join(map(chr, range(0x21, 0x7F)))) if not bare.isascii() else bare
    return bare if is_web_link(bare) else ""


def _listed(name: str, attributes: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The attributes that are listed, each with a value that only changes how a text looks."""
    kept: list[tuple[str, str]] = []
    listed = ATTRIBUTES.get(name, frozenset())
    for each, value in attributes:
        if each not in listed and each not in SHARED_ATTRIBUTES:
            continue
        if each == "style":
            safe = safe_style(value)
        elif each == "href":
            safe = web_link(value)
        elif each == "alt":
            kept.append((each, _OVERRIDES.sub("", value)[:500]))
            continue
        elif each in ("src", "rel", "referrerpolicy"):
            continue
        else:
            known = _NUMBER if each in _NUMBERS else _WORDS
            safe = value if known.fullmatch(value) else ""
        if safe:
            kept.append((each, safe))
            if each == "href":
                kept.append(("rel", REL))
    return tuple(kept)
