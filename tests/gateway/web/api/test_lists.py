"""The lists of tickets: which tickets each caller finds, page by page."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from urllib.parse import quote

import pytest
from sqlalchemy import Connection, update

from gateway import clock
from rules.people import Role
from storage.db.tables import TicketRow, table
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from storage.ticket import search
from tests.gateway.web.api.site import ALICE, ANN, BOB, CAT, GIL, PLANNED, SAM, SHARED, Site
from tests.in_process import SUPPORT


async def test_customers_find_their_own_tickets_and_those_they_were_copied_on(either: Site) -> None:
    own, other = await either.open(ANN), await either.open(CAT)
    await either.effects(other, add=[ANN])

    assert await either.numbers(f"?mailbox={SUPPORT}", ANN) == [own]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=mine", ANN) == [own]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=cc", ANN) == [other]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=cc", BOB) == []


async def test_a_removed_person_no_longer_finds_the_ticket(site: Site) -> None:
    number = await site.open(CAT)
    await site.effects(number, add=[ANN])
    await site.effects(number, remove=[ANN])

    assert await site.numbers(f"?mailbox={SUPPORT}&list=cc", ANN) == []
    assert (await site.get(f"/{number}", ANN))[0] == 404


async def test_a_company_finds_all_its_tickets_where_the_policy_allows_it(site: Site) -> None:
    number = await site.open(ANN, SHARED)
    await site.open(GIL, SHARED)

    assert await site.numbers(f"?mailbox={SHARED}&list=organisation", BOB) == [number]


async def test_staff_find_tickets_by_whom_they_wait_for(either: Site) -> None:
    ours = await either.open(ANN)
    free = await either.open(CAT)
    await either.effects(ours, assignee=SAM)
    query = f"?mailbox={SUPPORT}"

    assert await either.numbers(f"{query}&assignee={SAM}", SAM) == [ours]
    assert await either.numbers(f"{query}&assignee=", SAM) == [free]
    assert await either.numbers(f"{query}&requester={CAT}&status=open") == [free]
    assert await either.numbers(f"{query}&requester={CAT}&status=closed") == []


async def test_staff_search_for_words_together_with_all_else(either: Site) -> None:
    first = await either.open(ANN, subject="Lift", text="The winch is broken.")
    second = await either.open(CAT, subject="Door", text="The winches are fine.")
    await either.open(ANN, SHARED, text="The winch of another desk.")
    await either.effects(second, comment={"text": "Bring grease.", "visibility": "note"})
    await either.effects(second, tag=["door"], assignee=SAM)
    query = f"?mailbox={SUPPORT}&q="

    assert await either.numbers(f"{query}winch", SAM) == [first]
    assert await either.numbers(f"{query}winch*", SAM) == [second, first]
    assert await either.numbers(f"{query}grease&tag=door&assignee={SAM}", SAM) == [second]
    assert await either.numbers(f"{query}winch*&status=closed", SAM) == []
    _, page = await either.get(f"{query}winch*&limit=1", SAM)
    assert await either.numbers(f"{query}winch*&limit=1&before={page['before']}", SAM) == [first]
    assert page["matched_in_part"] is False


async def test_a_search_that_does_not_look_at_all_comments_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MATCHES", 1)
    for _ in range(2):
        await site.open(ANN, text="The capstan is stuck.")

    _, page = await site.get(f"?mailbox={SUPPORT}&q=capstan", SAM)

    assert (len(page["tickets"]), page["matched_in_part"]) == (1, True)


@pytest.mark.parametrize("actor", [ANN, ""])
async def test_only_staff_search_for_words(site: Site, actor: str) -> None:
    """Others would find notes, or letter by letter the reply addresses that they see masked."""
    status, body = await site.get(f"?mailbox={SUPPORT}&q=stuck", actor)

    assert (status, "only for scope staff" in body["detail"]) == (403, True)


async def test_staff_find_tickets_of_a_company_by_their_severity(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="High")
    await site.open(GIL, PLANNED, severity="High")
    planned = await site.read(partial(mailboxes.mailbox_named, address=PLANNED))
    acme = await site.read(lambda c: companies.company_id(c, planned, "Acme"))
    query = f"?mailbox={PLANNED}&company={acme}"
    level = (await site.ticket_view(number)).summary.severity

    assert await site.numbers(f"{query}&severity={quote(level)}", SAM) == [number]
    assert await site.numbers(f"{query}&severity=None", SAM) == []
    assert await site.numbers(f"{query}&review=true", SAM) == []
    assert await site.numbers(f"{query}&claimed=true", SAM) == []


async def test_staff_find_what_is_overdue_the_longest_first(either: Site) -> None:
    later, first = await either.open(ANN, PLANNED), await either.open(CAT, PLANNED)
    await either.open(BOB, PLANNED)
    await either.write(partial(_make_due, number=later, hours_ago=1))
    await either.write(partial(_make_due, number=first, hours_ago=2))
    query = f"?mailbox={PLANNED}&overdue=true&limit=1"

    _, page = await either.get(query, SAM)

    assert [each["number"] for each in page["tickets"]] == [first]
    assert await either.numbers(f"{query}&before={page['before']}", SAM) == [later]


def _make_due(connection: Connection, number: int, hours_ago: int) -> None:
    ticket = table(TicketRow)
    due_at = clock.now() - timedelta(hours=hours_ago)
    connection.execute(update(ticket).where(ticket.c.id == number).values(due_at=due_at))


@pytest.mark.parametrize("actor", [ANN, SAM])
async def test_only_tickets_that_changed_since_a_time_are_listed(site: Site, actor: str) -> None:
    number = await site.open(ANN)
    query = f"?mailbox={SUPPORT}&since="
    later = (clock.now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    assert await site.numbers(f"{query}2026-01-01T00:00:00Z", actor) == [number]
    assert await site.numbers(f"{query}{later}", actor) == []


@pytest.mark.parametrize(
    "query", [f"assignee={SAM}", f"requester={BOB}", "company=1", "claimed=true", "overdue=true"]
)
async def test_customers_do_not_search_as_staff_do(site: Site, query: str) -> None:
    status, body = await site.get(f"?mailbox={SUPPORT}&{query}", ANN)

    assert (status, "only for staff" in body["detail"]) == (400, True)


async def test_elsewhere_the_policy_that_keeps_them_private_is_named(site: Site) -> None:
    status, body = await site.get(f"?mailbox={SUPPORT}&list=organisation", ANN)

    assert (status, "only to the people on them; ask staff" in body["detail"]) == (403, True)


@pytest.mark.parametrize(
    ("mailbox", "agreed", "status"), [(SUPPORT, "company", 200), (SHARED, "private", 403)]
)
async def test_a_companys_lists_are_opened_or_closed_for_it_alone(
    site: Site, mailbox: str, agreed: str, status: int
) -> None:
    number = await site.open(ANN, mailbox)
    ours = await site.read(partial(mailboxes.mailbox_named, address=mailbox))
    await site.write(lambda c: companies.set_visibility(c, ours, "Acme", agreed))
    person = NewPerson("new@acme.example", "", Role.USER, "Acme")
    await site.write(lambda c: people.add_person(c, ours, person))

    found, body = await site.get(f"?mailbox={mailbox}&list=organisation", person.address)

    assert found == status
    assert [each["number"] for each in body.get("tickets", [])] == [number][: status == 200]
    assert (await site.get(f"/{number}", person.address))[0] == (200 if status == 200 else 404)


async def test_staff_and_reports_find_every_ticket_of_a_mailbox(site: Site) -> None:
    first, second = await site.open(ANN), await site.open(GIL)
    await site.open(ANN, SHARED)

    for actor in (SAM, ""):
        assert await site.numbers(f"?mailbox={SUPPORT}", actor) == [second, first]


async def test_a_list_continues_where_the_previous_page_ended(either: Site) -> None:
    opened = [await either.open(ANN) for _ in range(5)]
    query, found = f"?mailbox={SUPPORT}&limit=2", []

    _, page = await either.get(query, ANN)
    while page["before"]:
        found += [each["number"] for each in page["tickets"]]
        _, page = await either.get(f"{query}&before={page['before']}", ANN)
    found += [each["number"] for each in page["tickets"]]

    assert found == opened[::-1]


async def test_a_list_can_be_limited_to_one_status(site: Site) -> None:
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
    ("query", "status", "message"),
    [
        ("?status=opne", 400, "expected one of: open, pending, resolved, closed"),
        ("?limit=0", 400, "from 1 to 200"),
        ("?limit=many", 400, "from 1 to 200"),
        ("?before=yesterday", 400, "of the previous page"),
        ("?before=99999999999999999-1", 200, ""),
        ("?list=yours", 400, "expected one of: mine, cc, organisation"),
        ("?list=mine", 400, "is only for customers"),
        ("?lsit=mine", 400, "unknown query parameter: lsit (did you mean list?)"),
        ("?colour=red", 400, "colour (expected one of: mailbox, status, list, tag, assignee, "),
        ("?mailbox=no@help.example", 404, "there is no mailbox no@help.example"),
    ],
)
async def test_an_invalid_list_query_is_refused_with_the_reason(
    site: Site, query: str, status: int, message: str
) -> None:
    wanted = query if "mailbox" in query else f"{query}&mailbox={SUPPORT}"

    found, body = await site.get(wanted, SAM)

    assert (found, message in body.get("detail", "")) == (status, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("PATCH", "/{n}"),
        ("GET", "/{n}/attachments/1"),
        ("GET", "/{n}/raw/1"),
    ],
)
async def test_other_requests_take_no_query_parameters(site: Site, method: str, path: str) -> None:
    number = await site.open()

    response = await site.ask(method, f"{path.format(n=number)}?status=open", SAM, json={})

    expected = "unknown query parameter: status (none is expected)"
    assert (response.status, (await response.json())["detail"]) == (400, expected)


async def test_with_several_mailboxes_one_must_be_named(site: Site) -> None:
    status, body = await site.get("", SAM)

    assert status == 400
    assert body["detail"] == f"name the mailbox (expected one of: {PLANNED}, {SHARED}, {SUPPORT})"


async def test_a_staff_person_of_one_mailbox_need_not_name_it(site: Site) -> None:
    number = await site.open(ANN, SHARED)

    assert await site.numbers("", ALICE) == [number]


async def test_no_cache_of_a_portal_takes_its_users_for_one(site: Site) -> None:
    number = await site.open(ANN)

    for path, status in ((f"/{number}", 200), (f"?mailbox={SUPPORT}", 200), ("/9999", 404)):
        answer = await site.ask("GET", path, ANN)
        assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")


@pytest.mark.parametrize("key", ["mailbox", "status", "list", "limit", "before"])
async def test_a_parameter_that_is_there_twice_is_refused(site: Site, key: str) -> None:
    status, body = await site.get(f"?{key}=1&{key}=2", ANN)

    assert (status, f"send {key}= once" in body["detail"]) == (400, True)
