"""Generated mails: unusual but well-formed ones, and mutants of them."""

from __future__ import annotations

import base64
import quopri
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from tests.fuzz.mail_pieces import (
    CHARSETS,
    FIELDS,
    MULTIBYTE,
    SHEET_BEGINNINGS,
    SHEET_BODIES,
    SHEET_LISTS,
    SUBJECTS,
    TAGS,
    TOKENS,
    UNITS,
    WORDS,
)
from tests.rules.building import ANN, BOB, GIL, SAM, SUPPORT, token_to

MARK = "Pumpenhaus"
"""The word that the shown text of an unmutated mail contains."""
MIB = 2**20
_AUTHOR = re.compile(rb"(?im)^from:[^\n]*\n(?:[ \t][^\n]*\n)*")
FIXTURES = tuple(
    _AUTHOR.sub(b"", path.read_bytes().replace(b"\r\n", b"\n"), count=1).replace(b"\n", b"\r\n")
    for path in sorted(Path(__file__).parents[1].rglob("*.eml"))
)
"""The mails of the tests, without their authors."""
AUTHORS = (ANN.address,) * 4 + (BOB.address, GIL.address, SAM.address, "eve@evil.example")


@dataclass(frozen=True, slots=True)
class GeneratedMail:
    raw: bytes
    author: str
    recipient: str
    well_formed: bool
    """It was not mutated: its text must be shown."""


def generated(random: Random) -> GeneratedMail:
    """A mail; about half of them are well-formed, and a few are large."""
    author, recipient = random.choice(AUTHORS), _recipient(random)
    if random.random() < 0.1:
        return _fixture(random, author, recipient)
    if random.random() < 0.004:
        return GeneratedMail(
            _large(random, author, recipient), author, recipient, well_formed=False
        )
    header = _header(random, author, recipient)
    if random.random() < 0.003:
        return GeneratedMail(header + _sheet(random), author, recipient, well_formed=False)
    raw = header + _shown(random, 0)
    if random.random() < 0.5:
        return GeneratedMail(raw, author, recipient, well_formed=True)
    body = bytearray(raw)
    first_line = body.index(b"\r\n") + 2  # From stays, or most mutants would end at their author
    for _ in range(random.randint(1, 6)):
        _mutate(random, body, first_line)
    return GeneratedMail(bytes(body), author, recipient, well_formed=False)


def _fixture(random: Random, author: str, recipient: str) -> GeneratedMail:
    """A mail of the tests with damage in it, from an author whom we know."""
    raw = bytearray(f"From: {author}\r\n".encode() + random.choice(FIXTURES))
    first_line = raw.index(b"\r\n") + 2
    for _ in range(random.randint(1, 6)):
        _mutate(random, raw, first_line)
    return GeneratedMail(bytes(raw), author, recipient, well_formed=False)


def _recipient(random: Random) -> str:
    if random.random() < 0.5:
        return SUPPORT
    return token_to(random.choice((70, 70, 71, 99)), random.choice((7, 7, 8)))


def _header(random: Random, author: str, recipient: str) -> bytes:
    lines = [
        f"From: {author}",
        f"To: {recipient}",
        f"Subject: {random.choice(SUBJECTS)}",
        f"Message-ID: <{random.getrandbits(32):x}@client.example>",
        "MIME-Version: 1.0",
    ]
    lines += random.sample(FIELDS, random.choice((0, 0, 1, 2, 5)))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _shown(random: Random, depth: int) -> bytes:
    """A part whose text is shown and contains the mark; its header first."""
    kind = random.random()
    if depth > 3 or kind < 0.5:
        return _text(random, MARK)
    if kind < 0.65:
        return _html(random, MARK)
    if kind < 0.8:
        return _multipart(random, "alternative", _text(random, MARK), _html(random, MARK))
    if kind < 0.9:
        others = (_other(random, depth + 1) for _ in range(random.choice((0, 1, 2, 8))))
        return _multipart(random, "mixed", _shown(random, depth + 1), *others)
    return _multipart(random, "related", _html(random, MARK), _attachment(random))


def _other(random: Random, depth: int) -> bytes:
    made = random.choice((_text, _html, _attachment, _attached_mail, partial(_shown, depth=depth)))
    return made(random)


def _text(random: Random, mark: str = "") -> bytes:
    charset, codec = random.choice(CHARSETS)
    lines = [mark, *random.choices(WORDS, k=random.choice((0, 1, 4, 12)))]
    text = "\r\n".join(lines).encode(codec, "replace")
    kind = random.choice(("plain", "plain", "plain; format=flowed", "PLAIN"))
    return _leaf(random, f"text/{kind}" + (f'; charset="{charset}"' if charset else ""), text)


