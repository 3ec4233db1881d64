"""What breaks a promise of the preset stakater."""

from __future__ import annotations

from tests.mutants.mutations import Mutation
from tests.mutants.row import row

CONTEXT = "gateway/outgoing/context.py"
FOLLOW_UP = "rules/service/follow_up.py"
REQUEST = "rules/decision/request.py"
ANSWERS = "rules/service/answers.py"
WAITING = "rules/service/waiting.py"
COMPLETE = "rules/decision/change/complete.py"

STAKATER: tuple[Mutation, ...] = (
    row(
        "S6 internal reasons",
        "rules/ticket/reasons.py",
        "    if not by_staff:\n",
        "    if True:\n",
        "test_stakater.py::TestAdjustment::test_S6_an_internal_reason_stays_internal",
    ),
    row(
        "S2 a priority",  # heard by either reader of claims
        "rules/ticket/claims.py",
        "    subject, text = subject[:CLAIM_LINE_LENGTH], text[:_EXAMINED_CHARACTERS]\n",
        "    subject, text = '', text[:_EXAMINED_CHARACTERS]\n",
        "test_stakater.py::TestSeverity::test_S2_a_priority_is_heard_as_people_write_it",
    ),
    row(
        "S5 a P1 in a reply",
        "rules/policy/model.py",
        "(tier and tier.critical_channel) or self.severity.critical_channel",
        "self.severity.critical_channel",
        "test_stakater.py::TestPremium::test_S5_a_p1_in_a_reply_is_sent_to_the_portal",
    ),
    row(
        "S3 a quoted question",
        ANSWERS,
        "    words = _words_besides(examined, asked)",
        "    words = text",
        "test_stakater.py::TestCompleteness::test_S3_our_own_quoted_question_answers_nothing",
    ),
    row(
        "S3 German facts",
        "rules/policy/presets/stakater.toml",
        r"'\b(?:Fehler|Fehlermeldung(?:en)?|Fehlercode|Ausnahme|Absturz)\b'",
        r"'\bFehlercode\b'",
        "test_stakater.py::TestCompleteness::test_S3_a_german_request_is_complete",
    ),
    row(
        "S7 the portal",
        WAITING,
        "    if critical or source in CRITICAL_SOURCES:",
        "    if critical:",
        "test_stakater_time.py::TestClock::test_S7_a_portal_request_starts_at_once",
    ),
    row(
        "S13 no promise",
        WAITING,
        'portal = policy.requests_by_mail == "without_promise" and source is Source.MAIL',
        "portal = False",
        "test_stakater_time.py::TestClock"
        "::test_S13_a_mail_opens_without_a_promise_and_says_where_to_submit_it",
    ),
    row(
        "S13 in the portal",
        COMPLETE,
        "    if not facts.by_staff and not ticket.waits_for_portal:",
        "    if not facts.by_staff:",
        "test_stakater_time.py::TestClock::test_S13_the_clock_starts_in_the_portal",
    ),
    row(
        "S13 accepted",
        COMPLETE,
        "    begins = sla_rules.accepted(policy, ticket, facts.at)",
        "    begins = None",
        "test_stakater_time.py::TestClock::test_S13_the_clock_starts_when_staff_accept_it",
    ),
    row(
        "S13 refused",
        "rules/decision/by_mail.py",
        '    if case.policy.requests_by_mail != "refuse" or case.released:',
        "    if True:",
        "test_stakater_complete.py::test_S13_refuse_answers_550_with_the_portal",
    ),
    row(
        "S17 asked once more",
        "rules/decision/change/overdue.py",
        "orders = () if pending else asking.asked_again(ticket, policy)",
        "orders = ()",
        "test_stakater_complete.py::TestWaiting::test_S17_it_is_asked_once_more",
    ),
    row(
        "S17 a promise in the end",
        WAITING,
        "until=None if portal else until",
        "until=None",
        "test_stakater_complete.py::TestWaiting::test_S17_the_clock_starts_after_the_policys_time",
    ),
    row(
        "S17 heard when complete",
        "rules/decision/comment.py",
        "asking.once_answered(ticket, missing, policy) if case.takes_answers else ()",
        "()",
        "test_stakater_complete.py::TestWaiting::test_S17_the_customer_hears_when_it_is_complete",
    ),
    row(
        "S17 a bare answer",
        ANSWERS,
        "    found |= _answers_below(examined, asked)",
        "    found |= set()",
        "test_stakater.py::TestCompleteness::test_S17_a_bare_answer_under_our_question_counts",
    ),
    row(
        "S17 German answers",
        ANSWERS,
        "_DEFERRED.fullmatch(said) is None",
        'said.startswith(("I ", "We "))',
        "test_stakater.py::TestCompleteness::test_S17_german_answers_count",
    ),
    row(
        "S17 declared complete",
        COMPLETE,
        "    given = ticket.missing if facts.by_staff else ()",
        "    given = ()",
        "test_stakater_complete.py::TestWaiting::test_S17_staff_declare_it_complete",
    ),
    row(
        "S10 a late reminder",
        CONTEXT,
        "due_at if due_at and due_at > now else None",
        "due_at",
        "test_stakater_time.py::TestOngoing::test_S10_a_late_reminder_names_no_past_date",
    ),
    row(
        "S11 asked once",
        FOLLOW_UP,
        "    if ticket.feedback_asked:",
        "    if False:",
        "test_stakater.py::TestFeedback::test_S11_a_second_resolve_asks_no_second_time",
    ),
    row(
        "S12 the channel",
        CONTEXT,
        "one_line(about.channel) if about and traits.for_staff",
        '"" if about and traits.for_staff',
        "test_stakater.py::TestChannel::test_S12_the_preferred_channel_is_in_the_mail_to_staff",
    ),
    row(
        "S14 hours by day",
        "rules/ticket/business_time.py",
        "        if weekday in self.other_hours:",
        "        if False:",
        "test_stakater_answers.py::TestCalendars::test_S14_saturday_morning_counts",
    ),
    row(
        "S14 hours of a contract",
        "rules/service/calendars.py",
        "    if agreed in policy.named_calendars:",
        "    if False:",
        "test_stakater_answers.py::TestCalendars::test_S14_a_contract_has_hours_of_its_own",
    ),
    row(
        "S14 the request type",
        REQUEST,
        "{**opening.fields, **fields}",
        "opening.fields",
        "test_stakater_answers.py::TestCalendars"
        "::test_S14_the_request_type_is_kept_and_may_be_set_in_the_portal",
    ),
    row(
        "S15 the next follow-up",
        CONTEXT,
        'next_by if _follows_up(notice, policy) else ""',
        '""',
        "test_stakater_answers.py::TestNextSteps"
        "::test_S15_an_answer_at_high_severity_names_the_next_follow_up",
    ),
    row(
        "S15 next steps",
        FOLLOW_UP,
        "    if names_next_steps(text):",
        "    if True:",
        "test_stakater_answers.py::TestNextSteps"
        "::test_S15_an_answer_without_next_steps_is_pointed_out_to_its_author",
    ),
    row(
        "S15 the success manager",
        FOLLOW_UP,
        "ticket.updates_by != BY_MANAGER",
        "ticket.updates_by == BY_MANAGER",
        "test_stakater_answers.py::TestNextSteps"
        "::test_S15_the_success_manager_gets_it_where_the_contract_says_so",
    ),
    row(
        "S16 feedback in answers",
        CONTEXT,
        "in_answer=_rates_answers(notice, policy)",
        "in_answer=False",
        "test_stakater_answers.py::TestFeedback::test_S16_each_answer_carries_a_feedback_link",
    ),
    row(
        "S16 one mail reviews",
        FOLLOW_UP,
        "    if ticket.severity in policy.review.levels:",
        "    if False:",
        "test_stakater_answers.py::TestFeedback"
        "::test_S16_one_mail_reviews_a_resolved_request_of_high_severity",
    ),
    row(
        "S16 lessons",
        CONTEXT,
        "Purpose.FEEDBACK if traits.asks_for_feedback else Purpose.REPLY",
        "Purpose.REPLY",
        "test_stakater_answers.py::TestFeedback::test_S16_its_lessons_are_a_note",
    ),
)
