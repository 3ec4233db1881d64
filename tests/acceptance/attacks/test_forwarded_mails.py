"""A customer's mail that staff attach to one of theirs: what its own signature proves."""

from __future__ import annotations

from zlib import crc32

import pytest

from tests.acceptance.internet import (
    EVE,
    GIL,
    SAM,
    ULA,
    Target,
    a_mail,
    genuine_mail,
    signed_by,
)
from tests.acceptance.support_server import SUPPORT


def forwarding(author: str, *attached: bytes) -> bytes:
    """A mail of an author, signed by their domain, with others attached."""
    number = crc32(b"".join(attached))
    head = (
        f"From: {author}\r\nTo: {SUPPORT}\r\nSubject: for you\r\n"
        f"Date: Sat, 21 Nov 2026 06:00:00 +0000\r\nMessage-ID: <{number}@f.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=frontier\r\n\r\n"
        "--frontier\r\nContent-Type: text/plain\r\n\r\nPlease take this.\r\n"
    ).encode()
    parts = (b"--frontier\r\nContent-Type: message/rfc822\r\n\r\n" + each for each in attached)
    raw = head + b"\r\n".join(parts) + b"\r\n--frontier--\r\n"
    return signed_by(author.partition("@")[2], raw)


def proof_of_request(target: Target, raw: bytes, author: str = SAM) -> tuple[str, str]:
    """The requester of the ticket that a mail opens, and the proof of its first comment."""
    code, text = target.send(raw, author)
    assert code == 250, text
    number = target.journal()[-1].ticket
    assert number is not None
    ticket = target.ticket(number)
    return ticket.summary.requester, ticket.comments[0].proof


def test_the_signature_of_a_forwarded_mail_proves_its_author(target: Target) -> None:
    raw = forwarding(SAM, genuine_mail(GIL, text="The cooling is broken."))

    assert proof_of_request(target, raw) == (GIL, "forwarded+dkim:globex.example")
    assert "Forwarded, signature of globex.example valid." in str(target.journal()[-1].trace)


@pytest.mark.parametrize(
    "attached",
    [
        genuine_mail(GIL).replace(b"Help!", b"Help, now!"),
        genuine_mail(GIL).replace(b"Subject: ", b"Subject: Re: "),
        genuine_mail(GIL).replace(b"\r\nTo: ", b"\r\nCc: eve@evil.example\r\nTo: "),
        signed_by("evil.example", a_mail(GIL)),
        genuine_mail(GIL).replace(b"DKIM-Signature: ", b" \r\nDKIM-Signature: ", 1),
    ],
    ids=["text", "subject", "unsigned Cc", "signed by somebody else", "a white line above"],
)
def test_what_was_changed_afterwards_is_by_the_word_of_staff(
    target: Target, attached: bytes
) -> None:
    assert "dkim" not in proof_of_request(target, forwarding(SAM, attached))[1].partition("+")[2]


def test_a_dns_that_does_not_answer_leaves_it_unproven_and_defers_nothing(target: Target) -> None:
    target.dns.silent.add("s9._domainkey.globex.example")
    attached = signed_by("globex.example", a_mail(GIL), "s9")

    assert proof_of_request(target, forwarding(SAM, attached))[1] == "forwarded"


def test_the_attached_mail_of_a_stranger_costs_no_look_up(target: Target) -> None:
    attached = signed_by("globex.example", a_mail(GIL), "s8")

    target.send(forwarding(EVE, attached), EVE)
    target.send(forwarding(ULA, attached), ULA)

    assert not target.dns.queries["s8._domainkey.globex.example", "TXT"]
