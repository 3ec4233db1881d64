"""Whose a domain is, where two registered companies share a parent domain."""

from __future__ import annotations

import pytest

from rules.sender.neighbours import is_of_another_company, names_above

OWNERS = {"a.shared.com": 1, "a.elsewhere.com": 1, "b.shared.com": 2, "lab.a.shared.com": 3}


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
        ("b.shared.com", "c.shared.com", False),
        ("com", "a.shared.com", False),
    ],
)
def test_a_name_is_of_the_company_of_the_nearest_registered_domain(
    domain: str, author_domain: str, expected: bool
) -> None:
    """Who has a domain above the author's, registered or not, could prove it in any case."""
    assert is_of_another_company(domain, author_domain, OWNERS) is expected


def test_the_names_above_a_domain_end_before_the_top_level() -> None:
    assert names_above("a.b.example") == ["a.b.example", "b.example"]
    assert names_above("example") == []
