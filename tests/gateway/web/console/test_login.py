"""Who gets into the console, and how they leave it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from gateway import clock
from gateway.web.console.context import LOGINS_A_MINUTE
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.db.tables import ConsoleLinkRow, ConsoleSessionRow, table
from storage.registry.console_users import IDLE, LONGEST, remove
from tests.gateway.web.console.desk import PASSWORD, Browser, Desk
from tests.gateway.web.link_pages import SAM

_session, _link = table(ConsoleSessionRow), table(ConsoleLinkRow)


async def with_password(desk: Desk) -> None:
    link = await desk.link(ConsoleRole.AGENT, EntryUse.PASSWORD)
    assert (await desk.browser().post(link, password=PASSWORD, again=PASSWORD))[0] == 303


async def log_in(browser: Browser, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    return await browser.post("/console/login", address=SAM, password=password, **more)


async def is_logged_in(browser: Browser) -> bool:
    status, _ = await browser.get("/console/")
    return status == 200


async def test_a_stranger_is_sent_to_the_login_and_then_to_the_page_that_they_wanted(
    desk: Desk,
) -> None:
    await with_password(desk)
    browser = desk.browser()

    status, _ = await browser.get("/console/held?x=1")
    _, page = await browser.get("/console/login?to=/held%3Fx%3D1")

    assert status == 303
    assert 'name="to" value="/held?x=1"' in page
    assert await log_in(browser, to="/held?x=1") == (303, "/console/held?x=1")
    assert await is_logged_in(browser)


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_a_login_leads_to_no_other_site(desk: Desk, to: str) -> None:
    await with_password(desk)

    _, where = await log_in(desk.browser(), to=to)

    assert where == "/console/"


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(desk: Desk) -> None:
    await with_password(desk)
    form = {"password": "wrong " + PASSWORD}

    known = await desk.browser().post("/console/login", address=SAM, **form)
    unknown = await desk.browser().post("/console/login", address="x@help.example", **form)

    with capture_logs() as logged:
        long = await desk.browser().post("/console/login", address="x" * 100_000, **form)

    assert known[0] == unknown[0] == long[0] == 401
    assert len(logged[0]["address"]) <= 500
    assert known[1].replace(SAM, "x@help.example") == unknown[1]


async def test_an_invited_user_without_a_password_cannot_log_in_with_an_empty_one(
    desk: Desk,
) -> None:
    await desk.link(ConsoleRole.ADMIN, EntryUse.PASSWORD)

    assert (await log_in(desk.browser(), password=""))[0] == 401


async def test_logins_have_a_rate(desk: Desk) -> None:
    await with_password(desk)
    browser = desk.browser()

    # Twice as many as in a minute, which these do not take.
    answers = [(await log_in(browser, password="x"))[0] for _ in range(2 * LOGINS_A_MINUTE)]

    assert set(answers[:LOGINS_A_MINUTE]) == {401}
    assert 429 in answers


async def test_a_link_works_once_and_looking_at_it_does_not_use_it(desk: Desk) -> None:
    link = await desk.link(ConsoleRole.VIEWER)
    first, second = desk.browser(), desk.browser()

    seen = [(await first.get(link))[0] for _ in range(2)]
    used = await first.post(link)
    again = await second.post(link)

    assert seen == [200, 200]
    assert used == (303, "/console/")
    assert again[0] == 404
    assert "used already" in again[1]
    assert await is_logged_in(first)
    assert not await is_logged_in(second)


async def test_a_link_ends(desk: Desk) -> None:
    link = await desk.link(ConsoleRole.VIEWER)
    await desk.site.write(lambda c: c.execute(update(_link).values(ends_at=clock.now())))

    assert (await desk.browser().post(link))[0] == 404


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        ("short", "short", "at least 12 characters"),
        ("x" * 201, "x" * 201, "at most 200 characters"),
        (PASSWORD, PASSWORD + "!", "differ"),
    ],
)
async def test_a_bad_password_is_refused_and_the_link_still_works(
    desk: Desk, password: str, again: str, says: str
) -> None:
    link = await desk.link(ConsoleRole.AGENT, EntryUse.PASSWORD)
    browser = desk.browser()

    status, page = await browser.post(link, password=password, again=again)

    assert status == 422
    assert says in page
    assert (await browser.post(link, password=PASSWORD, again=PASSWORD))[0] == 303


async def test_a_new_password_ends_the_sessions_of_before(desk: Desk) -> None:
    before = await desk.logged_in()

    await with_password(desk)

    assert not await is_logged_in(before)


async def test_a_user_who_is_removed_is_logged_out(desk: Desk) -> None:
    browser = await desk.logged_in()

    await desk.site.write(lambda c: remove(c, SAM))

    assert not await is_logged_in(browser)


@pytest.mark.parametrize(
    ("column", "after"), [(_session.c.seen_at, IDLE), (_session.c.begun_at, LONGEST)]
)
async def test_a_session_ends_by_itself(desk: Desk, column: object, after: timedelta) -> None:
    browser = await desk.logged_in()
    change = update(_session).values({column: clock.now() - after})
    await desk.site.write(lambda c: c.execute(change))

    assert not await is_logged_in(browser)


async def test_logging_out_ends_the_session_and_not_only_the_cookie(desk: Desk) -> None:
    browser, thief = await desk.logged_in(), desk.browser()
    thief.client.session.cookie_jar.update_cookies(
        {cookie.key: cookie.value for cookie in browser.client.session.cookie_jar},
        browser.client.make_url("/console/"),
    )
    assert await is_logged_in(thief)

    await browser.send("/console/", "/console/logout")

    assert not await is_logged_in(thief)


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(desk: Desk) -> None:
    link = await desk.link(ConsoleRole.VIEWER)

    response = await desk.browser().client.post(link, data={}, allow_redirects=False)

    cookie = response.headers["Set-Cookie"]
    assert re.search(r"HttpOnly; Path=/console; SameSite=Lax", cookie)


async def test_a_login_form_of_another_site_is_refused(desk: Desk) -> None:
    await with_password(desk)
    form = {"address": SAM, "password": PASSWORD}
    headers = {"Sec-Fetch-Site": "cross-site"}

    response = await desk.browser().client.post("/console/login", data=form, headers=headers)

    assert response.status == 403
