"""A mail that only a signature proves says no more than was signed."""

from __future__ import annotations

import pytest

from rules.mail import Mail
from rules.mail.header import Header
from rules.proof.authentication import Seal
from rules.proof.sealed import sealed, uncovered
from tests.rules.building import BOB, SUPPORT, a_mail

SEAL = Seal("f" * 64, ("from", "to", "subject", "in-reply-to", "cc", "cc"))


def with_fields(*names: str) -> Mail:
    mail = a_mail(cc=(BOB.address,), in_reply_to=("<1@x.example>",), references=("<1@x.example>",))
    values = {field: getattr(mail, field) for field in mail.__slots__}
    return Mail(**values | {"header": Header(tuple((name, b"x") for name in names))})


def test_it_is_known_by_its_signature() -> None:
    assert sealed(with_fields("from"), SEAL).identity == SEAL.fingerprint


def test_what_was_signed_counts() -> None:
    mail = sealed(with_fields("from", "to", "cc", "in-reply-to"), SEAL)

    assert (mail.to, mail.cc, mail.in_reply_to) == (
        (SUPPORT,),
        (BOB.address,),
        ("<1@x.example>",),
    )


def test_what_was_not_signed_counts_for_nothing() -> None:
    assert sealed(with_fields("references"), SEAL).references == ()


@pytest.mark.parametrize(("times", "covered"), [(2, True), (3, False)])
def test_a_field_more_than_was_signed_counts_for_nothing(times: int, covered: bool) -> None:
    mail = with_fields(*(["cc"] * times))

    assert ("cc" not in uncovered(mail, SEAL)) is covered
