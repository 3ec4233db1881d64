"""For each promise of the presets, the edit that breaks it, and the test that must detect it.

A row is named as its test is, `W3 …`. `python -m tests.mutants --rows W3` tries the rows whose
names begin so; `--rows` alone tries all of them. Append yours to its preset.
"""

from __future__ import annotations

from tests.mutants.mutations import Edit, Mutation

POLICIES = "tests/acceptance/policies"


def row(name: str, path: str, old: str, new: str, test: str) -> Mutation:
    """A row with one edit; `test` is a module of `POLICIES` and a test in it, `test_weka.py::…`."""
    return Mutation(name, (Edit(path, old, new),), (f"{POLICIES}/{test}",))


WEKA: tuple[Mutation, ...] = ()

CONTEXT, FOLLOW_UP = "gateway/outgoing/context.py", "rules/service/follow_up.py"

STAKATER: tuple[Mutation, ...] = (
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

AIVEN: tuple[Mutation, ...] = (
    row(
        "A12 the phone",
        CONTEXT,
        '    return (tier.phone if tier is not None else None) or ""',
        '    return ""',
        "test_aiven.py::TestPhone::test_A12_the_phone_is_in_the_acknowledgement_and_before_staff",
    ),
)

ATLAN: tuple[Mutation, ...] = ()

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
)
"""What holds for every preset."""

ROWS = (*WEKA, *STAKATER, *AIVEN, *ATLAN, *ALL)
