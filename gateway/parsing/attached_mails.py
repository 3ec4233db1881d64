"""A mail that is attached to another: whose it is, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.parsing.address_fields import date_of, recipients
from gateway.parsing.gaps import one_line, without_wide_gaps
from gateway.parsing.mail_tree import read_tree
from gateway.parsing.tree import MimePart
from rules.mail import AttachedMail, Attachment, Unreadable
from rules.mail.encoded_words import decode_words
from rules.mail.forwards import PEOPLE
from rules.mail.header import Author, Header, author
from rules.mail.header import read as read_header

_NARROWED_BYTES = 256 * 1024
"""Of an attached mail that can be read only once its gaps are narrowed."""


def attached_mail(
    content: bytes,
    read_in: Callable[[MimePart], tuple[str, tuple[Attachment, ...]]],
    *,
    is_first: bool,
) -> AttachedMail | None:
    """What an attached mail says; None if it cannot be read, and nothing of any but the first.
    `read_in` finds its text and its files."""
    if not is_first:
        return AttachedMail(author="", subject="", text="")
    header, tree, is_narrowed = _opened(content)
    if isinstance(tree, Unreadable):
        return None
    text, files = read_in(tree)
    found, subjects = author(header), header.raw_values("subject")
    sent = date_of(header)
    return AttachedMail(
        author=found.address if isinstance(found, Author) else "",
        subject=decode_words(one_line(subjects[0])).strip() if subjects else "",
        text=text,
        sent=f"{sent:%Y-%m-%d %H:%M} UTC" if sent is not None else "",
        people=(*recipients(header, "to"), *recipients(header, "cc"))[:PEOPLE],
        files=files,
        is_narrowed=is_narrowed,
    )


def attached_tree(content: bytes) -> MimePart | None:
    """The parts of an attached mail, as `attached_mail` reads them; None if it cannot be read."""
    _, tree, _ = _opened(content)
    return None if isinstance(tree, Unreadable) else tree


def _opened(content: bytes) -> tuple[Header, MimePart | Unreadable, bool]:
    """Its header and its parts, and whether wide gaps had to be narrowed to read them: a signed
    mail can be sent again with such gaps, so that its header is longer than is read."""
    header, tree = _read(content)
    if isinstance(tree, Unreadable):
        narrow = without_wide_gaps(content, _NARROWED_BYTES + 1)
        if len(narrow) <= min(_NARROWED_BYTES, len(content) - 1):
            return *_read(narrow), True
    return header, tree, False


def _read(content: bytes) -> tuple[Header, MimePart | Unreadable]:
    content = _without_white_line(content)
    header = read_header(content)
    return header, read_tree(content, header)


def is_read_as_sent(content: bytes, address: str) -> bool:
    """Whether `attached_mail` has read this content unchanged, with this author: then a signature
    over it is one over what was read."""
    header = read_header(content)
    found = author(header)
    if _WHITE_LINE.search(content[: header.body_at]):
        return False
    return isinstance(found, Author) and found.address == address


def _without_white_line(content: bytes) -> bytes:
    """An attached mail whose header ends at the first line of white space, as that of a part."""
    return _WHITE_LINE.sub(rb"\1", content, count=1)


_WHITE_LINE = re.compile(rb"(\A|\r\n|\r|\n)[ \t]++(?=[\r\n])")
