"""The text of an HTML part, for mails without a plain text part."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from resiliparse.extract.html2text import extract_plain_text

from rules.mail.extent import squeezed

# Above these the tree builder can become quadratic; stripping the tags is linear at any size.
_HTML_LIMIT_CHARACTERS = 256 * 1024
_TAG_LIMIT_CHARACTERS = 16 * 1024

_TREES_LIMIT_CHARACTERS = 1024 * 1024
_TAGS_LIMIT_CHARACTERS = 1024 * 1024
_BLOCK_CHARACTERS = 1024 * 1024
_TAG = re.compile(r"<[^<>]*+>?+")

_HIDDEN_ELEMENTS = ("script", "style", "title", "head")
_LINE_BREAKING_TAGS = (
    "br",
    "p",
    "/p",
    "div",
    "/div",
    "tr",
    "/tr",
    "li",
    "/table",
    "blockquote",
    "/blockquote",
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_EMPTY_LINES = re.compile(r"\n[ \t]*+\n\s*+")
_NAME = re.compile(r"/?[A-Za-z0-9]{0,20}+")


class TooManyTagsError(Exception):
    """The tree of elements may take longer than the event loop can wait."""


class HtmlReader:
    """Reads the HTML sections of one mail; the work on all of them together is bounded.

    Up to a limit the tree of elements is built. Then only the tags are removed, and in the end
    without regard to what they mean.
    """

    def __init__(self, most_tags: int | None = None) -> None:
        """`most_tags` limits the tags of the trees that are built; None for a process that can be
        killed."""
        self._most_tags = most_tags
        self._tree_left = _TREES_LIMIT_CHARACTERS
        self._tags_left = _TAGS_LIMIT_CHARACTERS

    def text(self, markup: str) -> str:
        """The visible text with its paragraphs, lists and line breaks, without the title, images
        and hidden parts. Raises TooManyTagsError."""
        # The extractor is C++ and takes UTF-8: it fails on a lone surrogate.
        markup = _SURROGATES.sub("\ufffd", markup)
        limit = min(_HTML_LIMIT_CHARACTERS, self._tree_left)
        if len(markup) > limit or _has_giant_tag(markup):
            markup = squeezed(markup)  # a signed mail can be sent again with wider gaps
        if len(markup) <= limit and not _has_giant_tag(markup):
            self._tree_left -= len(markup)
            self._count_tags(markup)
            text = extract_plain_text(markup, preserve_formatting=True, alt_texts=False)
        else:
            read = markup[: self._tags_left]
            self._tags_left -= len(read)
            text = _without_tags(read)
            text += "".join(_blocks_without_tags(markup, len(read)))
        # No-break spaces are layout; patterns over the text expect plain ones.
        return text.replace("\xa0", " ")

    def _count_tags(self, markup: str) -> None:
        """A tree takes quadratic time: `<b>` and `<div>` in each other and then `</b>`, 8,000 tags
        in all, 3 s. Only the decoded text shows how many there are."""
        if self._most_tags is not None:
            self._most_tags -= markup.count("<")
            if self._most_tags < 0:
                raise TooManyTagsError


def text_from_html(markup: str) -> str:
    """The text of one HTML section: see `HtmlReader`."""
    return HtmlReader().text(markup)


def _has_giant_tag(markup: str) -> bool:
    """Whether a tag is too long: with thousands of attributes the extractor is quadratic."""
    if len(markup) <= _TAG_LIMIT_CHARACTERS:
        return False
    return any(
        len(between.rpartition("<")[2]) > _TAG_LIMIT_CHARACTERS for between in markup.split(">")
    )


def _blocks_without_tags(markup: str, at: int) -> Iterator[str]:
    """The text from `at` with a space for each tag. In blocks: millions of tags at once would take
    several times the memory of their markup."""
    while at < len(markup):
        end = at + _BLOCK_CHARACTERS
        closed = markup.find(">", end, end + _TAG_LIMIT_CHARACTERS) + 1
        yield html.unescape(_TAG.sub(" ", markup[at : closed or end]))
        at = closed or end


def _without_tags(markup: str) -> str:
    """The text between the tags, with a line break where a block begins or ends."""
    out: list[str] = []
    hidden_element = ""
    first, *pieces = markup.split("<")
    out.append(first)
    for piece in pieces:
        tag, closed, text = piece.partition(">")
        found = _NAME.match(tag)
        name = found[0].lower() if found else ""
        if hidden_element:
            hidden_element = "" if name == f"/{hidden_element}" else hidden_element
        elif name in _HIDDEN_ELEMENTS and closed:
            hidden_element = name
        if hidden_element:
            continue
        if name in _LINE_BREAKING_TAGS:
            out.append("\n")
        # A `<` that does not begin a tag, comment or declaration is text.
        out.append(text if name or tag.startswith(("!", "?")) else f"<{piece}")
    return _EMPTY_LINES.sub("\n\n", html.unescape("".join(out))).strip()
