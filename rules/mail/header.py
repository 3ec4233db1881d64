"""The header of a mail, parsed once from the raw bytes.

Parsers disagree about malformed headers, and a sender can exploit two that disagree to appear as
two people: one for the signature check, another for the ticket. So this is the only parser, and an
irregular header gives no identity (`Ambiguous`) instead of a guess.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from rules.mail import charsets
from rules.mail.encoded_words import unfold
from rules.mail.from_field import NoAddress, address_in

HEADER_LIMIT_BYTES = 256 * 1024
FIELDS_LIMIT = 2_000
"""Of fields in a header block; skipped lines before the first field are counted as well."""
REST_LIMIT_BYTES = 1024 * 1024
REST_LIMIT_FIELDS = 20_000
"""Of what is beyond these limits: it is searched for another author, and nothing else is read."""


@dataclass(frozen=True, slots=True)
class Author:
    """The one mailbox in the one From header."""

    address: str
    """Lower-case, domain as A-labels."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """From does not name exactly one plain mailbox: no identity may be taken from it."""

    why: str


@dataclass(frozen=True, slots=True)
class Header:
    """The header block: its fields in order, and its defects."""

    fields: tuple[tuple[str, bytes], ...]
    """Lower-case name, and the value as sent, with its folds and line ends."""
    defects: tuple[str, ...] = ()
    """Whatever makes this block ambiguous; any defect prevents an identity."""
    truncated: bool = False
    """The block is over a limit, in bytes or fields: only its beginning was read."""
    body_at: int = 0
    """Offset of the body in the raw mail."""
    _values: dict[str, list[bytes]] = field(init=False, repr=False, compare=False)
    """Index of the values by name, in order: more than twenty names are looked up per mail."""
    _texts: dict[str, list[str]] = field(init=False, repr=False, compare=False)
    """The values as text, of the names that were asked for: most are asked for several times."""

    def __post_init__(self) -> None:
        values: dict[str, list[bytes]] = {}
        for name, value in self.fields:
            if name in values:
                values[name].append(value)
            else:
                values[name] = [value]
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_texts", {})

    def __reduce__(self) -> tuple[Any, ...]:
        # The index is rebuilt, so that no pickle can contain one that contradicts the fields.
        return Header, (self.fields, self.defects, self.truncated, self.body_at)

    def names(self) -> Set[str]:
        """The names of all fields, in lower case."""
        return self._values.keys()

    def get(self, name: str) -> str:
        """The first field of that name as unfolded text; empty if there is none."""
        texts = self._texts_of(name)
        return texts[0] if texts else ""

    def get_all(self, name: str) -> list[str]:
        """Every field of that name, in order, as unfolded text; encoded-words stay encoded."""
        return list(self._texts_of(name))

    def raw_values(self, name: str) -> Sequence[bytes]:
        """Every value of that name (given in lower case), as in `fields`."""
        return self._values.get(name, ())

    def _texts_of(self, name: str) -> Sequence[str]:
        name = name.lower()
        values = self._values.get(name)
        if not values:
            return ()
        if (texts := self._texts.get(name)) is None:
            texts = self._texts[name] = [_text(value) for value in values]
        return texts

    def unfolded_values(self, name: str) -> list[bytes]:
        """Every value of that name, unfolded (RFC 5322 §2.2.3) and stripped."""
        return [unfold(value) for value in self.raw_values(name.lower())]


def _text(value: bytes) -> str:
    return charsets.decode(unfold(value))[0]


# The expressions below never backtrack, so no input is read twice.
_LINE_END = rb"(?:\r\n|\r|\n)"
_FIELD = re.compile(
    rb"([!-9;-~]++)([ \t]*+):([^\r\n]*+(?>(?:"
    + _LINE_END
    + rb"[ \t][^\r\n]*+)*))"
    + _LINE_END
    + rb"?"
)
_PART_FIELD = re.compile(
    rb"([!-9;-~]++)([ \t]*+):([^\r\n]*+(?>(?:"
    + _LINE_END
    + rb"[ \t]++(?![\r\n]|\Z)[^\r\n]*+)*))"
    + _LINE_END
    + rb"?"
)
_LINE = re.compile(rb"[^\r\n]*+" + _LINE_END + rb"?")
_WHITE_LINE = re.compile(rb"[ \t]*+" + _LINE_END)
_EMPTY_LINE = re.compile(_LINE_END)
_BOM = b"\xef\xbb\xbf"


def read(raw: bytes, limit_bytes: int = HEADER_LIMIT_BYTES) -> Header:
    """The header block of a raw mail, up to the first empty line. Linear time, never fails.

    A line that is not a field ends the block (as it does for MTAs: the body has begun), except at
    the beginning, where an mbox line or a stray fold is skipped. All of these are defects.
    """
    fields: list[tuple[str, bytes]] = []
    defects: list[str] = []
    block = raw[:limit_bytes]
    at = len(_BOM) if block.startswith(_BOM) else 0
    if at:
        defects.append("byte order mark")
    ended = False
    seen = last = whole = 0
    size = len(block)
    while at < size and not ended and seen <= FIELDS_LIMIT:  # the line that ends it is no field
        seen, last, whole = seen + 1, at, len(fields)
        found = _FIELD.match(block, at)
        if found:
            name, space, value = found.groups()
            fields.append((name.decode("ascii").lower(), value))
            if space:
                defects.append("space before colon")
            at = found.end()
        elif empty_line := _EMPTY_LINE.match(block, at):
            at, ended = empty_line.end(), True
        else:
            line = _LINE.match(block, at)
            end = line.end() if line else len(block)
            if end == len(block) < len(raw):
                # Not malformed, but cut in two by the limit.
                break
            ended = bool(fields)
            defects.append("leading fold" if block[at] in b" \t" else "malformed header line")
            at = at if ended else end
    truncated = not ended and (len(raw) > limit_bytes or at < len(block))
    defects += _byte_defects(raw, at)
    if truncated:
        # What was read last may be incomplete, and is part of the rest.
        fields = fields[:whole]
        defects += _defects_of_rest(raw, last, {name for name, _ in fields})
    return Header(tuple(fields), tuple(dict.fromkeys(defects)), truncated, at)


def _defects_of_rest(raw: bytes, start: int, before: Collection[str]) -> Iterator[str]:
    """What makes a truncated block ambiguous behind the fields that were read.

    Who wrote the mail is in its first fields, or nowhere: the rest is searched for another author,
    and must not be longer than 1 MiB or 20,000 fields.
    """
    at, end = start, min(len(raw), start + REST_LIMIT_BYTES)
    for _ in range(REST_LIMIT_FIELDS):
        found = _FIELD.match(raw, at, end)
        if found is None:
            break
        name, at = found[1].decode("ascii").lower(), found.end()
        if name == "from" or (name in _SINGLE_FIELDS and name in before) or found[2]:
            yield "the header block is too long"
            return
    if at < len(raw) and (at == end or not _EMPTY_LINE.match(raw, at, end)):
        yield "the header block is too long"
    yield from _byte_defects(raw, at)


def part_header(raw: bytes, at: int, end: int, limit_bytes: int) -> tuple[dict[str, bytes], int]:
    """The fields of a body part between `at` and `end`, and the offset where its body begins.

    Parsed like `read`, but only the first value of each name, and without defects, since no
    identity depends on them. The first line that is not a field begins the body; so does a field
    that the limit cuts in two. A line of white space is an empty one: most signatures do not tell
    them apart (RFC 6376 §3.4.4), and what follows a fold is no text.
    """
    fields: dict[str, bytes] = {}
    stop = min(end, at + limit_bytes)
    while found := _PART_FIELD.match(raw, at, stop):
        if found.end() == stop < end:
            break
        name, _, value = found.groups()
        fields.setdefault(name.decode("ascii").lower(), value)
        at = found.end()
    empty_line = _WHITE_LINE.match(raw, at, end)
    return fields, empty_line.end() if empty_line else at


def _byte_defects(raw: bytes, end: int) -> Iterator[str]:
    """Defects of the whole block `raw[:end]`: NUL, and mixed or bare line ends."""
    if raw.find(b"\0", 0, end) >= 0:
        yield "NUL"
    crlf = raw.count(b"\r\n", 0, end)
    lone_cr, lone_lf = raw.count(b"\r", 0, end) - crlf, raw.count(b"\n", 0, end) - crlf
    if lone_cr:
        yield "bare CR"
    # A mail from a file may use LF throughout. With one CRLF anywhere, a strict parser would find
    # another end of the header than we do.
    if lone_lf and (crlf or b"\r\n" in raw):
        yield "bare LF"


_SINGLE_FIELDS = ("sender", "reply-to", "subject", "date", "message-id", "to")


def author(header: Header) -> Author | Ambiguous:
    """The author: the single plain mailbox of the single From, or why there is none.

    Stricter than RFC 5322: anything that any two known parsers read differently is refused. The
    reasons are checked in a fixed order, and the first one is returned.
    """
    if header.defects:
        return Ambiguous(header.defects[0])
    values = header.raw_values("from")
    if len(values) != 1:
        return Ambiguous(f"{len(values)} From fields")
    for name in _SINGLE_FIELDS:
        if len(header.raw_values(name)) > 1:
            return Ambiguous(f"duplicate {name}")
    found = address_in(values[0])
    return Ambiguous(found.why) if isinstance(found, NoAddress) else Author(found)


def stated_sender(raw: bytes) -> str:
    """The envelope sender that a mail is tried with where none is given: its author. Empty where
    it has no single one."""
    found = author(read(raw))
    return found.address if isinstance(found, Author) else ""


_ID = re.compile(r"<[!-;=?-~]{1,248}+>")
_IDS_KEPT = 200


def message_ids(header: Header, name: str) -> tuple[str, ...]:
    """The `<id>`s of every field of that name, in order, each once, brackets included.

    An id has at most 250 octets of printable ASCII (RFC 5322 §3.6.4); one that contains `=?` is
    omitted, since it could become a line end when it is sent again. Of a long chain the first id
    and the last 199 are kept: the root and the nearest ancestors.
    """
    text = " ".join(header.get_all(name))
    ids = tuple(dict.fromkeys(found for found in _ID.findall(text) if "=?" not in found))
    return ids if len(ids) <= _IDS_KEPT else (ids[0], *ids[1 - _IDS_KEPT :])


# The fields that each hop adds to the same mail. Received-SPF is a trace field too (RFC 7208 §9.1).
# Authentication-Results and ARC are not removed: they are evidence that can change what is proven
# about the sender, and a copy with it must not count as a duplicate of a copy without it.
_TRACE = re.compile(
    rb"(?i:^(?:Received|Received-SPF|Return-Path|Delivered-To|Envelope-To|X-Original-To"
    rb"|X-Envelope-To|X-Delivered-To|X-Received|X-[!-9;-~]{1,60}-Received))"
    rb"[ \t]*+:[^\n]*+\n(?>(?:[ \t][^\n]*+\n)*)",
    re.MULTILINE,
)
_HASH_SLICE_BYTES = 1 << 20


def identity(raw: bytes, header: Header) -> str:
    """SHA-256 (hex) over the mail without its trace fields: equal for copies over two routes.

    CRLF and LF count as the same, so a copy from a file equals one received by SMTP.
    `header` is the result of `read(raw)`.
    """
    return digests(raw, header)[0]


def digests(raw: bytes, header: Header) -> tuple[str, str]:
    """The identity, and SHA-256 (hex) over the body alone, without empty lines at its end."""
    whole, body = hashlib.sha256(), hashlib.sha256()
    block = raw[: header.body_at].replace(b"\r\n", b"\n")
    whole.update(_TRACE.sub(b"", block))
    at = header.body_at
    while at < len(raw):
        end = at + _HASH_SLICE_BYTES
        # A CRLF must not be split.
        end += raw[end - 1 : end + 1] == b"\r\n"
        piece = raw[at:end].replace(b"\r\n", b"\n")
        whole.update(piece)
        body.update(piece if end < len(raw) else piece.rstrip(b"\n"))
        at = end
    return whole.hexdigest(), body.hexdigest()
