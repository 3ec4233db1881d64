"""The MIME tree of a mail (RFC 2046) within our limits, and the numbers of its parts."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.parsing.tree import PARTS_LIMIT, LimitError, MimePart, build_tree
from rules.mail import Unreadable
from rules.mail.header import Header

LINES_LIMIT = 1_000_000
# Each line may have to be compared with the boundary of each open multipart.
_COMPARISONS_LIMIT = 25_000_000


def read_tree(raw: bytes, header: Header) -> MimePart | Unreadable:
    """The tree of parts of a raw mail, or why it exceeds our limits.

    The end of the header and its Content-* fields are taken from `header`, not parsed again.
    """
    if header.truncated:
        return Unreadable("header block over 256 KiB or 2,000 fields")
    # Counting is expensive, so it is done only where it can matter.
    if len(raw) > _COMPARISONS_LIMIT // PARTS_LIMIT:
        lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
        if lines > LINES_LIMIT:
            return Unreadable(f"more than {LINES_LIMIT} lines")
        if lines > _COMPARISONS_LIMIT // PARTS_LIMIT:
            multiparts = raw.lower().count(b"multipart/")
            if multiparts * lines > _COMPARISONS_LIMIT:
                return Unreadable("too many multiparts for so many lines")
    fields: dict[str, bytes] = {}
    for name, value in header.fields:
        if name.startswith("content-"):
            fields.setdefault(name, value)
    try:
        return build_tree(raw, header.body_at, fields)
    except LimitError as error:
        return Unreadable(str(error))


def numbered_leaves(tree: MimePart) -> Iterator[tuple[str, MimePart]]:
    """Every leaf with its IMAP part number (RFC 9051 §6.4.5.1)."""
    pending = [("", tree)]
    while pending:
        number, part = pending.pop()
        children = part.children
        if not children:
            yield number or "1", part
        numbers = range(len(children), 0, -1)
        pending += [(child_number(number, n), children[n - 1]) for n in numbers]


def number_of_parts(tree: MimePart) -> int:
    """All parts, multiparts too."""
    pending, count = [tree], 0
    while pending:
        part = pending.pop()
        count += 1
        pending += part.children
    return count


def child_number(number: str, n: int) -> str:
    return f"{number}.{n}" if number else str(n)
