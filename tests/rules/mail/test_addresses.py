"""The normal form of addresses."""

from __future__ import annotations

import pytest

from rules.mail.addresses import is_free_mail, is_role, normalise, without_detail


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ann@ACME.Example", "ann@acme.example"),
        ("ann+tag@acme.example", "ann+tag@acme.example"),
        ("a.n.n@acme.example", "a.n.n@acme.example"),
        ("ann@büro.example", "ann@xn--bro-hoa.example"),
        ("ann@acme.test", "ann@acme.test"),
        ("ann", None),
        ("ann@", None),
        ("ann@acme..example", None),
        ('"a b"@acme.example', None),
        ("ann@[127.0.0.1]", None),
    ],
)
def test_an_address_has_one_normal_form(written: str, normal: str | None) -> None:
    assert normalise(written) == normal


def test_the_detail_follows_the_plus() -> None:
    assert without_detail("support+abc+d@help.example") == ("support@help.example", "abc+d")


@pytest.mark.parametrize("address", ["noreply@a.example", "mailer-daemon+x@a.example"])
def test_a_role_address_is_recognised(address: str) -> None:
    assert is_role(address)


@pytest.mark.parametrize(
    "domain", ["gmail.com", "hey.com", "mailbox.org", "tutanota.com", "tuta.io"]
)
def test_a_free_mail_provider_does_not_identify_a_company(domain: str) -> None:
    assert is_free_mail(domain)
    assert not is_free_mail("acme.example")
