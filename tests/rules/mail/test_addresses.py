"""The normal form of addresses."""

from __future__ import annotations

import pytest

from rules.mail import addresses
from rules.mail.addresses import (
    EXAMINED,
    LONGEST_CHARACTERS,
    is_free_mail,
    is_role,
    normalise,
    those_among,
    without_detail,
)


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


def test_what_is_too_long_for_an_address_is_not_kept_in_the_cache() -> None:
    kept = addresses._normalise.cache_info().currsize

    assert normalise(f"{'a' * LONGEST_CHARACTERS}@acme.example") is None
    assert addresses._normalise.cache_info().currsize == kept


@pytest.mark.parametrize("written", ["Help@Ours.Example", "help+token@ours.example"])
def test_our_addresses_are_found_among_thousands_of_others(written: str) -> None:
    others = [f"{n}@büro{n}.example" for n in range(5000)]

    assert list(those_among([*others, written], {"help@ours.example"})) == [written]


def test_of_thousands_of_addresses_that_are_like_ours_few_are_examined() -> None:
    alike = [f"help+{n}@büro{n}.example" for n in range(5000)]
    before = addresses._normalise.cache_info().misses

    assert not list(those_among(alike, {"help@ours.example"}))
    assert addresses._normalise.cache_info().misses - before <= EXAMINED
