"""What breaks a promise of the preset atlan."""

from __future__ import annotations

from tests.mutants.mutations import Edit, Mutation
from tests.mutants.row import POLICIES, row

CHANNELS, CONTEXT = "gateway/outgoing/channels.py", "gateway/outgoing/context.py"
REACH = "rules/service/escalation.py"
ESCALATE = "rules/decision/change/escalation.py"
NOTIFICATIONS = "rules/service/notifications.py"
PERMISSIONS = "rules/service/permissions.py"

ATLAN: tuple[Mutation, ...] = (
    row(
        "T4 a critical level",
        "rules/decision/change/state.py",
        "        orders = notifications.alert_of_change(",
        "        orders = () and notifications.alert_of_change(",
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
        'if addresses else ""',
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
        "    if not access.is_on_ticket:\n        return",
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
        "    if not access.is_on_ticket:\n        return",
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
            Edit(CHANNELS, "about.door in CRITICAL_SOURCES and not answers_mail", "False"),
            Edit(CHANNELS, "notice.about is not None and notice.about.critical_claimed", "True"),
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
