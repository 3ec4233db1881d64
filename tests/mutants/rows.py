"""For each promise of the presets, the edit that breaks it, and the test that must detect it.

A row is named as its test is, `W3 …`. `python -m tests.mutants --rows W3` tries the rows whose
names begin so; `--rows` alone tries all of them. Append yours to its preset.
"""

from __future__ import annotations

from tests.mutants.earlier_rows import EARLIER
from tests.mutants.mutations import Edit, Mutation
from tests.mutants.row import POLICIES, row

NOTICES = "tests/gateway/outgoing"


CONTEXT, FOLLOW_UP = "gateway/outgoing/context.py", "rules/service/follow_up.py"
REQUEST = "rules/decision/request.py"

ANSWERS, WAITING = "rules/service/answers.py", "rules/service/waiting.py"
COMPLETE = "rules/decision/change/complete.py"

REACH, ESCALATE = "rules/service/escalation.py", "rules/decision/change/escalation.py"
NOTIFICATIONS = "rules/service/notifications.py"

FORMS, CLAIMS = "rules/ticket/claim_forms.py", "rules/decision/claims.py"

WEKA: tuple[Mutation, ...] = (
    row(
        "W3 a sentence",
        FORMS,
        "            yield from _said(each)",
        "            yield from ()",
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
        "    if not isinstance(command, Escalate) or case.by_machine or by_staff:",
        "    if True:",
        "test_weka.py::TestAlerts::test_W7_an_opening_mails_escalate_is_heard",
    ),
)

