"""Masks what our keys have sealed in a text that goes to somebody else: tokens and signed links.

Mail clients and security gateways respell what they quote. A run of base32 is therefore read in
several *views* of the text: as it stands, and with escapes decoded (HTML entities, percent-encoding
at any depth, quoted-printable, urldefense). In each view, line breaks with their quote marks,
characters without width and marks of emphasis are skipped, and compatibility forms are folded.
Whatever then opens with one of our keys is masked, wherever it stands: in a link of Safe Links as
well as in a plain address. A link in base64 is decoded first.

The text is examined in linear time. When many runs only look like ours, the budget of attempts ends
and each run that begins like a sealed value is masked without an attempt. Of a text that is longer
than any person writes, the rest is examined only for values that stand there unbroken.
"""

from __future__ import annotations

import base64
import html
import re
import string
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from rules.mail.encoded_words import decode_words
from rules.mail.extent import CUT_MARGIN
from rules.mail.quoting import masked
from rules.sender.tokens import MAC_BYTES, SEALED_LENGTHS, SEALED_TEXTS, Keys, opens

MASK = "[…]"
EXAMINED = 256 * 1024
"""Characters in which escapes are decoded and breaks are skipped."""
BLOCK = 64 * 1024
"""Characters beyond them that are examined at a time, so that no other thread waits for long."""
READ = 8 * EXAMINED
"""Characters of all readings of a text together."""
ROUNDS = 3
"""How often escapes are decoded: a link in a link in a link."""
ATTEMPTS = 10_000
"""Of opening a run of one text with our keys."""
BEGINNINGS = 512
"""Places of one text, in all its readings, where a value is looked for because one may begin there.
They are one in 256 characters of base32 that nobody chose."""
SHORTEST, LONGEST = 34, 444
"""Of a sealed value, in characters of base32."""

