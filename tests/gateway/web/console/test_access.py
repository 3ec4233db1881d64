"""Every page of the console, for everybody who may ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import pytest
from aiohttp import MultipartWriter, web

from gateway import clock
from gateway.web.console import routes
from gateway.web.console.context import Visit
from gateway.web.console.routes import ROUTES, Route
from rules.service.console_roles import ConsoleRight, ConsoleRole, may
from storage.db.database import Connection
from storage.mail import quarantine
from storage.registry import console_users
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.link_pages import SAM
from tests.gateway.web.shown_forms import filled_in
from tests.gateway.web.slow_bodies import Asked

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
    # A page that follows the journal would ask for the login again and again.
    events = await client.get("/console/journal/events", headers={"Accept": "text/event-stream"})
    assert (events.status, await events.text()) == (200, "event: ended\ndata:\n\n")


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


async def test_who_loses_a_right_while_their_form_comes_does_nothing_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an administrator who expects to be removed sends all of an invitation but its end."""
    browser = await desk.logged_in(ConsoleRole.ADMIN)
    asked = Asked()
    asked.watch(monkeypatch, console_users, "session_of")
    form = {"do": "invite", "address": "eve@help.example", "role": "admin"}
    token = await browser.token("/console/users")
    multipart = MultipartWriter("form-data")
    for name, value in {**form, "csrf": token}.items():
        multipart.append(value).set_content_disposition("form-data", name=name)
    types = {
        "application/x-www-form-urlencoded": urlencode({**form, "csrf": token}).encode(),
        multipart.content_type: await multipart.as_bytes(),
    }
    demote = partial(console_users.invite, address=SAM, role=ConsoleRole.VIEWER, now=clock.now())
    remove = partial(console_users.remove, address=SAM)
    losses: list[Callable[[Connection], object]] = [demote, remove]
    statuses = []
    for (kind, content), lose in zip(types.items(), losses, strict=True):
        response = await browser.client.post(
            "/console/users",
            data=asked.body(content, partial(desk.site.write, lose)),
            headers={"Content-Type": kind},
            allow_redirects=False,
        )
        statuses.append(response.status)
        await desk.site.write(partial(demote, role=ConsoleRole.ADMIN))

    listed = await desk.site.write(console_users.list_users)
    assert (statuses, [each.user.address for each in listed]) == ([403, 303], [SAM])


async def test_who_loses_a_right_once_their_form_has_come_does_nothing_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form may wait until a process has read a mail, or for its turn to be written."""
    mail = await desk.hold()
    demote = partial(console_users.invite, address=SAM, role=ConsoleRole.VIEWER, now=clock.now())
    permitted, asked = routes._permitted, list[str]()

    async def demoted_afterwards(request: web.Request, route: Route) -> Visit | None:
        visit = await permitted(request, route)
        asked.append(request.method)
        if asked[-2:] == ["POST", "POST"]:  # with the body, and no more until it is written
            await desk.site.write(demote)
        return visit

    held = f"/console/held/{mail.journal_id}"
    forms = [
        (held, {"do": "discard"}),
        (held, {"do": "enrol"}),
        ("/console/tickets/1", {"do": "tag", "tag": "ink"}),
        ("/console/users", {"do": "invite", "address": "eve@help.example", "role": "admin"}),
        ("/console/mailboxes", {"address": "more@help.example", "policy": "default"}),
    ]
    monkeypatch.setattr(routes, "_permitted", demoted_afterwards)
    browser = await desk.logged_in(ConsoleRole.ADMIN)
    statuses = []
    for path, form in forms:
        await desk.site.write(partial(demote, role=ConsoleRole.ADMIN))
        _, page = await browser.get(path)
        status, _ = await browser.post(path, **filled_in(page, form))
        statuses.append(status)

    assert statuses == [403] * len(forms)
    assert len(await desk.site.write(quarantine.held_mails)) == 1
    assert (await desk.site.ticket_view()).history == ()
    listed = await desk.site.write(console_users.list_users)
    assert [each.user.address for each in listed] == [SAM]
