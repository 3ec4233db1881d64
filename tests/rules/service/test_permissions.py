"""What a person may see of a ticket, and do to it, over the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rules.people import Participant, ParticipantKind, Person, Presence
from rules.policy import Policy
from rules.service.permissions import Access, access_of, forbidden, opening_severity, with_reopening
from rules.ticket.changes import (
    AddPerson,
    Assign,
    Change,
    Complete,
    Delete,
    Escalate,
    Merge,
    PublishComment,
    RemovePerson,
    SetAnySeverity,
    SetStatus,
    SettlePerson,
    Workaround,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.visibility import Visibility
from tests.rules.building import ACME, ANN, BOB, GIL, SAM, default_policy, policy_with

POLICY = default_policy()
SHARED = default_policy(visibility="company")
STAFF_SET_SEVERITY = policy_with("severity", customers_may_set="nowhere")
SET_BY_MAIL = policy_with("severity", customers_may_set="mail")
SET_IN_PORTAL = policy_with("severity", customers_may_set="portal")

TICKET = Ticket(
    7,
    1,
    (
        Participant(1, ANN.address, ParticipantKind.REQUESTER, Presence.ACTIVE),
        Participant(2, "pia@acme.example", ParticipantKind.USER, Presence.PENDING),
        Participant(3, "rob@acme.example", ParticipantKind.USER, Presence.REMOVED),
        Participant(4, "kim@acme.example", ParticipantKind.GUEST, Presence.ACTIVE),
        Participant(5, "gus@globex.example", ParticipantKind.GUEST, Presence.ACTIVE),
        Participant(6, "ula@globex.example", ParticipantKind.USER, Presence.ACTIVE),
    ),
    requester=ANN.address,
)
PIA, ROB = replace(BOB, address="pia@acme.example"), replace(BOB, address="rob@acme.example")
KIM = replace(BOB, address="kim@acme.example")
GUS, ULA = replace(GIL, address="gus@globex.example"), replace(GIL, address="ula@globex.example")


@pytest.mark.parametrize(
    ("person", "in_private", "in_company"),
    [
        (ANN, Access.MEMBER, Access.MEMBER),
        (BOB, Access.NONE, Access.COLLEAGUE),
        (PIA, Access.NONE, Access.COLLEAGUE),
        (ROB, Access.NONE, Access.COLLEAGUE),
        (GIL, Access.NONE, Access.NONE),
        (GUS, Access.GUEST, Access.GUEST),
        (ULA, Access.MEMBER, Access.MEMBER),
        (KIM, Access.MEMBER, Access.MEMBER),
        (SAM, Access.STAFF, Access.STAFF),
    ],
    ids=[
        "requester",
        "colleague",
        "pending",
        "removed",
        "another company",
        "guest of another company",
        "whom staff added",
        "guest who joined the company since",
        "staff",
    ],
)
def test_the_access_of_each_person_to_a_ticket(
    person: Person, in_private: Access, in_company: Access
) -> None:
    assert access_of(person, TICKET, POLICY) is in_private
    assert access_of(person, TICKET, SHARED) is in_company


def test_nobody_has_access_to_a_deleted_ticket() -> None:
    assert access_of(SAM, replace(TICKET, deleted=True), POLICY) is Access.NONE


PUBLIC, NOTE = Visibility.PUBLIC, Visibility.NOTE
MEMBERS_MAY: Sequence[Change] = (
    SetStatus(Status.OPEN),
    SetStatus(Status.RESOLVED),
    SetStatus(Status.CLOSED),
    SetAnySeverity("Critical", ""),
    WriteComment("It is back.", PUBLIC),
    Escalate("It takes long."),
    AddPerson(BOB.address),
    Complete(),
)
GUESTS_MAY_NOT: Sequence[Change] = (
    SetStatus(Status.RESOLVED),
    SetStatus(Status.CLOSED),
    SetAnySeverity("Critical", ""),
    Complete(),
)
STAFF_MAY: Sequence[Change] = (
    *MEMBERS_MAY,
    SetStatus(Status.PENDING),
    WriteComment("Odd.", NOTE),
    Workaround(),
    Assign(SAM.address),
    RemovePerson(BOB.address),
    SettlePerson(BOB.address, accept=True),
    PublishComment(3),
    Merge(8),
    Delete(""),
)


@pytest.mark.parametrize("change", STAFF_MAY, ids=repr)
def test_who_may_make_which_change(change: Change) -> None:
    assert (forbidden(change, Access.STAFF, POLICY) == "") is True
    assert (forbidden(change, Access.MEMBER, POLICY) == "") is (change in MEMBERS_MAY)
    guests_may = change in MEMBERS_MAY and change not in GUESTS_MAY_NOT
    assert (forbidden(change, Access.GUEST, POLICY) == "") is guests_may
    assert (forbidden(change, Access.COLLEAGUE, POLICY) == "") is False
    assert (forbidden(change, Access.NONE, POLICY) == "") is False


def test_where_staff_set_the_severity_a_customer_may_not() -> None:
    assert "policy" in forbidden(SetAnySeverity("High", ""), Access.MEMBER, STAFF_SET_SEVERITY)
    assert "policy" in forbidden(SetAnySeverity("High", ""), Access.MEMBER, SET_BY_MAIL)
    assert forbidden(SetAnySeverity("High", ""), Access.MEMBER, SET_IN_PORTAL) == ""
    assert forbidden(SetAnySeverity("High", ""), Access.STAFF, STAFF_SET_SEVERITY) == ""


@pytest.mark.parametrize("access", [Access.MEMBER, Access.GUEST])
@pytest.mark.parametrize(
    ("status", "text", "became"),
    [
        (Status.OPEN, "It is back.", None),
        (Status.PENDING, "Here is the log.", Status.OPEN),
        (Status.RESOLVED, "It is back.", Status.OPEN),
        (Status.RESOLVED, "Thanks!", None),
        (Status.CLOSED, "It is back.", None),
    ],
)
def test_a_customers_comment_reopens_a_ticket_as_their_mail_does(
    status: Status, text: str, became: Status | None, access: Access
) -> None:
    ticket = replace(TICKET, status=status)

    made = with_reopening((WriteComment(text, PUBLIC),), ticket, access)

    assert [c.status for c in made if isinstance(c, SetStatus)] == ([became] if became else [])


def test_a_requested_status_takes_precedence_over_the_reopening() -> None:
    requested = (WriteComment("It works.", PUBLIC), SetStatus(Status.CLOSED))

    assert (
        with_reopening(requested, replace(TICKET, status=Status.PENDING), Access.MEMBER)
        == requested
    )


def test_a_staff_persons_comment_reopens_nothing() -> None:
    requested = (WriteComment("We closed it.", PUBLIC),)

    assert (
        with_reopening(requested, replace(TICKET, status=Status.RESOLVED), Access.STAFF)
        == requested
    )


@pytest.mark.parametrize(
    ("policy", "by_staff", "wanted", "level", "claimed", "critical_claimed"),
    [
        (POLICY, False, None, "Normal", None, False),
        (POLICY, False, "Critical", "Critical", "Critical", False),
        (POLICY, True, "Critical", "Critical", None, False),
        (STAFF_SET_SEVERITY, False, "High", "Normal", "High", False),
        (STAFF_SET_SEVERITY, False, "Critical", "Normal", "Critical", True),
        (STAFF_SET_SEVERITY, True, "Critical", "Critical", None, False),
        (SET_BY_MAIL, False, "Critical", "Normal", "Critical", True),
        (SET_IN_PORTAL, False, "Critical", "Critical", "Critical", False),
    ],
)
def test_the_severity_that_a_ticket_opens_at_over_the_api(
    policy: Policy,
    by_staff: bool,
    wanted: str | None,
    level: str,
    claimed: str | None,
    critical_claimed: bool,
) -> None:
    levels = {one.name: one for one in policy.levels}

    requested = opening_severity(levels[wanted] if wanted else None, by_staff, policy)

    assert requested.level.name == level
    assert (requested.claimed.name if requested.claimed else None) == claimed
    assert requested.critical_claimed is critical_claimed


@pytest.mark.parametrize(
    ("agreed", "policy", "access"),
    [
        ("company", POLICY, Access.COLLEAGUE),
        ("private", SHARED, Access.NONE),
        ("", SHARED, Access.COLLEAGUE),
        ("", POLICY, Access.NONE),
    ],
)
def test_what_is_agreed_with_a_company_takes_precedence_over_the_policy(
    agreed: str, policy: Policy, access: Access
) -> None:
    bob = replace(BOB, company=replace(ACME, visibility=agreed))

    assert access_of(bob, replace(TICKET, company=ACME.id), policy) is access
