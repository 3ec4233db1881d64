"""Logging in with the account of an identity provider, over real HTTP on loopback."""

from __future__ import annotations

import base64
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import CookieJar, TCPConnector
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select
from structlog.testing import capture_logs

from gateway.web.console.openid import OpenIdProvider
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.db.tables import NoticeRow, table
from storage.registry import console_users
from tests.gateway.web.console.desk import PASSWORD, Browser, Desk
from tests.gateway.web.console.provider import (
    ANOTHER_KEY,
    CLIENT_ID,
    CLIENT_SECRET,
    CONSOLE,
    Claims,
    Provider,
    a_provider,
    path_of,
    signed,
)
from tests.gateway.web.link_pages import site_with_a_ticket
from tests.stores import SqliteStores

pytestmark = pytest.mark.asyncio(loop_scope="module")
_notice = table(NoticeRow)
_numbers = itertools.count(2)
CALLBACK = f"{CONSOLE}/console/openid/callback"


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    page: str
    reasons: list[str] = field(default_factory=list)
    """Of refusals in the log."""


@dataclass
class House:
    """A console and its provider; each test has users, accounts and browsers of its own."""

    desk: Desk
    provider: Provider
    configured: OpenIdProvider

    async def user(self, name: str, role: ConsoleRole = ConsoleRole.VIEWER) -> str:
        address = f"{name}@help.example"
        await self.desk.link(role, to=address)
        return address

    def browser(self) -> Browser:
        """Of a client of its own: the attempts of one are limited."""
        server = self.desk.site.client.server
        assert isinstance(server, TestServer)
        here = TCPConnector(local_addr=(f"127.0.0.{next(_numbers)}", 0))
        client = TestClient(server, cookie_jar=CookieJar(unsafe=True), connector=here)
        self.desk.stack.push_async_callback(client.session.close)
        return Browser(client)

    async def consent(self, browser: Browser, to: str = "/") -> str:
        """Begins a login and goes on at the provider; returns where that sends the browser."""
        async with browser.client.get(
            "/console/openid", params={"to": to}, allow_redirects=False
        ) as begun:
            assert begun.status == 303, await begun.text()
            where = begun.headers["Location"]
        async with (
            aiohttp.ClientSession() as session,
            session.get(where, allow_redirects=False) as agreed,
        ):
            assert agreed.status == 302, await agreed.text()
            back = agreed.headers["Location"]
        assert back.startswith(CALLBACK)
        return path_of(back)

    async def answer(self, browser: Browser, path: str) -> Answer:
        with capture_logs() as logged:
            async with browser.client.get(path, allow_redirects=False) as response:
                page = await response.text()
        reasons = [each["why"] for each in logged if each["event"] == "console_openid_refused"]
        return Answer(response.status, response.headers.get("Location", ""), page, reasons)

    async def log_in(self, browser: Browser | None = None, to: str = "/") -> Answer:
        browser = browser or self.browser()
        return await self.answer(browser, await self.consent(browser, to))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    async with a_provider() as provider, AsyncExitStack() as stack:
        configured = OpenIdProvider(provider.section(), CLIENT_SECRET, CALLBACK)
        site = await stack.enter_async_context(
            site_with_a_ticket(sqlite_stores.new(), folder, identity_provider=configured)
        )
        yield House(Desk(site, stack), provider, configured)


async def test_an_invited_user_logs_in_with_their_account(house: House) -> None:
    address = await house.user("ann")
    house.provider.is_account("ann-1", address.upper())
    browser = house.browser()

    answer = await house.log_in(browser, to="/held?x=1")

    assert (answer.status, answer.location) == (303, "/console/held?x=1")
    _, page = await browser.get("/console/me")
    assert "you log in with your account there since" in page
    query = select(_notice.c.detail).where(_notice.c.address == address)
    (said,) = await house.desk.site.write(lambda c: c.execute(query).scalars().all())
    assert json.loads(said) == {
        "login": "account",
        "issuer": house.provider.issuer,
        "network": "127.0.0.0/24",
    }


async def test_afterwards_the_account_counts_and_its_address_does_not(house: House) -> None:
    address, other = await house.user("bea"), await house.user("bob")
    house.provider.is_account("bea-1", address)
    await house.log_in()
    house.provider.is_account("bea-1", other, verified=False)
    browser = house.browser()

    answer = await house.log_in(browser)

    assert answer.status == 303
    assert address in (await browser.get("/console/me"))[1]