def _html(random: Random, mark: str = "") -> bytes:
    charset, codec = random.choice(CHARSETS)
    pieces = random.choices((*TAGS, *WORDS[:24]), k=random.choice((0, 2, 10, 40)))
    text = f"<p>{mark}</p>{' '.join(pieces)}".encode(codec, "replace")
    return _leaf(random, "text/html" + (f"; charset={charset}" if charset else ""), text)


def _attachment(random: Random) -> bytes:
    name = random.choice(('"a.pdf"', "a.pdf", '"=?utf-8?q?=C3=A4.pdf?="', "../x", '"a\\"b"', '""'))
    kind = random.choice(("application/pdf", "image/png", "text/calendar", "application/x", "x"))
    disposition = random.choice((f"attachment; filename={name}", f"inline; filename={name}", "x"))
    head = f"Content-Disposition: {disposition}\r\nContent-ID: <x>\r\n".encode()
    return head + _leaf(random, kind, random.randbytes(random.choice((0, 10, 300))))


def _attached_mail(random: Random) -> bytes:
    inner = _header(random, "eve@evil.example", SUPPORT) + _text(random)
    return b"Content-Type: message/rfc822\r\n\r\n" + inner


def _leaf(random: Random, content_type: str, content: bytes) -> bytes:
    encoding = random.choice(("base64", "quoted-printable", "BASE64", "7bit"))
    if encoding.lower() == "base64" or not content.isascii() or b"\0" in content:
        encoding, content = "base64", base64.encodebytes(content).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + content


def _multipart(random: Random, kind: str, *parts: bytes) -> bytes:
    boundary = random.choice((b"b", b"=_x", b"b b", b"'()+_,-./:=?", b"B" * 70)) + (
        b"%x" % random.getrandbits(24)
    )
    inner = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode(), boundary)
    preamble = random.choice((b"", b"", b"This is a multipart message.\r\n"))
    end = random.choice((b"--" + boundary + b"--\r\n",) * 4 + (b"",))
    return head + preamble + inner + end


def _mutate(random: Random, mail: bytearray, first: int) -> None:
    near = random.random() < 0.7
    at = random.randrange(
        first, max(first + 1, min(len(mail), first + 3000 if near else len(mail)))
    )
    kind = random.random()
    if kind < 0.5:
        mail[at:at] = random.choice(TOKENS)
    elif kind < 0.65:
        mail[at : at + 1] = bytes([random.randrange(256)])
    elif kind < 0.8:
        del mail[at : at + random.choice((1, 2, 40, 300))]
    else:  # a copy from elsewhere: two headers, two boundaries, a part within a part
        start = random.randrange(len(mail))
        mail[at:at] = mail[start : start + random.choice((4, 40, 400))]


def _sheet(random: Random) -> bytes:
    """HTML with a style sheet of one large rule, or of many in each other."""
    size = random.choice((20_000, 60_000, 60_000, 400_000))
    listed = random.choice(SHEET_LISTS)
    body = random.choice(SHEET_BODIES)
    share = random.choice((0.02, 0.3, 0.5))
    sheet = "".join(
        (
            random.choice(("none", "none;")),
            random.choice(SHEET_BEGINNINGS),
            listed * int(size * share / max(1, len(listed))),
            random.choice(("{", "{.a{", "")),
            body * int(size * (0.95 - share) / (len(body) + 1)),
            random.choice(("}", "", ")", '"')) * int(size * (0.95 - share) / (len(body) + 1)),
        )
    )
    markup = f"<style>{sheet}</style>" + "<p class=a>x" * random.choice((1, 50))
    return b"Content-Type: text/html\r\n\r\n" + markup.encode()


def _large(random: Random, author: str, recipient: str) -> bytes:
    """One or two short pieces again and again, up to the size limit."""
    size = int(2 ** random.uniform(14, 21 if random.random() < 0.95 else 24.6))
    unit = random.choice(UNITS) + random.choice((b"", b"", *UNITS))
    repeated = unit * (size // len(unit))
    kind = random.choice(("text/plain", "text/plain", "text/html", "multipart/mixed; boundary=b"))
    encoding = random.choice(("7bit", "7bit", "base64", "quoted-printable"))
    if encoding == "base64":
        repeated = base64.encodebytes(repeated).replace(b"\n", b"\r\n")
    elif random.random() < 0.1:  # in the header
        name = random.choice(("To", "Cc", "References", "Received", "X", "Content-Type", "Subject"))
        value = repeated.translate(None, b"\r\n")[: random.choice((15_000, 200_000, 400_000))]
        fields = f"From: {author}\r\nTo: {recipient}\r\n{name}: ".encode()
        return fields + value + b"\r\n\r\nx\r\n"
    head = _header(random, author, recipient)
    if kind.startswith("text/") and random.random() < 0.3:
        kind += f"; charset={random.choice(MULTIBYTE)}"
    kind_fields = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head + kind_fields.encode() + repeated
