"""What breaks a promise of every preset."""

from __future__ import annotations

from tests.mutants.mutations import Edit, Mutation
from tests.mutants.row import row

NOTICES = "tests/gateway/outgoing"
CONTEXT = "gateway/outgoing/context.py"
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
        "shows_tickets(about.company_visibility, policy)",
        'shows_tickets("", policy)',
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
        (Edit(CONTEXT, "return notice.kind not in _PASSED_ON", "return False"),),
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
