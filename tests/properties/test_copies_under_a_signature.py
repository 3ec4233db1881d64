"""Every change that a verification tolerates leaves a signed mail as it is read, or has it held.

The signatures are of no key: a copy is one that a verification tolerates if its canonical forms are
those of the mail itself.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator

import pytest

from gateway.authentication.signatures import (
    HeaderField,
    RawMessage,
    Tags,
    has_this_body,
    header_digest_input,
    read_message,
    read_tags,
    select_fields,
)
from gateway.authentication.structure import signed_scope
from gateway.parsing.reading import read
from rules.decision import content
from rules.mail import Body, Envelope
from rules.mail.automatic import sign_of_automation
from rules.mail.quoting import is_forward, visible
from rules.sender.authentication import Authentication
from rules.sender.signature_scope import restrict_to_signed
from tests.rules.building import SUPPORT

HEAD = (
    f"From: Ann <ann@acme.example>\r\nTo: {SUPPORT}\r\nSubject: WG: The pump is broken\r\n"
    "Date: Sat, 21 Nov 2026 06:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\nMIME-Version: 1.0\r\n"
)
BLOCK = "De : Gil <gil@globex.example>\r\nDate : 30/11/2026\r\nObjet : Panne\r\n\r\nAide.\r\n"
WORDS = "#severity high\r\n\r\nThe pump is broken.\r\n\r\n-- \r\nAnn\r\n"
PLAIN = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + WORDS
HTML = (
    "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    "<p>#severity high</p><p>The pump is broken.</p><p>-- <br>Ann</p>\r\n"
)
INNER = "From: Gil <gil@globex.example>\r\nSubject: No light\r\n\r\n" + "Some words.\r\n" * 900
FORWARD = f"--b\r\nContent-Type: message/rfc822\r\n\r\n{INNER}"
STATUS = "--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n"
REPLY = (
    "--b\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n"
)
INVITATION = (
    "--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n"
    "METHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Visit of the technician for the pump\r\n"
    "DTSTART:20261202T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
FILE = (
    '--b\r\nContent-Type: application/pdf; name="the plan of the pump.pdf"\r\n'
    "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoK\r\n"
)
ENCODED = base64.encodebytes(WORDS.encode() * 3).decode().replace("\n", "\r\n")


def multipart(kind: str, *parts: str) -> str:
    return f"Content-Type: multipart/{kind}; boundary=b\r\n\r\n{''.join(parts)}--b--\r\n"


MAILS = {
    "plain": "\r\n" + WORDS,
    "forward": "\r\nPlease help.\r\n\r\n" + BLOCK,
    "base64": "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + ENCODED,
    "flowed": "Content-Type: text/plain; format=flowed\r\n\r\nThe pump is \r\nbroken.\r\n\r\n"
    + WORDS,
    "quoted": "Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=C3=B6n, the pu=\r\nmp.\r\n",
    "japanese": "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3$s\x1b(B a b\r\n",
    "pdf": "Content-Type: application/pdf\r\n\r\n%PDF-1.4 x\r\n",
    "alternative": multipart("alternative", PLAIN, HTML),
    "mixed": multipart("mixed", PLAIN, FILE),
    "attached": multipart("mixed", PLAIN, FORWARD),
    "report": multipart("report", PLAIN, STATUS, FORWARD),
    "answer": multipart("alternative", PLAIN, REPLY),
    "invitation": multipart("alternative", PLAIN, INVITATION),
}
SIGNERS = {
    "gmail": ("to:subject:message-id:date:from:mime-version:cc:reply-to", "relaxed/relaxed"),
    "outlook": ("from:date:subject:message-id:content-type:to:mime-version", "relaxed/relaxed"),
    "ses": ("from:to:subject:mime-version:content-type:message-id:date", "relaxed/simple"),
    "postfix": ("from:to:subject:date", "relaxed/simple"),
    "simple": ("from:to:subject:date:message-id:content-type", "simple/simple"),
}
ADDED = (
    "Content-Type: text/plain; charset=utf-16",
    "Content-Type: text/html",
    *(f"Content-Type: multipart/{kind}; boundary=b" for kind in ("mixed", "alternative", "report")),
    "Content-Disposition: inline; filename=x.exe",
    "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: quoted-printable",
    "Auto-Submitted: auto-replied",
    "X-Priority: 1",
    "References: <2@acme.example>",
    "Cc: eve@evil.test",
    "Subject: another",
)


def signed(mail: bytes, signer: str) -> bytes:
    names, canonical = SIGNERS[signer]
    digest = base64.b64encode(parsed(mail).body_digest(canonical.partition("/")[2])).decode()
    field = f"v=1; a=rsa-sha256; c={canonical}; d=acme.example; s=s; t=1; h={names}; bh={digest}"
    return f"DKIM-Signature: {field}; b=AAAA\r\n".encode() + mail


def parsed(raw: bytes) -> RawMessage:
    message = read_message(raw)
    assert isinstance(message, RawMessage)
    return message


def signature_of(message: RawMessage) -> tuple[HeaderField, Tags]:
    (field,) = message.named(b"dkim-signature")
    tags = read_tags(field[1])
    assert not isinstance(tags, str)
    return field, tags


def covered(raw: bytes) -> bytes | None:
    """What is signed; None if the body is another, or the header is none of one author."""
    message = read_message(raw)
    if not isinstance(message, RawMessage):
        return None
    field, tags = signature_of(message)
    if not has_this_body(message, tags):
        return None
    fields = select_fields(message.fields, tags[b"h"].split(b":"))
    return header_digest_input(tags[b"c"], fields, field)


def as_read(raw: bytes) -> dict[str, object] | None:
    """What is read of a mail that only its signature proves; None if it is held."""
    message = parsed(raw)
    scope, _ = signed_scope(message, [signature_of(message)])
    if scope.problem:
        return None
    mail = restrict_to_signed(read(raw), Authentication(True, "dkim:x", signed_scope=scope))
    assert isinstance(mail.body, Body)
    envelope = Envelope("192.0.2.1", "", False, "ann@acme.example", (SUPPORT,))
    files = [(each.name, each.content_type, each.is_click) for each in mail.body.attachments]
    shown = visible(content.body_text(mail), forwarded=is_forward(mail.subject))
    forwarded = content.forwarded_by(mail)
    return {
        "people": (mail.author, mail.to, mail.cc),
        "ids": (mail.message_id, mail.in_reply_to, mail.references),
        "subject": (mail.subject, mail.date),
        "text": mail.body.text.split(),
        "shown": shown.text.split(),
        "files": (files, mail.body.damaged),
        "forwarded": forwarded and (forwarded.author, forwarded.subject, forwarded.text.split()),
        "automatic": str(sign_of_automation(mail, envelope, answers=True)),
        "click": content.is_click(mail),
        "claims": mail.header.get("x-priority"),
    }


def copies(raw: bytes) -> Iterator[bytes]:
    """Changes of a mail; a verification tolerates many of them."""
    head, _, body = raw.partition(b"\r\n\r\n")
    own, *fields = re.split(rb"\r\n(?![ \t])", head)
    chance = random.Random(len(raw))
    for gap in (b" " * 255, b"\t", b" " * 21):
        yield b"\r\n".join([own, *fields]) + b"\r\n\r\n" + re.sub(rb" (?=[^ \r])", gap, body)
        wide = [name + b":" + value.replace(b" ", gap) for name, value in map(halves, fields)]
        yield b"\r\n".join([own, *wide]) + b"\r\n\r\n" + body
    yield head.replace(b"\r\n", b" \t\r\n") + b"\r\n\r\n" + body
    yield head + b"\r\n\r\n" + re.sub(rb"[ \t]*\r\n", lambda _: chance.choice(ENDS), body)
    yield raw + b"\r\n\r\n"
    folded = [name + b":" + value.replace(b" ", b"\r\n ") for name, value in map(halves, fields)]
    yield b"\r\n".join([own, *folded]) + b"\r\n\r\n" + body
    yield b"\r\n".join([own, *fields[::-1]]) + b"\r\n\r\n" + body
    for index, field in enumerate(fields):
        yield b"\r\n".join([own, *fields[:index], *fields[index + 1 :]]) + b"\r\n\r\n" + body
        yield field + b"\r\n" + raw
    for field in map(str.encode, ADDED):
        name = field.partition(b":")[0].lower()
        others = [each for each in fields if each.partition(b":")[0].lower() != name]
        yield field + b"\r\n" + raw
        yield b"\r\n".join([own, *others, field]) + b"\r\n\r\n" + body


ENDS = (b"\r\n", b" \r\n", b"\t\r\n", b" \t \r\n")


def halves(field: bytes) -> tuple[bytes, bytes]:
    name, _, value = field.partition(b":")
    return name, value


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("mail", MAILS)
def test_a_copy_is_read_as_the_mail_or_held(mail: str, signer: str) -> None:
    raw = signed((HEAD + MAILS[mail]).encode(), signer)
    genuine, contents = as_read(raw), covered(raw)
    assert contents is not None

    tolerated = [copy for copy in copies(raw) if covered(copy) == contents]
    assert len(tolerated) > 10
    if genuine is not None:  # one that is held has no copy that is filed as it would be
        for copy in tolerated:
            assert as_read(copy) in (None, genuine), copy[:500]
