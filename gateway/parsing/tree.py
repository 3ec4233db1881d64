"""The MIME tree of a mail: where each part begins and ends (RFC 2046 §5.1).

Parts are spans of the raw mail; content is copied only on request. An outer multipart is divided
before an inner one, so an inner one never extends beyond its own part, and the work is linear in
the size of the mail times the depth of its tree.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any

from gateway.parsing.labels import Labels
from gateway.parsing.transfer import Decoded, decoded
from rules.mail import charsets
from rules.mail.detection import detected
from rules.mail.encoded_words import decode_words, unfold
from rules.mail.extent import squeezed
from rules.mail.header import part_header

PARTS_LIMIT = 2_000
DEPTH_LIMIT = 32
HEADER_LIMIT_BYTES = 256 * 1024
_PARAMETERS_LIMIT = 64
_PARAMETERS_LIMIT_CHARACTERS = 4_096


class LimitError(Exception):
    """The tree has more parts or more levels than our limits allow."""


class MimePart:
    """One part: a multipart with its parts, or a leaf with its bytes.

    A `message/*` part is a leaf, so a forwarded mail keeps its bytes and its text stays out of the
    outer mail's. A multipart in which no boundary was found is a leaf as well: its whole content is
    text.
    """

    __slots__ = (
        "_at",
        "_end",
        "_fields",
        "_labels",
        "_parsed",
        "_source",
        "children",
        "is_damaged",
        "media_type",
    )

    def __init__(
        self,
        source: bytes,
        at: int,
        end: int,
        fields: dict[str, bytes],
        default: str,
        labels: Labels | None = None,
    ) -> None:
        self._source = source
        self._labels = labels
        self._at, self._end = at, end
        self._fields = fields
        self._parsed: dict[str, tuple[str, dict[str, Any]]] = {}
        self.children: list[MimePart] = []
        self.is_damaged = False
        """Whether its transfer encoding was not valid, as far as `content` was called."""
        kind, _ = self._field("content-type")
        if "content-type" not in fields:
            kind = default
        elif kind.count("/") != 1:
            kind = "text/plain"
        self.media_type = kind
        """The declared type in lower case; `text/plain` if it is missing or invalid."""

    def disposition(self) -> str:
        """The type of Content-Disposition (RFC 2183) in lower case; empty if there is none."""
        return self._field("content-disposition")[0]

    def parameter(self, name: str, header: str = "content-type") -> str:
        """A parameter as text, whether plain, RFC 2047 or RFC 2231; empty if absent."""
        value = self._field(header)[1].get(name, "")
        if not value:
            return ""
        if isinstance(value, tuple):
            label, _, text = value
            octets = text.encode("latin-1", "surrogateescape")
            return charsets.decode(octets, label or "", self._labels_nearby(name, octets))[0]
        octets = value.encode("utf-8", "surrogateescape")
        if octets.isascii():
            return decode_words(octets)
        return decode_words(octets, self._labels_nearby(name, octets))

    def _labels_nearby(self, name: str, octets: bytes) -> tuple[str, ...]:
        """The charsets in which a parameter may be that is not in the one that it declares: that of
        its part, those of other parts, and the one that it is likely in."""
        if octets.isascii() or name == "charset":
            return ()
        found = (self.parameter("charset"), *self.other_labels(), detected(octets))
        return tuple(filter(None, found))

    def text(self, header: str) -> str:
        """A header field of the part as text on one line; empty if absent."""
        value = self._fields.get(header)
        return decode_words(value) if value else ""

    def boundary(self) -> bytes:
        """The boundary of a multipart; empty if it has none."""
        value = self._field("content-type")[1].get("boundary", "")
        text = collapse_rfc2231_value(value) if isinstance(value, tuple) else value
        return text.rstrip().encode("utf-8", "surrogateescape")

    def content(self) -> bytes:
        """The bytes without their transfer encoding (RFC 2045 §6); empty for a multipart."""
        if self.children:
            return b""
        return self.decoded().content

    def decoded(self) -> Decoded:
        """The content, with what of it is damaged."""
        found = decoded(
            self._source[self._at : self._end],
            self._fields.get("content-transfer-encoding", b""),
            is_text=self.media_type.startswith("text/"),
        )
        self.is_damaged |= found.is_damaged
        return found

    def other_labels(self) -> tuple[str, ...]:
        """The charsets that other parts of the mail declare."""
        return self._labels.found() if self._labels is not None else ()

    def _field(self, header: str) -> tuple[str, dict[str, Any]]:
        """The value before the first semicolon in lower case, and the parameters."""
        found = self._parsed.get(header)
        if found is None:
            value = self._fields.get(header)
            found = self._parsed[header] = ("", {}) if value is None else _with_parameters(value)
        return found


# The common forms of RFC 2045 §5.1: tokens, and quoted strings without a backslash.
_PARAMETER = re.compile(
    r"\s*+;\s*+([A-Za-z0-9!#$&+.^_`|~-]++)=(?:\"([^\"\\]*+)\"|([^\s;\"<>\\]++))", re.ASCII
)
_KIND = re.compile(r"[^\s;\"=*]++")
_END_OF_PARAMETERS = re.compile(r"\s*+;?\s*+", re.ASCII)

# The library replaces non-ASCII octets, but not letters of the private use area.
_AS_LETTERS = {0xDC00 + octet: 0xE000 + octet for octet in range(0x80, 0x100)}
_AS_OCTETS = {letter: octet for octet, letter in _AS_LETTERS.items()}


def _with_parameters(value: bytes) -> tuple[str, dict[str, Any]]:
    """Type and parameters of a structured field; of two parameters of one name the first counts.

    A value is text with undecoded octets as surrogates, or a tuple of three texts for RFC 2231. A
    field with too many parameters gets none, since parsing them takes quadratic time. White space
    is no reason: a signed mail can be sent again with wider gaps.
    """
    text = unfold(value).decode("ascii", "surrogateescape")
    if len(text) > _PARAMETERS_LIMIT_CHARACTERS:
        text = squeezed(text)
    if len(text) > _PARAMETERS_LIMIT_CHARACTERS or text.count(";") > _PARAMETERS_LIMIT:
        return _ascii_type(text.partition(";")[0][:256]), {}
    parameters: dict[str, Any] = {}
    kind = _KIND.match(text)
    at = kind.end() if kind else 0
    while found := _PARAMETER.match(text, at):
        name, quoted, token = found.groups()
        parameters.setdefault(name.lower(), token if quoted is None else quoted)
        at = found.end()
    if not kind or not _END_OF_PARAMETERS.fullmatch(text, at):
        # The library raises anything on invalid syntax: TypeError on `a*0=b; a*`.
        with contextlib.suppress(Exception):
            parameters = _parameters_by_library(text)
    return _ascii_type(text.partition(";")[0]), parameters


def _ascii_type(kind: str) -> str:
    """A type in ASCII, which any consumer of UTF-8 accepts."""
    kind = kind.strip().lower()
    return kind if kind.isascii() else kind.encode("ascii", "replace").decode("ascii")


def _parameters_by_library(text: str) -> dict[str, Any]:
    """Parses RFC 2231, backslashes and invalid syntax with the standard library."""
    message = Message()
    message.set_raw("Content-Type", text.translate(_AS_LETTERS))
    pairs: Any = message.get_params([])
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        name = name.lower().translate(_AS_OCTETS)
        # Next to one that declares its charset (RFC 2231), another is for programs that read none.
        if isinstance(value, tuple) and not isinstance(parameters.get(name), tuple):
            parameters[name] = _with_octets(value)
        parameters.setdefault(name, _with_octets(value))
    return parameters


def _with_octets(value: Any) -> Any:
    if isinstance(value, tuple):
        label, language, text = value
        return label, language, text.translate(_AS_OCTETS)
    return value.translate(_AS_OCTETS)


def build_tree(
    raw: bytes, at: int, fields: dict[str, bytes], most_parts: int = PARTS_LIMIT
) -> MimePart:
    """The tree of a mail whose body begins at `at`; `fields` are the mail's Content-* fields.

    Raises LimitError with a readable message if the tree exceeds the limits.
    """
    if most_parts < 1:
        raise LimitError("no part more")
    root = MimePart(raw, at, len(raw), fields, "text/plain")
    labels = Labels(raw, at)
    part_count = 1
    # Parts with the span and the depth of their bodies.
    pending = [(root, at, len(raw), 0)]
    while pending:
        parent, start, end, depth = pending.pop()
        boundary = parent.boundary() if parent.media_type.startswith("multipart/") else b""
        if not boundary:
            continue
        default = "message/rfc822" if parent.media_type == "multipart/digest" else "text/plain"
        for first, last in _spans(raw, start, end, boundary):
            part_count += 1
            if part_count > most_parts:
                raise LimitError(f"more than {most_parts} parts")
            if depth == DEPTH_LIMIT:
                raise LimitError(f"parts nested deeper than {DEPTH_LIMIT}")
            part_fields, body_at = part_header(raw, first, last, HEADER_LIMIT_BYTES)
            part = MimePart(raw, body_at, last, part_fields, default, labels)
            parent.children.append(part)
            pending.append((part, body_at, last, depth + 1))
    return root


# The rest of a boundary line: two hyphens close the multipart, white space is padding.
_BOUNDARY_END = re.compile(rb"(--)?[ \t]*+(?:\r\n|\r|\n|\Z)")


def _spans(raw: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """The parts between `start` and `end` (RFC 2046 §5.1.1), without preamble and epilogue.

    The line end before a boundary belongs to the boundary. Adjacent boundary lines have no part
    between them. Without a closing boundary the last part extends to the end. How much white space
    is in a boundary does not count: most signatures do not cover it.
    """
    first = boundary.partition(b" ")[0].partition(b"\t")[0]
    mark = b"--" + first
    wide = re.compile(_wide(boundary[len(first) :]))
    part_at = -1
    for at in _line_starts(raw, start, end, mark):
        found = wide.match(raw, at + len(mark), end)
        rest = _BOUNDARY_END.match(raw, found.end(), end) if found else None
        if rest is None:
            # Not a boundary line: the text only begins like the boundary.
            continue
        if part_at < 0:
            if rest[1]:
                # Closed before it was opened.
                return
        elif at > part_at:
            last = at - 1
            if last > part_at and raw.startswith(b"\r\n", last - 1):
                last -= 1
            yield part_at, last
            if rest[1]:
                return
        part_at = rest.end()
    if part_at >= 0:
        yield part_at, end


def _wide(text: bytes) -> bytes:
    """A pattern of a text with any white space where it has some."""
    return rb"[ \t]++".join(map(re.escape, re.split(rb"[ \t]++", text)))


def _line_starts(raw: bytes, start: int, end: int, mark: bytes) -> Iterator[int]:
    """Offsets of lines that begin with `mark`. Lines end as in the header: CRLF, LF or CR."""
    if raw.startswith(mark, start, end):
        yield start
    by_lf, by_cr = b"\n" + mark, b"\r" + mark
    lf, cr = raw.find(by_lf, start, end), raw.find(by_cr, start, end)
    while lf >= 0 or cr >= 0:
        if cr < 0 or 0 <= lf < cr:
            yield lf + 1
            lf = raw.find(by_lf, lf + 1, end)
        else:
            yield cr + 1
            cr = raw.find(by_cr, cr + 1, end)
