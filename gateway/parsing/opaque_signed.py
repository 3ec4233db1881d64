"""Mails whose text is within their signature (S/MIME, RFC 8551 §3.5.2): opened without a key.

Of the envelope (CMS, RFC 5652 §5.1) only the content is read, in one pass over its octets.
"""

from __future__ import annotations

import base64
import binascii
from types import MappingProxyType
from typing import Literal

EnvelopeKind = Literal["signed", "encrypted", "unknown"]

_KINDS = MappingProxyType[bytes, EnvelopeKind](
    {
        bytes.fromhex("2a864886f70d010702"): "signed",
        bytes.fromhex("2a864886f70d010703"): "encrypted",
        bytes.fromhex("2a864886f70d010706"): "encrypted",
        bytes.fromhex("2a864886f70d0109100117"): "encrypted",
    }
)
"""By object identifiers: signed, enveloped, encrypted, and authenticated enveloped data."""
_SEQUENCE, _SET, _INTEGER, _IDENTIFIER, _FIRST = 0x30, 0x31, 0x02, 0x06, 0xA0
_OCTETS, _PIECES = 0x04, 0x24
_END = b"\0\0"
_UNTIL_END = -1


def opened(data: bytes) -> tuple[EnvelopeKind, bytes]:
    """What a `smime.p7m` is; and if it is signed, the MIME entity in it. The signature is not
    checked."""
    try:
        return _opened(_as_octets(data))
    except (ValueError, IndexError):
        return "unknown", b""


def _opened(data: bytes) -> tuple[EnvelopeKind, bytes]:
    at = _into(data, 0, _SEQUENCE)
    start, end = _content(data, at, _IDENTIFIER)
    kind = _KINDS.get(data[start:end], "unknown")
    if kind != "signed":
        return kind, b""
    at = _into(data, _into(data, end, _FIRST), _SEQUENCE)
    at = _behind(data, _behind(data, at, _INTEGER), _SET)
    at = _into(data, at, _SEQUENCE)
    at = _into(data, _behind(data, at, _IDENTIFIER), _FIRST)
    entity = _octets(data, at)
    return ("signed", entity) if entity else ("unknown", b"")


def _as_octets(data: bytes) -> bytes:
    """Octets that were encoded once more, or in a frame of text, as some programs send them."""
    if data[:1] == bytes((_SEQUENCE,)):
        return data
    lines = [line for line in data.splitlines() if not line.startswith(b"-")]
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return data


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the element there, where its content starts, and where that ends; `_UNTIL_END`
    if only its end says so. ValueError for what no envelope has."""
    tag, length = data[at], data[at + 1]
    at += 2
    if tag & 0x1F == 0x1F:
        raise ValueError("a tag of several octets")
    if length == 0x80:
        return tag, at, _UNTIL_END
    if length > 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
    if at + length > len(data):
        raise ValueError("an element that goes beyond the end")
    return tag, at, at + length


def _into(data: bytes, at: int, wanted: int) -> int:
    """Where the content of the element there starts, which has this tag."""
    tag, start, _ = _head(data, at)
    if tag != wanted:
        raise ValueError("another element is there")
    return start


def _content(data: bytes, at: int, wanted: int) -> tuple[int, int]:
    """Where the content of such an element starts and ends, which says how long it is."""
    start = _into(data, at, wanted)
    end = _head(data, at)[2]
    if end == _UNTIL_END:
        raise ValueError("an element without a length")
    return start, end


def _behind(data: bytes, at: int, wanted: int) -> int:
    """Where the element behind this one starts."""
    start = _into(data, at, wanted)
    end = _head(data, at)[2]
    if end != _UNTIL_END:
        return end
    at, depth = start, 1
    while depth:
        if data.startswith(_END, at):
            at, depth = at + len(_END), depth - 1
            continue
        _, start, end = _head(data, at)
        at, depth = (start, depth + 1) if end == _UNTIL_END else (end, depth)
    return at


def _octets(data: bytes, at: int) -> bytes:
    """A string of octets, as a whole or in pieces, which may be in pieces in turn."""
    octets = bytearray()
    ends: list[int] = []
    while True:
        tag, start, end = _head(data, at)
        if tag == _PIECES:
            ends.append(end)
            at = start
        elif tag == _OCTETS and end != _UNTIL_END:
            octets += data[start:end]
            at = end
        else:
            raise ValueError("no string of octets")
        while ends and (at == ends[-1] or (ends[-1] == _UNTIL_END and data.startswith(_END, at))):
            at += len(_END) if ends.pop() == _UNTIL_END else 0
        if not ends:
            return bytes(octets)
