"""A silent name that the sender chose shows nobody who our customers are."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.acceptance.attacks.attack import UNKNOWN
from tests.acceptance.internet import EVE, Target, a_mail, signed_by, with_from

SHAPES: dict[str, tuple[Callable[[str], bytes], Callable[[str], str]]] = {
    "envelope": (lambda d: a_mail(f"zzz@{d}"), lambda d: f"x@www.{d}"),
    "d=": (lambda d: signed_by(f"www.{d}", a_mail(f"zzz@{d}")), lambda _: EVE),
    "s=": (lambda d: signed_by(d, a_mail(f"zzz@{d}"), selector="silent"), lambda _: EVE),
    "two authors": (
        lambda d: signed_by(f"www.{d}", with_from(f"From: zzz@{d}, {EVE}")),
        lambda _: EVE,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_silent_name_of_the_senders_choice_shows_no_customer(target: Target, shape: str) -> None:
    """The same code, text and time, whoever has the domain."""
    make, mail_from = SHAPES[shape]
    answers = []
    for domain in ("acme.example", "nobody.example"):
        target.dns.silent |= {f"www.{domain}", f"silent._domainkey.{domain}"}
        raw = make(domain)
        started = time.monotonic()
        code, text = target.send(raw, mail_from(domain))
        answers.append((code, text, int(time.monotonic() - started)))

    assert answers[0] == answers[1]
    assert f"{answers[0][0]} {answers[0][1]}".startswith(UNKNOWN)
