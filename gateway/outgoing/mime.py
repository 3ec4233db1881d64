"""The bytes of an outgoing mail: header lines and parts that no relay needs to change."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from email.charset import Charset
from email.header import Header
from email.utils import formataddr

LONGEST_LINE = 900
"""In octets; RFC 5322 §2.1.1 allows 998."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that set the direction of all that follows on the line, our own words included."""
_CONTROLS_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FIELD = re.compile(r"[A-Za-z-]+: [ -~]*(?:\r\n [!-~][ -~]*)*")
_UTF8 = Charset("utf-8")

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


def alternative(boundary: str, parts: Sequence[tuple[str, str]]) -> tuple[list[Field], bytes]:
    """Fields and body of texts of which a client shows the last that it can (RFC 2046 §5.1.4).

    A part is its type and its text. A single part is written without multipart. `boundary` must not
    occur in any of the texts.
    """
    version = [("MIME-Version", "1.0")]
    encoded = [_part(kind, text) for kind, text in parts]
    if len(encoded) == 1:
        fields, body = encoded[0]
        return version + fields, body
    inner = b"".join(
        b"--%b\r\n%b\r\n" % (boundary.encode(), written(fields, body)) for fields, body in encoded
    )
    kind = f'multipart/alternative;\r\n boundary="{boundary}"'
    return [*version, ("Content-Type", kind)], inner + b"--%b--\r\n" % boundary.encode()


def _part(kind: str, text: str) -> tuple[list[Field], bytes]:
    """Plain ASCII is left readable in the raw mail; other text is encoded to it."""
    body = text.removesuffix("\n") + "\n"
    if body.isascii() and max(map(len, body.split("\n"))) <= LONGEST_LINE:
        return _encoded(kind, "us-ascii", "7bit"), body.replace("\n", "\r\n").encode("ascii")
    octets = body.replace("\n", "\r\n").encode()
    if sum(octet > 127 for octet in octets) * 6 > len(octets):
        lines = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        return _encoded(kind, "utf-8", "base64"), lines
    quoted = binascii.b2a_qp(body.encode(), istext=True)
    return _encoded(kind, "utf-8", "quoted-printable"), quoted.replace(b"\n", b"\r\n")


def _encoded(kind: str, charset: str, encoding: str) -> list[Field]:
    return [
        ("Content-Type", f"{kind}; charset={charset}"),
        ("Content-Transfer-Encoding", encoding),
    ]
