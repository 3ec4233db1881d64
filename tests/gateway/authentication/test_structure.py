"""Unsigned Content-* fields count only if the signed body itself implies them."""

from __future__ import annotations

import base64
import quopri
import time

import pytest

from gateway.authentication.signatures import RawMessage, read_message
from gateway.authentication.structure import structure_problem

SIGNED = ("from", "to", "subject", "date", "message-id", "mime-version")
TEXT = "Guten Tag, die Pumpe läuft nicht mehr. Bitte rufen Sie mich an.\r\n" * 3
REPORT = (
    "--b1\r\nContent-Type: text/plain\r\n\r\nIt was read.\r\n"
    "--b1\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: x; displayed\r\n"
    "--b1\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\n\r\nx\r\n--b1--\r\n"
)
ALTERNATIVE = (
    "--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    "--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>\r\n--b1--\r\n"
)
WITH_FILE = (
    "--b1\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
    "--b1\r\nContent-Type: text/html; name=a.html\r\nContent-Disposition: attachment\r\n\r\n"
    "<p>x</p>\r\n--b1--\r\n"
)
QUOTING = (
    "--b1\r\nContent-Type: text/plain\r\n\r\nPlease keep my account.\r\n"
    "--b1\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\n\r\n"
    "--old\r\nContent-Type: text/plain\r\n\r\nPlease delete it.\r\n--old--\r\n--b1--\r\n"
)
FORWARDED_REPORT = QUOTING.replace(
    "\r\n--old\r\nContent-Type: text/plain", "\r\n--old\r\nContent-Type: message/delivery-status"
)
ENCODED = base64.encodebytes(TEXT.encode()).replace(b"\n", b"\r\n").decode()
WIDE = base64.encodebytes(TEXT.encode("utf-16")).replace(b"\n", b"\r\n").decode()
QUOTED = quopri.encodestring(TEXT.encode()).decode()
TYPE, ENCODING = "Content-Type: ", "Content-Transfer-Encoding: "


