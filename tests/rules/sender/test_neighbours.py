"""Whose a domain is, where two registered companies share a parent domain."""

from __future__ import annotations

import pytest

from rules.sender.neighbours import US, Register, is_of_another_company, names_above

OWNERS = {
    "a.shared.com": 1,
    "a.elsewhere.com": 1,
    "b.shared.com": 2,
    "lab.a.shared.com": 3,
    "help.com": US,
    "tenant.help.com": 4,
}


@pytest.mark.parametrize(
    ("domain", "author_domain", "expected"),
    [
        ("b.shared.com", "a.shared.com", True),
        ("mail.b.shared.com", "a.shared.com", True),
        ("b.shared.com", "mail.a.shared.com", True),
        ("lab.a.shared.com", "a.shared.com", True),
        ("x.lab.a.shared.com", "mail.a.shared.com", True),
        ("a.shared.com", "a.shared.com", False),
        ("mail.a.shared.com", "a.shared.com", False),
        ("a.elsewhere.com", "a.shared.com", False),
        ("a.shared.com", "lab.a.shared.com", False),
        ("mail.a.shared.com", "lab.a.shared.com", False),
        ("shared.com", "a.shared.com", False),
        ("c.shared.com", "a.shared.com", False),
        ("b.shared.com", "c.shared.com", True),
        ("help.com", "c.shared.com", False),
        ("com", "a.shared.com", False),
        ("tenant.help.com", "help.com", True),
        ("tenant.help.com", "staff.help.com", True),
        ("help.com", "tenant.help.com", False),
        ("mail.help.com", "help.com", False),
    ],
)
def test_a_name_is_of_the_company_of_the_nearest_registered_domain(
    domain: str, author_domain: str, expected: bool
) -> None:
    """Who has a domain above the author's, registered or not, could prove it in any case. None
    proves a person of a domain that is nobody's, such as a guest, but those who run the mailbox."""
    assert is_of_another_company(domain, author_domain, Register(OWNERS)) is expected


@pytest.mark.parametrize(
    ("residents", "expected"),
    [((), True), ((2,), False), ((2, 3), False), ((US,), True), ((US, 2), True)],
)
def test_a_domain_that_no_company_owns_is_of_those_who_have_an_address_in_it(
    residents: tuple[int, ...], expected: bool
) -> None:
    of_people = {"c.shared.com": residents}
    found = is_of_another_company("b.shared.com", "c.shared.com", Register(OWNERS, of_people))
    assert found is expected


@pytest.mark.parametrize(
    ("domain", "author_domain", "residents", "expected"),
    [
        ("d.shared.com", "a.shared.com", (2,), True),
        ("mail.d.shared.com", "a.shared.com", (2,), True),
        ("d.shared.com", "a.shared.com", (1, 2), False),
        ("d.shared.com", "a.shared.com", (US, 1), True),
        ("d.shared.com", "c.shared.com", (2,), True),
        ("d.help.com", "help.com", (2,), True),
        ("d.help.com", "help.com", (US, 2), False),
        ("lab.a.shared.com", "a.shared.com", (1,), True),
        ("d.shared.com", "mail.d.shared.com", (2,), False),
    ],
)
def test_so_is_a_domain_whose_signature_is_on_the_mail(
    domain: str, author_domain: str, residents: tuple[int, ...], expected: bool
) -> None:
    """A company may have people in a domain that it is not registered with."""
    of_people = dict.fromkeys(("d.shared.com", "d.help.com", "lab.a.shared.com"), residents)
    assert is_of_another_company(domain, author_domain, Register(OWNERS, of_people)) is expected


@pytest.mark.parametrize(
    ("domain", "author_domain", "here", "expected"),
    [
        ("tenant.help.com", "help.com", {"help.com": US}, True),
        ("x.tenant.help.com", "staff.help.com", {"help.com": US}, True),
        ("tenant.help.com", "desk.help.com", {"desk.help.com": US}, True),
        ("b.shared.com", "a.shared.com", {"a.shared.com": 7}, True),
        ("lab.a.shared.com", "a.shared.com", {"a.shared.com": 7}, True),
        ("b.shared.com", "guest.shared.com", {}, True),
        ("b.shared.com", "d.shared.com", {"d.shared.com": 7}, True),
        ("b.shared.com", "d.shared.com", {"d.shared.com": 2}, False),
        ("b.shared.com", "a.shared.com", {"a.shared.com": 7, "b.shared.com": 7}, False),
        ("b.shared.com", "a.shared.com", {"shared.com": 7}, True),
        ("mail.a.shared.com", "a.shared.com", {"a.shared.com": 7}, False),
        ("a.shared.com", "mail.a.shared.com", {}, False),
    ],
)
def test_what_another_mailbox_knows_of_a_nearer_domain_counts(
    domain: str, author_domain: str, here: dict[str, int], expected: bool
) -> None:
    """But not where the author is of the same company."""
    found = is_of_another_company(domain, author_domain, Register(here), [Register(OWNERS)])
    assert found is expected


def test_the_names_above_a_domain_end_before_the_top_level() -> None:
    assert names_above("a.b.example") == ["a.b.example", "b.example"]
    assert names_above("example") == []
    assert names_above(f"{'a.' * 120}b.example")[0] == f"{'a.' * 8}b.example"
