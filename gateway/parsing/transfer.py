"""Content without its transfer encoding (RFC 2045 §6), as far as it can be decoded.

Gateways damage what they carry: they append a footer to base64, cut it short, encode it in pieces,
or label a text that they never encoded. What is encoded is decoded, and the rest is kept as text.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from gateway.parsing.uuencode import split_uuencoded
from rules.mail.encoded_words import unfold


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a part contains."""

    pieces: tuple[bytes, ...]
    """The content; of a damaged text its pieces, each in the charset of the part or in ASCII."""
    rest: bytes = b""
    """Of a damaged file the text next to it, such as the footer of a gateway."""
    is_damaged: bool = False

    @property
    def content(self) -> bytes:
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


_IDENTITY, _QUOTED, _BASE64, _UUENCODE = "", "quoted-printable", "base64", "uuencode"
_NAMES = MappingProxyType(
    {
        b"": _IDENTITY,
        b"7bit": _IDENTITY,
        b"8bit": _IDENTITY,
        b"binary": _IDENTITY,
        b"none": _IDENTITY,
        b"base64": _BASE64,
        b"quotedprintable": _QUOTED,
        b"uu": _UUENCODE,
        b"uue": _UUENCODE,
        b"uuencode": _UUENCODE,
        b"uuencoded": _UUENCODE,
    }
)
_COMMENT = re.compile(rb"\([^()]*+\)?+")
_END_OF_NAME = re.compile(rb"[;,\s(]")
_NOT_IN_NAME = re.compile(rb"[^a-z0-9]+")


def decoded(payload: bytes, field: bytes, *, is_text: bool) -> Decoded:
    """The content of a part with this Content-Transfer-Encoding."""
    encoding = _encoding(field)
    if encoding == _IDENTITY:
        return Decoded((payload,))
    if encoding == _QUOTED:
        return _quoted_printable(payload)
    if encoding == _BASE64:
        return _base64(payload, is_text=is_text)
    if encoding == _UUENCODE:
        return _uuencoded(payload, is_text=is_text)
    return _of_unknown_encoding(payload)


def _encoding(field: bytes) -> str | None:
    """The encoding that a field names, with whatever else is in it; None if it is unknown."""
    if not field:
        return _IDENTITY
    name = unfold(field).lower()
    known = _NAMES.get(name)
    if known is not None:
        return known
    name = _COMMENT.sub(b" ", name).strip().strip(b"\"'")
    name = _NOT_IN_NAME.sub(b"", _END_OF_NAME.split(name, maxsplit=1)[0].removeprefix(b"x-"))
    return _NAMES.get(name)


_ENDS_OF_LINES = (b" \r", b"\t\r", b" \n", b"\t\n")
_SPACE_AT_END = re.compile(rb"(?<![ \t])[ \t]++(?=[\r\n]|\Z)")
_NO_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*+(?:[\r\n]|\Z))")
_NUMBER = re.compile(rb"=(?=[2-7][0-9](?<!=20)(?<!3D))|=(?=20(?![ \t]*+(?:[\r\n]|\Z)))")


def _quoted_printable(payload: bytes) -> Decoded:
    """Where an `=` begins no escape, the sender did not encode it: then another before a number,
    such as `size=20`, is as likely one that they wrote."""
    is_damaged = _NO_ESCAPE.search(payload) is not None
    if is_damaged:
        payload = _NO_ESCAPE.sub(b"=3D", _NUMBER.sub(b"=3D", payload))
    content = b"".join(map(_unquoted, _line_blocks(payload)))
    return Decoded((content,), is_damaged=is_damaged)


def _unquoted(lines: bytes) -> bytes:
    """Lines of quoted-printable as octets, without the white space at their ends (RFC 2045 §6.7,
    rule 3): the decoder takes `=` before it for a character of the text."""
    if any(end in lines for end in _ENDS_OF_LINES):
        lines = _SPACE_AT_END.sub(b"", lines)
    return binascii.a2b_qp(lines)