def problem(*fields: str, body: str | bytes, signed: tuple[str, ...] = SIGNED) -> str:
    octets = body.encode() if isinstance(body, str) else body
    head = "".join(f"{field}\r\n" for field in ("From: ann@acme.example", *fields))
    message = read_message(head.encode() + b"\r\n" + octets)
    assert isinstance(message, RawMessage)
    return structure_problem(message, signed)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((), "Plain words.\r\n"),
        ((TYPE + "text/plain; charset=us-ascii",), "Plain words.\r\n"),
        ((TYPE + 'text/plain; charset="UTF-8"; format=flowed', ENCODING + "8bit"), TEXT),
        ((TYPE + 'text/plain; charset="UTF-8"', ENCODING + "quoted-printable"), QUOTED),
        ((TYPE + 'text/plain; charset="UTF-8"', ENCODING + "base64"), ENCODED),
        ((TYPE + "text/plain; charset=us-ascii", ENCODING + "quoted-printable"), "No sign.\r\n"),
        ((TYPE + "text/plain; charset=iso-8859-1",), TEXT.encode("iso-8859-1")),
        ((TYPE + "text/html; charset=utf-8",), "<html><body><p>Hello</p></body></html>\r\n"),
        ((TYPE + "multipart/alternative; boundary=b1",), ALTERNATIVE),
        ((TYPE + 'multipart/alternative;\r\n boundary="b1"',), "\r\n" + ALTERNATIVE),
        (
            (TYPE + "multipart/alternative; boundary=b1",),
            "This is a multi-part message in MIME format.\r\n" + ALTERNATIVE,
        ),
        ((TYPE + "multipart/mixed; boundary=b1",), WITH_FILE),
        ((TYPE + "multipart/mixed; boundary=b1",), ALTERNATIVE),
        ((TYPE + "multipart/mixed; boundary=b1",), QUOTING),
        ((TYPE + "multipart/report; boundary=b1",), REPORT),
        (
            (TYPE + "multipart/alternative; boundary=b1",),
            "--b1\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n--b1--\r\n\r\n\r\n",
        ),
        (
            (TYPE + "multipart/alternative; boundary=b1",),
            "Dies ist eine mehrteilige Nachricht im MIME-Format.\r\n\r\n" + ALTERNATIVE,
        ),
        (
            (TYPE + "multipart/alternative; boundary=b1",),
            "This is a MIME-encapsulated message\r\n\r\n" + ALTERNATIVE,
        ),
        ((TYPE + "text/plain; charset=utf-16", ENCODING + "base64"), WIDE),
        ((), "Thank you\r\n"),
        ((), "da39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"),
        ((), "ABCDEFGH\r\nIJKLMNOP\r\n"),
        ((), "Please set limit=80 now.\r\n"),
        ((ENCODING + "quoted-printable",), "Die Pumpe l=E4uft nicht.\r\n"),
        ((ENCODING + "base64",), "SGVsbG8=\r\n"),
    ],
)
def test_what_honest_signers_leave_unsigned_is_accepted(
    fields: tuple[str, ...], body: str | bytes
) -> None:
    assert problem(*fields, body=body) == ""


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((TYPE + "application/octet-stream; name=x.bin",), TEXT),
        ((TYPE + "text/plain", "Content-Disposition: attachment; filename=x"), "Words.\r\n"),
        ((ENCODING + "base64",), "Please delete nothing, and call me.\r\n"),
        ((ENCODING + "base64",), "Please\r\n"),
        ((ENCODING + "quoted-printable",), "Transfer a=20 and b=33.\r\n"),
        ((ENCODING + "x-uuencode",), "begin 644 x\r\n"),
        ((TYPE + "text/plain; charset=utf-8",), QUOTED),
        ((TYPE + "text/plain; charset=utf-8", ENCODING + "7bit"), ENCODED),
        ((TYPE + "text/plain; charset=hz-gb-2312",), "~{<:Ky2;NpJ)~}\r\n"),
        ((TYPE + "text/plain; charset=cp037",), "Words.\r\n"),
        ((TYPE + "text/plain; charset=utf-16",), "Words\r\n"),
        ((TYPE + "text/plain; charset=utf-16le", ENCODING + "quoted-printable"), "W=C3=BCrd\r\n"),
        ((TYPE + "text/plain; charset=koi8-r",), "Es läuft.\r\n"),
        ((TYPE + "text/plain; charset=us-ascii; delsp=yes",), "can not \r\nable\r\n"),
        ((TYPE + "text/html",), "I like <script> x </script> y\r\n"),
        ((TYPE + "text/plain",), "<html><p>Hello</p></html>\r\n"),
        ((TYPE + "text/plain",), ALTERNATIVE),
        ((), ALTERNATIVE),
        ((TYPE + "multipart/mixed; boundary=old",), QUOTING),
        ((TYPE + "multipart/digest; boundary=b1",), WITH_FILE),
        ((TYPE + "multipart/report; boundary=b1",), QUOTING),
        ((TYPE + "multipart/report; boundary=b1",), FORWARDED_REPORT),
        ((TYPE + "multipart/mixed; boundary=b1",), REPORT),
        ((TYPE + "multipart/alternative; boundary=b1",), WITH_FILE),
        ((TYPE + 'multipart/mixed; boundary="b1"; boundary=old',), QUOTING),
        (
            (TYPE + "multipart/mixed; boundary=b1",),
            WITH_FILE + "\r\nBob sent this. Do not act.\r\n",
        ),
        (
            (TYPE + "multipart/mixed; boundary=b1",),
            ALTERNATIVE.replace("Hello", "Hello\r\n" * 50_000) + "Do not act.\r\n",
        ),
        ((TYPE + "multipart/mixed; boundary*=us-ascii''old",), QUOTING),
        ((TYPE + "multipart/mixed; boundary=sign",), "Please act.\r\n--sign\r\n\r\nAnn\r\n"),
        (
            (TYPE + "multipart/alternative; boundary=b1",),
            "This MIME mail is what they sent; please cancel my order.\r\n" + ALTERNATIVE,
        ),
        (
            (TYPE + "multipart/alternative; boundary=b1",),
            "This is a MIME message that I cannot read. Delete my account.\r\n" + ALTERNATIVE,
        ),
        ((TYPE + "message/rfc822",), "From: x@y.example\r\n\r\nwords\r\n"),
        ((TYPE + "???",), "Words.\r\n"),
        ((ENCODING + "base64",), "Thank you\r\n"),
        ((ENCODING + "base64",), "da39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"),
        ((ENCODING + "base64",), "ABCDEFGH\r\nIJKLMNOP\r\n"),
        ((ENCODING + "quoted-printable",), "Please set limit=80 now.\r\n"),
        ((TYPE + 'text/plain; charset="=?us-ascii?Q?koi8-r?="',), "Es läuft.\r\n"),
        ((TYPE + "text/plain; charset==?us-ascii?Q?cp037?=",), "Words.\r\n"),
        ((TYPE + "multipart/alternative; boundary=<b1>",), ALTERNATIVE.replace("--b1", "--<b1>")),
        ((TYPE + "multipart/alternative; boundary=b1" + "; a=b" * 70,), ALTERNATIVE),
        ((TYPE + "multipart/alternative; boundary=b1; a=" + "b" * 5000,), ALTERNATIVE),
        ((TYPE + "text/html",), "<html><meta charset=koi8-r><p>Es läuft.</p></html>"),
        ((ENCODING + "base64",), "\r\n" + (" " * 200 + "\r\n") * 1400 + "Words.\r\n"),
        ((TYPE + "text/plain",), ALTERNATIVE.replace("\r\n", " " * 300_000 + "\r\n", 1)),
        ((), "Words.\r\n" + "\r\n" * 1_000_001),
    ],
)
def test_what_would_change_the_reading_is_not(fields: tuple[str, ...], body: str) -> None:
    assert problem(*fields, body=body)


