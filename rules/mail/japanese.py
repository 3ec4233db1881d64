"""Japanese as Windows writes it: the charsets of the standards, with the rows of NEC and IBM, such
as circled digits, and the katakana of half width."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\x1b(\([BJI]|\$\(D|\$[@B])")
_LINE_END = re.compile(rb"[\r\n]")
_PAIRS = re.compile(rb"(?>(?:[\x21-\x7e]{2})*)")
_EUC = re.compile(
    rb"(?P<pairs>(?>(?:[\xa1-\xfe]{2})+))|\x8e(?P<half>[\xa1-\xdf])|(?P<rare>\x8f[\xa1-\xfe]{2})"
)
_SEVEN_BITS = bytes(octet & 0x7F for octet in range(256))


def decode_wider(data: bytes, codec: str) -> str | None:
    """The text of bytes that are not valid in one of these charsets as Python knows them; None if
    it is another charset, or if they are not valid with these characters either."""
    if codec == "iso2022_jp_ext":
        return _decode_iso_2022(data)
    return _decode_euc(data) if codec == "euc_jp" else None


def _decode_iso_2022(data: bytes) -> str | None:
    pieces: list[str] = []
    ends = [*_ESCAPE.finditer(data)]
    starts = [(0, b"(B"), *((found.end(), found[1]) for found in ends)]
    for (at, charset), end in zip(starts, [*(f.start() for f in ends), len(data)], strict=True):
        text = _decode_segment(data[at:end], charset)
        if text is None:
            return None
        pieces.append(text)
    return "".join(pieces) if ends else None


def _decode_segment(segment: bytes, charset: bytes) -> str | None:
    """The characters between two escapes."""
    if charset in (b"(B", b"(J"):
        return _strictly(segment, "cp932" if charset == b"(J" else "ascii")
    end = _LINE_END.search(segment)
    if end is not None:  # it ends them
        first = _decode_segment(segment[: end.start()], charset)
        rest = _strictly(segment[end.start() :], "ascii")
        return None if first is None or rest is None else first + rest
    if charset == b"(I":
        return _strictly(bytes(octet | 0x80 for octet in segment), "cp932")
    if charset == b"$(D":
        return _strictly(b"\x1b$(D" + segment + b"\x1b(B", "iso2022_jp_2")
    strict = _strictly(b"\x1b$B" + segment + b"\x1b(B", "iso2022_jp")
    return _decode_pairs(segment) if strict is None else strict


def _decode_euc(data: bytes) -> str | None:
    pieces: list[str | None] = []
    at = 0
    for found in _EUC.finditer(data):
        pieces.append(_strictly(data[at : found.start()], "ascii"))
        if found["pairs"]:
            pieces.append(_decode_pairs(found["pairs"].translate(_SEVEN_BITS)))
        else:
            pieces.append(
                _strictly(found["half"], "cp932")
                if found["half"]
                else _strictly(found[0], "euc_jp")
            )
        at = found.end()
    pieces.append(_strictly(data[at:], "ascii"))
    known = [piece for piece in pieces if piece is not None]
    return "".join(known) if len(known) == len(pieces) else None


def _decode_pairs(pairs: bytes) -> str | None:
    """Pairs of octets of JIS X 0208 as Shift_JIS, whose superset has the rows of NEC and IBM."""
    if not _PAIRS.fullmatch(pairs):
        return None
    octets = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=False):
        octets.append((row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1))
        octets.append(cell + 0x7E if row % 2 == 0 else cell + (0x1F if cell < 0x60 else 0x20))
    return _strictly(bytes(octets), "cp932")


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None
