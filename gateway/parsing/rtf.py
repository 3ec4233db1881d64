"""Rich text as Outlook packs it: decompressed (MS-OXRTFCP), and as HTML (MS-OXRTFEX) or text."""

from __future__ import annotations

import re
import struct
from types import MappingProxyType

_HEADER = struct.Struct("<II4sI")
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096


def decompressed(packed: bytes, most_octets: int) -> bytes:
    """Compressed RTF as RTF, at most so much of it. Raises ValueError or struct.error."""
    _, size, kind, _ = _HEADER.unpack_from(packed)
    if kind == _PLAIN:
        return packed[_HEADER.size : _HEADER.size + min(size, most_octets)]
    if kind != _COMPRESSED:
        raise ValueError("neither compressed nor plain")
    window = bytearray(_DICTIONARY.ljust(_WINDOW, b"\0"))
    at_window = len(_DICTIONARY)
    text = bytearray()
    at, end = _HEADER.size, len(packed)
    limit = min(size, most_octets)
    while at < end and len(text) < limit:
        flags = packed[at]
        at += 1
        for bit in range(8):
            if at >= end or len(text) >= limit:
                break
            if not flags >> bit & 1:
                octet = packed[at]
                at += 1
                window[at_window] = octet
                at_window = (at_window + 1) % _WINDOW
                text.append(octet)
                continue
            if at + 1 >= end:
                return bytes(text)
            reference = packed[at] << 8 | packed[at + 1]
            at += 2
            offset, length = reference >> 4, (reference & 15) + 2
            if offset == at_window:
                return bytes(text)
            for _ in range(length):
                octet = window[offset]
                offset = (offset + 1) % _WINDOW
                window[at_window] = octet
                at_window = (at_window + 1) % _WINDOW
                text.append(octet)
    return bytes(text)


_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z])|([{}])"
    rb"|([^\\{}\r\n]+)|[\r\n]+|\\"
)
_SKIPPED = frozenset(
    (
        b"colortbl", b"fonttbl", b"footer", b"generator", b"header", b"info", b"listtable",
        b"listoverridetable", b"mmathPr", b"object", b"pict", b"pntext", b"rsidtbl", b"stylesheet",
        b"themedata", b"xmlnstbl",
    )
)  # fmt: skip
_SIGNS = MappingProxyType(
    {
        b"par": "\n", b"line": "\n", b"row": "\n", b"page": "\n", b"sect": "\n", b"tab": "\t",
        b"cell": "\t", b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’",
        b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•", b"emspace": " ", b"enspace": " ",
    }
)  # fmt: skip
_ESCAPED = MappingProxyType({b"~": "\xa0", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"})
_MOST_DEEP = 200


class _RtfReader:
    """Reads RTF: its text, or the HTML that it was made from."""

    def __init__(self, rtf: bytes) -> None:
        self.is_html = b"\\fromhtml" in rtf[:4096]
        self._codec = "cp1252"
        self._out: list[str] = []
        self._octets = bytearray()
        self._skipping = False
        self._is_rtf_only = False
        """Within what stands for the HTML around it."""
        self._is_tag = False
        self._left_out = 0
        """Characters that stand for the one before them, for readers without Unicode."""
        self._ignorable = False
        self._groups: list[tuple[bool, bool, bool]] = []

    def read(self, rtf: bytes) -> str:
        for found in _TOKEN.finditer(rtf):
            word, number, octet, escaped, brace, text = found.groups()
            if word is not None:
                self._word(word, int(number) if number else None)
            elif brace is not None:
                self._brace(brace)
            elif octet is not None:
                self._add_octets(bytes.fromhex(octet.decode()))
            elif escaped is not None:
                self._escape(escaped)
            elif text is not None:
                self._add_octets(text)
        self._flush()
        return "".join(self._out)

    @property
    def _is_shown(self) -> bool:
        if self._skipping:
            return False
        return self._is_tag or not (self.is_html and self._is_rtf_only)

    def _brace(self, brace: bytes) -> None:
        if brace == b"{":
            if len(self._groups) >= _MOST_DEEP:
                raise ValueError("groups nested too deep")
            self._groups.append((self._skipping, self._is_rtf_only, self._is_tag))
        elif self._groups:
            self._skipping, self._is_rtf_only, self._is_tag = self._groups.pop()
        self._ignorable = False

    def _escape(self, escaped: bytes) -> None:
        if escaped == b"*":
            self._ignorable = True
        elif escaped in _ESCAPED:
            self._add(_ESCAPED[escaped])
        elif escaped in b"\r\n":
            self._add("\n")

    def _word(self, word: bytes, number: int | None) -> None:
        ignorable, self._ignorable = self._ignorable, False
        if word == b"htmltag" and ignorable:
            self._is_tag = self.is_html
            self._skipping = self._skipping or not self.is_html
        elif word == b"htmlrtf":
            self._is_rtf_only = number != 0
        elif ignorable or word in _SKIPPED:
            self._skipping = True
        elif word == b"ansicpg" and number:
            self._flush()
            self._codec = _codec_of(number)
        elif word == b"u" and number is not None:
            self._add(chr(number % 0x10000))
            self._left_out = 1
        elif word in _SIGNS:
            self._add(_SIGNS[word])

    def _add_octets(self, octets: bytes) -> None:
        if self._left_out and octets:
            self._left_out = 0
            octets = octets[1:]
        if self._is_shown:
            self._octets += octets

    def _add(self, text: str) -> None:
        self._left_out = 0
        if self._is_shown:
            self._flush()
            self._out.append(text)

    def _flush(self) -> None:
        if self._octets:
            self._out.append(self._octets.decode(self._codec, "replace"))
            self._octets.clear()


def _codec_of(codepage: int) -> str:
    name = "utf-8" if codepage == 65001 else f"cp{codepage}"
    try:
        b"".decode(name)
    except LookupError:
        return "cp1252"
    return name


def read_rtf(rtf: bytes) -> tuple[str, bool]:
    """The text of a document in RTF, and whether that is HTML. Raises ValueError."""
    reader = _RtfReader(rtf)
    text = reader.read(rtf).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, reader.is_html
