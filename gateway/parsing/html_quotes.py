"""How mail clients mark what they quote, their signatures and their forwards in HTML.

One table, for the text of a mail and for its HTML as it is shown.
The marks are the same in every language of a client. A name may have prefixes, which other clients
put before it when they quote the mail in turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from gateway.parsing.html_style import declarations


class QuoteMark(Enum):
    """What a client says with an element about the text in it."""

    QUOTE = auto()
    """All of it is quoted."""
    CONTAINER = auto()
    """The blockquotes in it are quoted; an answer between them is not."""
    LINED = auto()
    """A blockquote as clients write it, and as authors insert one: quoted in a reply."""
    REST = auto()
    """It is quoted, and so is what follows in the same parent."""
    HEADER = auto()
    """The same, if it holds the fields of a mail: Outlook marks them by a line above only."""
    ATTRIBUTION = auto()
    """It introduces the quote that follows, if one does."""
    FORWARD = auto()
    """It and what follows is forwarded."""
    SIGNATURE = auto()


_MARKS = {
    "gmail_quote": QuoteMark.CONTAINER,
    "gmail_quote_container": QuoteMark.CONTAINER,
    "protonmail_quote": QuoteMark.CONTAINER,
    "messagereplysection": QuoteMark.CONTAINER,  # Spark
    "freshdesk_quote": QuoteMark.CONTAINER,
    "lark-mail-quote": QuoteMark.CONTAINER,
    "history-quote-wrapper": QuoteMark.CONTAINER,
    "yahoo_quoted": QuoteMark.QUOTE,
    "zmail_extra": QuoteMark.QUOTE,
    "tutanota_quote": QuoteMark.QUOTE,
    "quoted-content": QuoteMark.QUOTE,  # GMX, web.de
    "__quoted_text__": QuoteMark.QUOTE,  # Zimbra
    "__headers__": QuoteMark.QUOTE,
    "isreplycontent": QuoteMark.QUOTE,  # NetEase
    "front-blockquote": QuoteMark.QUOTE,
    "olk_src_body_section": QuoteMark.QUOTE,  # Outlook for Mac
    "mail-editor-reference-message-container": QuoteMark.QUOTE,  # Outlook
    "ms-outlook-mobile-reference-message": QuoteMark.QUOTE,
    "divrplyfwdmsg": QuoteMark.REST,  # Outlook on the web
    "stopspelling": QuoteMark.REST,  # Hotmail
    "gmail_attr": QuoteMark.ATTRIBUTION,
    "gmail_quote_attribution": QuoteMark.ATTRIBUTION,  # Mailspring
    "moz-cite-prefix": QuoteMark.ATTRIBUTION,
    "reply-intro": QuoteMark.ATTRIBUTION,  # Roundcube
    "moz-forward-container": QuoteMark.FORWARD,
    "gmail_signature": QuoteMark.SIGNATURE,
    "moz-signature": QuoteMark.SIGNATURE,
    "ms-outlook-mobile-signature": QuoteMark.SIGNATURE,
    "ms-outlook-ios-signature": QuoteMark.SIGNATURE,
    "applemailsignature": QuoteMark.SIGNATURE,
    "protonmail_signature_block": QuoteMark.SIGNATURE,
    "messagesignaturesection": QuoteMark.SIGNATURE,
    "ymail_android_signature": QuoteMark.SIGNATURE,
    "front-signature": QuoteMark.SIGNATURE,
    "tutanota_signature": QuoteMark.SIGNATURE,
    "zmail_signature": QuoteMark.SIGNATURE,
    "mobile_signature": QuoteMark.SIGNATURE,
    "bloop_sign": QuoteMark.SIGNATURE,  # Airmail
}
_OF_ONE_ATTRIBUTE = {
    ("id", "signature"): QuoteMark.SIGNATURE,
    ("name", "quote"): QuoteMark.QUOTE,  # GMX, web.de
}
"""Too common as the class of something else."""
COMMENTS = ("originalmessage",)
"""Samsung's, above the header of what it quotes."""

_PREFIXES = re.compile(r"(?>(?:x_|gmail-|m_-?\d{1,25})*)")
_NUMBER = re.compile(r"_\d{1,25}$")
_HEADER_COLOURS = re.compile(
    r"#e1e1e1|#b5c4df|rgb\(\s*(?:225,\s*225,\s*225|181,\s*196,\s*223)\s*\)"
)
_CITED = ("cite", "quote", "history_container")


