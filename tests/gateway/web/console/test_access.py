"""Every page of the console, for everybody who may ask for it."""

from __future__ import annotations

import pytest

from gateway.web.console.routes import ROUTES, Route
from rules.service.console_roles import ConsoleRight, ConsoleRole, may
from tests.gateway.web.console.desk import Desk

MATRIX = {
    ConsoleRight.READ: {*ConsoleRole},
    ConsoleRight.HANDLE: {ConsoleRole.AGENT, ConsoleRole.OPERATOR, ConsoleRole.ADMIN},
    ConsoleRight.OPERATE: {ConsoleRole.OPERATOR, ConsoleRole.ADMIN},
    ConsoleRight.ADMINISTER: {ConsoleRole.ADMIN},
}


def path_of(route: Route) -> str:
    path = f"/console{route.path}".replace("{part}", "2").replace("{number}", "1")
    path = path.replace("{name}", "default")
    return path.replace("{id}", "00000000-0000-0000-0000-000000000001")


@pytest.mark.parametrize("right", ConsoleRight)
def test_each_role_has_its_rights(right: ConsoleRight) -> None:
    assert {role for role in ConsoleRole if may(role, right)} == MATRIX[right]


async def test_nobody_gets_a_page_without_a_login(desk: Desk) -> None:
    client = desk.browser().client
    for route in ROUTES:
        response = await client.request(route.method, path_of(route), allow_redirects=False)

        assert response.status == 303, route
        assert response.headers["Location"].startswith("/console/login")


@pytest.mark.parametrize("role", ConsoleRole)
async def test_a_role_gets_exactly_the_pages_of_its_rights(desk: Desk, role: ConsoleRole) -> None:
    browser = await desk.logged_in(role)
    token = await browser.token("/console/")
    for route in ROUTES:
        if route.path == "/logout":
            continue
        if route.method == "POST":
            status, _ = await browser.post(path_of(route), csrf=token)
        else:
            # A stream of events has no end.
            async with browser.client.get(path_of(route), allow_redirects=False) as response:
                status = response.status
        assert (status == 403) == (role not in MATRIX[route.right]), route


async def test_a_form_without_the_token_of_its_session_is_refused(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.ADMIN)
    for route in (route for route in ROUTES if route.method == "POST"):
        without = await browser.post(path_of(route))
        wrong = await browser.post(path_of(route), csrf="0" * 64)

        assert without[0] == wrong[0] == 403, route
    assert (await browser.get("/console/"))[0] == 200


async def test_a_form_of_another_site_is_refused_even_with_the_token(desk: Desk) -> None:
    browser = await desk.logged_in()
    browser.client.session.headers["Origin"] = "https://evil.example"

    status, _ = await browser.send("/console/", "/console/logout")

    assert status == 403


@pytest.mark.parametrize("path", ["/console/", "/console/login", "/console/nothing"])
async def test_every_page_forbids_what_the_console_does_not_serve(desk: Desk, path: str) -> None:
    browser = await desk.logged_in()

    response = await browser.client.get(path)

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-store"
