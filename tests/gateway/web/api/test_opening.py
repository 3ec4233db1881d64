"""New tickets over the API."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from gateway import clock
from rules.people import Role
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import ApprovalPayload
from storage.db.database import Connection
from storage.notices import outbox
from storage.registry import companies, mailboxes, people
from storage.registry.companies import Contract
from storage.registry.people import NewPerson
from tests.gateway.web.api.site import ALICE, ANN, BOB, GIL, SAM, SHARED, Site
from tests.in_process import SUPPORT


async def test_a_ticket_is_opened_and_notices_are_queued(either: Site) -> None:
    status, ticket = await either.opened(ANN, severity="high")

    assert status == 201
    assert (ticket["requester"], ticket["severity"], ticket["status"]) == (ANN, "High", "open")
    view = await either.ticket_view(ticket["number"])
    assert (ANN, "requester") in [(m.address, m.part) for m in view.members]
    assert [(c.author, c.text) for c in view.comments] == [(ANN, "It is stuck.")]
    due = await either.write(partial(outbox.claim, now=clock.now(), limit=100))
    assert sorted((n.kind, n.address) for n in due) == [
        (NoticeKind.ACKNOWLEDGEMENT, ANN),
        (NoticeKind.NEW_TICKET, SAM),
    ]


async def test_the_location_of_a_new_ticket_is_returned(site: Site) -> None:
    new = {"mailbox": SUPPORT, "subject": "Lift", "text": "It is stuck."}

    response = await site.ask("POST", "", ANN, json=new)

    assert response.headers["Location"] == f"/api/v1/tickets/{(await response.json())['number']}"


async def test_staff_open_a_ticket_for_a_customer(site: Site) -> None:
    number = await site.open(SAM, requester=ANN)

    view = await site.ticket_view(number)
    assert (view.summary.requester, view.comments[0].author) == (ANN, SAM)
    assert await site.numbers(f"?mailbox={SUPPORT}", ANN) == [number]


async def test_a_customer_opens_no_ticket_for_another(site: Site) -> None:
    assert (await site.opened(ANN, requester=BOB))[0] == 403


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        ({"severity": "urgent"}, 409, "expected one of: Critical, High, Normal, Low"),
        ({"requester": "eve@evil.example"}, 409, "eve@evil.example is not an active user"),
        ({"requester": "eve"}, 400, "'eve' is not a valid email address"),
        ({"subject": " "}, 400, "subject: "),
        ({"text": "\b"}, 400, "must not be empty"),
        ({"colour": "red"}, 400, "unknown key: colour"),
        ({"cc": ["bob"]}, 409, "'bob' is not a valid email address"),
        ({"cc": [SUPPORT]}, 409, f"{SUPPORT} is nobody's own address"),
        ({"fields": {"project_id": "x"}}, 409, "there is no field project_id"),
        ({"fields": {"Area": "x", "area": "y"}}, 400, "'Area' and 'area' name the same field"),
        ({"fields": {"a  b": "x", " a b": "x"}}, 400, "'a  b' and ' a b' name the same field"),
        ({"fields": ["area"]}, 400, "fields"),
    ],
)
async def test_an_invalid_new_ticket_is_refused_with_the_reason(
    site: Site, more: dict[str, Any], status: int, message: str
) -> None:
    found, body = await site.opened(SAM, **more)

    assert (found, message in body["detail"]) == (status, True)
    assert await site.numbers(f"?mailbox={SUPPORT}") == []


async def test_people_whom_a_customer_names_join_or_wait_as_in_a_mail(either: Site) -> None:
    number = await either.open(ANN, SHARED, cc=[BOB, GIL, "pat@partner.example", ANN, BOB])

    _, ticket = await either.get(f"/{number}", ALICE)
    people = {
        each["address"]: each["presence"] for each in ticket["people"] if each["part"] != "follower"
    }
    assert people == {
        ANN: "active",
        BOB: "active",
        GIL: "pending",
        "pat@partner.example": "pending",
    }
    due = await either.write(partial(outbox.claim, now=clock.now(), limit=100))
    asked = next(n.payload for n in due if n.kind is NoticeKind.APPROVAL)
    assert asked == ApprovalPayload((GIL, "pat@partner.example"))
    (welcome,) = (n for n in due if n.kind is NoticeKind.STATUS)
    assert welcome.address == BOB
    assert welcome.comment is not None


async def test_whom_staff_name_joins_at_once(site: Site) -> None:
    number = await site.open(ALICE, SHARED, requester=ANN, cc=[GIL, "pat@partner.example"])

    _, ticket = await site.get(f"/{number}", ALICE)
    assert {each["presence"] for each in ticket["people"]} == {"active"}


async def test_a_plan_without_support_opens_no_ticket(site: Site) -> None:
    def on_the_free_plan(connection: Connection) -> None:
        mailboxes.add_mailbox(connection, "data@help.example", "aiven")
        ours = mailboxes.mailbox_named(connection, "data@help.example")
        companies.add_company(connection, ours, "Acme", ["acme.example"])
        people.add_person(connection, ours, NewPerson(ANN, "", Role.USER, "Acme"))
        free = Contract("free", datetime(2020, 1, 1, tzinfo=UTC), {})
        companies.add_contract(connection, ours, "Acme", free)

    await site.write(on_the_free_plan)

    status, body = await site.opened(ANN, "data@help.example")

    assert (status, "community" in body["detail"]) == (409, True)