def _signs(*common: str, of_signatures: bool) -> tuple[str, ...]:
    """Strings, one of which is in any markup that has such a mark, in lower case. One pattern of
    them takes 40 times as long to look for."""
    words = (w for w, mark in _MARKS.items() if (mark is QuoteMark.SIGNATURE) == of_signatures)
    return *common, *(word for word in words if not any(each in word for each in common))


_SIGNATURE_SIGNS = _signs("signature", of_signatures=True)
_QUOTE_SIGNS = _signs(
    "<blockquote", "_quote", "-quote", "quoted", '"quote', "moz-", "reference-message", "order-top",
    *COMMENTS, of_signatures=False,
)  # fmt: skip


def has_signs(markup: str, *, of_quotes_only: bool = False) -> bool:
    """Whether some markup may have a mark; the marks themselves are then looked for."""
    markup = markup.lower()
    return any(sign in markup for sign in _QUOTE_SIGNS) or (
        not of_quotes_only and any(sign in markup for sign in _SIGNATURE_SIGNS)
    )


def mark_of(name: str, found: Mapping[str, str]) -> QuoteMark | None:
    """The mark of an element by its name and attributes; a blockquote may be quoted without."""
    for attribute in ("class", "id", "name", "data-marker", "data-smartmail"):
        value = found.get(attribute, "")
        for word in value.lower().split()[:20] if value else ():
            bare = _NUMBER.sub("", _PREFIXES.sub("", word, count=1))
            mark = _MARKS.get(bare) or _OF_ONE_ATTRIBUTE.get((attribute, bare))
            if mark is QuoteMark.CONTAINER and name == "blockquote":
                return QuoteMark.QUOTE if "cite" in found.get("type", "") else QuoteMark.LINED
            if mark is not None:
                return mark
    style = found.get("style", "").lower()
    if name == "blockquote":
        if found.get("type", "").lower() == "cite":
            return QuoteMark.QUOTE
        classes = found.get("class", "").lower()
        if any(word in classes for word in _CITED) or _has_line_left(style):
            return QuoteMark.LINED
    elif name == "div" and "order-top" in style and _HEADER_COLOURS.search(style):
        return QuoteMark.HEADER
    return None


def _has_line_left(style: str) -> bool:
    """Whether it has the line at its left with which clients mark a quote; one that is only
    indented is the author's."""
    if "border" not in style:
        return False
    declared = declarations(style)
    lines = [declared.get(each, "") for each in ("border-left", "border-left-width", "border")]
    return any(line and line[0] != "0" and "none" not in line for line in lines)


# The lines that a client writes above what it quotes, whatever their language.

_FIELD = re.compile(r"[*_]{0,2}[^\W\d][^:：\n]{0,30}[:：]")
_FIELDS_OF_A_HEADER = 3
_LINES_OF_A_HEADER = 12
_ATTRIBUTION_CHARACTERS = 400
_DATED = re.compile(r"\d[^\n]{0,80}?\d[^\n]{0,300}$")
_RULE = re.compile(r"[-_=\s]{5,}+|[-_=]{2,}+[^-_=]{1,60}[-_=]{2,}+")
_ENDS_OF_AN_ATTRIBUTION = (":", "：", "---", "----")


def is_header(lines: Sequence[str]) -> bool:
    """Whether lines hold at least three fields of a mail, one of them with an address or a date."""
    written = [line.strip() for line in lines[: 3 * _LINES_OF_A_HEADER] if line.strip()]
    fields = [line for line in written[:_LINES_OF_A_HEADER] if _FIELD.match(line)]
    return len(fields) >= _FIELDS_OF_A_HEADER and any(
        "@" in line or _DATED.search(line[:_ATTRIBUTION_CHARACTERS]) for line in fields
    )


def introduction(lines: Sequence[str], *, in_container: bool) -> int:
    """The index of the first line that introduces the quote which begins below these lines; their
    number if none does. Without a container of the client, it needs a date or a rule of dashes."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if not end or len(lines) - end > 3:
        return len(lines)
    begins = end
    while begins and end - begins < _LINES_OF_A_HEADER and _FIELD.match(lines[begins - 1].strip()):
        begins -= 1
    if is_header(lines[begins:end]):
        above = begins - 1
        while above > 0 and begins - above < 3 and not lines[above].strip():
            above -= 1
        if above >= 0 and _RULE.fullmatch(lines[above].strip()[:_ATTRIBUTION_CHARACTERS]):
            return above
        return begins if in_container else len(lines)  # or else its author may have pasted it
    last = lines[end - 1].strip()
    if len(last) > _ATTRIBUTION_CHARACTERS or not last.endswith(_ENDS_OF_AN_ATTRIBUTION):
        return len(lines)
    return end - 1 if in_container or _DATED.search(last) else len(lines)
