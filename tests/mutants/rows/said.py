"""What breaks a promise that somebody reads what a rule refuses, withholds or cannot do."""

from __future__ import annotations

from tests.mutants.mutations import Edit, Mutation


def said(name: str, path: str, old: str, new: str, test: str) -> Mutation:
    return Mutation(f"said {name}", (Edit(path, old, new),), (f"tests/{test}",))


SAID: tuple[Mutation, ...] = (
    said(
        "a refused escalation",
        "rules/decision/opening_escalation.py",
        "    return replace(opening, orders=(*opening.orders, *alerts))",
        "    return opening",
        "rules/decision/test_opening_escalation.py"
        "::test_staff_are_alerted_of_a_refusal_that_its_author_is_not_sent",
    ),
    said(
        "withheld answers",
        "rules/service/more.py",
        " and not to_manager:",
        ":",
        "rules/service/test_follow_up.py"
        "::test_what_a_budget_withholds_from_the_success_manager_is_sent_in_one_summary",
    ),
    said(
        "who is passed over at a due time",
        "rules/decision/change/overdue.py",
        "SlaPayload(clock.stage, passed_over(passed))",
        "SlaPayload(clock.stage)",
        "rules/decision/test_said_to_staff.py::test_who_is_passed_over_at_a_due_time_is_named",
    ),
    said(
        "a reason that stays internal",
        "rules/ticket/reasons.py",
        "    if not reasons.kept:",
        "    if True:",
        "rules/decision/test_said_to_staff.py::test_the_result_says_which_reason_stays_internal",
    ),
    said(
        "a request without a due time",
        "rules/decision/opening.py",
        "    if why is not None:\n",
        "    if False:\n",
        "rules/decision/test_endless_promises.py"
        "::test_it_opens_without_a_due_time_and_staff_are_alerted",
    ),
    said(
        "an endless contract",
        "gateway/cli/reload.py",
        "    read(config, partial(policies.check_all_contracts, new))\n",
        "",
        "gateway/cli/test_policy_changes.py"
        "::test_hours_in_which_a_contract_never_passes_are_refused_and_a_ticket_says_why",
    ),
    said(
        "texts of a language",
        "gateway/outgoing/context.py",
        "    policy = policy.in_language(language)\n",
        "",
        "rules/policy/test_translations.py::test_a_reader_is_sent_the_texts_in_their_language",
    ),
    said(
        "questions of a language",
        "rules/service/notifications.py",
        "policy.in_language(language).completeness.facts",
        "policy.completeness.facts",
        "rules/policy/test_translations.py::test_the_questions_are_in_the_language_of_the_request",
    ),
    said(
        "turns of callers",
        "gateway/web/api/turns.py",
        "self._waiting[caller] = requests  # behind all others",
        "self._waiting = {caller: requests, **self._waiting}",
        "gateway/web/api/test_turns.py::test_who_asks_for_much_keeps_nobody_else_waiting",
    ),
    said(
        "a busy API",
        "gateway/web/readers.py",
        "            self.runtime.metrics.api_busy()\n",
        "",
        "gateway/web/api/test_budgets.py::test_a_ticket_is_shown_once_the_one_before_is_shown",
    ),
    said(
        "guests of other companies",
        "rules/service/permissions.py",
        "    if access is Access.GUEST and _is_for_its_company(change):",
        "    if False:",
        "rules/service/test_permissions.py::test_who_may_make_which_change",
    ),
    said(
        "a released draft",
        "rules/decision/comment.py",
        "    answered = not calm or (case.released and case.sender.standing is Standing.STAFF)",
        "    answered = not calm",
        "rules/decision/test_released.py"
        "::test_the_only_staff_person_reads_that_their_released_mail_is_a_draft",
    ),
    said(
        "a reload while a worker starts",
        "gateway/supervisor.py",
        "before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)",
        "before = signal.pthread_sigmask(signal.SIG_BLOCK, set())",
        "gateway/test_supervisor.py"
        "::test_a_reload_while_a_worker_starts_waits_until_it_can_be_heard",
    ),
    said(
        "a removed setting",
        "rules/validation/messages.py",
        "        if instead := _removed_at(model, location):",
        '        if instead := "":',
        "gateway/config/test_broken_settings.py::test_a_broken_file_is_refused_with_its_message",
    ),
    said(
        "an alert of a claim",
        "storage/ticket/rows.py",
        '            "claim": _claim(order.payload),',
        '            "claim": "",',
        "storage/mail/test_claims_through_lists.py"
        "::test_replies_through_a_list_that_claim_to_be_critical_alert_once_an_hour",
    ),
    said(
        "phone and calendar",
        "gateway/cli/ticket_facts.py",
        '        ("calendar", _calendar(ticket, policy)),\n',
        "",
        "gateway/cli/test_ticket_commands.py"
        "::test_a_ticket_is_shown_with_its_calendar_and_the_phone_of_its_plan",
    ),
)