_BLOCK_BYTES = 256 * 1024
"""What is decoded in one call: a call holds the interpreter lock of other threads."""


def _line_blocks(payload: bytes) -> Iterator[bytes]:
    """The payload in blocks that end with a line."""
    at = 0
    while at < len(payload):
        end = payload.find(b"\n", at + _BLOCK_BYTES) + 1 or len(payload)
        yield payload[at:end]
        at = end


def _base64(payload: bytes, *, is_text: bool) -> Decoded:
    try:
        content = strict_base64(payload)
    except binascii.Error:
        return _damaged_base64(payload, is_text=is_text)
    if (
        is_text
        and (b" " in payload or b"\t" in payload)
        and _BETWEEN_WORDS.search(payload)
        and not _is_text(content)
    ):
        return Decoded((payload,), is_damaged=True)  # words of nothing but letters
    return Decoded((content,))


_BETWEEN_WORDS = re.compile(rb"[^\s][ \t]++[^\s]")


def strict_base64(payload: bytes, block_bytes: int = _BLOCK_BYTES) -> bytes:
    """Raises binascii.Error for anything but base64 in lines, with white space, which no signature
    covers at their ends. A block is a multiple of 4."""
    joined = bytearray()  # grows in place: a mail may be one payload, of which few copies fit
    for at in range(0, len(payload), block_bytes):
        joined += payload[at : at + block_bytes].translate(None, b"\r\n\t ")
    padding = joined.find(b"=")
    if 0 <= padding < len(joined) - 2 or (padding >= 0 and padding % 4 == 0):
        return base64.b64decode(joined, validate=True)
    unpadded = len(joined)
    while unpadded and joined[unpadded - 1 : unpadded] == b"=":  # two at most
        unpadded -= 1
    if unpadded and unpadded % 4 == 0:
        del joined[unpadded:]  # padding after a whole group, which must not be a block of its own
    decoded = bytearray()
    for at in range(0, len(joined), block_bytes):
        decoded += base64.b64decode(joined[at : at + block_bytes], validate=True)
    joined.clear()
    return bytes(decoded)


_LINES = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_LONG_LINE = 40
"""Of base64; a shorter one may be a word."""
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/=]++")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]++")
_CHUNK = re.compile(rb"[A-Za-z0-9+/]++")
_VISIBLE = re.compile(rb"\S")
_FOR_MAIL = bytes.maketrans(b"-_", b"+/")
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


def _damaged_base64(payload: bytes, *, is_text: bool) -> Decoded:
    """Each run of lines in base64 decoded; the other lines as they came."""
    if (b"-" in payload or b"_" in payload) and not (b"+" in payload or b"/" in payload):
        with contextlib.suppress(binascii.Error):  # the alphabet of web addresses
            content = strict_base64(payload.translate(_FOR_MAIL))
            if not is_text or _is_text(content):
                return Decoded((content,), is_damaged=True)
    pieces: list[bytes] = []
    texts: list[bytes] = []
    decoded_any = False
    for run, is_encoded in _runs(payload, is_text=is_text):
        if not is_encoded:
            text = run
            if pieces and not pieces[-1].endswith(b"\n"):
                text = b"\r\n" + text
            texts.append(text)
            if is_text:
                pieces.append(text)
            continue
        content = _decoded_run(run)
        if is_text and _CONTROL.search(content) and not content.startswith(_WIDE_MARKS):
            pieces.append(run)  # a key or a picture that was pasted into a text
            continue
        pieces.append(content)
        decoded_any |= bool(content)
    if not decoded_any:
        return Decoded((payload,), is_damaged=True)
    return Decoded(tuple(pieces), b"" if is_text else b"".join(texts), is_damaged=True)


