"""One mail by many ways, with changes that no signature covers: one ticket."""

from __future__ import annotations

import itertools

import pytest

from tests.acceptance.attacks.attack import UNKNOWN
from tests.acceptance.internet import ANN, EVE, HANK, Target, a_mail, genuine_mail, signed_by
from tests.acceptance.support_server import SUPPORT, filed
from tests.gateway.senders import rsa_key

MORE = ("from", "to", "subject", "date", "message-id")
LESS = ("from", "to", "subject", "date")


def with_two_signatures() -> tuple[bytes, bytes, bytes]:
    """Ann's mail, and two signatures that cover different fields in different forms."""
    plain = a_mail(ANN)
    first = signed_by("acme.example", plain, signs=MORE)
    second = signed_by("acme.example", plain, signs=LESS, canonical=b"simple/simple")
    return first.removesuffix(plain), second.removesuffix(plain), plain


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_mail_with_any_of_its_signatures_is_one_mail(
    target: Target, order: tuple[int, ...]
) -> None:
    first, second, plain = with_two_signatures()
    copies = [first + second + plain, first + plain, second + plain]
    # The mail itself first: neither of the others alone shows that they are one mail.
    answers = [target.send(first + second + plain, ANN)]
    before = target.counts()

    answers += [target.send(b"X-Any: thing\r\n" + copies[n], EVE) for n in order]

    assert set(answers) == {answers[0]}
    assert target.counts() == before


def test_a_retry_after_the_key_was_out_of_reach_is_a_repeat(target: Target) -> None:
    """SPF proved the first, whose key could not be fetched."""
    target.dns.records["later._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
    target.dns.broken.add("_domainkey.hooli.example")
    raw = signed_by("hooli.example", a_mail(HANK), selector="later")
    first = target.send(raw, HANK)
    filed(first)
    before = target.counts()
    target.dns.broken.clear()

    assert target.send(raw, HANK) == first
    assert target.send(b"X-Any: thing\r\n" + raw, HANK) == first
    assert target.counts() == before


def test_a_caught_mail_that_first_came_through_a_trusted_peer_is_a_repeat(
    peered: Target,
) -> None:
    raw = genuine_mail(ANN)
    first = peered.send(raw, ANN, source="127.0.0.2")
    filed(first)
    assert peered.journal()[-1].authentication["by"] == "peer:127.0.0.2"
    before = peered.counts()

    assert peered.send(raw, EVE) == first
    assert peered.send(b"X-Any: thing\r\n" + raw, EVE) == first
    assert peered.counts() == before


def test_a_copy_with_a_forged_second_signature_is_a_repeat(target: Target) -> None:
    raw = genuine_mail(ANN)
    first = target.send(raw, ANN)
    before = target.counts()
    forged = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=x%d; h=from; bh=AAAA; b=AAAA\r\n" % n
        for n in range(4)
    )

    assert target.send(forged + raw, EVE) == first
    assert target.counts() == before


def by_route(*fields: str) -> bytes:
    """A mail of Hank's without a signature, as a route delivers it that adds fields of its own."""
    lines = (
        *fields,
        f"From: {HANK}",
        f"To: {SUPPORT}, help@hooli.example",
        "Subject: twice",
        "Message-ID: <two-routes@hooli.example>",
        "",
        "Only once, please.",
        "",
    )
    return "\r\n".join(lines).encode()


def test_a_mail_by_two_routes_is_one_mail(target: Target) -> None:
    """Nothing signs it; SPF proves each copy."""
    first = target.send(by_route("X-Spam-Score: 0.1"), HANK)
    filed(first)
    before = target.counts()

    again = target.send(by_route("X-Original-To: y", "X-MS-Exchange-Latency: 1.2"), HANK)

    assert again == first
    assert target.counts() == before
    assert target.journal()[-1].reason == "seen_before"


def test_a_strangers_copy_by_another_route_does_not_replace_the_mail(target: Target) -> None:
    """It has the author, Message-ID and body of the mail, but nothing proves it."""
    copy = by_route("X-Other: 1").replace(b"two-routes", b"copied-before")
    code, text = target.send(copy, EVE)
    assert f"{code} {text}".startswith(UNKNOWN)

    _, number = filed(target.send(copy.replace(b"X-Other: 1\r\n", b""), HANK))

    assert target.ticket(number).summary.requester == HANK
    code, text = target.send(copy, EVE)
    assert f"{code} {text}".startswith(UNKNOWN)
