"""White space that no signature covers: a signed mail can be sent again with wider gaps."""

from __future__ import annotations

_NAME_SOURCE_BYTES = 998
"""Of the subject of an attached mail, which becomes its name: a line (RFC 5322 §2.1.1)."""
_WIDEST = 256
"""Bytes of a gap in a mail that is not held: see `gateway.authentication.structure`."""


def one_line(value: bytes) -> bytes:
    return b" ".join(value.split())[:_NAME_SOURCE_BYTES]


def without_wide_gaps(content: bytes, limit: int) -> bytes:
    """The first bytes of a part with one space for several, and none at the end of a line: a
    signed mail can be sent again with wider gaps."""
    content = content[: limit * _WIDEST].replace(b"\t", b" ")
    for wide in (b" " * 32, b" " * 4, b"  "):
        while wide in content:
            content = content.replace(wide, b" ")
    return content.replace(b" \r\n", b"\r\n").replace(b" \n", b"\n")[:limit]
