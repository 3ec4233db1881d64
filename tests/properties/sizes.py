"""Mails whose elements grow one at a time: counts and lengths, up to the size limit of a mail.

`python -m tests.properties.sizes HOST PORT` sends the mails that are named on its standard input, a
JSON object a line, and answers each with a line: its own process does not share the server's
interpreter lock.
"""

from __future__ import annotations

import base64
import json
import smtplib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

LIMIT_BYTES = 24 * 2**20
AUTHOR = "ann@acme.example"
RECIPIENT = "support@help.example"


@dataclass(frozen=True, slots=True)
class SizedMail:
    shape: str
    size_bytes: int
    """About so many bytes of the element that grows."""

    author: str = AUTHOR

    def raw(self) -> bytes:
        raw = SHAPES[self.shape](self.size_bytes)
        return raw.replace(AUTHOR.encode(), self.author.encode(), 1)

    def __str__(self) -> str:
        return f"{self.shape}, {self.size_bytes:,} bytes"


def _mail(fields: bytes, body: bytes) -> bytes:
    date = b"Date: Sat, 28 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%d@acme.example>\r\n"
    head = b"From: %s\r\nTo: %s\r\n" % (AUTHOR.encode(), RECIPIENT.encode())
    return head + date % (hash((fields, body)) & 0xFFFFFFFF) + fields + b"\r\n" + body


