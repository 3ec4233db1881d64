"""What breaks a promise of the preset weka."""

from __future__ import annotations

from tests.mutants.mutations import Mutation
from tests.mutants.row import row

CONTEXT = "gateway/outgoing/context.py"
REACH = "rules/service/escalation.py"
NOTIFICATIONS = "rules/service/notifications.py"
FORMS = "rules/ticket/claim_forms.py"
CLAIMS = "rules/decision/claims.py"

WEKA: tuple[Mutation, ...] = (
    row(
        "W3 a sentence",  # heard by either reader of claims
        "rules/ticket/claims.py",
        "    subject, text = subject[:CLAIM_LINE_LENGTH], text[:_EXAMINED_CHARACTERS]\n",
        "    subject, text = subject[:CLAIM_LINE_LENGTH], ''\n",
        "test_weka.py::TestCritical"
        "::test_W3_a_claim_in_any_spelling_opens_at_major_with_the_phone_first",
    ),
    row(
        "W3 no automatic answers",
        "rules/decision/acknowledged.py",
        "    if severity.critical_claimed and case.is_of_a_person:",
        "    if False:",
        "test_weka.py::TestCritical"
        "::test_W3_a_client_that_asks_for_no_answers_gets_the_phone_all_the_same",
    ),
    row(
        "W8 each spelling",
        FORMS,
        "yield from tags(each, codes, is_subject=is_subject, begins=begins)",
        "yield from ()",
        "test_weka.py::TestClaims::test_W8_each_spelling_of_the_row_is_answered_with_the_phone",
    ),
    row(
        "W8 in a reply",
        CLAIMS,
        "channel = (NoticeOrder(NoticeKind.CRITICAL_CHANNEL, author, language),)",
        "channel = ()",
        "test_weka.py::TestClaims::test_W8_in_a_reply_within_the_pause",
    ),
    row(
        "W8 once an hour",
        CLAIMS,
        "    if _is_lately(ticket.critical_told_at.get(author), case.facts.decided_at):",
        "    if False:",
        "test_weka.py::TestClaims::test_W8_at_most_once_an_hour_on_a_ticket",
    ),
    row(
        "W8 beside the severity",
        CLAIMS,
        "effect = _effect(case, ticket, claim) if published else None",
        "effect = None",
        "test_weka.py::TestClaims::test_W8_the_claim_is_kept_beside_the_severity_and_told_to_staff",
    ),
    row(
        "W5 a suspended executive",
        REACH,
        "        if contact.address not in unreachable:",
        "        if True:",
        "test_weka.py::TestEscalation::test_W5_a_suspended_executive_is_passed_over",
    ),
    row(
        "W5 the confirmation",
        REACH,
        "        if contact.address not in unreachable:",
        "        if True:",
        "test_weka.py::TestEscalation::test_W5_the_confirmation_names_only_who_was_sent_mail",
    ),
    row(
        "W5 on duty now",
        REACH,
        "for window in duty.roster if window.covers(at))",
        "for window in duty.roster)",
        "test_weka.py::TestEscalation::test_W5_a_repeated_request_reaches_who_is_on_duty_now",
    ),
    row(
        "W4 a change of status",
        "rules/decision/change/state.py",
        "    if policy.notices.status and not facts.published:\n",
        "    if False:\n",
        "test_weka.py::TestNotifications::test_W4_a_change_of_status_is_notified",
    ),
    row(
        "W4 a change of severity",
        "rules/decision/change/state.py",
        "    if policy.notices.severity:\n",
        "    if False:\n",
        "test_weka.py::TestNotifications::test_W4_a_change_of_severity_is_notified",
    ),
    row(
        "W7 claims alert on-call people",
        NOTIFICATIONS,
        "reach(policy.on_call, now, unreachable)",
        "reach(policy.escalation.levels[0], now, unreachable)",
        "test_weka.py::TestAlerts::test_W7_claims_and_clocks_alert_on_call_and_no_executive",
    ),
    row(
        "W7 clocks alert on-call people",
        "rules/decision/change/overdue.py",
        "reach(policy.on_call, facts.at, facts.unreachable)",
        "reach(policy.escalation.levels[0], facts.at, facts.unreachable)",
        "test_weka.py::TestAlerts::test_W7_claims_and_clocks_alert_on_call_and_no_executive",
    ),
    row(
        "W7 how to escalate",
        CONTEXT,
        'how_to_escalate=policy.escalation.how or "",',
        'how_to_escalate="",',
        "test_weka.py::TestAlerts"
        "::test_W7_the_acknowledgement_says_how_to_escalate_and_that_chat_replaces_no_ticket",
    ),
    row(
        "W7 an escalation in an opening mail",
        "rules/decision/opening_escalation.py",
        "    if not isinstance(command, Escalate):",
        "    if True:",
        "test_weka.py::TestAlerts::test_W7_an_opening_mails_escalate_is_heard",
    ),
)
