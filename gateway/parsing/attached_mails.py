"""A mail that is attached to another: whose it is, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.parsing.address_fields import date_of, recipients
from gateway.parsing.gaps import one_line, without_wide_gaps
from gateway.parsing.mail_tree import read_tree
from gateway.parsing.tree import MimePart
from rules.mail import AttachedMail, Unreadable
from rules.mail.encoded_words import decode_words
from rules.mail.forwards import PEOPLE
from rules.mail.header import Author, author
from rules.mail.header import read as read_header

_ATTACHED_BYTES = 256 * 1024
"""Of an attached mail whose text is read."""


def attached_mail(
    content: bytes, text_of: Callable[[MimePart], str], *, is_first: bool
) -> AttachedMail | None:
    """What an attached mail says; None if it cannot be read, and nothing of any but the first."""
    if len(content) > _ATTACHED_BYTES:
        content = without_wide_gaps(content, _ATTACHED_BYTES + 1)
    if len(content) > _ATTACHED_BYTES:
        return None
    if not is_first:
        return AttachedMail(author="", subject="", text="")
    content = _without_white_line(content)
    header = read_header(content)
    tree = read_tree(content, header)
    if isinstance(tree, Unreadable):
        return None
    found, subjects = author(header), header.raw_values("subject")
    sent = date_of(header)
    return AttachedMail(
        author=found.address if isinstance(found, Author) else "",
        subject=decode_words(one_line(subjects[0])).strip() if subjects else "",
        text=text_of(tree),
        sent=f"{sent:%Y-%m-%d %H:%M} UTC" if sent is not None else "",
        people=(*recipients(header, "to"), *recipients(header, "cc"))[:PEOPLE],
    )


def is_read_as_sent(content: bytes, address: str) -> bool:
    """Whether `attached_mail` has read this content unchanged, with this author: then a signature
    over it is one over what was read."""
    if len(content) > _ATTACHED_BYTES:
        return False
    header = read_header(content)
    found = author(header)
    if _WHITE_LINE.search(content[: header.body_at]):
        return False
    return isinstance(found, Author) and found.address == address


def _without_white_line(content: bytes) -> bytes:
    """An attached mail whose header ends at the first line of white space, as that of a part."""
    return _WHITE_LINE.sub(rb"\1", content, count=1)


_WHITE_LINE = re.compile(rb"(\A|\r\n|\r|\n)[ \t]++(?=[\r\n])")
