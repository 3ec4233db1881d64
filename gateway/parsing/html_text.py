"""The text of an HTML part: as its reader sees it, or within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.parsing.apart import NotHereError
from gateway.parsing.html_lines import HtmlLines
from gateway.parsing.html_tokens import unescaped
from gateway.parsing.html_walk import HtmlWalk
from rules.mail.extent import squeezed

_WALKED_CHARACTERS = 512 * 1024
"""Of the HTML of a mail that is read element by element; of the rest the tags are removed."""
_TAG_LIMIT_CHARACTERS = 16 * 1024
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


class TooManyTagsError(NotHereError):
    """To read the elements may take longer than the event loop can wait."""


class HtmlReader:
    """Reads the HTML sections of one mail; the work on all of them together is bounded.

    Up to a limit the elements are read. Then only the tags are removed, and in the end without
    regard to what they mean.
    """

    def __init__(self, most_tags: int | None = None, *, quotes: bool = True) -> None:
        """`most_tags` limits the tags that are read; None for a process that can be killed.
        Without `quotes`, no line is marked as quoted."""
        self._most_tags = most_tags
        self._quotes = quotes
        self._walked_left = _WALKED_CHARACTERS
        self._tags_left = _TAGS_LIMIT_CHARACTERS

    def text(self, markup: str, *, words_only: bool = False) -> str:
        """The visible text with its paragraphs, lists and tables. Lines that the client quoted
        begin with `> ` (RFC 3676 §4.5). With `words_only`, without the targets of links and the
        descriptions of images. Raises TooManyTagsError."""
        found = self.lines(markup, words_only=words_only)
        if found is None:
            return self._without_tags(markup).strip("\n").replace("\xa0", " ")
        return rendered(found)

    @property
    def finds_quotes(self) -> bool:
        return self._quotes

    def lines(self, markup: str, *, words_only: bool = False) -> HtmlLines | None:
        """Its lines; None beyond the limits. Raises TooManyTagsError."""
        if len(markup) > self._walked_left:
            markup = squeezed(markup)  # a signed mail can be sent again with wider gaps
        if len(markup) > self._walked_left:
            return None
        self._walked_left -= len(markup)
        self._count_tags(markup)
        markup = _SURROGATES.sub("\ufffd", markup)
        return HtmlWalk(markup, words_only=words_only, quotes=self._quotes).run()

    def _without_tags(self, markup: str) -> str:
        markup = _SURROGATES.sub("\ufffd", squeezed(markup))
        read = markup[: self._tags_left]
        if len(read) < len(markup):  # no tag is cut in two
            search_from = max(0, len(read) - _TAG_LIMIT_CHARACTERS)
            read = read[: read.rfind(">", search_from) + 1 or len(read)]
        self._tags_left -= len(read)
        return _without_tags(read) + "".join(_blocks_without_tags(markup, len(read)))

    def _count_tags(self, markup: str) -> None:
        """Only the decoded text shows how many there are."""
        if self._most_tags is not None:
            self._most_tags -= markup.count("<")
            if self._most_tags < 0:
                raise TooManyTagsError


def text_from_html(markup: str) -> str:
    """The text of one HTML section: see `HtmlReader`."""
    return HtmlReader().text(markup)


def rendered(found: HtmlLines) -> str:
    """The lines as a text, with marks before those that are quoted."""
    return with_marks(found).strip("\n")


def with_marks(found: HtmlLines) -> str:
    """The same with all of its empty lines: each line of the text is one of `found`."""
    if True not in found.quoted:
        text = "\n".join(found.texts)
    else:
        lines = zip(found.texts, found.quoted, strict=True)
        text = "\n".join(marked(line) if quoted else line for line, quoted in lines)
    # No-break spaces are layout; patterns over the text expect plain ones.
    return text.replace("\xa0", " ")


def marked(line: str) -> str:
    """A line with the mark of a quote."""
    return f">{line}" if not line or line.startswith(">") else f"> {line}"


def _blocks_without_tags(markup: str, at: int) -> Iterator[str]:
    """The text from `at` with a space for each tag. In blocks: millions of tags at once would take
    several times the memory of their markup."""
    while at < len(markup):
        end = at + _BLOCK_CHARACTERS
        closed = markup.find(">", end, end + _TAG_LIMIT_CHARACTERS) + 1
        yield unescaped(_TAG.sub(" ", markup[at : closed or end]))
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
    return _EMPTY_LINES.sub("\n\n", unescaped("".join(out))).strip()
