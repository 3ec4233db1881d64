"""The promises of the presets that held from the first edition on; see `rows`."""

from __future__ import annotations

from tests.mutants.mutations import Mutation
from tests.mutants.row import row

ACKNOWLEDGED, SCREENING = "rules/decision/acknowledged.py", "rules/decision/screening.py"
COMMENTS, SLA = "rules/decision/change/comments.py", "rules/service/sla_rules.py"
NOTIFICATIONS, OVERDUE = "rules/service/notifications.py", "rules/decision/change/overdue.py"

_MAY_SET = "        policy.severity.may_set"
_NO_CLAIM = (ACKNOWLEDGED, f"        claim,\n{_MAY_SET}", f"        None,\n{_MAY_SET}")

EARLIER: tuple[Mutation, ...] = (
    row(
        "W1 a level by mail",
        *_NO_CLAIM,
        "test_weka.py::TestLevels::test_W1_a_mail_opens_at_the_level_that_it_names",
    ),
    row(
        "W2 where to sign up",
        SCREENING,
        "Refuse(policy.texts.sign_up), Reason.STRANGER",
        "Refuse(policy.texts.suspended), Reason.STRANGER",
        "test_weka.py::TestSigningUp::test_W2_a_stranger_is_refused_with_a_link_to_sign_up",
    ),
    row(
        "W6 a note answers nothing",
        COMMENTS,
        "return rows\n    if by_staff:",
        "pass\n    if by_staff:",
        "test_weka.py::TestClock::test_W6_a_note_about_a_chat_does_not_count_as_an_answer",
    ),
    row(
        "S1 an official address",
        "rules/mail/addresses.py",
        "return domain in FREE_MAIL_DOMAINS or domain in MORE_FREE_MAIL_DOMAINS",
        "return False",
        "test_stakater.py::TestAccounts::test_S1_no_company_is_registered_with_a_free_mail_domain",
    ),
    row(
        "S4 the creator alone",
        "rules/service/permissions.py",
        'return (agreed or policy.visibility) == "company"',
        "return True",
        "test_stakater.py::TestSharing::test_S4_a_colleague_does_not_see_a_request_that_is_not_shared",
    ),
    row(
        "S8 the published times",
        "rules/policy/tiers.py",
        "first=parse_span(first) if first is not None else None,",
        'first=parse_span("9 days") if first is not None else None,',
        "test_stakater_time.py::TestClock::test_S8_the_first_answer_is_due_as_published",
    ),
    row(
        "S9 summer time",
        "rules/policy/clock.py",
        "zone=ZoneInfo(self.zone),",
        'zone=ZoneInfo("Etc/GMT-1"),',
        "test_stakater_time.py::TestClock::test_S9_summer_time_is_observed",
    ),
    row(
        "A1 the free plan",
        SCREENING,
        "case Standing.USER | Standing.COLLEAGUE if not _has_support(sender, policy):",
        "case Standing.USER | Standing.COLLEAGUE if False:",
        "test_aiven.py::TestTiers::test_A1_a_customer_on_the_free_plan_is_referred_to_the_community_forum",
    ),
    row(
        "A2 the start date",
        "storage/registry/lookup.py",
        '_contract.c.starts_at <= bindparam("now"))',
        '_contract.c.starts_at > bindparam("now"))',
        "test_aiven.py::TestTiers::test_A2_an_upgrade_counts_from_its_start_date",
    ),
    row(
        "A3 a level by mail",
        *_NO_CLAIM,
        "test_aiven.py::TestSeverity"
        "::test_A3_a_mail_opens_at_the_level_that_it_names_but_never_as_critical",
    ),
    row(
        "A8 files",
        "storage/mail/apply.py",
        "attachments=body.attachments if isinstance(body, Body) else (),",
        "attachments=(),",
        "test_aiven.py::TestContent::test_A8_a_screenshot_and_a_log_are_attached_to_the_ticket",
    ),
    row(
        "A9 the account team",
        NOTIFICATIONS,
        "return company.account_team if company is not None and paid else ()",
        "return ()",
        "test_aiven.py::TestAccountTeam::test_A9_the_account_team_is_notified_of_a_new_ticket_on_a_paid_tier",
    ),
    row(
        "A10 another severity",
        SLA,
        "            sla.retargeted(ticket.clock, promised, ",
        "            ticket.clock or sla.retargeted(ticket.clock, promised, ",
        "test_aiven.py::TestPromises::test_A10_a_change_of_severity_changes_the_promise",
    ),
    row(
        "T1 the address is the user name",
        "rules/mail/header.py",
        'values = header.raw_values("from")\n    if len(values)',
        'values = header.raw_values("reply-to") or header.raw_values("from")\n    if len(values)',
        "test_atlan.py::TestContact::test_T1_the_user_name_is_the_address_at_the_organisation",
    ),
    row(
        "T3 the team determines",
        ACKNOWLEDGED,
        "policy.severity.may_set(by_portal=False)",
        "True",
        "test_atlan.py::TestSeverity::test_T3_the_customer_s_claim_is_recorded_and_does_not_set_the_severity",
    ),
    row(
        "T7 a broken promise",
        OVERDUE,
        "NoticeKind.SLA_BREACH if event is SlaEvent.BREACH else",
        "NoticeKind.SLA_WARNING if event is SlaEvent.BREACH else",
        "test_atlan.py::TestPromises::test_T7_a_broken_promise_is_reported",
    ),
)