def _runs(payload: bytes, *, is_text: bool) -> Iterator[tuple[bytes, bool]]:
    """Lines in base64 and other lines, by turns. Empty lines belong to the lines before them,
    except those below base64."""
    start = 0
    is_run_encoded = False
    last = b""
    """The line before, if it is in base64 too."""
    for found in _LINES.finditer(payload):
        bare = found[0].strip()
        if not bare:
            if is_run_encoded and found[0]:
                yield payload[start : found.start()], True
                start, is_run_encoded, last = found.start(), False, b""
            continue
        encoded = _is_base64(bare, last, is_text=is_text)
        if encoded != is_run_encoded:
            if start < found.start() and (
                not encoded or _VISIBLE.search(payload, start, found.start())
            ):
                yield payload[start : found.start()], is_run_encoded
            start = found.start()
        is_run_encoded = encoded
        last = bare if encoded else b""
    if _VISIBLE.search(payload, start):
        yield payload[start:], is_run_encoded


def _is_base64(line: bytes, last: bytes, *, is_text: bool) -> bool:
    """Whether a line is in base64, whose line before is `last`."""
    if not _BASE64_LINE.fullmatch(line):
        cleaned = _NOT_BASE64.sub(b"", line)
        few = (len(line) - len(cleaned)) * (10 if len(line) >= _LONG_LINE else 4) <= len(line)
        if not few or b" " in line or b"\t" in line:
            return False
        return len(line) >= _LONG_LINE or _decodes_to_text(cleaned)
    if len(line) >= _LONG_LINE or len(last) >= _LONG_LINE:
        return True
    if is_text:
        return _decodes_to_text(line, least=1 if last else 3)
    return line.endswith(b"=") or bool(last)


def _decodes_to_text(line: bytes, least: int = 3) -> bool:
    content = _decoded_run(line)
    return len(content) >= least and _is_text(content)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(content) is None


def _decoded_run(run: bytes) -> bytes:
    """A run of base64 as far as it goes: several that were padded, lines with other octets in them,
    and an end that is cut short. What follows a damaged line begins with a whole group, as it does
    where each line has whole groups."""
    joined = run.translate(None, b"\r\n\t ")
    if _CHUNK.fullmatch(joined):
        return _decoded_chunks(joined)
    lines = [_NOT_BASE64.sub(b"", line) for line in run.split()]
    are_whole = sum(len(line) % 4 == 0 for line in lines) * 2 > len(lines)
    content = bytearray()
    whole: list[bytes] = []
    for line in lines:
        if are_whole and len(line) % 4:
            content += _decoded_chunks(b"".join(whole)) + _decoded_chunks(line)
            whole = []
        else:
            whole.append(line)
    return bytes(content + _decoded_chunks(b"".join(whole)))


def _decoded_chunks(joined: bytes) -> bytes:
    content = bytearray()
    for chunk in _CHUNK.findall(joined):
        whole = chunk[: len(chunk) - (len(chunk) % 4 == 1)]
        content += binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
    return bytes(content)


def _uuencoded(payload: bytes, *, is_text: bool) -> Decoded:
    rest, files = split_uuencoded(payload)
    if not files:
        return Decoded((payload,), is_damaged=True)
    is_damaged = bool(rest.strip()) or not all(file.is_whole for file in files)
    pieces = tuple(file.content for file in files)
    if is_text and rest.strip():
        return Decoded((*pieces, b"\r\n" + rest), is_damaged=True)
    return Decoded(pieces, rest.strip(), is_damaged)


def _of_unknown_encoding(payload: bytes) -> Decoded:
    """Base64 in lines of one length is known by itself; anything else is kept as it came."""
    lines = payload.split()
    widths = {len(line) for line in lines[:-1]}
    if len(widths) == 1 and widths <= {60, 64, 72, 76} and len(lines[-1]) <= max(widths):
        with contextlib.suppress(binascii.Error):
            return Decoded((strict_base64(payload),), is_damaged=True)
    return Decoded((payload,), is_damaged=True)
