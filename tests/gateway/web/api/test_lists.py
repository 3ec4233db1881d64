"""The lists of tickets: which tickets each caller finds, page by page."""

from __future__ import annotations

import pytest

from tests.desk import SUPPORT
from tests.gateway.web.api.site import ALICE, ANN, BOB, CAT, GIL, PLANNED, SAM, SHARED, Site


async def test_a_customer_finds_his_own_tickets_and_those_he_was_copied_on(either: Site) -> None:
    own, other = await either.open(ANN), await either.open(CAT)
    await either.effects(other, add=[ANN])

    assert await either.numbers(f"?mailbox={SUPPORT}", ANN) == [own]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=mine", ANN) == [own]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=cc", ANN) == [other]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=cc", BOB) == []


async def test_whoever_was_left_out_finds_the_ticket_no_more(site: Site) -> None:
    number = await site.open(CAT)
    await site.effects(number, add=[ANN])
    await site.effects(number, remove=[ANN])

    assert await site.numbers(f"?mailbox={SUPPORT}&list=cc", ANN) == []
    assert (await site.get(f"/{number}", ANN))[0] == 404


async def test_a_company_finds_all_its_tickets_where_the_policy_says_so(site: Site) -> None:
    number = await site.open(ANN, SHARED)
    await site.open(GIL, SHARED)

    assert await site.numbers(f"?mailbox={SHARED}&list=organisation", BOB) == [number]


async def test_elsewhere_the_policy_is_named_that_keeps_them_private(site: Site) -> None:
    status, body = await site.get(f"?mailbox={SUPPORT}&list=organisation", ANN)

    assert (status, "the policy default" in body["error"]) == (403, True)


async def test_staff_and_reports_find_every_ticket_of_a_mailbox(site: Site) -> None:
    first, second = await site.open(ANN), await site.open(GIL)
    await site.open(ANN, SHARED)

    for actor in (SAM, ""):
        assert await site.numbers(f"?mailbox={SUPPORT}", actor) == [second, first]


async def test_a_list_goes_on_where_the_page_before_ended(either: Site) -> None:
    opened = [await either.open(ANN) for _ in range(5)]
    query, found = f"?mailbox={SUPPORT}&limit=2", []

    _, page = await either.get(query, ANN)
    while page["before"]:
        found += [each["number"] for each in page["tickets"]]
        _, page = await either.get(f"{query}&before={page['before']}", ANN)
    found += [each["number"] for each in page["tickets"]]

    assert found == opened[::-1]


async def test_a_list_can_be_of_one_status(site: Site) -> None:
    closed = await site.open(ANN)
    await site.open(ANN)
    await site.effects(closed, status="closed")

    assert await site.numbers(f"?mailbox={SUPPORT}&status=closed") == [closed]


async def test_a_deleted_ticket_is_in_no_list(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, delete=True)

    assert await site.numbers(f"?mailbox={SUPPORT}") == []
    assert (await site.get(f"/{number}", SAM))[0] == 404


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?status=opne", 400, "there are open, pending, resolved, closed"),
        ("?limit=0", 400, "from 1 to 200"),
        ("?limit=many", 400, "from 1 to 200"),
        ("?before=yesterday", 400, "what the page before gave"),
        ("?before=99999999999999999-1", 200, ""),
        ("?list=yours", 400, "there are mine, cc, organisation"),
        ("?list=mine", 400, "is for customers"),
        ("?lsit=mine", 400, "unknown key in the query: lsit (did you mean list?)"),
        ("?colour=red", 400, "colour (known here: mailbox, status, list, limit, before)"),
        ("?mailbox=no@help.example", 404, "there is no mailbox no@help.example"),
    ],
)
async def test_what_a_list_cannot_be_is_said(
    site: Site, query: str, status: int, said: str
) -> None:
    wanted = query if "mailbox" in query else f"{query}&mailbox={SUPPORT}"

    found, body = await site.get(wanted, SAM)

    assert (found, said in body.get("error", "")) == (status, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", "/{n}"),
        ("PATCH", "/{n}"),
        ("GET", "/{n}/attachments/1"),
        ("GET", "/{n}/raw/1"),
    ],
)
async def test_elsewhere_a_query_means_nothing(site: Site, method: str, path: str) -> None:
    number = await site.open()

    response = await site.ask(method, f"{path.format(n=number)}?status=open", SAM, json={})

    said = {"error": "unknown key in the query: status (this request takes none)"}
    assert (response.status, await response.json()) == (400, said)


async def test_with_several_mailboxes_one_is_asked_for(site: Site) -> None:
    status, body = await site.get("", SAM)

    assert status == 400
    assert body["error"] == f"name the mailbox, one of: {PLANNED}, {SHARED}, {SUPPORT}"


async def test_a_staff_person_of_one_mailbox_need_not_name_it(site: Site) -> None:
    number = await site.open(ANN, SHARED)

    assert await site.numbers("", ALICE) == [number]
