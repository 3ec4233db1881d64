"""The bytes of an outgoing mail: header lines and parts that no relay needs to change."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.charset import Charset
from email.header import Header
from email.utils import formataddr
from urllib.parse import quote

LONGEST_LINE = 900
"""In octets; RFC 5322 §2.1.1 allows 998."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that set the direction of all that follows on the line, our own words included."""
_CONTROLS_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FIELD = re.compile(r"[A-Za-z-]+: [ -~]*(?:\r\n [!-~][ -~]*)*")
_UTF8 = Charset("utf-8")
_ANY_TYPE = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_IS_STRUCTURE = re.compile("(?:multipart|message)/")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]")

Field = tuple[str, str]


def one_line(text: str, longest: int = 250) -> str:
    """Text that is valid in a header, and beside words of ours: no control character, none that
    turns the direction of a line, and no `=?`, which some readers would decode again."""
    line = " ".join(_CONTROLS.sub(" ", _TURNS.sub("", text)).split()).replace("=?", "= ?")
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def plain(text: str) -> str:
    """Text that is valid in a body: whole characters, lines that end with LF, no other control."""
    text = text.encode("utf-8", "replace").decode()
    return _CONTROLS_BUT_LINES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def unstructured(name: str, text: str) -> str:
    """The value of a field such as Subject, in encoded-words where necessary (RFC 2047)."""
    line = one_line(text)
    if line.isascii():
        return line
    return Header(line, _UTF8, maxlinelen=75, header_name=name).encode(linesep="\r\n")


def mailbox(name: str, address: str) -> str:
    """The value of From and To: `Ann <ann@acme.example>`.

    ValueError for an address that is not valid there.
    """
    if _CONTROLS.search(address) or not address.isascii():
        raise ValueError(f"{address!r} is not valid in a header")
    line = one_line(name, 60)
    if line.isascii():
        return formataddr((line, address))
    phrase = Header(line, _UTF8, maxlinelen=75, header_name="From").encode(linesep="\r\n")
    return f"{phrase} <{address}>"


def written(fields: Iterable[Field], body: bytes) -> bytes:
    """A whole mail. ValueError for a field that would become more than one."""
    lines = [f"{name}: {value}" for name, value in fields]
    for line in lines:
        if _FIELD.fullmatch(line) is None:
            raise ValueError(f"the header field {line[:80]!r} is not valid")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii") + b"\r\n" + body


@dataclass(frozen=True, slots=True)
class Encoded:
    """A part of a mail: its fields and its body."""

    fields: Sequence[Field]
    body: bytes


def of_text(kind: str, text: str) -> Encoded:
    """A text. Plain ASCII is left readable in the raw mail; other text is encoded to it."""
    body = text.removesuffix("\n") + "\n"
    if body.isascii() and max(map(len, body.split("\n"))) <= LONGEST_LINE:
        ascii_body = body.replace("\n", "\r\n").encode("ascii")
        return Encoded(_encoding(kind, "us-ascii", "7bit"), ascii_body)
    octets = body.replace("\n", "\r\n").encode()
    if sum(octet > 127 for octet in octets) * 6 > len(octets):
        return Encoded(_encoding(kind, "utf-8", "base64"), _base64(octets))
    quoted = binascii.b2a_qp(body.encode(), istext=True).replace(b"\n", b"\r\n")
    return Encoded(_encoding(kind, "utf-8", "quoted-printable"), quoted)


def of_file(name: str, kind: str, content: bytes) -> Encoded:
    """A file that is attached (RFC 2183), under its name in UTF-8 (RFC 2231) and, for old clients,
    in ASCII. A mail is a file of any type: as a mail it could not be in base64."""
    declared = kind if _TYPE.fullmatch(kind) and not _IS_STRUCTURE.match(kind) else _ANY_TYPE
    name = one_line(name, 200).replace("/", "_").replace("\\", "_").lstrip(".") or "attachment"
    plain_name = _NOT_PLAIN.sub("_", name)
    fields = [
        ("Content-Type", f'{declared};\r\n name="{plain_name}"'),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f"attachment;\r\n {_file_name(name, plain_name)}"),
    ]
    return Encoded(fields, _base64(content))


def of_image(content_id: str, kind: str, content: bytes) -> Encoded:
    """An image that the HTML of the same mail shows (RFC 2392)."""
    fields = [
        ("Content-Type", kind),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-ID", f"<{content_id}>"),
        ("Content-Disposition", "inline"),
    ]
    return Encoded(fields, _base64(content))


def multipart(kind: str, boundary: str, parts: Sequence[Encoded]) -> Encoded:
    """Several parts as one; a single part as it is. `boundary` must not occur in any of them."""
    if len(parts) == 1:
        return parts[0]
    mark = boundary.encode()
    inner = b"".join(b"--%b\r\n%b\r\n" % (mark, written(part.fields, part.body)) for part in parts)
    declared = f'multipart/{kind};\r\n boundary="{boundary}"'
    return Encoded([("Content-Type", declared)], inner + b"--%b--\r\n" % mark)


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def _file_name(name: str, plain_name: str) -> str:
    if plain_name == name:
        return f'filename="{name}"'
    return f"filename*=UTF-8''{quote(name, safe='')}"


def _encoding(kind: str, charset: str, encoding: str) -> list[Field]:
    return [
        ("Content-Type", f"{kind}; charset={charset}"),
        ("Content-Transfer-Encoding", encoding),
    ]