def _fill(piece: bytes, size: int) -> bytes:
    return piece * max(1, size // len(piece))


def _in_header(name: bytes, piece: bytes) -> Callable[[int], bytes]:
    """One field that grows, folded where it must be."""
    return lambda size: _mail(name + b": " + _fill(piece, size) + b"\r\n", b"Hello\r\n")


def _fields(field: bytes) -> Callable[[int], bytes]:
    """Fields that grow in number."""
    return lambda size: _mail(b"Subject: x\r\n" + _fill(field + b"\r\n", size), b"Hello\r\n")


def _text(piece: bytes, kind: bytes = b"text/plain; charset=utf-8") -> Callable[[int], bytes]:
    fields = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: " + kind + b"\r\n"
    return lambda size: _mail(fields, _fill(piece, size) + b"\r\n")


def _encoded(name: bytes, piece: bytes) -> Callable[[int], bytes]:
    fields = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: " + name + b"\r\n"
    return lambda size: _mail(fields, _fill(piece, size) + b"\r\n")


def _base64_of(piece: bytes, kind: bytes) -> Callable[[int], bytes]:
    fields = (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nContent-Type: "
    )
    return lambda size: _mail(
        fields + kind + b"\r\n",
        base64.encodebytes(_fill(piece, size * 3 // 4)).replace(b"\n", b"\r\n"),
    )


def _parts(part: bytes) -> Callable[[int], bytes]:
    fields = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    return lambda size: _mail(fields, _fill(b"--b\r\n" + part + b"\r\n", size) + b"--b--\r\n")


def _nested(size: int) -> bytes:
    level = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    levels = b"".join(level % (n, n) for n in range(max(1, size // 60)))
    return _mail(b"Subject: x\r\nMIME-Version: 1.0\r\n", b"").removesuffix(b"\r\n") + levels


HTML = b"text/html; charset=utf-8"
SHAPES: dict[str, Callable[[int], bytes]] = {
    "one line": _text(b"a"),
    "short lines": _text(b"a\r\n"),
    "empty lines": _text(b"\r\n"),
    "spaces": _text(b" \t"),
    "spaces before line ends": _text(b"a \t \r\n"),
    "header lines": _text(b"From: a\r\n"),
    "attributions": _text(b"On 1 May 2026, Ann wrote:\r\n"),
    "lines that nearly are attributions": _text(b"On 1 a@b " * 40 + b":\r\n"),
    "quoted lines": _text(b"> > a\r\n"),
    "reply marks": _text(b"##- Write your reply above\r\n"),
    "commands": _text(b"#status closed\r\n"),
    "claims": _text(b"Severity: Critical\r\n"),
    "links": _text(b"https://help.example/people/1/abcdefghij \r\n"),
    "reply addresses": _text(b"support+" + b"a" * 35 + b"@help.example\r\n"),
    "dots": _text(b"....\r\n"),
    "umlauts": _text("ä".encode()),
    "broken UTF-8": _text(b"\xe4\xb8\xad" * 9 + b"\xff"),
    "escapes of ISO-2022": _text(b"\x1b$B", b"text/plain; charset=iso-2022-jp"),
    "four-byte characters": _text(b"\x810\x810", b"text/plain; charset=gb18030"),
    "facts": _text(b"environment: prod version 1.2.3 error: since step \r\n"),
    "nested elements": _text(b"<b><i><u><s><p>", HTML),
    "elements": _text(b"<div>", HTML),
    "table cells": _text(b"<table><tr><td>", HTML),
    "attributes": _text(b"<p a=1 b=2 c=3>", HTML),
    "one tag": _text(b"<p a1=1 ", HTML),
    "entities": _text(b"&amp;", HTML),
    "comments": _text(b"<!--", HTML),
    "elements in base64": _base64_of(b"<b><i><u><s><p>", HTML),
    "a text in base64": _base64_of(b"On 1 a@b :\n", b"text/plain"),
    "a file": _base64_of(bytes(Random(1).randbytes(1000)), b"application/pdf"),
    "garbage in base64": _encoded(b"base64", b"A=B!"),
    "quoted-printable": _encoded(b"quoted-printable", b"=C3=A4=\r\n"),
    "uuencode": _encoded(b"x-uuencode", b"M" + b"a" * 60 + b"\r\n"),
    "parts": _parts(b"\r\nx"),
    "parts with HTML": _parts(b"Content-Type: text/html\r\n\r\n" + b"<b><i>" * 500),
    "parts with many parameters": _parts(
        b"Content-Type: a/b" + b"".join(b"; n*%d*=%%41" % n for n in range(60)) + b"\r\n\r\nx"
    ),
    "attached mails": _parts(
        b"Content-Type: message/rfc822\r\n\r\nSubject: " + b"=?utf-8?q?a?= " * 500 + b"\r\n\r\nx"
    ),
    "boundaries": _text(b"--b\r\n", b"multipart/mixed; boundary=b"),
    "levels": _nested,
    "fields": _fields(b"a:"),
    "Received fields": _fields(b"Received: from a by b; Mon"),
    "To fields": _fields(b"To: =?utf-8?q?=22?= <a@b.example>"),
    "recipients": _in_header(b"Subject: x\r\nCc", b"a@b.example,\r\n "),
    "quotes in Cc": _in_header(b"Subject: x\r\nCc", b'"'),
    "brackets in Cc": _in_header(b"Subject: x\r\nCc", b"<(["),
    "references": _in_header(b"Subject: x\r\nReferences", b"<a.b.c@d.example>\r\n "),
    "a subject": _in_header(b"Subject", b"[#7] "),
    "encoded-words": _in_header(b"Subject", b"=?utf-8?b?w6Q=?= "),
    "encoded-words without an end": _in_header(b"Subject", b"=?utf-8?q?"),
    "folds": _in_header(b"Subject: x\r\nX-Long", b"a\r\n "),
    "languages": _in_header(b"Subject: x\r\nAccept-Language", b"de,"),
    "signatures": _fields(b"DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=s1; h=from; b=x"),
    "names in h=": _in_header(b"DKIM-Signature: v=1; d=acme.example; s=s1; h", b"from:"),
    "a bounce": lambda size: _mail(
        b"Subject: x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        + _fill(b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n\r\n", size),
    ),
}

STEPS_BYTES = (8_000, 31_000, 62_000, 260_000, 2**20, 8 * 2**20, LIMIT_BYTES)
"""Around each of our own limits, and up to the limit of a mail."""


def sized_mails(seed: int | None = None, largest_bytes: int = LIMIT_BYTES) -> Iterator[SizedMail]:
    """Every shape at every step; with a seed, at random sizes instead, and without an end."""
    if seed is None:
        for shape in SHAPES:
            for size in STEPS_BYTES:
                if size <= largest_bytes:
                    yield SizedMail(shape, size)
        return
    random = Random(seed)
    while True:
        size = int(1000 * (largest_bytes / 1000) ** random.random())
        yield SizedMail(random.choice(list(SHAPES)), size)


def _send(host: str, port: int) -> None:
    for line in sys.stdin:
        mail = SizedMail(**json.loads(line))
        raw = mail.raw()
        with smtplib.SMTP(host, port, timeout=120) as client:
            client.ehlo("client.example")
            client.mail(mail.author)
            client.rcpt(RECIPIENT)
            code, text = client.data(raw)
        sys.stdout.write(json.dumps([code, text.decode()]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _send(sys.argv[1], int(sys.argv[2]))
