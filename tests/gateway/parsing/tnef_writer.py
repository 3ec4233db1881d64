"""Writes a `winmail.dat` as Outlook does, so that a test shows only what is in it."""

from __future__ import annotations

import struct
from collections.abc import Sequence

IS_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")
MESSAGE, FILE = 1, 2


def attribute(level: int, name: int, value: bytes, kind: int = 6) -> bytes:
    head = struct.pack("<BHHI", level, name, kind, len(value))
    return head + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*pairs: tuple[int, int, bytes]) -> bytes:
    """Each a type, a number and a value."""
    return struct.pack("<I", len(pairs)) + b"".join(_property(*pair) for pair in pairs)


def _property(kind: int, number: int, value: bytes) -> bytes:
    head = struct.pack("<HH", kind, number)
    if kind in (0x1E, 0x1F, 0x0D, 0x102):
        filled = value + b"\0" * (-len(value) % 4)
        return head + struct.pack("<II", 1, len(value)) + filled
    return head + value


def text(number: int, value: str) -> tuple[int, int, bytes]:
    return 0x1F, number, value.encode("utf-16-le") + b"\0\0"


def file(name: str, content: bytes, *more: tuple[int, int, bytes], short: bytes = b"") -> bytes:
    named = attribute(FILE, 0x8010, (short or name.encode("cp1252", "replace")) + b"\0")
    data = attribute(FILE, 0x800F, content) if content else b""
    return (
        attribute(FILE, 0x9002, b"\1\0" + b"\xff" * 12)
        + named
        + data
        + attribute(FILE, 0x9005, properties(text(0x3707, name), *more))
    )


def message(
    *pairs: tuple[int, int, bytes], files: Sequence[bytes] = (), body: bytes = b""
) -> bytes:
    return (
        b"\x78\x9f\x3e\x22\1\0"
        + attribute(MESSAGE, 0x9006, struct.pack("<I", 0x10000), 8)
        + attribute(MESSAGE, 0x9007, struct.pack("<II", 1252, 0))
        + attribute(MESSAGE, 0x8008, b"IPM.Microsoft Mail.Note\0", 7)
        + (attribute(MESSAGE, 0x800C, body, 2) if body else b"")
        + (attribute(MESSAGE, 0x9003, properties(*pairs)) if pairs else b"")
        + b"".join(files)
    )
