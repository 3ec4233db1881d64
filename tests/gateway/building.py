"""Small builders of raw mails, so that a test shows only the part that matters."""

from __future__ import annotations

HEAD = (
    b"From: Ann <ann@corp.test>\r\nTo: Support <support@help.test>, x@y.test\r\n"
    b'Cc: "B, C" <bc@corp.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n'
    b"Date: Mon, 1 Jan 2024 10:00:00 +0100\r\nMessage-ID: <1@corp.test>\r\n"
    b"In-Reply-To: <0@help.test>\r\nReferences: <r@help.test>\r\n <0@help.test>\r\n"
)


def a_part(content: bytes, *headers: str) -> bytes:
    return "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + content


def text(content: str, kind: str = "plain", *headers: str) -> bytes:
    return a_part(content.encode(), f"Content-Type: text/{kind}; charset=utf-8", *headers)


def multipart(kind: str, *parts: bytes) -> bytes:
    boundary = b"=_%d" % (sum(map(len, parts)))
    inner = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    line = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode(), boundary)
    return line + inner + b"--" + boundary + b"--\r\n"


def a_mail(part: bytes) -> bytes:
    return HEAD + part
