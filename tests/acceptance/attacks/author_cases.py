"""Attacks on the author: From fields that two readers understand differently."""

from __future__ import annotations

from tests.acceptance.attacks.attack import UNKNOWN, Attack
from tests.acceptance.internet import (
    ANN,
    EVE,
    signed_by,
    with_from,
)


def ambiguous(name: str, field: str | bytes, *more: str) -> Attack:
    """A From that can be read in two ways."""
    return Attack(name, lambda: with_from(field, *more), UNKNOWN, "from_ambiguous_refused")


def from_a_stranger(name: str, field: str | bytes, *more: str) -> Attack:
    """A From whose author is plainly at evil.example, whose signature is valid."""

    def raw() -> bytes:
        return signed_by("evil.example", with_from(field, *more))

    return Attack(name, raw, UNKNOWN, "stranger")


def malformed(name: str, field: bytes) -> Attack:
    """Bytes that SMTP does not allow; the mail is refused unread."""
    return Attack(name, lambda: with_from(field), "550 5.6.11 ", "")


AUTHOR_CASES = (
    ambiguous("two From fields", f"From: {EVE}\r\nFrom: {ANN}"),
    ambiguous("two From fields, the other way round", f"From: {ANN}\r\nFrom: {EVE}"),
    ambiguous("two addresses", f"From: {EVE}, {ANN}"),
    ambiguous("two addresses, the second behind a fold", f"From: {ANN},\r\n {EVE}"),
    ambiguous("group", f"From: Friends: {ANN}, {EVE};"),
    ambiguous("group that begins with an address", f"From: {ANN}:{EVE};"),
    ambiguous("empty group", "From: undisclosed:;"),
    ambiguous("empty From", "From:"),
    ambiguous("no From", "X-From: ann@acme.example"),
    ambiguous("no address", "From: Ann"),
    ambiguous("control character", f"From: ann\x08@acme.example <{EVE}>"),
    ambiguous("control character in the address", "From: <ann\x7f@acme.example>"),
    ambiguous("comment behind", f"From: {EVE} ({ANN})"),
    ambiguous("comment before", f"From: ({EVE}) {ANN}"),
    ambiguous("comment inside", "From: ann@(evil.example)acme.example"),
    ambiguous("nested comment", f"From: {ANN}(a(<{EVE}>))"),
    ambiguous("encoded address in a comment", f"From: {EVE} (=?utf-8?q?ann=40acme.example?=)"),
    ambiguous("address in UTF-7 in a comment", f"From: {EVE} (=?utf-7?q?ann+AEA-acme.example?=)"),
    ambiguous("wide @ in a comment", f"From: {EVE} (ann\uff20acme.example)"),
    ambiguous("wide bracket in the name", f"From: ann\uff1c <{EVE}>"),
    ambiguous("quoted address before a comment", f'From: "{ANN}" (x) <{EVE}>'),
    ambiguous("quoted address with 8-bit octets", f'From: "{ANN} \u00e9" <{EVE}>'),
    ambiguous("8-bit octet before an escaped quote", b'From: "\x81\\"" <eve@evil.example>'),
    ambiguous("encoded line end before a comment", f"From: =?utf-8?q?x=0d=0ay?= (x) <{EVE}>"),
    ambiguous("comma outside of quotes", f"From: Ann, Eve <{EVE}>"),
    ambiguous("colon outside of quotes", f"From: Ann: Eve <{EVE}>"),
    ambiguous(
        "a second From beyond 256 KiB", f"From: {EVE}", "X: " + "y" * 262_144, f"From: {ANN}"
    ),
    ambiguous("folded line of white space", f"From: {EVE}\r\n \r\n ,{ANN}"),
    ambiguous("folded address in a quoted name", f'From: "{ANN}\r\n x" <{EVE}>'),
    ambiguous("fold at the very front", f" From: {EVE}\r\nFrom: {ANN}"),
    ambiguous("folded field name", f"Fro\r\n m: {EVE}\r\nFrom: {ANN}"),
    ambiguous("space before the colon", f"From : {ANN}"),
    ambiguous("mbox line before", f"From {EVE} Mon\r\nFrom: {ANN}"),
    ambiguous("byte order mark", f"\ufeffFrom: {ANN}"),
    ambiguous("encoded-word as address", "From: =?utf-8?b?YW5uQGFjbWUuZXhhbXBsZQ==?="),
    ambiguous("encoded-word as local part", "From: =?utf-8?q?ann=40acme.example=3e?=@evil.example"),
    ambiguous("encoded-word as domain", "From: ann@=?utf-8?q?acme.example?="),
    ambiguous("address as an unquoted name", f"From: {ANN} <{EVE}>"),
    ambiguous("two addresses in angles", f"From: <{ANN}> <{EVE}>"),
    ambiguous("address behind the angles", f"From: <{ANN}> {EVE}"),
    ambiguous("bracket behind the address", f"From: {ANN}]<{EVE}>"),
    ambiguous("source route", f"From: <@evil.example:{ANN}>"),
    ambiguous("quoted local part with @", f'From: "{ANN}"@evil.example'),
    ambiguous("quoted pair", f'From: "{ANN}\\" <{EVE}>"@x.example'),
    ambiguous("backslash before @", "From: ann\\@acme.example@evil.example"),
    ambiguous("semicolon", f"From: {ANN}; {EVE}"),
    ambiguous("raw look-alike", "From: ann@\u0430cme.example"),
    ambiguous("dot behind the domain", f"From: {ANN}."),
    ambiguous("address literal", "From: ann@[127.0.0.1]"),
    ambiguous("two dots", "From: ann..ann@acme.example"),
    ambiguous("From of 1,000 octets", f"From: {'a ' * 500}<{EVE}>"),
    ambiguous("local part of 65 characters", f"From: {'a' * 65}@acme.example"),
    ambiguous("two Sender fields", f"From: {ANN}", f"Sender: {EVE}", f"Sender: {ANN}"),
    ambiguous("two Subject fields", f"From: {ANN}", "Subject: another"),
    malformed("NUL", b"From: ann@acme.example\0@evil.example"),
    malformed("NUL in the name", b"From: Ann\0 <eve@evil.example>"),
    malformed("bare CR makes a From", b"X: y\rFrom: ann@acme.example\r\nFrom: eve@evil.example"),
    malformed("bare LF makes a From", b"X: y\nFrom: ann@acme.example\r\nFrom: eve@evil.example"),
    from_a_stranger("display name is an address", f'From: "{ANN}" <{EVE}>'),
    from_a_stranger(
        "display name is an encoded address", f"From: =?utf-8?q?ann=40acme.example?= <{EVE}>"
    ),
    from_a_stranger("display name with angles", f'From: "Ann <{ANN}>" <{EVE}>'),
    from_a_stranger(
        "encoded line end", f"From: =?utf-8?q?x=0d=0aFrom=3a_ann=40acme.example?= <{EVE}>"
    ),
    from_a_stranger("other line ends", f"X: y\x0bFrom: {ANN}\x0c\u2028From: {ANN}\r\nFrom: {EVE}"),
    from_a_stranger("percent hack", "From: ann%acme.example@evil.example"),
    from_a_stranger("customer's domain as a beginning", "From: ann@acme.example.evil.example"),
    from_a_stranger("Sender of a customer", f"From: {EVE}", f"Sender: {ANN}"),
    from_a_stranger("Reply-To of a customer", f"From: {EVE}", f"Reply-To: {ANN}"),
    from_a_stranger("Resent-From of a customer", f"From: {EVE}", f"Resent-From: {ANN}"),
    from_a_stranger("X-Original-Sender of a customer", f"From: {EVE}", f"X-Original-Sender: {ANN}"),
    from_a_stranger("look-alike as A-label", "From: ann@xn--cme-5cd.example"),
)
