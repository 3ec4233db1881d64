"""`winmail.dat`: a mail as Outlook wraps it (MS-OXTNEF), with its text and its files.

Every count and length in it is checked against the octets that are there, and none is read twice,
so the work is linear in its size. What cannot be read ends the reading; what was read is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.parsing.rtf import decompressed, read_rtf
from rules.mail import charsets

_SIGNATURE = b"\x78\x9f\x3e\x22"
_MOST_ATTRIBUTES = 20_000
_MOST_PROPERTIES = 20_000
_MOST_FILES = 200
_MOST_NESTED = 3
_MOST_RTF = 1024 * 1024
"""Octets, decompressed, of a message and of those within it together: one takes a microsecond."""
_ATTRIBUTE = struct.Struct("<BHHI")
_UINT = struct.Struct("<I")
_TYPE_AND_ID = struct.Struct("<HH")
_MESSAGE, _FILE = 1, 2

_BODY, _FILE_DATA, _FILE_TITLE = 0x800C, 0x800F, 0x8010
_FILE_TRANSPORT_NAME, _FILE_BEGINS, _PROPERTIES = 0x9001, 0x9002, 0x9003
_FILE_PROPERTIES, _CODEPAGE = 0x9005, 0x9007

_STRING, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_SEVERAL = 0x1000
_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16, 1: 0}
"""Octets of a value of each type, with what fills them up to four."""

_SUBJECT, _TEXT, _RTF, _HTML, _TEXT_CODEPAGE = 0x37, 0x1000, 0x1009, 0x1013, 0x3FDE
_TEXT_FROM_RTF = 0x3FD9
_DISPLAY_NAME, _DATA, _SHORT_NAME, _LONG_NAME = 0x3001, 0x3701, 0x3704, 0x3707
_MIME_TYPE, _CONTENT_ID = 0x370E, 0x3712
_OBJECT_ID_BYTES = 16
_IS_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")


class TnefError(Exception):
    """What follows cannot be read."""


@dataclass(slots=True)
class TnefFile:
    name: str = ""
    content_type: str = ""
    content_id: str = ""
    content: bytes = b""


@dataclass(slots=True)
class TnefMessage:
    subject: str = ""
    plain: str = ""
    html: str = ""
    files: list[TnefFile] = field(default_factory=list)
    is_whole: bool = True
    rtf_left: int = _MOST_RTF
    """What may still be decompressed; 0 if more was packed than is read."""


def read_tnef(
    data: bytes, nested: int = 0, *, with_text: bool = True, most_rtf: int = _MOST_RTF
) -> TnefMessage:
    """The message in a `winmail.dat`, as far as it can be read; without its packed text if only its
    files are wanted."""
    message = TnefMessage(rtf_left=most_rtf)
    reader = _MessageReader(message, nested)
    try:
        for level, name, value in _attributes(data):
            reader.add(level, name, value)
    except (TnefError, struct.error, ValueError):
        message.is_whole = False
    reader.finish(with_text=with_text)
    return message


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The level, the name and the value of each."""
    if not data.startswith(_SIGNATURE):
        raise TnefError("no TNEF")
    at = len(_SIGNATURE) + 2
    for _ in range(_MOST_ATTRIBUTES):
        if len(data) - at < _ATTRIBUTE.size and not data[at:].strip(b"\0\r\n"):
            return
        level, name, _, length = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        if at + length > len(data) or level not in (_MESSAGE, _FILE):
            raise TnefError("an attribute that goes beyond the end")
        yield level, name, data[at : at + length]
        at += length + 2  # its check sum
    raise TnefError("too many attributes")


