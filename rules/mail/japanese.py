"""Japanese as Windows writes it: the charsets of the standards, with the rows of NEC and IBM, such
as circled digits, and the katakana of half width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

MOST_RUNS = 5_000
"""Of such characters in one text, more than a person's mail has: each takes some microseconds."""

# Nothing here backtracks, so the time is linear. All up to the first character of these rows, and
# those that follow it: in EUC none but them, between escapes all to the end.
_ADDED_IN_EUC = re.compile(
    rb"(?P<known>(?>(?:[\x00-\x8d\x90-\xa0]++|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}"
    rb"|[\xa1-\xa8\xb0-\xf4][\xa1-\xfe])*))"
    rb"(?P<added>(?>(?:[\xa9-\xaf\xf5-\xfe][\xa1-\xfe])+))"
)
_ADDED_BETWEEN_ESCAPES = re.compile(
    rb"(?P<known>\x1b\$[B@](?>(?:[\x21-\x28\x30-\x74][\x21-\x7e])*))"
    rb"(?P<added>(?>(?:[\x21-\x7e]{2})+))(?=[\x1b\r\n]|\Z)"
)
_ENDED_BY_LINE = re.compile(rb"(\x1b(?:\$[B@]|\$\(D|\(I)[^\x1b\r\n]*+)(?=[\r\n])")
_FEW_OCTETS = 8
"""Of the runs whose text is kept: most are one character, and the same ones again."""
_SEVEN_BITS = bytes(octet & 0x7F for octet in range(256))


def decode_wider(data: bytes, codec: str) -> str | None:
    """The text of bytes that are not valid in one of these charsets as Python knows them; None if
    it is another charset, or if they are not valid with these characters either."""
    if codec == "iso2022_jp_ext":
        return _decode_iso_2022(data)
    return _decode_euc(data) if codec == "euc_jp" else None


def _decode_iso_2022(data: bytes) -> str | None:
    # Roman letters of JIS are ASCII on Windows, and the end of a line ends what an escape began.
    plain = _ENDED_BY_LINE.sub(b"\\1\x1b(B", data.replace(b"\x1b(J", b"\x1b(B"))
    return _decoded(plain, "iso2022_jp_ext", _ADDED_BETWEEN_ESCAPES.finditer(plain))


def _decode_euc(data: bytes) -> str | None:
    return _decoded(data, "euc_jp", _runs_in_euc(data))


def _runs_in_euc(data: bytes) -> Iterator[re.Match[bytes]]:
    """Each begins where the one before it ends: elsewhere a pair could begin in the middle."""
    at = 0
    while found := _ADDED_IN_EUC.match(data, at):
        yield found
        at = found.end()


def _decoded(data: bytes, codec: str, runs: Iterable[re.Match[bytes]]) -> str | None:
    """The text, of which the codec reads all but the added characters of each run."""
    pieces: list[str] = []
    at = 0
    for number, found in enumerate(islice(runs, MOST_RUNS + 1)):
        known = _strictly(data[at : found.start("added")], codec)
        added = _decode_added(found["added"].translate(_SEVEN_BITS))
        if known is None or added is None or number == MOST_RUNS:
            return None
        pieces += (known, added)
        at = found.end()
    rest = _strictly(data[at:], codec)
    return None if rest is None else "".join(pieces) + rest


def _decode_added(pairs: bytes) -> str | None:
    return _decode_few(pairs) if len(pairs) <= _FEW_OCTETS else _decode_pairs(pairs)


def _decode_pairs(pairs: bytes) -> str | None:
    """Pairs of octets of JIS X 0208 as Shift_JIS, whose superset has the rows of NEC and IBM."""
    octets = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=True):
        octets.append((row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1))
        octets.append(cell + 0x7E if row % 2 == 0 else cell + (0x1F if cell < 0x60 else 0x20))
    return _strictly(bytes(octets), "cp932")


_decode_few = lru_cache(1024)(_decode_pairs)


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None
