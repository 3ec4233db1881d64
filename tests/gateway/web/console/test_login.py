"""Who gets into the console, and how they leave it."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import Connection, select, update
from structlog.testing import capture_logs

from gateway import clock
from gateway.web.console.cookies import Cookie, Cookies
from gateway.web.console.login_attempts import LoginAttempts
from rules.service.console_roles import ConsoleRole, EntryUse
from rules.service.login_attempts import A_MINUTE, HOUR_S, OF_STRANGERS_AN_HOUR
from storage.db.tables import ConsoleLinkRow, ConsoleSessionRow, table
from storage.registry import console_networks
from storage.registry.console_networks import KNOWN_FOR
from storage.registry.console_users import IDLE, LONGEST, remove
from tests.gateway.web.console.desk import PASSWORD, Browser, Desk
from tests.gateway.web.console.test_readers import context_of
from tests.gateway.web.link_pages import SAM

ROOT = "root@help.example"
HERE = "127.0.0.0/24"
_session, _link = table(ConsoleSessionRow), table(ConsoleLinkRow)


async def with_password(desk: Desk) -> None:
    link = await desk.link(ConsoleRole.AGENT, EntryUse.PASSWORD)
    assert (await desk.browser().send(link, password=PASSWORD, again=PASSWORD))[0] == 303


async def log_in(browser: Browser, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    return await browser.send("/console/login", address=SAM, password=password, **more)


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


async def test_who_has_no_attempts_left_reads_it_and_the_log_names_the_address(desk: Desk) -> None:
    await with_password(desk)
    attempts = context_of(desk).attempts
    while attempts.of_address(SAM, HERE, is_known=True):
        pass

    with capture_logs() as logged:
        status, page = await log_in(desk.browser())

    assert (status, "Too many attempts to log in." in page) == (429, True)
    (delayed,) = [each for each in logged if each["event"] == "console_login_delayed"]
    assert (delayed["address"], delayed["network"]) == (SAM, HERE)


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(desk: Desk) -> None:
    await with_password(desk)
    form = {"password": "wrong " + PASSWORD}

    browser = desk.browser()
    known = await browser.send("/console/login", address=SAM, **form)
    unknown = await browser.send("/console/login", address="x@help.example", **form)

    with capture_logs() as logged:
        long = await browser.send("/console/login", address="x" * 10_000, **form)

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
    answers = [(await log_in(browser, password="x"))[0] for _ in range(2 * A_MINUTE)]

    assert set(answers[:A_MINUTE]) == {401}
    assert 429 in answers


async def test_a_link_works_once_and_looking_at_it_does_not_use_it(desk: Desk) -> None:
    link = await desk.link(ConsoleRole.VIEWER)
    first, second = desk.browser(), desk.browser()

    seen = await second.token(link)
    used = await first.send(link)
    again = await second.post(link, csrf=seen)

    assert used == (303, "/console/")
    assert again[0] == 404
    assert "used already" in again[1]
    assert await is_logged_in(first)
    assert not await is_logged_in(second)


async def test_a_link_ends(desk: Desk) -> None:
    link, browser = await desk.link(ConsoleRole.VIEWER), desk.browser()
    token = await browser.token(link)
    await desk.site.write(lambda c: c.execute(update(_link).values(ends_at=clock.now())))

    assert (await browser.post(link, csrf=token))[0] == 404


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

    status, page = await browser.send(link, password=password, again=again)

    assert status == 422
    assert says in page
    assert (await browser.send(link, password=PASSWORD, again=PASSWORD))[0] == 303


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


async def test_a_page_that_follows_the_journal_prolongs_no_session(desk: Desk) -> None:
    """Else a browser that was left with it stays logged in."""
    browser = await desk.logged_in()
    begun_at = clock.now() - IDLE / 2
    await desk.site.write(lambda c: c.execute(update(_session).values(seen_at=begun_at)))

    async def seen_at() -> datetime:
        return await desk.site.write(lambda c: c.execute(select(_session.c.seen_at)).scalar_one())

    async with browser.client.get("/console/journal/events") as response:
        await response.content.readuntil(b"\n\n")
    followed = await seen_at()
    await browser.get("/console/journal")

    assert followed == begun_at
    assert await seen_at() > begun_at


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
    link, browser = await desk.link(ConsoleRole.VIEWER), desk.browser()

    form = {"csrf": await browser.token(link)}
    response = await browser.client.post(link, data=form, allow_redirects=False)

    cookie = response.headers["Set-Cookie"]
    assert re.search(r"HttpOnly; Path=/console; SameSite=Lax", cookie)


def test_a_cookie_is_found_among_thousands_at_once_and_that_of_the_longer_path_counts() -> None:
    others = "a;" * 3_900
    header = f'{others} postern_notice="/tickets/7"; postern_session=ours; postern_session=another'
    request = make_mocked_request("GET", "/console/", headers={"Cookie": header})
    cookies, begun = Cookies(is_https=False, prefix="/console"), time.thread_time()

    found = [cookies.read(request, each) for each in (Cookie.SESSION, Cookie.NOTICE, Cookie.DOOR)]

    assert found == ["ours", "/tickets/7", ""]
    assert time.thread_time() - begun < 0.01


def test_by_https_no_other_host_can_set_a_cookie_in_its_place() -> None:
    """Browsers refuse a `__Host-` cookie of other attributes (RFC 6265bis §4.1.3.2)."""
    response = web.Response()

    Cookies(is_https=True, prefix="/console").keep(response, Cookie.SESSION, "secret")
    Cookies(is_https=True, prefix="/console").forget(response, Cookie.DOOR)

    for name in ("__Host-postern_session", "__Host-postern_door"):
        cookie = response.cookies[name]
        assert (cookie["path"], cookie["secure"], cookie["domain"]) == ("/", True, "")


@pytest.mark.parametrize("page", ["/console/login", "link"])
async def test_a_login_form_of_another_site_is_refused(desk: Desk, page: str) -> None:
    """It would log a browser in as somebody else, who then sees what its user does."""
    await with_password(desk)
    path = page if page != "link" else await desk.link(ConsoleRole.AGENT)
    form = {"address": SAM, "password": PASSWORD}
    attacker, browser = desk.browser(), desk.browser()
    theirs = await attacker.token(path)

    without = await browser.post(path, **form)
    with_theirs = await browser.post(path, csrf=theirs, **form)
    own = {"csrf": await browser.token(path)} | form
    headers = {"Sec-Fetch-Site": "cross-site"}
    says_so = await browser.client.post(path, data=own, headers=headers)

    assert [without[0], with_theirs[0], says_so.status] == [403, 403, 403]
    assert (await browser.post(path, **own))[0] == 303


def test_a_stranger_keeps_nobody_from_logging_in_elsewhere() -> None:
    attempts, network = LoginAttempts(clock=lambda: 0.0), "198.51.100.0/24"
    while attempts.of_address(SAM, network, is_known=False):
        pass

    assert not attempts.of_address(SAM, network, is_known=False)
    assert attempts.of_address(SAM, "203.0.113.0/24", is_known=False)


def test_very_many_networks_guess_no_more_than_a_hundred_times_an_hour() -> None:
    now = 0.0
    attempts = LoginAttempts(clock=lambda: now)
    networks = [f"198.51.{n}.0/24" for n in range(200)]

    tried = sum(attempts.of_address(SAM, each, is_known=False) for each in networks)
    own = attempts.of_address(SAM, "203.0.113.0/24", is_known=True)
    now = HOUR_S
    later = sum(attempts.of_address(SAM, each, is_known=False) for each in networks)

    assert (tried, own, later) == (OF_STRANGERS_AN_HOUR, True, OF_STRANGERS_AN_HOUR)


OTHER_CLOCK = timedelta(minutes=1)
"""The store's may be ahead of ours."""


async def test_where_a_user_has_logged_in_is_known_and_nowhere_else(desk: Desk) -> None:
    await with_password(desk)

    def known(connection: Connection) -> list[bool]:
        now = clock.now()
        asked = ((SAM, "127.0.0.0/24"), (SAM, "192.0.2.0/24"), (ROOT, "127.0.0.0/24"))
        return [console_networks.is_known(connection, *each, now) for each in asked] + [
            console_networks.is_known(connection, *asked[0], now + KNOWN_FOR + OTHER_CLOCK)
        ]

    assert await desk.site.write(known) == [True, False, False, False]