async def test_another_account_of_the_same_address_logs_nobody_in(house: House) -> None:
    """An address may be given to somebody else."""
    address = await house.user("cem")
    house.provider.is_account("cem-1", address)
    await house.log_in()
    house.provider.is_account("cem-2", address)

    answer = await house.log_in()

    assert (answer.status, answer.reasons) == (403, ["another_account"])


async def test_the_page_does_not_say_whether_an_address_is_known(house: House) -> None:
    address = await house.user("dora")
    house.provider.is_account("dora-1", address)
    await house.log_in()
    house.provider.is_account("dora-2", address)
    known = await house.log_in()
    house.provider.is_account("eve-1", "eve@elsewhere.example")

    unknown = await house.log_in()

    assert unknown.reasons == ["unknown"]
    assert without_token(unknown.page) == without_token(known.page)
    assert "does not open this console" in unknown.page


async def test_a_user_who_was_removed_cannot_log_in_any_more(house: House) -> None:
    address = await house.user("fay")
    house.provider.is_account("fay-1", address)
    browser = house.browser()
    await house.log_in(browser)

    await house.desk.site.write(partial(console_users.remove, address=address))

    assert (await browser.get("/console/"))[0] == 303
    assert (await house.log_in()).reasons == ["unknown"]


async def test_an_address_that_is_not_verified_links_no_account(house: House) -> None:
    address = await house.user("gil")
    for verified in (False, "true", None):
        house.provider.is_account("gil-1", address, verified=verified)

        answer = await house.log_in()

        assert (answer.status, answer.reasons) == (403, ["not_verified"]), verified


async def test_an_address_may_be_in_the_user_info_alone(house: House) -> None:
    house.provider.is_account("hal-1", await house.user("hal"))
    house.provider.apart = True

    assert (await house.log_in()).status == 303


def unsigned(claims: Claims) -> str:
    parts = ({"alg": "none"}, claims)
    written = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts)
    return ".".join([*(each.rstrip("=") for each in written), ""])


def signed_by_the_secret(claims: Claims) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), ["HS256"])


@pytest.mark.parametrize(
    ("changed", "sign"),
    [
        ({"nonce": "of another login"}, signed),
        ({"nonce": None}, signed),
        ({"aud": "another-client"}, signed),
        ({"aud": "another-client", "azp": CLIENT_ID}, signed),
        ({"aud": ["postern-console", "another-client"]}, signed),
        ({"iss": "https://accounts.elsewhere.example"}, signed),
        ({"exp": int(time.time()) - 3600}, signed),
        ({"iat": int(time.time()) + 3600}, signed),
        ({"sub": None}, signed),
        ({}, unsigned),
        ({}, signed_by_the_secret),
        ({}, partial(signed, key=ANOTHER_KEY)),
        ({}, lambda _: "no token"),
    ],
    ids=[
        "nonce of another",
        "no nonce",
        "audience",
        "audience though authorised",
        "second audience",
        "issuer",
        "expired",
        "from the future",
        "no subject",
        "alg none",
        "shared secret",
        "another key",
        "no token",
    ],
)
async def test_a_statement_that_proves_nothing_logs_nobody_in(
    house: House, changed: Claims, sign: Callable[[Claims], str]
) -> None:
    house.provider.is_account("ian-1", await house.user("ian"))
    house.provider.changed, house.provider.sign = changed, sign

    answer = await house.log_in()

    assert (answer.status, answer.reasons) == (502, ["not_valid"])
    assert "The answer of Acme ID proves nothing." in answer.page


async def test_an_answer_is_taken_once_and_from_the_browser_that_asked(house: House) -> None:
    house.provider.is_account("jan-1", await house.user("jan"))
    browser, thief = house.browser(), house.browser()
    path = await house.consent(browser)
    url = browser.client.make_url("/console/")
    begun = browser.client.session.cookie_jar.filter_cookies(url)["postern_openid"].value

    elsewhere = await house.answer(thief, path)
    await house.consent(thief)
    in_another = await house.answer(thief, path)
    first = await house.answer(browser, path)
    again = await house.answer(browser, path)
    thief.client.session.cookie_jar.update_cookies({"postern_openid": begun}, url)
    code_again = await house.answer(thief, path)

    refused = [each.reasons for each in (elsewhere, in_another, again)]
    assert refused == 3 * [["not_this_browser"]]
    assert (first.status, code_again.reasons) == (303, ["not_valid"])


async def test_a_code_of_another_login_is_of_no_use(house: House) -> None:
    """PKCE: a code that another person learns cannot be used within a login of theirs."""
    house.provider.is_account("kim-1", await house.user("kim"))
    browser, thief = house.browser(), house.browser()
    stolen = re.search(r"code=(\w+)", await house.consent(browser))
    own = await house.consent(thief)
    assert stolen is not None

    answer = await house.answer(thief, re.sub(r"code=\w+", stolen[0], own))

    assert answer.reasons == ["not_valid"]
    assert stolen[1] in house.provider.codes


