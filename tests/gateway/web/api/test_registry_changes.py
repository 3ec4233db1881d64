"""People and companies over the API: registered and changed, as by the command line."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.gateway.web.api.site import ALICE, ANN, PLANNED, SAM, SHARED, Site, serving
from tests.gateway.web.threads import threads_of
from tests.in_process import SUPPORT

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One for all tests here, each with a company of its own."""
    folder = tmp_path_factory.mktemp("registry")
    store = shutil.copy(template, folder / "store.db")
    async with serving(f"sqlite:///{store}", folder) as site:
        yield site


async def ask(
    site: Site, method: str, path: str, json: Any = None, actor: str = ""
) -> tuple[int, Any]:
    headers = {"Authorization": "Bearer registry-token"}
    headers |= {"X-Postern-Actor": actor} if actor else {}
    answer = await site.client.request(method, f"/api/v1/{path}", headers=headers, json=json)
    return answer.status, await answer.json()


async def company(site: Site, name: str, mailbox: str = SUPPORT) -> str:
    """The path of a new company with a domain."""
    new = {"name": name, "domains": [f"{name.lower()}.example"]}
    status, made = await ask(site, "POST", f"companies?mailbox={mailbox}", new)
    assert status == 201, made
    return f"companies/{made['id']}"


async def test_a_user_who_is_registered_opens_a_ticket(site: Site) -> None:
    await company(site, "Initech")
    peter = {"address": "Peter@Initech.example", "name": "Peter", "company": "Initech"}

    status, made = await ask(site, "POST", f"people?mailbox={SUPPORT}", peter)

    assert (status, made["address"]) == (201, "peter@initech.example")
    assert await site.open("peter@initech.example") > 0
    assert (await ask(site, "POST", f"people?mailbox={SUPPORT}", peter))[0] == 409


async def test_a_hundred_domains_are_registered_outside_of_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = threads_of(monkeypatch, "storage.registry.companies.add_company")
    domains = [f"d{number}.example" for number in range(100)]

    status, made = await ask(
        site, "POST", f"companies?mailbox={SUPPORT}", {"name": "Many", "domains": domains}
    )

    assert (status, len(made["domains"])) == (201, 100)
    assert threads
    assert threading.get_ident() not in threads


async def test_who_is_deactivated_opens_none_and_the_log_names_the_token(site: Site) -> None:
    await company(site, "Hooli")
    new = {"address": "gavin@hooli.example", "company": "Hooli"}
    await ask(site, "POST", f"people?mailbox={SUPPORT}", new)
    path = f"people/gavin@hooli.example?mailbox={SUPPORT}"

    with capture_logs() as logged:
        _, changed = await ask(site, "PATCH", path, {"active": False, "language": "de"})
        await ask(site, "PATCH", path, {"active": False, "language": "de"})

    assert (changed["active"], changed["language"]) == (False, "de")
    assert (await ask(site, "GET", path))[1] == changed
    assert (await site.opened("gavin@hooli.example"))[0] == 403
    changes = [each for each in logged if each["event"] == "registry_changed"]
    assert [each["change"] for each in changes] == ["deactivate", "language de"]
    assert {each["by"] for each in changes} == {"token:registry"}
    requests = [each for each in logged if each["event"] == "changed_over_api"]
    assert [(each["operation"], each["token"]) for each in requests] == [
        ("change_person", "registry")
    ] * 2


async def test_staff_are_registered_and_choose_their_notices(site: Site) -> None:
    new = {"address": "kim@help.example", "role": "staff"}
    await ask(site, "POST", f"people?mailbox={SUPPORT}", new, SAM)
    path = f"people/kim@help.example?mailbox={SUPPORT}"

    status, kim = await ask(site, "PATCH", path, {"notices": "digest"}, SAM)

    assert (status, kim["role"], kim["notices"]) == (200, "staff", "digest")
    of_ann = await ask(site, "PATCH", f"people/{ANN}?mailbox={SUPPORT}", {"notices": "mine"})
    assert (of_ann[0], "only staff" in of_ann[1]["detail"]) == (409, True)


async def test_an_organization_that_is_registered_as_two_companies_is_named(site: Site) -> None:
    two = {"name": "Acme Europe", "domains": ["eu.acme.example", "acme-eu.example"]}

    status, made = await ask(site, "POST", f"companies?mailbox={SUPPORT}", two)
    path = f"companies/{made['id']}"
    _, changed = await ask(site, "PATCH", path, {"remove_domains": ["eu.acme.example"]})

    assert (status, made["shared_organizations"]) == (
        201,
        [{"domain": "eu.acme.example", "other_domain": "acme.example", "other_company": "Acme"}],
    )
    assert changed["shared_organizations"] == []


