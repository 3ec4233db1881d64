"""The tokens of HTML: its tags, its text and its comments, as browsers divide them.

No tree is built, and every character is examined a bounded number of times: the time is linear in
the size of any markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

LONGEST_ATTRIBUTES = 16 * 1024
"""Characters of the attributes of one tag that are read; the rest of them is no text either."""

COMMENT = "!"
RAW = "#"
"""What stands in a style sheet or a script."""

# White space is that of HTML: to a browser others are letters of a name.
# A quote counts only as the value of an attribute: `<p title=it's>` ends where it seems to.
_TAG = re.compile(
    r"""<(/?[A-Za-z][^ \t\r\n\f/>]*+)((?>(?:[^>=]++|=[ \t\r\n\f]*+"""
    r"""(?>(?:"[^"]*+"|'[^']*+'|[^ \t\r\n\f>"'][^ \t\r\n\f>]*+)?))*))>"""
)
_SIMPLE_TAG = re.compile(r"<(/?[A-Za-z][^ \t\r\n\f/>]*+)([^>]*+)>")
_ATTRIBUTE = re.compile(
    r"""([^ \t\r\n\f"'>/=]++)(?>(?:[ \t\r\n\f]*+=[ \t\r\n\f]*+"""
    r"""(?:"([^"]*+)"|'([^']*+)'|([^ \t\r\n\f>"'][^ \t\r\n\f>]*+)))?)"""
)
_END_OF_COMMENT = re.compile("--!?>")
_ENDS = {
    name: re.compile(rf"</{name}(?=[ \t\r\n\f/>])", re.IGNORECASE)
    for name in ("title", "textarea", "style", "script", "xmp", "iframe", "noembed", "noframes")
}
_WITH_ENTITIES = frozenset({"title", "textarea"})
_ZEROS = re.compile(r"(?i)(&#x?)0{1,}(?=[0-9a-f])")
_TOO_LARGE = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{7,}+);?")


def tokens(markup: str) -> Iterator[tuple[str, str]]:
    """Each tag as its name in lower case (`p`, `/p`) and its attributes; each text as "" and its
    characters; each comment as `COMMENT`."""
    at, size = 0, len(markup)
    last = markup.rfind(">")  # a tag that has no end is text
    tag, simple = _TAG, False
    unclosed: set[str] = set()
    while at < size:
        angle = markup.find("<", at)
        if angle < 0 or angle > last:
            break
        if angle > at:
            yield "", unescaped(markup[at:angle])
        found = tag.match(markup, angle)
        if found is None and not simple and _begins_tag(markup, angle):
            # A quote that is never closed: from here on, quotes are not regarded, so that the
            # rest is not searched again for each tag.
            tag, simple = _SIMPLE_TAG, True
            found = tag.match(markup, angle)
        if found is None:
            end = _end_of_other(markup, angle)
            yield (COMMENT if end > angle + 1 else ""), markup[angle:end]
            at = end
            continue
        name, at = found[1].lower(), found.end()
        yield name, found[2]
        if name in _ENDS and name not in unclosed:
            close = _ENDS[name].search(markup, at)
            if close is None and name in _WITH_ENTITIES:
                unclosed.add(name)  # browsers show its tags as text; here they stay tags
                continue
            end = close.start() if close else size
            raw = markup[at:end]
            yield ("", unescaped(raw)) if name in _WITH_ENTITIES else (RAW, raw)
            at = end
    if at < size:
        yield "", unescaped(markup[at:])


def _begins_tag(markup: str, at: int) -> bool:
    after = markup[at + 1 : at + 3].removeprefix("/")[:1]
    return after.isascii() and after.isalpha()


def _end_of_other(markup: str, at: int) -> int:
    """Where a comment or declaration ends; after the angle, if it is text."""
    if markup.startswith("<!--", at):
        if markup.startswith((">", "->"), at + 4):
            return markup.find(">", at) + 1
        end = _END_OF_COMMENT.search(markup, at + 4)
        return end.end() if end else len(markup)
    if markup.startswith(("<!", "<?", "</"), at):
        return markup.find(">", at) + 1 or at + 1
    return at + 1


def attributes(source: str) -> dict[str, str]:
    """The attributes of a tag by their names in lower case; of two of one name the first counts."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source[:LONGEST_ATTRIBUTES]):
        name, double, single, plain = match.groups()
        value = double or single or plain or ""
        found.setdefault(name.lower(), unescaped(value) if "&" in value else value)
    return found


def unescaped(text: str) -> str:
    """The text with its character references replaced."""
    if "&" not in text:
        return text
    if "&#" in text:
        # Numbers of thousands of digits are an error in Python, and so is one in `html`.
        text = _TOO_LARGE.sub("\ufffd", _ZEROS.sub(r"\1", text))
    return html.unescape(text)
