"""Who may call the ticket API: tokens, their scopes, and the people they act for."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from multidict import CIMultiDict
from structlog.testing import capture_logs

from rules.people import Role
from storage.registry import companies, mailboxes, people
from tests.gateway.web.api.site import ANN, GIL, PLANNED, SAM, SCOPES, SHARED, Site
from tests.in_process import SUPPORT


@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer no-token-of-ours"}])
async def test_without_a_valid_token_nothing_is_revealed(
    site: Site, authorization: dict[str, str]
) -> None:
    response = await site.client.get("/api/v1/tickets", headers=authorization)

    assert (response.status, list(await response.json())) == (401, ["title", "status", "detail"])


ROUTES = {
    ("GET", ""): {"staff", "portal", "read"},
    ("POST", ""): {"staff", "portal"},
    ("GET", "/1"): {"staff", "portal", "read"},
    ("PATCH", "/1"): {"staff", "portal"},
    ("GET", "/1/attachments/1"): {"staff", "portal", "read"},
    ("GET", "/1/raw/0190163d-8694-739b-aea5-966c26f8ad91"): {"staff"},
}


async def test_a_token_that_is_no_text_is_unknown(site: Site) -> None:
    url = site.client.make_url("/api/v1/tickets")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"GET {url.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    writer.write(head.encode() + b"Authorization: Bearer staff-\xff\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("route", "scope"), list(product(ROUTES, SCOPES)), ids=lambda value: "".join(value)
)
async def test_each_scope_permits_only_its_own_requests(
    site: Site, route: tuple[str, str], scope: str
) -> None:
    actor = {"staff": SAM, "portal": ANN}.get(scope, "")

    response = await site.ask(*route, actor, scope, json={})

    refused = "this token is for" in (await response.text())
    assert refused is (scope not in ROUTES[route])
    assert (response.status == 403) is refused


@pytest.mark.parametrize(
    ("scope", "actor", "message"),
    [
        ("staff", "", "name the person you act for: send X-Postern-Actor: sam@help.example"),
        ("portal", "nobody", "'nobody' is not a valid email address"),
        (
            "portal",
            "eve@evil.example",
            "eve@evil.example is not an active user of an active company",
        ),
        ("portal", SAM, "sam@help.example is not an active user"),
        ("staff", ANN, "ann@acme.example is not an active staff person"),
    ],
)
async def test_a_token_acts_only_for_people_of_its_kind(
    site: Site, scope: str, actor: str, message: str
) -> None:
    response = await site.ask("GET", "", actor, scope)

    assert response.status == 403
    assert message in (await response.json())["detail"]


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("X-Postern-Actor", (ANN, GIL), 403),
        ("X-Postern-Actor", (ANN, ANN), 403),
        ("Authorization", ("Bearer portal-token", "Bearer staff-token"), 401),
    ],
)
async def test_a_header_below_that_of_a_client_is_not_taken_for_it(
    site: Site, name: str, values: tuple[str, str], status: int
) -> None:
    number = await site.open(ANN)
    right = {"Authorization": "Bearer portal-token", "X-Postern-Actor": ANN}
    headers = CIMultiDict({key: value for key, value in right.items() if key != name})
    headers.extend((name, value) for value in values)

    response = await site.client.get(f"/api/v1/tickets/{number}", headers=headers)

    assert response.status == status
    assert f"send {name} once" in (await response.json())["detail"]


async def test_nobody_acts_for_a_person_who_was_deactivated(site: Site) -> None:
    ours = await site.read(lambda c: mailboxes.mailbox_named(c, SUPPORT))
    number = await site.open(ANN)
    await site.write(lambda c: people.set_person_active(c, ours, Role.USER, ANN, active=False))

    assert (await site.get(f"/{number}", ANN))[0] == 404


async def test_nobody_acts_for_a_person_of_a_suspended_company(site: Site) -> None:
    for address in (SUPPORT, SHARED, PLANNED):
        ours = await site.read(partial(mailboxes.mailbox_named, address=address))
        await site.write(
            partial(companies.set_company_active, mailbox=ours, name="Globex", active=False)
        )

    assert (await site.get("", GIL))[0] == 403


async def test_a_store_that_does_not_respond_is_503(site: Site, tmp_path: Path) -> None:
    number = await site.open(ANN)
    database = site.postern.services.runtime.database
    database.close()
    path = Path(database.engine.url.database or "")
    for file in path.parent.glob(f"{path.name}*"):
        file.write_bytes(b"this is not a database " * 100)

    with capture_logs() as logged:
        responses = (
            await site.ask("GET", f"/{number}", ANN),
            await site.ask("PATCH", f"/{number}", SAM, json={"status": "closed"}),
            await site.ask("POST", "", ANN, json={"subject": "Lift", "text": "Stuck."}),
        )

    assert [entry["event"] for entry in logged] == ["page_failed"] * 3
    for response in responses:
        assert response.status == 503
        assert "Retry-After" in response.headers
        assert "does not respond" in (await response.json())["detail"]
