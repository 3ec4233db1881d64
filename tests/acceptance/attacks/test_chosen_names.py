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
    """The same code, text and time for every domain. A busy machine may delay one of them,
    so the times are compared three times."""
    same_time = False
    for _ in range(3):
        customer, nobody = (answer(target, shape, d) for d in ("acme.example", "nobody.example"))
        assert customer[0] == nobody[0]
        assert customer[0].startswith(UNKNOWN)
        same_time = customer[1] == nobody[1]
        if same_time:
            break
    assert same_time


def answer(target: Target, shape: str, domain: str) -> tuple[str, int]:
    """The reply, and the whole seconds that it took."""
    make, mail_from = SHAPES[shape]
    target.dns.silent |= {f"www.{domain}", f"silent._domainkey.{domain}"}
    raw = make(domain)
    started = time.monotonic()
    code, text = target.send(raw, mail_from(domain))
    return f"{code} {text}", int(time.monotonic() - started)
