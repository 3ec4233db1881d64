"""Severity: what a mail may claim, and the law that it is never critical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.model import OpenTicket
from rules.mail.header import Header
from rules.ticket.claims import claim_in_opening
from rules.ticket.severity import Claim, Level, MailSeverity, capped
from tests.rules.building import World, a_mail, default_policy

LEVELS = default_policy().levels


def claim_of(subject: str = "", text: str = "", **header: str) -> str | None:
    fields = tuple((k.replace("_", "-"), v.encode()) for k, v in header.items())
    words = default_policy().claim_vocabulary
    found = claim_in_opening(words, subject, text, Header(fields))
    return found.level if found else None


@pytest.mark.parametrize(
    ("subject", "level"),
    [
        ("[P1] Everything is down", "Critical"),
        ("Everything is slow [sev2]", "High"),
        ("Severity: Low", "Low"),
        ("Priority = p3", "Normal"),
        ("not critical at all", None),
        ("[ticket 12]", None),
    ],
)
def test_a_claim_is_a_level_by_name_in_brackets_or_on_a_labelled_line(
    subject: str, level: str | None
) -> None:
    assert claim_of(subject) == level


def test_a_claim_may_be_in_the_first_lines() -> None:
    assert claim_of(text="Hello,\n\nSeverity: High\nit burns") == "High"


def test_a_claim_further_down_does_not_count() -> None:
    assert claim_of(text="1\n2\n3\n4\n5\nSeverity: High") is None


@pytest.mark.parametrize("header", [{"x_priority": "1 (Highest)"}, {"importance": "High"}])
def test_an_importance_header_claims_the_policys_level(header: dict[str, str]) -> None:
    assert claim_of(**header) == "High"


def test_the_most_severe_of_several_claims_counts() -> None:
    assert claim_of("[P4]", "Severity: P2") == "High"


def test_a_critical_claim_opens_at_the_ceiling_and_is_kept() -> None:
    action = World().decide(a_mail(subject="[P1] down")).action

    assert isinstance(action, OpenTicket)
    assert (action.severity.name, action.severity.critical_claimed) == ("High", True)


def test_a_claim_above_a_ceiling_below_the_top_opens_at_the_ceiling() -> None:
    claim = Claim("High", False, "subject")

    assert capped(LEVELS, "Low", "Normal", claim, may_claim=True).name == "Normal"


def test_a_claim_does_not_count_where_staff_set_the_severity() -> None:
    severity = capped(LEVELS, "Normal", "High", Claim("High", False, "subject"), may_claim=False)

    assert severity.name == "Normal"
    assert severity.claim is not None


def test_a_mail_severity_cannot_be_built_directly() -> None:
    with pytest.raises(TypeError, match="capped"):
        MailSeverity()


@st.composite
def level_lists(draw: st.DrawFn) -> list[Level]:
    """Ordered levels, the top ones critical, at least one not."""
    count = draw(st.integers(2, 6))
    critical = draw(st.integers(1, count - 1))
    return [Level(f"L{i}", "", i < critical, (), count - 1 - i) for i in range(count)]


@given(st.data(), level_lists(), st.booleans())
def test_no_levels_default_ceiling_or_claim_yield_a_critical_severity(
    data: st.DataObject, levels: list[Level], may_claim: bool
) -> None:
    names = st.sampled_from([level.name for level in levels])
    level = data.draw(st.sampled_from(levels))
    claim = data.draw(st.none() | st.just(Claim(level.name, level.critical, "subject")))

    severity = capped(levels, data.draw(names), data.draw(names), claim, may_claim)

    assert not next(x for x in levels if x.name == severity.name).critical


WORDS = st.sampled_from(
    ["[P1]", "[Critical]", "Severity: Critical", "Priority: sev1", "URGENT", "\n", "#severity P1"]
)


@given(st.lists(WORDS).map(" ".join), st.lists(WORDS).map("\n".join), st.booleans())
def test_no_mail_opens_a_critical_ticket_whatever_its_text(
    subject: str, text: str, important: bool
) -> None:
    mail = a_mail(subject=subject, text=text, x_priority="1" if important else "3")

    action = World().decide(mail).action

    assert isinstance(action, OpenTicket)
    assert action.severity.name != "Critical"