class _MessageReader:
    def __init__(self, message: TnefMessage, nested: int) -> None:
        self._message = message
        self._nested = nested
        self._codepage = "cp1252"
        self._packed = b""

    def add(self, level: int, name: int, value: bytes) -> None:
        message = self._message
        if level == _FILE:
            self._add_to_file(name, value)
        elif name == _CODEPAGE and len(value) >= _UINT.size:
            self._codepage = _codec(_UINT.unpack_from(value)[0])
        elif name == _BODY:
            message.plain = message.plain or self._text(value)
        elif name == _PROPERTIES:
            self._add_properties(value)

    def _add_properties(self, value: bytes) -> None:
        message = self._message
        found = dict(_properties(value))
        codepage = found.get(_TEXT_CODEPAGE, b"")
        label = _codec(_UINT.unpack(codepage)[0]) if len(codepage) == _UINT.size else ""
        if _SUBJECT in found:
            message.subject = self._text(found[_SUBJECT])
        if text := found.get(_TEXT, found.get(_TEXT_FROM_RTF, b"")):
            message.plain = self._text(text)
        if markup := found.get(_HTML, b""):
            message.html = self._text(markup, label)
        self._packed = found.get(_RTF, self._packed)

    def _add_to_file(self, name: int, value: bytes) -> None:
        files = self._message.files
        if name == _FILE_BEGINS:
            if len(files) >= _MOST_FILES:
                raise TnefError("too many files")
            files.append(TnefFile())
        if not files:
            raise TnefError("of a file that did not begin")
        file = files[-1]
        if name in (_FILE_TITLE, _FILE_TRANSPORT_NAME):
            file.name = file.name or self._text(value)
        elif name == _FILE_DATA:
            file.content = value
        elif name == _FILE_PROPERTIES:
            self._add_file_properties(file, dict(_properties(value)))

    def _add_file_properties(self, file: TnefFile, found: dict[int, bytes]) -> None:
        named = found.get(_LONG_NAME) or found.get(_SHORT_NAME) or b""
        file.name = self._text(named) or file.name or self._text(found.get(_DISPLAY_NAME, b""))
        file.content_type = self._text(found.get(_MIME_TYPE, b"")).lower()
        file.content_id = self._text(found.get(_CONTENT_ID, b"")).strip("<>")
        content = found.get(_DATA, b"")
        if content.startswith(_IS_MESSAGE):
            self._add_message(file, content[_OBJECT_ID_BYTES:])
        elif content and not file.content:
            file.content = content[_OBJECT_ID_BYTES:]

    def _add_message(self, file: TnefFile, data: bytes) -> None:
        """A message within this one: its text as a file, and its files."""
        if self._nested >= _MOST_NESTED:
            file.content = data
            return
        inner = read_tnef(data, self._nested + 1, most_rtf=self._message.rtf_left)
        self._message.rtf_left = inner.rtf_left
        is_html = not inner.plain.strip() and bool(inner.html)
        file.name = (inner.subject or file.name or "message") + (".html" if is_html else ".txt")
        file.content_type = "text/html" if is_html else "text/plain"
        file.content = (inner.html if is_html else inner.plain).encode("utf-8", "replace")
        self._message.files += inner.files[: _MOST_FILES - len(self._message.files)]
        self._message.is_whole &= inner.is_whole

    def finish(self, *, with_text: bool) -> None:
        """The text from what is packed, where there is no other."""
        message = self._message
        message.files = [file for file in message.files if file.content or file.name]
        if message.html or not self._packed or not with_text:
            return
        try:
            rtf = decompressed(self._packed, message.rtf_left)
            text, is_html = read_rtf(rtf)
        except (ValueError, IndexError, struct.error):
            message.is_whole = False
            return
        message.rtf_left = max(0, message.rtf_left - len(rtf))
        message.is_whole &= message.rtf_left > 0
        if is_html:
            message.html = text
        elif not message.plain.strip():
            message.plain = text

    def _text(self, value: bytes, label: str = "") -> str:
        if value.startswith(_WIDE):
            text = value[len(_WIDE) :].decode("utf-16-le", "replace")
        else:
            text = charsets.decode_text(value.rstrip(b"\0"), label or self._codepage)[0]
        return text.partition("\0")[0]


_WIDE = b"\0\0wide\0\0"
"""Stands before a value in UTF-16."""


def _codec(codepage: int) -> str:
    known = {65001: "utf-8", 20127: "us-ascii", 20866: "koi8-r", 28591: "iso-8859-1"}
    return known.get(codepage, f"cp{codepage}" if codepage < 2_000 else "cp1252")


def _properties(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The number of each property, and its value; of several values the first."""
    (count,) = _UINT.unpack_from(data)
    at = _UINT.size
    for _ in range(min(count, _MOST_PROPERTIES)):
        kind, number = _TYPE_AND_ID.unpack_from(data, at)
        at += _TYPE_AND_ID.size
        if number >= 0x8000:
            at = _behind_name(data, at)
        several, kind = bool(kind & _SEVERAL), kind & ~_SEVERAL
        value, at = _value(data, at, kind, several=several)
        yield number, value


def _behind_name(data: bytes, at: int) -> int:
    """The offset behind the name of a named property."""
    at += 16
    (kind,) = _UINT.unpack_from(data, at)
    at += _UINT.size
    if kind == 0:
        return at + _UINT.size
    length: int = _UINT.unpack_from(data, at)[0]
    return at + _UINT.size + -(-length // 4) * 4


def _value(data: bytes, at: int, kind: int, *, several: bool) -> tuple[bytes, int]:
    if kind in _SIZES:
        count = 1
        if several:
            (count,) = _UINT.unpack_from(data, at)
            at += _UINT.size
        end = at + count * _SIZES[kind]
        if end > len(data):
            raise TnefError("a property that goes beyond the end")
        return data[at : at + _SIZES[kind]], end
    if kind not in (_STRING, _UNICODE, _OBJECT, _BINARY):
        raise TnefError("a property of an unknown type")
    (count,) = _UINT.unpack_from(data, at)
    at += _UINT.size
    if count * _UINT.size > len(data) - at:
        raise TnefError("more values than there are octets")
    first = b""
    for index in range(count):
        (length,) = _UINT.unpack_from(data, at)
        at += _UINT.size
        if at + length > len(data):
            raise TnefError("a property that goes beyond the end")
        if index == 0:
            first = (_WIDE if kind == _UNICODE else b"") + data[at : at + length]
        at += -(-length // 4) * 4
    return first, at
