"""One file of a mail, as tests want it."""

from __future__ import annotations

from gateway.parsing.reading import parts_bytes


def part_bytes(raw: bytes, part: str) -> bytes:
    """The decoded bytes of an attachment. Raises LookupError if the mail has no such part."""
    return parts_bytes(raw, (part,))[part]
