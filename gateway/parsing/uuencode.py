"""Files within a text, as uuencode and old mail programs write them (POSIX uuencode)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_MOST_FILES = 50
_BEGIN = re.compile(rb"(?m)^begin(-base64)? [0-7]{3,4} ([^\r\n]{1,255})[\r\n]+")
_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_UU_LINE = re.compile(rb"[\x20-\x60]{1,90}+")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]{1,100}+={0,2}")


@dataclass(frozen=True, slots=True)
class EncodedFile:
    name: bytes
    content: bytes
    is_whole: bool
    """Its end was found, and no line was invalid."""


def split_uuencoded(text: bytes) -> tuple[bytes, tuple[EncodedFile, ...]]:
    """The text without the files in it, and the files in order."""
    if b"begin" not in text:
        return text, ()
    kept: list[bytes] = []
    files: list[EncodedFile] = []
    at = 0
    while len(files) < _MOST_FILES and (begin := _BEGIN.search(text, at)):
        found = _file_at(text, begin)
        if found is None:
            kept.append(text[at : begin.end()])
            at = begin.end()
            continue
        file, end = found
        kept.append(text[at : begin.start()])
        files.append(file)
        at = end
    kept.append(text[at:])
    return b"".join(kept), tuple(files)


def _file_at(text: bytes, begin: re.Match[bytes]) -> tuple[EncodedFile, int] | None:
    """The file that begins there, and where it ends; None if not even a first line follows."""
    content = bytearray()
    at, lines = begin.end(), 0
    end_line, decode = (b"====", _base64_line) if begin[1] else (b"end", _uu_line)
    while at < len(text):
        found = _LINE.match(text, at)
        assert found is not None
        line = found[0].rstrip(b"\r\n")
        if line.rstrip() == end_line:
            file = EncodedFile(begin[2].strip(), bytes(content), is_whole=True)
            return (file, found.end()) if lines else None
        octets = decode(line)
        if octets is None:
            break
        content += octets
        lines += 1
        at = found.end()
    if not content:
        return None
    return EncodedFile(begin[2].strip(), bytes(content), is_whole=False), at


def _uu_line(line: bytes) -> bytes | None:
    """The octets of a line; None if it is none. Spaces at its end, which are zeros, may be lost on
    the way, and some programs append a check character."""
    if not line.strip():
        return b"" if line else None
    if not _UU_LINE.fullmatch(line):
        return None
    length = (line[0] - 32) & 63
    characters = -(-length // 3) * 4
    if len(line) - 1 > characters + 3 and line[1 + characters :].strip():
        return None
    # Some programs count fewer octets than they encode: with their own count, the library fails.
    whole = bytes((32 + characters // 4 * 3,)) + line[1 : 1 + characters].ljust(characters, b" ")
    return binascii.a2b_uu(whole)[:length]


def _base64_line(line: bytes) -> bytes | None:
    line = line.strip()
    if not _BASE64_LINE.fullmatch(line) or len(line) % 4:
        return None
    return base64.b64decode(line)
