"""A new ticket over the API: the people and the fields that its request names."""

from __future__ import annotations

from collections import Counter

import pytest

from rules.decision.effects import ChangeRefused
from rules.decision.model import OpenTicket
from rules.decision.request import Request, RequestFacts, decide_request
from rules.people import Presence
from rules.policy import FieldSection
from rules.service.permissions import RequestedSeverity
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ACME,
    ANN,
    BOB,
    EVERYBODY,
    GIL,
    GLOBEX,
    NOON,
    SAM,
    SUPPORT,
    person,
    policy_with,
)

PAT = "pat@partner.example"
LEFT = person("left@acme.example", ACME, active=False)
LEFT_GLOBEX = person("left@globex.example", GLOBEX, active=False)


def requested(
    *cc: str, guests: str = "add", by_staff: bool = False, **fields: str
) -> OpenTicket[RequestedSeverity] | ChangeRefused:
    people = {each.address: each for each in (*EVERYBODY, LEFT, LEFT_GLOBEX)}
    facts = RequestFacts(
        at=NOON,
        actor=SAM.address if by_staff else ANN.address,
        by_staff=by_staff,
        mailbox=SUPPORT,
        requester=ANN,
        staff=(),
        people=people,
        own_addresses=frozenset({"sales@help.example"}),
    )
    policy = policy_with("cc", guests=guests).model_copy(
        update={"fields": (FieldSection(name="reason", label="Reason", choices=("Outage",)),)}
    )
    request = Request(ANN.address, "Lift", "Reason: none", cc=cc, fields=fields)
    return decide_request(request, facts, policy)


@pytest.mark.parametrize("address", [GIL.address, LEFT_GLOBEX.address, PAT])
@pytest.mark.parametrize(
    ("guests", "presence"), [("add", Presence.ACTIVE), ("propose", Presence.PENDING)]
)
def test_a_customer_learns_nothing_of_whom_they_name(
    guests: str, presence: Presence, address: str
) -> None:
    opened = requested(BOB.address, address, guests=guests)

    assert isinstance(opened, OpenTicket)
    bob, other = opened.additions
    assert (bob.presence, other.presence) == (Presence.ACTIVE, presence)
    asked = [order.address for order in opened.orders if order.kind is NoticeKind.APPROVAL]
    assert asked == ([ANN.address] if presence is Presence.PENDING else [])


@pytest.mark.parametrize(
    ("address", "guests", "why"),
    [
        (PAT, "ignore", f"{PAT} is not a registered user"),
        (GIL.address, "ignore", f"{GIL.address} is not a registered user"),
        (LEFT.address, "add", f"{LEFT.address} cannot be added by customers; ask staff"),
        ("sales@help.example", "add", "sales@help.example is nobody's own address"),
        ("postmaster@acme.example", "add", "postmaster@acme.example is nobody's own address"),
        ("pat", "add", "'pat' is not a valid email address"),
    ],
)
def test_who_cannot_be_added_is_named(address: str, guests: str, why: str) -> None:
    refused = requested(BOB.address, address, guests=guests)

    assert isinstance(refused, ChangeRefused)
    assert why in str(refused.why)


def test_staff_name_whom_they_want() -> None:
    opened = requested(GIL.address, PAT, guests="ignore", by_staff=True)

    assert isinstance(opened, OpenTicket)
    assert [each.presence for each in opened.additions] == [Presence.ACTIVE] * 2


def test_people_beyond_the_cap_of_a_ticket_wait() -> None:
    opened = requested(*(f"p{n}@partner.example" for n in range(30)))

    assert isinstance(opened, OpenTicket)
    found = Counter(each.presence for each in opened.additions)
    assert found == {Presence.ACTIVE: 24, Presence.PENDING: 6}
    sent = [order.address for order in opened.orders if order.kind is NoticeKind.STATUS]
    assert sent == [each.address for each in opened.additions[:24]]


def test_a_field_that_is_given_takes_precedence_over_the_text() -> None:
    opened = requested(reason="outage")

    assert isinstance(opened, OpenTicket)
    assert opened.fields == {"reason": "Outage"}