async def test_somebody_who_cancels_is_told_that_they_are_not_logged_in(house: House) -> None:
    browser = house.browser()
    house.provider.is_account("liv-1", await house.user("liv"))
    path = re.sub(r"code=\w+", "error=access_denied", await house.consent(browser))

    answer = await house.answer(browser, path)

    assert (answer.status, answer.reasons) == (403, ["declined"])
    assert "Acme ID did not log you in." in answer.page


async def test_while_the_provider_is_down_passwords_and_readiness_are_as_before(
    house: House,
) -> None:
    house.provider.refuses = True
    link = await house.desk.link(ConsoleRole.VIEWER, EntryUse.PASSWORD, to="mia@help.example")
    await house.browser().send(link, password=PASSWORD, again=PASSWORD)
    house.configured._discovered = None  # as after an hour

    browser = house.browser()
    answer = await house.answer(browser, "/console/openid")
    form = {"address": "mia@help.example", "password": PASSWORD}
    by_password = await browser.send("/console/login", **form)
    ready, _ = await house.desk.site.get("/readyz")

    assert (answer.status, answer.reasons) == (503, ["no_answer"])
    assert "Acme ID cannot be reached." in answer.page
    assert (by_password[0], ready) == (303, 200)
    house.configured._failed_at = None


async def test_a_key_of_the_provider_that_cannot_be_read_keeps_nobody_out(house: House) -> None:
    unknown_curve = {"kty": "EC", "crv": "brainpoolP256r1", "x": "AA", "y": "AA", "kid": "3"}
    house.provider.more_keys = (unknown_curve, {"kty": "RSA", "n": "", "e": ""}, {"kid": "4"})
    house.provider.is_account("max-1", await house.user("max"))
    house.configured._discovered = None  # as after an hour

    with capture_logs() as logged:
        answer = await house.log_in()

    house.provider.more_keys = ()
    assert (answer.status, answer.reasons) == (303, [])
    ignored = [each["key"] for each in logged if each["event"] == "console_openid_key_ignored"]
    assert ignored == ["3", ""]


async def test_a_provider_that_offers_no_signature_of_its_own_logs_nobody_in(house: House) -> None:
    """The library would take the algorithms that it recommends."""
    house.provider.algorithms = ("none", "HS256")
    house.provider.is_account("nia-1", await house.user("nia"))
    house.configured._discovered = None

    answer = await house.log_in()

    house.provider.algorithms, house.configured._discovered = ("ES256",), None
    assert (answer.status, answer.reasons) == (502, ["not_valid"])


async def test_accounts_of_other_domains_or_without_a_claim_are_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = house.provider.section(
        domains=("help.example",), claim="groups", claim_value="support"
    )
    monkeypatch.setattr(house.configured, "_section", section)
    house.provider.is_account("ned-1", await house.user("ned"))
    without = await house.log_in()
    house.provider.account["groups"] = ["sales", "support"]
    within = await house.log_in()
    house.provider.account["email"] = "ned@elsewhere.example"

    elsewhere = await house.log_in()

    assert [without.reasons, elsewhere.reasons] == [["without_claim"], ["other_domain"]]
    assert within.status == 303


async def test_where_it_is_required_passwords_are_switched_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await house.desk.link(ConsoleRole.ADMIN, EntryUse.PASSWORD, to="oda@help.example")
    await house.browser().send(link, password=PASSWORD, again=PASSWORD)
    waiting = house.browser()
    form = {"csrf": await waiting.token("/console/login")}
    form |= {"address": "oda@help.example", "password": PASSWORD}
    monkeypatch.setattr(house.configured, "_section", house.provider.section(required=True))

    _, login = await house.browser().get("/console/login")
    by_password, _ = await waiting.post("/console/login", **form)
    emergency = await house.desk.link(ConsoleRole.ADMIN, EntryUse.PASSWORD, to="oda@help.example")
    admin = house.browser()
    entered = await admin.send(emergency)
    invite = {"do": "invite", "address": "pia@help.example", "role": "viewer"}
    _, invited = await admin.send("/console/users", **invite)

    assert 'name="password"' not in login
    assert "Log in with Acme ID" in login
    assert (by_password, entered[0]) == (403, 303)
    assert "pia@help.example can log in with Acme ID now." in invited
    assert "/console/enter/" not in invited


def without_token(page: str) -> str:
    return re.sub(r'name="csrf" value="\w+"', "", page)
