"""What breaks a promise of the preset aiven."""

from __future__ import annotations

from tests.mutants.mutations import Mutation
from tests.mutants.row import row

CHANNELS, CONTEXT = "gateway/outgoing/channels.py", "gateway/outgoing/context.py"
REQUEST = "rules/decision/request.py"
ANSWERS = "rules/service/answers.py"
FIELDS = "rules/policy/fields.py"
PARTICIPANTS = "rules/service/participants.py"

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
        CHANNELS,
        '    return (tier.phone if tier is not None else None) or ""',
        '    return ""',
        "test_aiven.py::TestPhone::test_A12_the_phone_is_in_the_acknowledgement_and_before_staff",
    ),
)
