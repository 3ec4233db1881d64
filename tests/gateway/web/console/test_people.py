"""Companies and people: found by their desk, registered and changed by operators."""

from __future__ import annotations

import re

import pytest

from rules.service.console_roles import ConsoleRole
from storage.registry import companies, directory, mailboxes
from storage.registry.directory import ListedPerson
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.console.test_journal import send
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT

SALES = "sales@help.example"
OPERATOR = "op@help.example"


async def person_named(desk: Desk, address: str) -> ListedPerson:
    mailbox = desk.site.mailbox.id
    find = await desk.site.write(lambda c: directory.find_people(c, [mailbox], address, 2))
    return find[0]


async def paths(desk: Desk) -> tuple[str, str]:
    """The pages of Ann and of her company."""
    ann = await person_named(desk, ANN)
    return f"/console/people/{ann.id}", f"/console/companies/{ann.company_id}"


async def test_a_person_is_found_by_a_part_of_what_they_are_called(desk: Desk) -> None:
    person, company = await paths(desk)
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    for text in ("ANN@", "acme.ex"):
        _, page = await viewer.get(f"/console/people?text={text}")
        assert f'href="{person}"' in page, text
    _, of_domain = await viewer.get("/console/people?text=acme.example")
    _, none = await viewer.get("/console/people?text=%25")

    assert f'href="{company}"' in of_domain
    assert "Nobody has this in their address or name." in none
    assert "Register a company" not in none


async def test_the_pages_of_a_company_and_a_person_have_their_tickets(desk: Desk) -> None:
    person, company = await paths(desk)
    await send(desk, "The <b>scanner</b>")
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    for path in (person, company):
        status, page = await viewer.get(path)
        assert status == 200
        assert '<a href="/console/tickets/2">#2</a>' in page
        assert "The &lt;b&gt;scanner&lt;/b&gt;" in page
        assert "Suspend" not in page


async def test_a_form_with_more_domains_than_anybody_writes_is_refused(desk: Desk) -> None:
    """Mail waits for each of them."""
    operator = await desk.logged_in(ConsoleRole.OPERATOR, OPERATOR)
    domains = " ".join(f"d{number}.example" for number in range(51))
    add = {"do": "company", "name": "Many", "domains": domains}

    status, page = await operator.send("/console/people", **add)

    assert (status, "Please name at most 50 at a time." in page) == (422, True)


async def test_an_operator_registers_a_company_and_its_people(desk: Desk) -> None:
    operator = await desk.logged_in(ConsoleRole.OPERATOR, OPERATOR)
    add = {"do": "company", "name": "Bolt", "domains": "bolt.example, bolt.test"}

    added = await operator.send("/console/people", **add)
    again, twice = await operator.send("/console/people", **add)
    free = await operator.send("/console/people", do="company", name="G", domains="gmail.com")
    (bolt,) = await desk.site.write(
        lambda c: directory.find_companies(c, [desk.site.mailbox.id], "bolt", 2)
    )
    path = f"/console/companies/{bolt.id}"
    person = await operator.send(path, do="add_person", address="cy@bolt.example", person="Cy")
    outside, why = await operator.send(path, do="add_person", address="cy@else.example")
    removed = await operator.send(path, do="remove_domain", domain="bolt.test")

    assert added == (303, path)
    assert (again, "Bolt" in twice, 'value="bolt.example, bolt.test"' in twice) == (422, True, True)
    assert (free[0], "free mail provider" in free[1]) == (422, True)
    assert person == removed == (303, path)
    assert (outside, "is not an address of Bolt" in why) == (422, True)
    agreement = await desk.site.write(
        lambda c: companies.company_agreement(c, desk.site.mailbox, "Bolt")
    )
    assert agreement.domains == ("bolt.example",)
    assert (await person_named(desk, "cy@bolt.example")).name == "Cy"


async def test_the_page_of_a_company_names_another_of_the_same_organization(desk: Desk) -> None:
    operator = await desk.logged_in(ConsoleRole.OPERATOR, OPERATOR)
    add = {"do": "company", "name": "Acme Europe", "domains": "eu.acme.example"}

    status, path = await operator.send("/console/people", **add)
    _, page = await operator.get(path)

    assert status == 303
    assert "eu.acme.example and acme.example, a domain of Acme, can be of one organization" in page


async def test_an_operator_changes_a_company_and_a_person(desk: Desk) -> None:
    person, company = await paths(desk)
    operator = await desk.logged_in(ConsoleRole.OPERATOR, OPERATOR)

    await operator.send(company, do="contacts", team=f"{SAM} {OPERATOR}", channel="by phone")
    await operator.send(company, do="suspend")
    await operator.send(person, do="deactivate")
    await operator.send(person, do="language", language="de")
    unknown = await operator.send(person, do="language", language="xx")
    nothing = await operator.send(company, do="anything")
    _, page = await operator.get(company)

    ann = await person_named(desk, ANN)
    assert (ann.active, ann.company_active, ann.language) == (False, False, "de")
    assert unknown[0] == nothing[0] == 422
    assert f"{SAM}, {OPERATOR}" in page
    assert "by phone" in page


async def test_a_contact_that_nobody_changed_on_a_page_is_not_set_back_by_its_form(
    desk: Desk,
) -> None:
    _, company = await paths(desk)
    one = await desk.logged_in(ConsoleRole.OPERATOR, OPERATOR)
    two = await desk.logged_in(ConsoleRole.OPERATOR, "two@help.example")
    _, page = await one.get(company)
    shown = dict(re.findall(r'name="(was\.\w+)" value="([^"]*)"', page))

    await two.send(company, do="contacts", manager=SAM)
    await one.send(company, do="contacts", team="", manager="", channel="by phone", **shown)
    _, after = await one.get(company)

    assert f"<dt>Success manager</dt><dd>{SAM}</dd>" in after
    assert "by phone" in after


async def test_an_operator_agrees_on_a_contract_with_times_of_its_own(desk: Desk) -> None:
    _, company = await paths(desk)
    await desk.site.write(lambda c: mailboxes.set_mailbox_policy(c, SUPPORT, "aiven"))
    operator = await desk.logged_in(ConsoleRole.OPERATOR, OPERATOR)
    form = {"do": "tier", "tier": "business", "first.High": "2 business hours", "ongoing.High": ""}

    wrong, page = await operator.send(company, **form | {"first.High": "2 moons"})
    no_day, _ = await operator.send(company, **form, starts="1 July")
    unknown, _ = await operator.send(company, **form | {"tier": "platinum"})
    done = await operator.send(company, **form, starts="2026-07-01")
    _, shown = await operator.get(company)

    assert (wrong, no_day, unknown) == (422, 422, 422)
    assert 'value="2 moons"' in page
    assert done == (303, company)
    assert "Tickets that arrive from 2026-07-01 on have the tier business" in shown
    assert "Until the first answer, High: 2 business hours" in shown
    assert 'value="2 business hours"' in shown


@pytest.mark.parametrize("what", ["person", "company"])
async def test_people_of_another_desk_are_not_there(desk: Desk, what: str) -> None:
    path = dict(zip(("person", "company"), await paths(desk), strict=True))[what]
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, SALES, "default"))
    tom = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")

    assert (await tom.get(path))[0] == 404
    assert ANN not in (await tom.get("/console/people"))[1]
    assert (await tom.send("/console/", path, do="deactivate"))[0] == 403
