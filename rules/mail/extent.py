"""How much of a text the rules read: its beginning, within limits, so that their work is bounded.

The rest of the text is kept with the ticket.
"""

from __future__ import annotations

READ_CHARACTERS = 256 * 1024
READ_LINES = 5_000


def read_part(text: str) -> str:
    """The part of a text that is read: all of it, except of very long texts."""
    if len(text) < READ_LINES:
        return text
    text = text[:READ_CHARACTERS]
    if text.count("\n") < READ_LINES:
        return text
    return "\n".join(text.split("\n", READ_LINES)[:READ_LINES])


def is_read_in_part(text: str) -> bool:
    """Whether a text has more than is read."""
    return len(read_part(text)) < len(text)
