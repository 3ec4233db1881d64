"""People and companies over the API: for staff of their mailbox, and for reports."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.web.api.site import ALICE, ANN, BOB, CAT, GIL, PLANNED, SAM, Site
from tests.gateway.web.api.test_mail_lists import ask


async def pages(site: Site, path: str, of: str) -> list[Any]:
    """All entries of a list, one a page."""
    entries: list[Any] = []
    after: str | None = ""
    while after is not None:
        _, page = await ask(site, f"{path}&limit=1{after and f'&after={after}'}")
        entries += page[of]
        after = page["after"]
    return entries


async def test_people_are_read_in_pages_by_address(either: Site) -> None:
    people = await pages(either, f"people?mailbox={PLANNED}", "people")

    assert [each["address"] for each in people] == [ANN, BOB, CAT, GIL, SAM]
    assert (people[0]["company"], people[4]["role"]) == ("Acme", "staff")
    assert await ask(either, f"people/{ANN.upper()}?mailbox={PLANNED}") == (200, people[0])


async def test_people_are_found_by_a_part_of_their_address(site: Site) -> None:
    _, found = await ask(site, f"people?mailbox={PLANNED}&text=GLOBEX", "", "read")

    assert [each["address"] for each in found["people"]] == [GIL]


async def test_companies_are_read_in_pages_with_what_is_agreed(either: Site) -> None:
    companies = await pages(either, f"companies?mailbox={PLANNED}", "companies")

    assert [each["name"] for each in companies] == ["Acme", "Globex"]
    _, agreed = await ask(either, f"companies/{companies[0]['id']}")
    assert (agreed["channel"], agreed["domains"]) == ("call Ann first", ["acme.example"])
    assert agreed["contracts"][0]["targets"] == {"first": {"High": "1 hour"}}


@pytest.mark.parametrize("path", ["people", "companies"])
async def test_customers_and_staff_of_other_mailboxes_read_no_registry(
    site: Site, path: str
) -> None:
    status, _ = await ask(site, f"{path}?mailbox={PLANNED}", ANN, "portal")
    other, _ = await ask(site, f"{path}?mailbox={PLANNED}", ALICE)

    assert (status, other) == (403, 404)


async def test_a_company_of_another_desk_looks_like_one_that_does_not_exist(site: Site) -> None:
    _, listed = await ask(site, f"companies?mailbox={PLANNED}")
    number = listed["companies"][0]["id"]

    status, theirs = await ask(site, f"companies/{number}", ALICE)

    assert (status, theirs["detail"]) == (404, f"there is no company {number}")
    assert (await ask(site, "companies/999", ALICE))[0] == 404
