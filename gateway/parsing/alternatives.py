"""Of the plain and the HTML form of a text, the one that says what its author wrote.

The plain form does, as a rule, and then the HTML is not even read. It does not if it is a
placeholder, says much less, or is cut off. Where only the HTML shows what is quoted, its marks are
added to the lines of the plain form.
"""

from __future__ import annotations

import re

from gateway.parsing.cut_off import is_cut_off, may_be_cut_off
from gateway.parsing.html_alignment import quoted_in, words_of
from gateway.parsing.html_lines import HtmlLines
from gateway.parsing.html_quotes import has_signs
from gateway.parsing.html_text import HtmlReader, marked, rendered
from rules.mail.extent import shown_part, squeezed
from rules.mail.quote_starts import LineKind, quote_starts, quoted_lines

MUCH_LESS = 3
_PLACEHOLDER_CHARACTERS = 600
_PLACEHOLDER = re.compile(
    r"html|browser|navegador|navigateur|nettleser|webbläsare|selain|böngésző|tarayıcı|prohlížeč"
    r"|przegląda|preglednik|trình duyệt|браузер|оглядач|ブラウザ|浏览器|瀏覽器|브라우저"
    r"|דפדפן|متصفح",
    re.IGNORECASE,
)
_SHORT_WORD = 3
"""In English, German and the like such words are in any text."""
_LINK = re.compile(r"<?https?://[^\s>]{1,4000}>?")
_BETWEEN_TAGS = re.compile(r">([^<]+)")


def richer_form(plain: str, markup: str, reader: HtmlReader) -> str:
    """The text of a mail that has both forms. Raises TooManyTagsError."""
    said = _said(plain)
    found: HtmlLines | None = None
    more, cut = _may_say_more(plain, said, markup), may_be_cut_off(plain, markup)
    if more or cut:
        found = reader.lines(markup)
        if found is not None and more and _says_more(found, plain, said):
            return rendered(found)
        if found is not None and cut and is_cut_off(plain, found):
            return rendered(found)
    if not (reader.finds_quotes and has_signs(markup, of_quotes_only=True)):
        return plain
    if found is None and _finds_the_quote(plain):
        return plain
    found = found or reader.lines(markup)
    return plain if found is None else _with_marks(plain, found)


def _said(text: str) -> int:
    """How much a text says: its characters, without spaces and web addresses."""
    if "://" in text:
        text = _LINK.sub("", text)
    return len("".join(text.split()))


def _may_say_more(plain: str, said: int, markup: str) -> bool:
    """Whether the HTML may be the richer form: only then is it read."""
    if said < _PLACEHOLDER_CHARACTERS and _PLACEHOLDER.search(plain):
        return True
    if len(markup) <= MUCH_LESS * said:
        return False
    begins = max(markup.find("<body"), markup.find("</head"), 0)
    letters = "".join(markup[begins:].split())
    return sum(map(len, _BETWEEN_TAGS.findall(letters))) > MUCH_LESS * said


def _says_more(found: HtmlLines, plain: str, said: int) -> bool:
    own = "\n".join(
        text for text, quoted in zip(found.texts, found.quoted, strict=True) if not quoted
    )
    if _said(own) > MUCH_LESS * said:
        return True
    if said >= _PLACEHOLDER_CHARACTERS or not _PLACEHOLDER.search(plain):
        return False
    words = {word for word in words_of(plain) if len(word) > _SHORT_WORD or not word.isascii()}
    others = set(words_of("\n".join(found.texts)))
    return bool(others) and len(words & others) * 2 < len(words)


def _finds_the_quote(plain: str) -> bool:
    """Whether the rules find by its words where the quote begins, with what introduces it."""
    lines = squeezed(shown_part(plain)).split("\n")
    return any(
        start.kind is not LineKind.QUOTED for start in quote_starts(lines, quoted_lines(lines))
    )


def _with_marks(plain: str, found: HtmlLines) -> str:
    """The plain text with the marks of the HTML, or the text of the HTML if both differ."""
    if True not in found.quoted:
        return plain
    lines = plain.split("\n")
    quoted = quoted_in(lines, found.texts, found.quoted)
    if quoted is None:
        more = _said("\n".join(found.texts)) >= _said(plain)
        return rendered(found) if more else plain
    own = [n for n, line in enumerate(lines) if not quoted[n] and words_of(line)]
    if not own:
        return plain
    written = [
        marked(line) if is_quoted and not line.lstrip().startswith(">") else line
        for line, is_quoted in zip(lines, quoted, strict=True)
    ]
    below = next((n for n in range(own[-1] + 1, len(lines)) if quoted[n]), None)
    if below is not None:  # as in HTML, without a line more where one is empty
        written[below - 1 : below] = [">"] if not written[below - 1] else [written[below - 1], ">"]
    return "\n".join(written)
