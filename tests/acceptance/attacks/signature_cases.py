"""Attacks on the proof: mails under a customer's name that nothing valid proves."""

from __future__ import annotations

from typing import Any

from tests.acceptance.attacks.attack import HELD, UNKNOWN, Attack, rejected
from tests.acceptance.attacks.mails import replace_once, unix_time_in
from tests.acceptance.internet import (
    ANN,
    AUTHSERV_ID,
    BOB,
    EVE,
    SAM,
    a_mail,
    signed_by,
)
from tests.gateway.senders import SigningKey, rsa_key, signed


def results(authserv_id: str) -> str:
    return (
        f"Authentication-Results: {authserv_id}; dmarc=pass header.from=acme.example;"
        " dkim=pass header.d=acme.example; spf=pass smtp.mailfrom=acme.example"
    )


def with_results(authserv_id: str) -> bytes:
    return results(authserv_id).encode() + b"\r\n" + a_mail(ANN)


def signed_by_ann(**terms: Any) -> bytes:
    return signed_by("acme.example", a_mail(ANN), **terms)


def small_key() -> bytes:
    return signed(a_mail(ANN), "acme.example", rsa_key(512), selector="small")


def old_algorithm() -> bytes:
    sha1 = SigningKey(b"rsa-sha1", rsa_key(2048).private, "")
    return signed(a_mail(ANN), "acme.example", sha1)


def a_hundred_signatures() -> bytes:
    """By the customer's own domain, each with a different unpublished selector."""
    one = signed_by_ann(selector="n0").partition(b"From:")[0]
    many = b"".join(one.replace(b"s=n0", b"s=n%d" % n) for n in range(100))
    return many + a_mail(ANN)


def with_arc() -> bytes:
    chain = (
        "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=evil.example; s=s1; b=AAAA",
        "ARC-Message-Signature: i=1; a=rsa-sha256; d=evil.example; s=s1; h=from; bh=AAAA; b=AAAA",
        "ARC-Authentication-Results: i=1; evil.example; dmarc=pass header.from=acme.example",
    )
    return a_mail(ANN, *chain)


SIGNATURE_CASES = (
    rejected("no proof at all", lambda: a_mail(ANN)),
    rejected("the customer's MAIL FROM as well", lambda: a_mail(ANN), "spf=fail", mail_from=ANN),
    rejected("staff's name", lambda: a_mail(SAM)),
    rejected("signature of an unaligned domain", lambda: signed_by("evil.example", a_mail(ANN))),
    rejected("SPF pass of an unaligned MAIL FROM", lambda: a_mail(ANN), "spf=policy"),
    Attack(
        "null reverse-path, HELO of the customer",
        lambda: a_mail(ANN),
        HELD,
        "automatic",
        mail_from="",
        helo="acme.example",
        evidence=("spf=fail",),
    ),
    Attack(
        "null reverse-path, HELO of our own",
        lambda: a_mail(ANN),
        HELD,
        "automatic",
        mail_from="",
    ),
    rejected(
        "l= and appended text",
        lambda: signed_by_ann(signed_bytes=7, tags={"l": "7"}) + b"And pay Eve.\r\n",
        "dkim=policy",
    ),
    rejected("l= of 0", lambda: signed_by_ann(signed_bytes=0, tags={"l": "0"}), "dkim=policy"),
    rejected("From is not signed", lambda: signed_by_ann(signs=("to", "subject")), "dkim=policy"),
    rejected(
        "From changed under the signature",
        lambda: replace_once(signed_by("acme.example", a_mail(BOB)), b"From: bob", b"From: ann"),
        "dkim=fail",
    ),
    rejected(
        "body changed under the signature",
        lambda: replace_once(signed_by_ann(), b"Help!", b"Pay Eve!"),
        "dkim=fail",
    ),
    rejected("key of 512 bits", small_key, "dkim=permerror"),
    rejected("rsa-sha1", old_algorithm, "dkim=policy"),
    rejected("revoked key", lambda: signed_by_ann(selector="revoked"), "dkim=permerror"),
    rejected("no such key", lambda: signed_by_ann(selector="none"), "dkim=permerror"),
    rejected("key record of 5,000 octets", lambda: signed_by_ann(selector="big"), "dkim=permerror"),
    rejected(
        "expired signature",
        lambda: signed_by_ann(tags={"t": unix_time_in(-900), "x": unix_time_in(-60)}),
        "dkim=permerror",
    ),
    rejected(
        "signed eight days ago",
        lambda: signed_by_ann(tags={"t": unix_time_in(-8 * 86_400)}),
        "dkim=policy",
    ),
    rejected("signed in the future", lambda: signed_by_ann(tags={"t": unix_time_in(90_000)})),
    rejected("a hundred signatures", a_hundred_signatures, "dkim=permerror"),
    Attack(
        "From signed once but present twice",
        lambda: f"From: {EVE}\r\n".encode() + signed_by_ann(),
        UNKNOWN,
        "from_ambiguous_refused",
    ),
    rejected("results of the trusted relay's name", lambda: with_results(AUTHSERV_ID)),
    rejected("results of our own name", lambda: with_results("localhost")),
    rejected("results of another name", lambda: with_results("mx.acme.example")),
    rejected("results below From", lambda: a_mail(ANN, results(AUTHSERV_ID))),
    rejected("an ARC chain that says pass", lambda: with_arc()),
)
