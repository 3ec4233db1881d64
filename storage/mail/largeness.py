"""How much a mail costs to file, from what is known of it before."""

from __future__ import annotations

from rules.mail import Body, Mail, Unread

LARGE_BYTES = 16 * 1024
"""The rules may take tens of milliseconds for a longer header or text."""
LARGE_RAW_BYTES = 64 * 1024
"""The disk may take as long for a longer mail, whatever the rules read of it."""


def is_large(mail: Mail, raw_bytes: int, *, is_kept: bool) -> bool:
    """Whether to file it may take more than a few milliseconds.

    A body that is neither read nor kept costs nothing: most costly mail is a repeat, or is refused.
    Files cost the rules nothing, and few of those that people send are large for a disk.
    """
    header_bytes = mail.header.body_at
    match mail.body:
        case Unread() if not is_kept:
            return header_bytes > LARGE_BYTES
        case Body() as body if raw_bytes <= LARGE_RAW_BYTES:
            return header_bytes + body.characters > LARGE_BYTES
        case _:
            return raw_bytes > LARGE_BYTES