STAKATER: tuple[Mutation, ...] = (
    row(
        "S6 internal reasons",
        "rules/ticket/reasons.py",
        "    if not by_staff:\n",
        "    if True:\n",
        "test_stakater.py::TestAdjustment::test_S6_an_internal_reason_stays_internal",
    ),
    row(
        "S2 a priority",
        FORMS,
        "            yield from _declared(each)",
        "            yield from ()",
        "test_stakater.py::TestSeverity::test_S2_a_priority_is_heard_as_people_write_it",
    ),
    row(
        "S5 a P1 in a reply",
        CONTEXT,
        "(tier and tier.critical_channel) or severity.critical_channel",
        "severity.critical_channel",
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
        "    if not facts.by_staff and not for_portal:",
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

FIELDS, PARTICIPANTS = "rules/policy/fields.py", "rules/service/participants.py"

AIVEN: tuple[Mutation, ...] = (
    row(
        "A7 answers below the questions",
        ANSWERS,
        "    found |= _answers_below(examined, asked)",
        "    found |= set()",
        "test_aiven.py::TestContent::test_A7_answers_below_the_questions_complete_it",
    ),
    row(
        "A4 people of the portal",
        REQUEST,
        "for written in cc:",
        "for written in ():",
        "test_aiven.py::TestPeopleOfTheSupportCenter"
        "::test_A4_people_named_in_the_portal_get_all_that_follows",
    ),
    row(
        "A4 people who are added",
        "rules/decision/change/people.py",
        "    if not joins or (facts.published and not by_mail):",
        "    if True:",
        "test_aiven.py::TestPeopleOfTheSupportCenter"
        "::test_A4_a_person_who_is_added_later_is_notified_of_it",
    ),
    row(
        "A5 people whom a guest adds",
        PARTICIPANTS,
        "            handling = policy.cc.by_guests\n",
        '            handling = "propose"\n',
        "test_aiven.py::TestCopies::test_A5_the_policy_decides_whom_a_guest_may_add",
    ),
    row(
        "A6 fields of later answers",
        "storage/ticket/write.py",
        "dict(found.onto(fields))",
        "fields",
        "test_aiven.py::TestContent::test_A6_a_project_named_in_a_reply_becomes_a_field",
    ),
    row(
        "A11 further patterns",
        FIELDS,
        "*self.patterns)",
        "*self.patterns[:1])",
        "test_aiven.py::TestFields::test_A11_ids_are_recognised_as_people_write_them",
    ),
    row(
        "A11 several values",
        FIELDS,
        "        if self.several:\n            return",
        "        if False:\n            return",
        "test_aiven.py::TestFields::test_A11_several_ids_are_kept",
    ),
    row(
        "A11 corrections",
        "storage/ticket/write.py",
        "fields = {**fields, name: became}",
        "fields = {name: became, **fields}",
        "test_aiven.py::TestFields::test_A11_staff_correct_a_field",
    ),
    row(
        "A11 only staff correct",
        "rules/ticket/changes.py",
        """    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "set a field\"""",
        """    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "set a field\"""",
        "test_aiven.py::TestFields::test_A11_a_customer_corrects_none",
    ),
    row(
        "A11 choices",
        FIELDS,
        'by_name.get(value.casefold(), "")',
        'by_name.get(value, "")',
        "test_aiven.py::TestFields::test_A11_the_reason_for_creating_is_kept",
    ),
    row(
        "A13 people of other companies",
        PARTICIPANTS,
        "            handling = policy.cc.guests\n        case _ if",
        '            handling = "propose"\n        case _ if',
        "test_aiven.py::TestCopies::test_A13_everybody_in_copy_joins_users_of_other_companies_too",
    ),
    row(
        "A13 the acknowledgement",
        "rules/service/notifications.py",
        "waiting=tuple(a.address for a in people if a.presence is Presence.PENDING)",
        "waiting=()",
        "test_aiven.py::TestPeopleOfTheSupportCenter::test_A13_the_acknowledgement_names_who_waits",
    ),
    row(
        "A12 the phone",
        CONTEXT,
        '    return (tier.phone if tier is not None else None) or ""',
        '    return ""',
        "test_aiven.py::TestPhone::test_A12_the_phone_is_in_the_acknowledgement_and_before_staff",
    ),
)

PERMISSIONS = "rules/service/permissions.py"

ATLAN: tuple[Mutation, ...] = (
    row(
        "T4 a critical level",
        "rules/decision/change/state.py",
        "        orders = notifications.alert_on_call(",
        "        orders = () and notifications.alert_on_call(",
        "test_atlan.py::TestHours"
        "::test_T4_the_engineer_on_call_is_notified_of_a_ticket_set_to_critical",
    ),
    row(
        "T5 one level at a time",
        REACH,
        "    number = current + 1 if why is None else current",
        "    number = current + 1",
        "test_atlan.py::TestEscalation::test_T5_an_engineer_who_has_not_answered_is_reminded_first",
    ),
    row(
        "T6 the success manager",
        ESCALATE,
        "    manager = ticket.success_manager if policy",
        '    manager = "" if policy',
        "test_atlan.py::TestEscalation::test_T6_the_customer_s_success_manager_is_notified",
    ),
    row(
        "T10 the assigned engineer",
        REACH,
        "if level.assigned_first else None",
        "if False else None",
        "test_atlan.py::TestReachingSomebody::test_T10_the_assigned_engineer_hears_first",
    ),
    row(
        "T10 the time of a level",
        REACH,
        "        if until is None or at >= until:",
        "        if True:",
        "test_atlan.py::TestReachingSomebody::test_T10_no_level_within_the_time_of_the_one_below",
    ),
    row(
        "T10 the pause",
        REACH,
        "if at - each.at < PAUSE)",
        "if False)",
        "test_atlan.py::TestReachingSomebody"
        "::test_T10_the_same_engineer_is_asked_at_most_every_quarter_of_an_hour",
    ),
    row(
        "T10 who was passed over",
        "storage/ticket/write.py",
        'if effect.passed else ""',
        'if False else ""',
        "test_atlan.py::TestReachingSomebody"
        "::test_T10_a_dead_director_is_passed_over_and_it_is_said",
    ),
    row(
        "T10 the desk",
        NOTIFICATIONS,
        "        desk = [each for each in staff if each.address not in unreachable]",
        "        desk = []",
        "test_atlan.py::TestReachingSomebody::test_T10_the_desk_hears_when_nobody_else_can",
    ),
    row(
        "T2 read-only lists",
        PERMISSIONS,
        "    if access is not Access.MEMBER:\n        return",
        "    if access is Access.NONE:\n        return",
        "test_atlan.py::TestLists::test_T2_a_ticket_of_the_organisation_is_read_only",
    ),
    row(
        "T8 lists of a company",
        PERMISSIONS,
        "(agreed or policy.visibility)",
        "policy.visibility",
        "test_atlan.py::TestLists::test_T8_lists_are_closed_until_the_company_is_opened",
    ),
    row(
        "T8 read-only",
        PERMISSIONS,
        "    if access is not Access.MEMBER:\n        return",
        "    if access is Access.NONE:\n        return",
        "test_atlan.py::TestLists::test_T8_opened_lists_are_read_only",
    ),
    row(
        "T9 P0 of the portal",
        PERMISSIONS,
        "takes_effect = policy.severity.may_set(by_portal=True)",
        "takes_effect = policy.severity.may_set(by_portal=False)",
        "test_atlan.py::TestSeverity::test_T9_a_p0_of_the_portal_is_p0_and_alerts_on_call",
    ),
    row(
        "T9 P0 by mail",
        "rules/policy/severity.py",
        "                return by_portal\n",
        "                return True\n",
        "test_atlan.py::TestSeverity::test_T9_a_p0_by_mail_stays_a_claim",
    ),
    Mutation(
        "T9 the way they came by",
        (
            Edit(CONTEXT, "about.door in CRITICAL_SOURCES and not answers_mail", "False"),
            Edit(CONTEXT, "notice.about is not None and notice.about.critical_claimed", "True"),
        ),
        (
            f"{POLICIES}/test_atlan.py::TestSeverity::test_T9_nobody_is_sent_to_the_way_they_came_by",
        ),
    ),
    row(
        "T10 a contact's reply",
        "rules/decision/entitlement.py",
        "    if notified:\n",
        "    if False:\n",
        "test_atlan.py::TestReachingSomebody::test_T10_a_contacts_reply_is_a_flagged_comment",
    ),
    row(
        "T10 contacts alone",
        "storage/mail/contacts.py",
        '            _notice.c.address == bindparam("address"),\n',
        "",
        "test_atlan.py::TestReachingSomebody::test_T10_nobody_but_a_contact_answers_so",
    ),
)

NEW_POLICY = "test_new_policy.py"

ALL: tuple[Mutation, ...] = (
    row(
        "all explain takes a file",
        "gateway/cli/policies.py",
        'if name.endswith(".toml") or os.sep in name:',
        "if False:",
        f"{NEW_POLICY}::test_all_explain_takes_a_file_and_shows_no_pattern",
    ),
    row(
        "all explain shows no format",
        "rules/policy/explain/conduct.py",
        'policy.subject_tag.format.replace("{n}", "123")',
        "policy.subject_tag.format",
        f"{NEW_POLICY}::test_all_explain_takes_a_file_and_shows_no_pattern",
    ),
    row(
        "all a signal reloads",
        "gateway/cli/serve.py",
        "loop.add_signal_handler(signal.SIGHUP, reload.set)",
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)",
        f"{NEW_POLICY}::TestReload::test_all_a_broken_policy_keeps_the_old_one",
    ),
    row(
        "all the command checks first",
        "gateway/cli/reload.py",
        "new = policies.load(settings.policies.folder)",
        "new = policies.load(None)",
        f"{NEW_POLICY}::TestReload::test_all_a_broken_policy_keeps_the_old_one",
    ),
    row(
        "all a reload is in force",
        "gateway/reloading.py",
        "            self.book.replace(new)\n",
        "",
        f"{NEW_POLICY}::TestReload::test_all_a_broken_policy_keeps_the_old_one",
    ),
    row(
        "all switching",
        "gateway/policies.py",
        "orphans(mailboxes.open_tickets(connection, mailbox.id), policy)",
        "orphans((), policy)",
        f"{NEW_POLICY}::TestSwitching::test_all_switching_names_the_open_tickets",
    ),
    row(
        "all a merge keeps a critical level",
        "rules/decision/change/merged_severity.py",
        "        return _raised(ticket, into, level, facts, policy)\n",
        "        return Effects()\n",
        "test_weka.py::TestMerges"
        "::test_all_a_critical_ticket_merged_into_a_lesser_one_keeps_its_level",
    ),
    row(
        "all footers of staff",
        "rules/service/replying.py",
        "ReplyEffect.WAITS if reader.is_staff else ReplyEffect.CONTACT",
        "ReplyEffect.CONTACT",
        "test_footers.py::test_all_a_footer_states_what_a_reply_of_its_reader_becomes",
    ),
    row(
        "all footers on closed requests",
        "rules/service/replying.py",
        "    if reader.ticket_is_closed and not reader.is_staff:\n",
        "    if False:\n",
        "test_footers.py::test_all_a_footer_states_what_a_reply_of_its_reader_becomes",
    ),
    row(
        "all what colleagues read",
        CONTEXT,
        "(about.company_visibility or policy.visibility)",
        "policy.visibility",
        "test_footers.py::test_all_colleagues_read_what_a_footer_says_they_read",
    ),
    row(
        "all command lines",
        "rules/commands/readable.py",
        "text = without_commands(published(text, REPLY_MARK))",
        "text = published(text, REPLY_MARK)",
        "test_footers.py::test_all_customers_see_no_command_line",
    ),
    Mutation(
        "all the mark in mails to contacts",
        (Edit(CONTEXT, "return notice.kind is not NoticeKind.NEXT_STEPS", "return False"),),
        (f"{NOTICES}/test_notice_texts.py::test_contacts_write_above_the_mark",),
    ),
    Mutation(
        "all quotes of contacts",
        (
            Edit(
                "rules/commands/readable.py",
                "text = above or published(_without_quotes(text), REPLY_MARK)",
                "pass",
            ),
        ),
        (
            (
                f"{NOTICES}/test_what_customers_see.py"
                "::test_of_a_comment_by_somebody_outside_no_quote_is_published"
            ),
        ),
    ),
    row(
        "all past dates",
        CONTEXT,
        "due_at if due_at and due_at > now else None",
        "due_at",
        "test_weka.py::TestSigningUp::test_all_a_late_release_names_no_past_date",
    ),
)
"""What holds for every preset."""

ROWS = (*EARLIER, *WEKA, *STAKATER, *AIVEN, *ATLAN, *ALL)