_LETTER = "[A-Za-z2-7]"
_THIN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0*\\\x00"
)
_ENDS = r"\r\n\x0b\x0c\x85\u2028\u2029"
_NOISE = (
    rf"(?:[{_THIN}]|<wbr ?/?>|<br ?/?>"
    rf"|[ \t\u00a0{_THIN}]*+=?[ \t\u00a0{_THIN}]*+[{_ENDS}][{_ENDS}>|: \t\u00a0{_THIN}]*+"
    rf"|\"?+[ \t]*+;(?>(?:=?+[{_ENDS}]|[>|: \t\u00a0{_THIN}]++|<br ?/?>)*)"
    r"[A-Za-z][A-Za-z0-9-]{0,30}+\*[0-9]{1,3}+\*?+[ \t]*+=[ \t]*+\"?+)"
)
"""What may be between two characters of a value: no width, emphasis, a line break with the quote
marks after it, or the name of the next piece of a parameter (RFC 2231 §3)."""
_NOISE_GOES_ON = re.compile(_NOISE)
_NOISE_BEGINS = re.compile(rf"(?<=[A-Za-z0-9%&#=;+-])(?=[{_THIN}{_ENDS} \t\u00a0<=\";]){_NOISE}")
_VALUE_GOES_ON = re.compile("[A-Za-z0-9%&#=;]")
_NO_ESCAPE_GOES_ON = re.compile("[A-Za-z0-9#;]")
_ESCAPE_BEHIND_BREAK = re.compile(rf"[{_THIN}{_ENDS}>|: \t\u00a0](?:[%&]|=[0-9A-F])")
_WORD = r"=\?[^?*\s]{1,64}+(?:\*[^?\s]{0,64}+)?\?[BbQq]\?[^?]{0,1000}+\?="
_WORDS = re.compile(rf"{_WORD}(?>(?:[{_ENDS}>|: \t\u00a0]*+{_WORD})*)")
"""Encoded-words (RFC 2047), which a value may be spread over."""
_RUN = re.compile(f"(?<!{_LETTER})(?>{_LETTER}{{34,}})")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+|&(?:#[xX]?[0-9A-Fa-f]{1,7}|[A-Za-z]{2,8});?")
_OTHER_ESCAPES = re.compile("(?:=[0-9A-F]{2}|-(?:2[56]|[89A-F][0-9A-F]))+")
"""Of quoted-printable, and of urldefense as far as they could stand within a value."""
_ENCODED = ("aHR0c", "SFRUU", "SHR0c", "bWFpbHRv", "TUFJTFRP")
"""`http` and `mailto` in base64."""
_BASE64 = re.compile("(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{46,}+")
"""Long enough for the shortest value, or for a link with one."""
_HEXADECIMAL = re.compile("(?:[%=-][0-9A-Fa-f]{2})+")
_PLUS = re.compile(r"(?:\\?\+|%(?:25)*2[Bb]|&#43;|&#x2[Bb];|&plus;|=2B|-2B)$")
_AT = re.compile(r"\s?(?:@|%(?:25)*40|&#64;|&#x40;|&commat;|=40|-40)")
_DIGITS = str.maketrans(
    string.ascii_lowercase + "234567", string.digits + string.ascii_lowercase[:22]
)
"""From base32 to the digits of `int`."""
_COMPATIBLE_BLOCKS = (
    (0xAA, 0xBB),
    (0x17F, 0x180),
    (0x2B0, 0x2E9),
    (0x1D2C, 0x1DC0),
    (0x2070, 0x20A0),
    (0x2100, 0x2150),
    (0x2460, 0x2500),
    (0x2C7C, 0x2C7E),
    (0xFE50, 0xFE70),
    (0xFF01, 0xFF60),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F1AA),
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Masker:
    """Masks everything that was sealed for the mailboxes of this installation."""

    keys: Keys
    mailboxes: tuple[int, ...]
    """Their ids."""
    addresses: frozenset[str] = frozenset()
    """Their addresses: what looks like a reply address at one of them is masked as well."""
    links_begin: str = ""

    def mask(self, text: str) -> str:
        """The text as anybody may read it."""
        if len(text) < SHORTEST:
            return text
        parts, end = [], 0
        for begin, stop in sealed_spans(text, self.keys, self.mailboxes):
            before = text[end:begin]
            plus = _PLUS.search(before[-12:])
            if plus is not None and _AT.match(text, stop):
                parts.append(before[: len(before) - len(plus[0])])
            else:
                parts += [before, MASK]
            end = stop
        parts.append(text[end:])
        return self._links(masked("".join(parts), self.addresses))

    def beginning(self, text: str, most: int) -> str:
        """At most so many characters of the text as anybody may read it: a secret that the end cuts
        through is seen whole, and masked."""
        return self.mask(text[: most + CUT_MARGIN])[:most]

    def _links(self, text: str) -> str:
        """The text with the tails of links cut off that only look like ours."""
        begin = re.escape(self.links_begin)
        return re.sub(
            rf"({begin}/{_PAGES})/\d{{1,20}}/(?:[A-Za-z2-7]{{16,}}|{_MASKED})", r"\1", text
        )


_PAGES = "(?:signup|people|feedback|unsubscribe|held|folded|reopen|files)"
_MASKED = re.escape(MASK)


def sealed_spans(text: str, keys: Keys, mailboxes: Sequence[int]) -> list[Span]:
    """Where the text holds what our keys have sealed: ordered, and apart from each other."""
    budget = _Budget(keys, tuple(mailboxes), ATTEMPTS, BEGINNINGS)
    found: list[Span] = []
    for view in _views(text[:EXAMINED]):
        found.extend(view.span(*span) for span in _sealed_in(view.text, budget))
        found.extend(view.span(*span) for span in _encoded_in(view.text, budget))
    for begin in range(EXAMINED - LONGEST, len(text) - LONGEST, BLOCK):
        block = text[begin : begin + BLOCK + LONGEST]
        found.extend((begin + at, begin + end) for at, end in _sealed_in(block, budget))
    return _merged(found)


@dataclass(slots=True)
class _Budget:
    """The keys, and how many more runs of this text may be tried with them."""

    keys: Keys
    mailboxes: tuple[int, ...]
    left: int
    beginnings: int
    """How many more places may be tried."""

    @property
    def is_spent(self) -> bool:
        return self.left <= 0 or self.beginnings <= 0

    def opens(self, sealed: bytes, uses: Collection[bytes]) -> bool:
        for mailbox in self.mailboxes:
            for use in uses:
                self.left -= 1
                if opens(self.keys, use, mailbox, sealed):
                    return True
        return False


@dataclass(frozen=True, slots=True)
class _View:
    """A text that was made from another by decoding escapes, with the way back."""

    text: str
    made_from: _View | None = None
    starts: Sequence[int] = field(default=())
    """Where each piece starts here; pieces with an odd index were decoded, the others copied."""
    origins: Sequence[int] = field(default=())
    """Where each piece starts in the other text."""

    def span(self, begin: int, end: int) -> Span:
        """A span here as a span of the first text, with whole escapes at its ends."""
        if self.made_from is None:
            return begin, end
        first = bisect_right(self.starts, begin) - 1
        last = bisect_right(self.starts, end - 1) - 1
        start = self.origins[first] + (0 if first % 2 else begin - self.starts[first])
        stop = self.origins[last + 1] if last % 2 else self.origins[last] + end - self.starts[last]
        return self.made_from.span(start, stop)


def _views(text: str) -> Iterator[_View]:
    """The text in every reading: its escapes decoded up to three times, each kind in any order,
    and before and after each time without its breaks."""
    seen: set[str] = set()
    read = 0
    views = [_View(text if text.isascii() else text.translate(_compatible()))]
    for _ in range(ROUNDS + 1):
        joined = (each for view in views for each in _joined(view))
        here = [*views, *joined]
        views = []
        for view in here:
            if view.text in seen or read > READ:
                continue
            seen.add(view.text)
            read += len(view.text)
            yield view
            decoded = (
                _replaced(view, (found.span() for found in each.finditer(view.text)))
                for each in (_ESCAPES, _OTHER_ESCAPES, _WORDS)
            )
            views += [each for each in decoded if each is not None]


def _joined(view: _View) -> Iterator[_View]:
    """The text without its breaks; and with those that an escape follows, which may be of a quote
    mark: then it is a part of the break."""
    behind = [_VALUE_GOES_ON]
    if _ESCAPE_BEHIND_BREAK.search(view.text):
        behind.append(_NO_ESCAPE_GOES_ON)
    for goes_on in behind:
        joined = _replaced(view, _breaks(view.text, goes_on))
        if joined is not None:
            yield joined


def _breaks(text: str, goes_on: re.Pattern[str]) -> Iterator[Span]:
    """Where a value may be broken: as much noise as there is, between characters of a value."""
    failed: set[int] = set()  # behind each piece of noise that no value follows: read once
    at = 0
    while first := _NOISE_BEGINS.search(text, at):
        ends = [first.end()]
        while ends[-1] not in failed and (piece := _NOISE_GOES_ON.match(text, ends[-1])):
            ends.append(piece.end())
        at = ends[-1]
        if at not in failed and goes_on.match(text, at):
            yield first.start(), at
        else:
            failed.update(ends)
            at = first.start() + 1


def _replaced(view: _View, escapes: Iterable[Span]) -> _View | None:
    """The text with its escapes decoded once, or its breaks left out; None if there are none."""
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    at = end = 0
    for begin, stop in escapes:
        for piece, origin in (
            (view.text[end:begin], end),
            (_unescaped(view.text[begin:stop]), begin),
        ):
            pieces.append(piece)
            starts.append(at)
            origins.append(origin)
            at += len(piece)
        end = stop
    if not pieces:
        return None
    pieces.append(view.text[end:])
    starts.append(at)
    origins.append(end)
    decoded = "".join(pieces)
    if not decoded.isascii():
        decoded = decoded.translate(_compatible())
    return _View(decoded, view, starts, origins)


def _unescaped(escape: str) -> str:
    if escape[0] == "&":
        return html.unescape(escape)
    if escape.startswith("=?"):
        return decode_words(re.sub(r"[>|:]+(?==\?)|[^\x00-\x7f]", " ", escape).encode())
    if not _HEXADECIMAL.fullmatch(escape):
        return ""
    return bytes.fromhex(re.sub("[%=-]", "", escape)).decode("utf-8", "replace")


@cache
def _compatible() -> dict[int, int]:
    """Characters that look like ASCII ones, by what they stand for: `ａ` and `𝐚` for `a`."""
    table = {}
    for begin, end in _COMPATIBLE_BLOCKS:
        for code in range(begin, end):
            folded = unicodedata.normalize("NFKC", chr(code))
            if len(folded) == 1 and " " < folded < "\x7f":
                table[code] = ord(folded)
    return table


@lru_cache(maxsize=8)
def _beginnings(numbers: tuple[int, ...]) -> re.Pattern[str]:
    """Matches where a value may begin that one of these keys has sealed: its number is the first
    octet, one character and three bits of base32."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    each = (
        letters[number >> 3] + f"[{letters[(number & 7) << 2 : ((number & 7) << 2) + 4]}]"
        for number in numbers
    )
    return re.compile(f"(?=(?:{'|'.join(each)}))")


def _sealed_in(text: str, budget: _Budget) -> Iterator[Span]:
    """The spans of sealed values in one view."""
    beginnings = _beginnings(tuple(sorted(budget.keys.secrets)))
    for run in _RUN.finditer(text):
        letters, done = run[0].lower(), 0
        for begin in beginnings.finditer(letters):
            start = begin.start()
            if start < done or len(letters) - start < SHORTEST:
                continue
            if budget.is_spent:
                yield run.start() + start, run.end()
                break
            budget.beginnings -= 1
            length = _sealed_length(letters[start : start + LONGEST], budget)
            if length:
                done = start + length
                yield run.start() + start, run.start() + done


def _sealed_length(letters: str, budget: _Budget) -> int:
    """How many characters, from the first, one of our keys has sealed; 0 if none has."""
    octets = _octets(letters)
    for length, uses in SEALED_LENGTHS.items():
        if len(octets) >= length and budget.opens(octets[:length], uses):
            return _in_base32(length)
    for begin, use in SEALED_TEXTS:
        # A text and a MAC: the text ends where its octets are no longer readable, or before.
        text = next((i for i in range(begin, len(octets)) if octets[i] < 32), len(octets))
        for length in range(min(len(octets), text + MAC_BYTES), begin + MAC_BYTES - 1, -1):
            if budget.left > 0 and budget.opens(octets[:length], use):
                return _in_base32(length)
    return 0


def _octets(letters: str) -> bytes:
    """The whole octets of lower-case base32. `base64.b32decode` takes fifty times as long."""
    bits = 5 * len(letters)
    number = int(letters.translate(_DIGITS), 32)
    return (number >> bits % 8).to_bytes(bits // 8, "big")


def _in_base32(octets: int) -> int:
    return -(-octets * 8 // 5)


def _encoded_in(text: str, budget: _Budget) -> Iterator[Span]:
    """The spans of base64 that hold a sealed value; in a link, it may be escaped as well."""
    for found in _BASE64.finditer(text):
        encoded = found[0].translate({ord("-"): "+", ord("_"): "/"})
        encoded = encoded[:-1] if len(encoded) % 4 == 1 else encoded
        encoded += "=" * (-len(encoded) % 4)  # its last octets are of the value, perhaps
        decoded = base64.b64decode(encoded).decode("utf-8", "replace")
        views = _views(decoded) if found[0].startswith(_ENCODED) else iter((_View(decoded),))
        if any(next(_sealed_in(view.text, budget), None) is not None for view in views):
            yield found.start(), found.end()


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
