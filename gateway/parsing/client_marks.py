"""How mail clients mark what they quote, and signatures: by class, id, name or type.

These marks mean the same in every language. Outlook on the web puts `x_` before each class and id
of what it quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from rules.mail.markup import names


class ClientMark(Enum):
    QUOTE = "quote"
    """The element is quoted, or introduces a quote."""
    BELOW = "below"
    """All from here to the end is quoted."""
    SIGNATURE = "signature"


_QUOTES = names(
    "gmail_quote gmail_quote_container gmail_attr gmail_extra yahoo_quoted moz-cite-prefix "
    "moz-forward-container protonmail_quote zmail_extra zmail_extra_hr tutanota_quote "
    "front-blockquote clean_bq nylas-quote hey-quote sparkquote olk_src_body_section "
    "mail-editor-reference-message-container reply-intro replyintro quote-container "
    "replyforwardmessage messagereplysection iosymail-quote qt darktheme_quote "
    "ydp-quoted blockquote_zmail"
)
_BELOW = names("divrplyfwdmsg appendonsend stopspelling zwchr replysplit")
_SIGNATURES = names(
    "gmail_signature gmail_signature_prefix moz-signature protonmail_signature_block "
    "applemailsignature ms-outlook-mobile-signature ms-outlook-ios-signature signature "
    "messagesignaturesection bloop_sign zmail_signature tutanota_signature "
    "sig mobile_signature"
)
_NAMES = ("class", "id", "name", "data-marker")
_BORDER = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s+#(?:e1e1e1|b5c4df)\s+1\.0pt", re.IGNORECASE
)
"""Of the block in which Outlook for Windows names sender and date of what follows."""


def mark_of(name: str, attributes: Mapping[str, str]) -> ClientMark | None:
    """What an element is, by the marks of the client that wrote it."""
    if name == "blockquote" and attributes.get("type", "").lower() == "cite":
        return ClientMark.QUOTE
    words = {
        word.removeprefix("x_")
        for each in _NAMES
        if each in attributes
        for word in attributes[each].lower().split()
    }
    if words:
        if words & _BELOW or "__divider__" in words:
            return ClientMark.BELOW
        if words & _QUOTES or (words == {"quote"} and name == "div"):
            return ClientMark.QUOTE
        if words & _SIGNATURES:
            return ClientMark.SIGNATURE
    if name == "div" and _BORDER.search(attributes.get("style", "")):
        return ClientMark.BELOW
    return None
