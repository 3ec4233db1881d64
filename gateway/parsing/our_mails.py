"""Files that are mails of ours: they have the reply address and the links of their recipient."""

from __future__ import annotations

from collections.abc import Iterator
from time import thread_time

from gateway.parsing.reading import nested_files
from gateway.parsing.tree import LimitError
from rules.mail.internal import has_internal

_TNEF = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_WHOLE_TEXTS = _TNEF | {"application/pkcs7-mime", "application/x-pkcs7-mime"}
"""Types in which a client wraps the text of the mail itself, and in which no mark is found."""
_TNEF_NAME = "winmail.dat"
_WHOLE_TEXT_NAMES = (_TNEF_NAME, ".p7m")
_OUR_MARKS = tuple("x-postern-loop:".encode(charset) for charset in ("ascii", "utf-16-le"))
_BLOCK_BYTES = 1024 * 1024
_OVERLAP_BYTES = 1024
"""Of a block with the next one: a mark may be on both."""
_MOST_NESTED = 3
"""Mails within a file that are opened, each in the one before."""
LONGEST_CPU_S = 3.0
"""For one file. Honest ones of 30 MiB take a tenth of it."""


def is_whole_text(name: str, content_type: str) -> bool:
    """Whether a file wraps the text of the mail itself."""
    return content_type in _WHOLE_TEXTS or name.lower().endswith(_WHOLE_TEXT_NAMES)


def replaces_text(name: str, content_type: str) -> bool:
    """Whether a client may show what is in a file in the place of the mail that it is attached to:
    Outlook and Exchange take a `winmail.dat` for the mail itself."""
    return content_type in _TNEF or name.lower().endswith(_TNEF_NAME)


def has_mail_of_ours(body: bytes, cpu_s: float = LONGEST_CPU_S, *, here: bool = False) -> bool:
    """Whether a file is one of our notices, or has its header or the mark of one to staff, or is a
    mail with such a file: clients attach what is answered, and what is forwarded. In it are the
    reply address and the links of its recipient, and for staff internal text. Also of a file that
    is packed so that it cannot be examined within `cpu_s`. Only a process that can be killed
    guarantees that limit: with `here`, NotHereError is raised for what may need it."""
    began = thread_time()
    try:
        for content in _contents(body, _MOST_NESTED, here):
            if has_mark_of_ours(content) or thread_time() - began > cpu_s:
                return True
    except LimitError:
        return True
    return False


def _contents(body: bytes, nested: int, here: bool) -> Iterator[bytes]:
    """A file, and the files in it. Raises LimitError where they are too deep in each other."""
    yield body
    for file in nested_files(body, here=here):
        if not nested:
            raise LimitError("mails in each other, deeper than they are examined")
        yield from _contents(file, nested - 1, here)


def has_mark_of_ours(body: bytes) -> bool:
    """Whether the octets themselves have the header of one of our notices, or the mark of one to
    staff."""
    for at in range(0, len(body), _BLOCK_BYTES):
        block = body[at : at + _BLOCK_BYTES + _OVERLAP_BYTES].lower()
        if any(mark in block for mark in _OUR_MARKS) or has_internal(block):
            return True
    return False
