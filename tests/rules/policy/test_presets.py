"""The shipped policies match the published ones: one test for each row of figures.

The rows are W, S, A and T for the four presets; their effect on a mail is tested end to end in
tests/acceptance.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from gateway import policies
from rules.policy import Policy
from rules.ticket.business_time import due
from rules.ticket.claims import claim_in_opening
from rules.ticket.severity import Claim
from rules.ticket.sla import Target

SHIPPED = policies.load(None)
NAMES = sorted(SHIPPED)
WEKA, STAKATER, AIVEN, ATLAN = (SHIPPED[n] for n in ("weka", "stakater", "aiven", "atlan"))


def text_of(name: str) -> str:
    return (resources.files("rules.policy.presets") / f"{name}.toml").read_text(encoding="utf-8")


def level_names(policy: Policy) -> list[str]:
    return [level.name for level in policy.levels]


def claim_in(policy: Policy, subject: str, text: str = "") -> Claim | None:
    return claim_in_opening(policy.claim_vocabulary, subject, text)


def promised(policy: Policy, tier: str | None, level: str) -> Target:
    found = policy.tier(tier)
    assert found is not None
    return found.target(level)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_has_the_name_of_its_file(name: str) -> None:
    assert f'\nname = "{name}"\n' in text_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_critical_claim_is_capped_and_answered_with_the_critical_channel(name: str) -> None:
    policy = SHIPPED[name]

    claim = claim_in(policy, f"[{policy.levels[0].name}] down")

    assert claim is not None
    assert claim.critical
    assert policy.severity.critical_channel


@pytest.mark.parametrize("name", [name for name in NAMES if name != "default"])
def test_every_invented_address_and_number_is_marked(name: str) -> None:
    invented = re.compile(r"example\.(?:com|org)|@help\.example|\+1 555")
    lines = text_of(name).replace("\\\n", "").splitlines()

    found = [line for line in lines if invented.search(line) and not line.startswith("#")]

    assert found
    assert not [line for line in found if "# change me" not in line]


def test_w1_four_levels() -> None:
    assert level_names(WEKA) == ["Critical", "Major", "Minor", "Question"]
    assert claim_in(WEKA, "[Feature Request] darker dark mode") == Claim(
        "Question", False, "subject"
    )


def test_w2_a_stranger_is_referred_to_the_sign_up() -> None:
    assert (WEKA.registration, WEKA.strangers) == ("user", "refuse")
    assert "sign up" in WEKA.texts.sign_up


def test_w3_a_mail_opens_at_most_at_major_and_is_answered_with_phone_and_portal() -> None:
    assert WEKA.severity.ceiling == "Major"
    assert re.search(r"\+1 555 .* portal", WEKA.severity.critical_channel or "")


@pytest.mark.parametrize("policy", [WEKA, AIVEN], ids=["W4", "A4"])
def test_people_are_notified_of_every_change(policy: Policy) -> None:
    assert policy.notices.status
    assert policy.notices.severity


def test_w5_an_executive_is_on_duty_at_every_hour_of_a_year() -> None:
    (level,) = WEKA.escalation.levels
    start = datetime(2026, 1, 1, tzinfo=UTC)

    on_duty = [level.on_duty(start + timedelta(hours=hour)) for hour in range(365 * 24)]

    assert None not in on_duty
    assert len({window.zone for window in on_duty if window}) == 3


def test_w6_a_ticket_has_a_promise() -> None:
    assert promised(WEKA, None, "Major").first


def test_s2_both_names_of_a_priority_are_one_level() -> None:
    assert level_names(STAKATER) == ["Critical", "High", "Medium", "Low"]
    assert STAKATER.severity.default == "Medium"
    for number, level in enumerate(level_names(STAKATER), 1):
        for subject in (f"[P{number}] x", f"[{level}] x", f"Severity: P{number} - {level}"):
            claim = claim_in(STAKATER, subject)
            assert claim is not None
            assert claim.level == level


COMPLETE = """\
Environment: production
Product: the router of the platform
Error messages: 503 from every route
Steps to reproduce: open any page
Impact: no customer can order
Recent changes: upgraded the operator this morning
"""
DESCRIBED = """\
Affected functionality: networking
Steps to reproduce: connect, then wait
Error messages: connection refused
Languages or frameworks: Python with Django
"""


@pytest.mark.parametrize(
    ("policy", "request_text", "count"),
    [(STAKATER, COMPLETE, 6), (AIVEN, DESCRIBED, 4)],
    ids=["S3", "A7"],
)
def test_each_line_of_a_complete_request_gives_a_fact(
    policy: Policy, request_text: str, count: int
) -> None:
    facts = policy.completeness.facts

    assert len(facts) == count
    assert all(fact.matches(request_text) for fact in facts)
    assert not any(fact.matches("Hello,\nit is broken again. Please help.") for fact in facts)


def test_s3_steps_are_asked_for_if_applicable() -> None:
    assert [f.name for f in STAKATER.completeness.facts if f.if_applicable] == [
        "steps to reproduce"
    ]


def test_s4_a_request_is_private() -> None:
    assert STAKATER.visibility == "private"


def test_s5_a_premium_customers_p1_goes_through_the_portal_first() -> None:
    premium, standard = STAKATER.tier("premium"), STAKATER.tier(None)

    assert premium is not None
    assert standard is not None
    assert premium.critical_first_in_portal
    assert not standard.critical_first_in_portal
    assert STAKATER.escalation.critical_begins_in == "portal"


def test_s6_a_workaround_lowers_the_severity() -> None:
    assert STAKATER.severity.workaround_lowers
    assert not WEKA.severity.workaround_lowers


def test_s7_the_clock_starts_with_a_complete_request() -> None:
    assert STAKATER.clock.starts == "complete"


@pytest.mark.parametrize("tier", [None, "premium"])
@pytest.mark.parametrize(
    ("level", "span"),
    [
        ("Critical", "2 business hours"),
        ("High", "4 business hours"),
        ("Medium", "2 business days"),
        ("Low", "5 business days"),
    ],
)
def test_s8_first_and_ongoing_responses(tier: str | None, level: str, span: str) -> None:
    target = promised(STAKATER, tier, level)

    assert (str(target.first), str(target.ongoing)) == (span, span)


@pytest.mark.parametrize(
    ("written", "answered"),
    [
        # 16:30 in winter time is 15:30 UTC; two business hours end at 06:30 the next day.
        (datetime(2026, 1, 14, 15, 30, tzinfo=UTC), datetime(2026, 1, 15, 5, 30, tzinfo=UTC)),
        # In summer time both are an hour earlier in UTC.
        (datetime(2026, 7, 15, 14, 30, tzinfo=UTC), datetime(2026, 7, 16, 4, 30, tzinfo=UTC)),
    ],
)
def test_s9_business_hours_are_those_of_central_europe(
    written: datetime, answered: datetime
) -> None:
    calendar = STAKATER.calendar

    assert (calendar.opens, calendar.closes) == (6 * 60, 18 * 60)
    assert datetime(2026, 7, 1, tzinfo=calendar.zone).utcoffset() == timedelta(hours=2)
    assert calendar.hours_on(date(2026, 1, 17)) is None
    first = promised(STAKATER, None, "Critical").first
    assert first is not None
    assert due(written, first, calendar) == answered


def test_s10_the_customer_is_informed_of_the_next_follow_up() -> None:
    assert STAKATER.clock.remind_customer


def test_s11_feedback_is_asked_for() -> None:
    assert STAKATER.feedback.ask


def test_a1_basic_is_the_rule_and_a_free_plan_goes_to_the_forum() -> None:
    free = AIVEN.tier("free")

    assert [t.name for t in AIVEN.tiers if t.support] == [
        "basic",
        "priority",
        "business",
        "enterprise",
    ]
    assert AIVEN.default_tier == "basic"
    assert free is not None
    assert not free.support
    assert "forum" in AIVEN.texts.community


def test_a3_three_levels() -> None:
    assert level_names(AIVEN) == ["Critical", "High", "Low"]


def test_a5_a_guest_proposes_further_guests() -> None:
    assert (AIVEN.cc.guests, AIVEN.cc.by_guests) == ("add", "propose")


def test_a6_ids_and_product_are_extracted() -> None:
    mail = "Hello,\nProject: blue-7\nservice id = pg-main\nProduct: PostgreSQL\nReason: billing"

    assert {field.name: field.value_in(mail) for field in AIVEN.fields} == {
        "project_id": "blue-7",
        "service_id": "pg-main",
        "product": "PostgreSQL",
        "reason": "Billing",
    }


def test_a9_the_account_team_is_notified_of_tickets_on_a_paid_tier() -> None:
    assert AIVEN.account_team.told_of_new
    assert [tier.name for tier in AIVEN.tiers if tier.paid] == [
        "priority",
        "business",
        "enterprise",
    ]


def test_a10_more_severe_and_better_paid_is_answered_sooner() -> None:
    noon = datetime(2026, 1, 14, 12, tzinfo=UTC)

    def answer(tier: str, level: str) -> datetime:
        first = promised(AIVEN, tier, level).first
        assert first is not None
        return due(noon, first, AIVEN.calendar)

    tiers = [tier.name for tier in AIVEN.tiers if tier.support]
    for level in level_names(AIVEN):
        assert sorted(tiers, key=lambda tier: answer(tier, level), reverse=True) == tiers
    for tier in tiers:
        assert sorted(level_names(AIVEN), key=lambda level: answer(tier, level)) == level_names(
            AIVEN
        )


def test_t8_colleagues_read_only_where_their_company_asked_for_it() -> None:
    assert ATLAN.visibility == "private"


def test_t3_staff_set_the_severity() -> None:
    assert not ATLAN.severity.may_set(by_portal=False)


def test_t9_what_a_customer_logs_in_the_portal_takes_effect() -> None:
    assert ATLAN.severity.may_set(by_portal=True)


def test_t4_round_the_clock() -> None:
    assert ATLAN.calendar.always
    assert ATLAN.levels[0].name == "P0"
    assert ATLAN.levels[0].critical


def test_t5_three_levels_and_the_first_must_answer() -> None:
    assert [level.title for level in ATLAN.escalation.levels] == [
        "Technical Support Engineer",
        "Director, Support",
        "Head of Customer Experience",
    ]
    assert ATLAN.escalation.spoken_first


def test_t6_the_success_manager_is_notified() -> None:
    assert ATLAN.success_manager.told_of_escalation


def test_t7_figures_missing_from_the_source_are_marked_as_examples() -> None:
    figures = [line for line in text_of("atlan").splitlines() if line.startswith(("first", "ongo"))]

    assert figures
    assert all(line.endswith("# example") for line in figures)