@pytest.mark.parametrize(
    ("kind", "added"),
    [
        ("application/pdf", "Content-Disposition: inline; filename=x.exe"),
        ("text/markdown", "Content-Disposition: inline; filename=x.md"),
        ("multipart/mixed; boundary=none", ENCODING + "base64"),
    ],
)
def test_no_unsigned_field_names_a_file_or_makes_one_under_a_signed_type(
    kind: str, added: str
) -> None:
    signed = (*SIGNED, "content-type")

    assert problem(TYPE + kind, added, body=ALTERNATIVE, signed=signed)
    assert not problem(TYPE + kind, body=ALTERNATIVE, signed=signed)


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Type: text/plain", "Content-Type: text/html"),
        ("MIME-Version: 1.0", "MIME-Version: 1.0"),
        ("Cc: a@x.example", "Cc: b@x.example"),
        ("Content-Foo: a", "Content-Foo: b"),
    ],
)
def test_two_of_a_single_field_are_a_problem_unless_both_are_signed(
    fields: tuple[str, ...],
) -> None:
    name = fields[0].partition(":")[0].lower()
    once, twice = ("from", name), ("from", name, name)

    assert problem(*fields, body="x\r\n", signed=once).startswith(f"2 {name} fields")
    assert not problem(*fields, body="x\r\n", signed=(*twice, "content-type"))


def test_a_signed_type_with_an_unsigned_encoding_is_accepted_if_the_body_has_that_encoding() -> (
    None
):
    signed = (*SIGNED, "content-type")
    html = TYPE + "application/pdf"
    assert problem(html, ENCODING + "base64", body=ENCODED, signed=signed) == ""
    assert problem(html, ENCODING + "7bit", body=ENCODED, signed=signed)
    assert problem(html, body=ENCODED, signed=signed)


def test_what_is_signed_is_never_a_problem() -> None:
    signed = (*SIGNED, "content-type", "content-transfer-encoding", "content-disposition")

    assert problem(TYPE + "text/html", ENCODING + "base64", body=TEXT, signed=signed) == ""


@pytest.mark.parametrize("covered", [SIGNED, (*SIGNED, "content-type")])
@pytest.mark.parametrize("blank", [" ", "\t", "\r\n "])
def test_a_field_of_nothing_but_white_space_costs_linear_time(
    blank: str, covered: tuple[str, ...]
) -> None:
    """The expressions hold the interpreter lock, so a slow one would hold everybody's mail."""
    began = time.thread_time()

    assert problem(TYPE + "text/plain" + blank * 80_000 + "x", body="Words.\r\n") != ""
    problem(body=(b"--" + b" " * 250 + b"x\r\n") * 1000, signed=covered)

    assert time.thread_time() - began < 1


def test_padding_that_no_signature_covers_is_a_problem_even_if_every_field_is_signed() -> None:
    """It could make a part's header exceed the limits of the parser, or the mail's lines."""
    signed = (*SIGNED, "content-type", "content-transfer-encoding", "content-disposition")
    kind = TYPE + "multipart/alternative; boundary=b1"
    padded = ALTERNATIVE.replace("text/plain;", "text/plain;" + " \t" * 10_000)

    assert problem(kind, body=ALTERNATIVE, signed=signed) == ""
    assert problem(kind, body=padded, signed=signed)
    assert problem(kind, body=ALTERNATIVE + "\r\n" * 1_000_001, signed=signed)