async def test_companies_of_one_organization_are_not_looked_for_by_the_writer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail waits for it: among thousands of companies the look takes a third of a second."""
    path = await company(site, "Vandelay")
    looking = threads_of(monkeypatch, "gateway.web.api.companies.shared_organizations")
    writing = threads_of(monkeypatch, "storage.registry.companies.add_company")
    changing = threads_of(monkeypatch, "storage.registry.companies.set_channel")

    await company(site, "Kramerica")
    status, changed = await ask(site, "PATCH", path, {"channel": "call first"})

    assert (status, changed["channel"]) == (200, "call first")
    assert looking
    assert looking.isdisjoint(writing | changing)


async def test_a_company_is_changed_as_a_whole_or_not_at_all(site: Site) -> None:
    path = await company(site, "Umbrella")
    change = {
        "add_domains": ["umbrella.test", "UMBRELLA.example"],
        "account_team": ["amy@help.example"],
        "success_manager": "max@help.example",
        "channel": "call first",
        "visibility": "private",
        "updates_by": "manager",
    }

    status, changed = await ask(site, "PATCH", path, change)
    refused = await ask(site, "PATCH", path, {"active": False, "add_domains": ["acme.example"]})

    assert (status, changed["domains"]) == (200, ["umbrella.example", "umbrella.test"])
    for key in ("account_team", "success_manager", "channel", "visibility", "updates_by"):
        assert changed[key] == change[key], key
    assert (refused[0], "already registered" in refused[1]["detail"]) == (409, True)
    assert await ask(site, "PATCH", path, change) == (200, changed)
    left = {"remove_domains": ["umbrella.test", "umbrella.test"], "active": False}
    _, after = await ask(site, "PATCH", path, left)
    assert (after["domains"], after["active"]) == (["umbrella.example"], False)


async def test_a_contract_has_the_levels_and_the_hours_of_the_policy(site: Site) -> None:
    path = f"{await company(site, 'Wonka', PLANNED)}/contracts"
    agreed = {"tier": "premium", "first": {"p2": "1 business hour"}, "calendar": "saturdays"}

    status, made = await ask(
        site, "POST", path, {**agreed, "starts_at": "2026-01-01T00:00:00+01:00"}
    )

    assert (status, made["contracts"]) == (
        200,
        [
            {
                "tier": "premium",
                "starts_at": "2025-12-31T23:00:00+00:00",
                "targets": {"first": {"High": "1 business hour"}},
                "calendar": "saturdays",
            }
        ],
    )
    for fault, hint in (
        ({"tier": "premum"}, "did you mean premium?"),
        ({"tier": "premium", "calendar": "saturday"}, "did you mean saturdays?"),
        ({"tier": "premium", "ongoing": {"Urgent": "1 hour"}}, "ongoing: no severity 'Urgent'"),
        ({"tier": "premium", "first": {"High": "1 hour", "p2": "2 hours"}}, "High is named twice"),
    ):
        assert (await ask(site, "POST", path, fault))[0] == 409
        assert hint in (await ask(site, "POST", path, fault))[1]["detail"]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("people", {"address": "ann@acme.example"}),
        ("people", {"address": "x", "company": "Acme"}),
        ("people", {"address": "kim@help.example", "role": "staff", "company": "Acme"}),
        ("companies", {"name": "Free", "domains": ["gmail.com"]}),
        ("companies", {"name": "x" * 201}),
        ("companies", {"name": " "}),
    ],
)
async def test_what_the_registry_does_not_accept_is_refused(
    site: Site, path: str, asked: Any
) -> None:
    assert (await ask(site, "POST", f"{path}?mailbox={SUPPORT}", asked))[0] == 400


async def test_for_a_staff_person_a_token_changes_their_mailboxes_alone(site: Site) -> None:
    path = await company(site, "Stark")
    new = {"name": "Wayne"}

    assert (await ask(site, "PATCH", path, {"active": False}, ALICE))[0] == 404
    assert (await ask(site, "POST", f"companies?mailbox={SUPPORT}", new, ALICE))[0] == 404
    assert (await ask(site, "POST", f"companies?mailbox={SHARED}", new, ALICE))[0] == 201
    assert (await ask(site, "POST", f"companies?mailbox={SHARED}", new, ANN))[0] == 403


async def test_a_mailbox_that_is_added_takes_mail_under_its_policy(site: Site) -> None:
    headers = {"Authorization": "Bearer admin-token"}
    answers = []

    with capture_logs() as logged:
        for new in (
            {"address": "Sales@help.example", "policy": "weka"},
            {"address": "sales@help.example"},
            {"address": "sales"},
            {"address": "more@help.example", "policy": "wekka"},
        ):
            answer = await site.client.post("/api/v1/mailboxes", headers=headers, json=new)
            answers.append((answer.status, await answer.json()))

    assert answers[0] == (201, {"address": "sales@help.example", "policy": "weka"})
    assert [status for status, _ in answers] == [201, 409, 400, 409]
    assert "did you mean weka?" in answers[3][1]["detail"]
    events = [each for each in logged if each["event"] == "registry_changed"]
    assert [(each["change"], each["by"]) for each in events] == [("mailbox_added", "token:admin")]
