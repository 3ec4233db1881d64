"""The sign-up pages, as a browser and as an attacker sees them, over a real socket."""

from __future__ import annotations

import asyncio
import email
import email.policy
import html
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from statistics import median
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gateway import clock
from gateway.config.model import load
from gateway.outgoing.compose import Composer
from gateway.services import Services, open_services
from gateway.shares import Networks
from gateway.web.app import application
from gateway.web.pages.render import SAFE, STYLE_PATH
from gateway.web.pages.signup import LINKS_AN_HOUR, POSTS_A_MINUTE, SignUp
from gateway.web.rate_limit import CLIENTS_KEPT, RateLimiter, client_of
from rules.mail import Delivery, Envelope, Mailbox
from rules.people import Role
from rules.policy import Policy
from rules.sender.tokens import Keys, sign_up_token
from rules.service.limits import SIGN_UPS
from rules.ticket.notice_timing import INVITATION_LASTS, INVITATION_PAUSE
from storage.db.database import Connection
from storage.db.ledger import open_ledger
from storage.notices import invitations, outbox
from storage.notices.invitations import Invited
from storage.notices.outbox import Notice
from storage.registry import companies, mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from tests.running import write_config

T = TypeVar("T")
Client = TestClient[web.Request, web.Application]

SUPPORT = "support@help.example"
PROXY = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/24"))
NEW = "new@acme.example"
"""Of a registered company, but not registered."""


@dataclass
class Site:
    """A running application, and what a test inspects behind it."""

    client: Client
    services: Services
    sign_up: SignUp
    mailbox: Mailbox
    now: datetime
    woken: int = 0

    async def ask(self, address: str, **fields: str) -> tuple[int, str]:
        """POST an address; a link that it causes is queued when this returns."""
        response = await self.client.post("/signup", data={"address": address, **fields})
        await self.sign_up.settle()
        return response.status, await response.text()

    async def ask_from(self, client: str, address: str) -> str:
        """The same from a client behind the proxy."""
        response = await self.client.post(
            "/signup", data={"address": address}, headers={"X-Forwarded-For": client}
        )
        await self.sign_up.settle()
        return await response.text()

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        response = await self.client.get(path, params=query)
        return response.status, await response.text()

    async def name(self, link: str, name: str) -> tuple[int, str]:
        response = await self.client.post(link, data={"name": name})
        return response.status, await response.text()

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await self.services.runtime.write(job)

    async def queued(self) -> list[str]:
        """The addresses for which a link was queued since the last call, in alphabetical order."""
        return sorted(notice.address for notice in await self._claim())

    async def mailed_link(self) -> str:
        """The path of the link in the one mail that is due."""
        (notice,) = await self._claim()
        raw = Composer(await self.keys(), "https://postern.example").write(notice, self.policy).raw
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        (link,) = re.findall(r"https://postern\.example(/signup/\S+)", text)
        return str(link)

    async def link(self, address: str, mailbox: int | None = None) -> str:
        """A valid link for any address, queued or not."""
        number = mailbox or self.mailbox.id
        until = self.now + INVITATION_LASTS
        return f"/signup/{number}/{sign_up_token(await self.keys(), number, address, until)}"

    async def keys(self) -> Keys:
        return (await self.services.runtime.mailbox_cache.current()).keys

    async def users(self) -> dict[str, str]:
        """Every user's name by address."""
        job = partial(people.list_people, mailbox=self.mailbox, role=Role.USER)
        return {person.address: person.name for person in await self.write(job)}

    @property
    def policy(self) -> Policy:
        return self.services.runtime.policies[self.mailbox.policy]

    async def _claim(self) -> list[Notice]:
        return list(await self.write(partial(outbox.claim, now=self.now, limit=50)))


def enrol(connection: Connection) -> Mailbox:
    """support@help.example: Ann and Dan (deactivated) of Acme, and Gone, which is suspended."""
    signing_keys.add_key(connection, b"k" * 32, clock.now())
    mailboxes.add_mailbox(connection, SUPPORT, "default")
    mailbox = mailboxes.mailbox_named(connection, None)
    companies.add_company(connection, mailbox, "Acme", ["acme.example"])
    companies.add_company(connection, mailbox, "Gone", ["gone.example"])
    companies.set_company_active(connection, mailbox, "Gone", active=False)
    for name in ("Ann", "Dan"):
        address = f"{name.lower()}@acme.example"
        people.add_person(connection, mailbox, NewPerson(address, name, Role.USER, "Acme"))
    people.set_person_active(connection, mailbox, Role.USER, "dan@acme.example", active=False)
    return mailbox


@pytest_asyncio.fixture
async def site(store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with open_services(load(write_config(tmp_path, store_url))) as services:
        mailbox = await services.runtime.write(enrol)

        def wake() -> None:
            made.woken += 1

        sign_up = SignUp(
            runtime=replace(services.runtime, clock=lambda: made.now, wake=wake),
            answer_after_s=0.0,
            rate=RateLimiter(1_000, time.monotonic),
        )
        async with serving(services, sign_up, PROXY) as client:
            made = Site(client, services, sign_up, mailbox, clock.now())
            yield made


def serving(services: Services, sign_up: SignUp, proxies: Networks = ()) -> Client:
    app = application(
        runtime=services.runtime,
        ingest=services.ingest,
        connections=services.connections,
        sign_up=sign_up,
        proxies=proxies,
    )
    return TestClient(TestServer(app))


async def test_an_address_a_mailed_link_a_name_and_done(site: Site) -> None:
    status, page = await site.get("/signup")
    assert status == 200
    assert f'name="mailbox" value="{SUPPORT}"' in page
    status, page = await site.ask("New@ACME.example", mailbox=SUPPORT)
    assert status == 200
    assert "If your company is registered here, a link is on its way to" in page
    assert site.woken == 1
    link = await site.mailed_link()
    status, page = await site.get(link)
    assert status == 200
    assert NEW in page
    assert 'name="name"' in page
    status, page = await site.name(link, " Nora  Newman ")
    assert status == 200
    assert "Welcome, Nora Newman" in page
    assert "filed within a few seconds" in page
    assert (await site.users())[NEW] == "Nora Newman"


async def test_held_mail_is_filed_after_the_sign_up(site: Site) -> None:
    raw = f"From: {NEW}\r\nTo: {SUPPORT}\r\nSubject: Printer\r\nMessage-ID: <1@a.example>\r\n\r\nx"
    envelope = Envelope("127.0.0.1", "client.example", False, NEW, (SUPPORT,))
    (reply,) = await site.services.ingest.take(Delivery(envelope, raw.encode()))
    assert reply.accepted
    site.now = clock.now()
    link = await site.mailed_link()
    assert await site.services.scheduler.release_enrolled() == 0
    assert (await site.name(link, "Nora"))[0] == 200
    assert await site.services.scheduler.release_enrolled() == 1


ALIKE = (
    NEW,
    "ann@acme.example",
    "dan@acme.example",
    "someone@gone.example",
    "someone@foreign.example",
    "someone@gmail.com",
    "noreply@acme.example",
    SUPPORT,
)
"""Not registered, registered, deactivated, suspended, foreign, free mail, a role, ourselves."""


async def test_every_address_gets_the_same_page_and_only_one_gets_a_mail(site: Site) -> None:
    pages = [(address, await site.ask(address)) for address in ALIKE]
    alike = {(status, page.replace(address, "…", 1)) for address, (status, page) in pages[:-1]}
    assert len(alike) == 1
    assert pages[-1][1][0] == 200
    assert await site.queued() == [NEW]


async def test_every_address_is_answered_after_the_same_time(site: Site) -> None:
    async def seconds(client: Client, address: str) -> float:
        started = time.monotonic()
        await (await client.post("/signup", data={"address": address})).read()
        return time.monotonic() - started

    spreads = []
    async with serving(site.services, replace(site.sign_up, answer_after_s=0.2)) as client:
        for _ in range(4):  # a busy machine spreads the times; what the code adds is always there
            taken = {a: [await seconds(client, a) for _ in range(5)] for a in ALIKE[:5]}
            medians = sorted(median(each) for each in taken.values())
            assert medians[0] >= 0.2
            spreads.append(medians[-1] - medians[0])
            if spreads[-1] < 0.05:
                return
    pytest.fail(f"the answers differ by {min(spreads):.3f} s")


async def test_a_slow_store_delays_no_answer(site: Site) -> None:
    await site.services.runtime.mailbox_cache.current()
    free = threading.Event()
    database = site.services.runtime.database
    # On SQLite another writer holds the turn; on PostgreSQL every connection is busy.
    holder = open_ledger(database) if database.is_sqlite else site.services.runtime.ledger
    threads = 1 if database.is_sqlite else database.connections
    held = threading.Barrier(threads + 1)

    def hold(_: Connection) -> bool:
        held.wait(30)
        return free.wait(30)

    blocked = [holder.submit(hold, apart=True) for _ in range(threads)]
    await asyncio.to_thread(held.wait, 30)
    try:
        response = await asyncio.wait_for(
            site.client.post("/signup", data={"address": NEW}), timeout=10
        )
        assert response.status == 200
        assert site.woken == 0
    finally:
        free.set()
    # Awaited, since a job of the site's ledger runs in this loop and may come before these.
    assert all(await asyncio.gather(*map(asyncio.wrap_future, blocked)))
    if database.is_sqlite:
        await asyncio.to_thread(holder.close)
    await site.sign_up.settle()
    assert await site.queued() == [NEW]


async def test_opening_a_link_changes_nothing(site: Site) -> None:
    link = await site.link(NEW)
    before = await site.users()
    for method in ("GET", "HEAD", "GET"):
        assert (await site.client.request(method, link)).status == 200
    assert await site.users() == before


async def test_an_address_gets_one_link_a_day(site: Site) -> None:
    pages = {await site.ask(NEW) for _ in range(3)}
    assert len(pages) == 1
    assert await site.queued() == [NEW]
    site.now += INVITATION_PAUSE - timedelta(minutes=1)
    await site.ask(NEW)
    assert site.woken == 1
    site.now += timedelta(minutes=1)
    await site.ask(NEW)
    assert site.woken == 2


async def test_a_person_is_invited_once_whatever_stands_behind_the_plus(site: Site) -> None:
    for address in (NEW, *(NEW.replace("@", f"+{n}@") for n in range(5))):
        assert (await site.ask(address))[0] == 200
    assert await site.queued() == [NEW]


async def test_links_to_invented_addresses_of_a_domain_end_without_a_word(site: Site) -> None:
    pages = set()
    for number in range(SIGN_UPS.domain_hour + 3):
        address = f"x{number:02}@acme.example"
        pages.add((await site.ask(address))[1].replace(address, "…"))

    assert len(pages) == 1
    assert len(await site.queued()) == SIGN_UPS.domain_hour
    metrics = site.services.runtime.metrics.render().decode()
    assert 'postern_sign_ups_total{outcome="over_budget"} 3.0' in metrics
    site.now += timedelta(hours=1)
    await site.ask("x99@acme.example")
    assert await site.queued() == ["x99@acme.example"]


async def test_links_requested_from_one_network_end_without_a_word(site: Site) -> None:
    await site.write(
        lambda c: companies.add_company(c, site.mailbox, "Two", ["two.example", "three.example"])
    )
    pages = set()
    for number in range(LINKS_AN_HOUR + 2):
        domain = ("acme", "two", "three")[number % 3]
        address = f"x{number:02}@{domain}.example"
        page = await site.ask_from(f"192.0.2.{number}", address)
        pages.add(page.replace(address, "…"))

    assert len(pages) == 1
    assert len(await site.queued()) == LINKS_AN_HOUR


async def test_one_network_has_a_third_of_the_links_of_a_domain(site: Site) -> None:
    pages = set()
    for number in range(SIGN_UPS.network_hour + 2):
        address = f"x{number:02}@acme.example"
        page = await site.ask_from(f"192.0.2.{number}", address)
        pages.add(page.replace(address, "…"))

    assert len(pages) == 1
    assert len(await site.queued()) == SIGN_UPS.network_hour
    metrics = site.services.runtime.metrics.render().decode()
    assert 'postern_sign_ups_total{outcome="over_network_share"} 2.0' in metrics
    await site.ask_from("198.51.100.1", NEW)
    assert await site.queued() == [NEW]


async def test_one_network_has_a_quarter_of_the_links_of_a_domain_in_a_day(site: Site) -> None:
    asked = [
        await site.write(
            partial(
                invitations.invite,
                mailbox=site.mailbox,
                address=f"x{number:02}@acme.example",
                notice=uuid4(),
                now=site.now + number // SIGN_UPS.network_hour * timedelta(hours=1),
                client="192.0.2.1",
            )
        )
        for number in range(SIGN_UPS.network_day + SIGN_UPS.network_hour)
    ]
    assert asked.count(Invited.QUEUED) == SIGN_UPS.network_day
    assert asked[-1] is Invited.OVER_NETWORK_SHARE


async def test_the_networks_of_a_provider_have_two_thirds_of_the_links_of_a_domain(
    site: Site,
) -> None:
    for number in range(SIGN_UPS.provider_hour + 2):
        await site.ask_from(f"2001:db8:{number}::1", f"x{number:02}@acme.example")

    assert len(await site.queued()) == SIGN_UPS.provider_hour
    await site.ask_from("2001:db9::1", NEW)
    assert await site.queued() == [NEW]


async def test_a_client_of_loopback_that_is_no_listed_proxy_cannot_invent_networks(
    site: Site,
) -> None:
    async with serving(site.services, site.sign_up) as client:
        for number in range(LINKS_AN_HOUR + 2):
            address = f"x{number:02}@acme.example"
            headers = {"X-Forwarded-For": f"192.0.{number}.1"}
            await client.post("/signup", data={"address": address}, headers=headers)
        await site.sign_up.settle()
    assert len(await site.queued()) == SIGN_UPS.network_hour


async def test_a_link_expires(site: Site) -> None:
    link = await site.link(NEW)
    site.now += INVITATION_LASTS - timedelta(seconds=2)
    assert (await site.get(link))[0] == 200
    site.now += timedelta(seconds=4)
    for status, page in (await site.get(link), await site.name(link, "Nora")):
        assert status == 410
        assert "request a new one" in page
    assert NEW not in await site.users()


@pytest.mark.parametrize(
    "forge",
    [
        lambda number, token: (
            f"{number}/{token[:-3]}{'a' if token[-3] != 'a' else 'b'}{token[-2:]}"
        ),
        lambda number, token: f"{number}/{token[:30]}",
        lambda number, token: f"{number + 1}/{token}",
        lambda number, token: f"{number}0/{token}",
        lambda _, token: f"x/{token}",
        lambda _, token: f"%00/{token}",
        lambda number, _: f"{number}/%00%F0%9F%98%80",
        lambda number, _: f"{number}/" + "a" * 4000,
    ],
)
async def test_a_forged_link_does_not_work(site: Site, forge: Callable[[int, str], str]) -> None:
    token = (await site.link(NEW)).rpartition("/")[2]
    path = f"/signup/{forge(site.mailbox.id, token)}"
    for status, page in (await site.get(path), await site.name(path, "Nora")):
        assert status == 410
        assert "This link does not work" in page
    assert NEW not in await site.users()


async def test_a_link_of_one_mailbox_does_not_work_in_another(site: Site) -> None:
    number = await site.write(
        partial(mailboxes.add_mailbox, address="sales@help.example", policy="default")
    )
    await site.services.runtime.mailbox_cache.current(fresh_s=0)
    token = (await site.link(NEW)).rpartition("/")[2]
    assert (await site.get(f"/signup/{number}/{token}"))[0] == 410


async def test_a_link_of_a_deactivated_mailbox_does_not_work(site: Site) -> None:
    link = await site.link(NEW)
    await site.write(partial(mailboxes.set_mailbox_active, address=SUPPORT, active=False))
    await site.services.runtime.mailbox_cache.current(fresh_s=0)
    assert (await site.get(link))[0] == 410


async def test_a_registered_person_keeps_their_name(site: Site) -> None:
    status, page = await site.name(await site.link("ann@acme.example"), "Mallory")
    assert status == 200
    assert "already signed up" in page
    assert (await site.users())["ann@acme.example"] == "Ann"


@pytest.mark.parametrize(
    "address",
    ["dan@acme.example", "dan+2@acme.example", "x@gone.example", "x@foreign.example"],
)
async def test_a_person_who_may_not_sign_up_is_informed(site: Site, address: str) -> None:
    before = await site.users()
    status, page = await site.name(await site.link(address), "Nora")
    assert status == 403
    assert "cannot be signed up" in page
    assert await site.users() == before


async def test_a_link_used_concurrently_registers_once(site: Site) -> None:
    link = await site.link(NEW)
    answers = await asyncio.gather(*(site.name(link, f"Nora {n}") for n in range(8)))
    assert {status for status, _ in answers} == {200}
    assert sum("Welcome" in page for _, page in answers) == 1


@pytest.mark.parametrize(
    "typed", ["\u3164\u2800\u115f", "", " ", "\u202e\u200b", "\0\x1b", "\u200d", "n" * 201]
)
async def test_an_invalid_name_is_asked_for_again(site: Site, typed: str) -> None:
    status, page = await site.name(await site.link(NEW), typed)
    assert status == 422
    assert 'role="alert"' in page
    assert 'aria-invalid="true"' in page
    assert NEW not in await site.users()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Nora\t\r\nNewman ", "Nora Newman"),
        ("No\0ra\x1b[31m\x85", "Nora[31m"),
        ("\u202eNora\u2066\u200f", "Nora"),
        ("Zoe\u0308 O'Neil-Ñandú", "Zoë O'Neil-Ñandú"),
        ("नर\u200dसिंह", "नर\u200dसिंह"),
        ("n" * 200, "n" * 200),
    ],
)
async def test_a_name_is_cleaned_before_it_is_kept(site: Site, typed: str, kept: str) -> None:
    assert (await site.name(await site.link(NEW), typed))[0] == 200
    assert (await site.users())[NEW] == kept


@pytest.mark.parametrize(
    "typed",
    ["", "ann", "ann@", "@acme.example", "a b@acme.example", "é@acme.example", "a@" + "b" * 300],
)
async def test_an_invalid_address_is_named_in_the_form(site: Site, typed: str) -> None:
    status, page = await site.ask(typed)
    assert status == 422
    assert 'role="alert"' in page
    assert f"“{html.escape(typed[:254])}” is not a valid email address" in page or not typed
    assert not await site.queued()


XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title><svg onload=alert(1)>",
    "&lt;script&gt;",
)


@pytest.mark.parametrize("attack", XSS)
async def test_user_input_is_never_markup(site: Site, attack: str) -> None:
    _, in_address = await site.ask(attack)
    _, in_mailbox = await site.get("/signup", mailbox=attack)
    link = await site.link(NEW)
    _, in_error = await site.name(link, attack * 60)
    _, in_name = await site.name(link, attack)
    for page in (in_address, in_mailbox, in_error, in_name):
        assert attack not in page
        assert "<script" not in page
        assert not re.search(r"<[^>]*\son\w+=[^>]*>", re.sub(r'"[^"]*"', '""', page))


async def test_user_input_is_never_a_template(site: Site) -> None:
    _, page = await site.name(await site.link(NEW), "{{ 6 * 7 }} {% raw %}")
    assert "Welcome, {{ 6 * 7 }} {% raw %}" in page


async def test_an_address_with_markup_characters_is_escaped(site: Site) -> None:
    _, page = await site.ask("o'neil&co@acme.example")
    assert "o&#39;neil&amp;co@acme.example" in page
    _, page = await site.get(await site.link("o'neil&co@acme.example"))
    assert "o&#39;neil&amp;co@acme.example" in page


async def test_every_page_has_the_headers(site: Site) -> None:
    link = await site.link(NEW)
    post = partial(site.client.post, "/signup")
    answers: list[ClientResponse] = [
        await site.client.get("/signup"),
        await site.client.get("/signup?mailbox=x@foreign.example"),
        await post(data={"address": NEW}),
        await post(data={"address": "nobody"}),
        await post(data={"address": "a" * 9000}),
        await post(data=b"x", headers={"Content-Type": "text/plain"}),
        await post(data="&".join("a=b" for _ in range(50)).encode(), headers=URLENCODED),
        await site.client.get(link),
        await site.client.post(link, data={"name": ""}),
        await site.client.post(link, data={"name": "Nora"}),
        await site.client.get("/signup/1/aaaa"),
    ]
    assert [a.status for a in answers] == [200, 404, 200, 422, 413, 415, 400, 200, 422, 200, 410]
    for answer in answers:
        page = await answer.text()
        assert {name: answer.headers[name] for name in SAFE} == SAFE
        assert answer.content_type == "text/html"
        assert "Set-Cookie" not in answer.headers
        assert '<html lang="en">' in page
        assert "<title>" in page
        assert " style=" not in page
        assert "<script" not in page


URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_the_pages_forbid_everything_except_their_own_style(site: Site) -> None:
    assert SAFE["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    _, page = await site.get("/signup")
    assert f'<link rel="stylesheet" href="{STYLE_PATH}">' in page
    answer = await site.client.get(STYLE_PATH)
    assert (answer.status, answer.content_type) == (200, "text/css")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] == "Postern"
    assert "prefers-color-scheme: dark" in await answer.text()


async def test_an_unknown_charset_is_a_form_error(site: Site) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=klingon"}
    answer = await site.client.post("/signup", data=b"address=%ff%00", headers=kind)
    assert answer.status == 422


async def test_the_mailbox_must_be_named_where_there_are_several(site: Site) -> None:
    add = partial(mailboxes.add_mailbox, address="sales@help.example", policy="default")
    await site.write(add)
    await site.services.runtime.mailbox_cache.current(fresh_s=0)
    status, page = await site.get("/signup")
    assert status == 200
    assert "Which address do you write to?" in page
    assert SUPPORT not in page
    status, page = await site.get("/signup?mailbox=Sales@help.example")
    assert 'name="mailbox" value="sales@help.example"' in page
    status, page = await site.ask(NEW, mailbox="sales@help.example")
    assert status == 200
    assert not await site.queued()  # Acme is no customer there
    assert (await site.ask(NEW, mailbox="other@help.example"))[0] == 404


async def test_an_unknown_mailbox_is_not_found(site: Site) -> None:
    status, page = await site.get("/signup?mailbox=nobody@help.example")
    assert status == 404
    assert "“nobody@help.example” is not one of our support addresses." in page
    assert SUPPORT not in page


async def test_a_client_that_posts_too_often_must_wait(site: Site) -> None:
    async with serving(
        site.services, replace(site.sign_up, rate=RateLimiter(3, lambda: 0.0))
    ) as client:
        link = await site.link("x@foreign.example")
        for _ in range(3):
            assert (await client.post("/signup", data={"address": "nobody"})).status == 422
        for path in ("/signup", link):
            answer = await client.post(path, data={"address": "nobody", "name": "x"})
            assert answer.status == 429
            assert "wait a minute" in await answer.text()
            assert answer.headers["Retry-After"] == "60"
        assert (await client.get(link)).status == 200
        other = {"X-Forwarded-For": "192.0.2.1"}
        assert (await client.post("/signup", data={}, headers=other)).status == 429


async def test_a_store_that_is_down_is_reported_on_a_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> UUID:
        raise RuntimeError("internal secret")

    monkeypatch.setattr(site.services.runtime.mailbox_cache, "current", broken)
    status, page = await site.ask(NEW)
    assert status == 503
    assert "went wrong on our side" in page
    assert "secret" not in page


def test_a_bucket_fills_again_within_a_minute() -> None:
    now = 0.0
    rate = RateLimiter(6, lambda: now)
    assert [rate.allows(b"a") for _ in range(7)] == [True] * 6 + [False]
    assert rate.allows(b"b")
    now = 9.9
    assert not rate.allows(b"a")
    now = 10.1
    assert rate.allows(b"a")
    assert not rate.allows(b"a")
    now = 1000
    assert [rate.allows(b"a") for _ in range(7)] == [True] * 6 + [False]


def test_the_clients_of_one_network_post_four_times_as_often_as_one() -> None:
    rate = RateLimiter(5, lambda: 0.0)
    for _ in range(1000):
        rate.allows(b"client", b"network")
    posts = [rate.allows(b"client %d" % n, b"network") for n in range(1, 1000)]
    assert sum(posts) == 15
    assert rate.allows(b"another", b"another network")


def test_the_networks_of_one_provider_post_sixteen_times_as_often_as_a_client() -> None:
    rate = RateLimiter(5, lambda: 0.0)
    posts = [rate.allows(b"%d" % n, b"%d." % n, b"provider") for n in range(1000)]
    assert sum(posts) == 80
    assert rate.allows(b"another", b"another network", b"another provider")


async def test_a_listed_proxy_names_its_clients(site: Site) -> None:
    proxies = (ip_network("127.0.0.0/8"), ip_network("192.0.2.8/32"))
    sign_up = replace(site.sign_up, rate=RateLimiter(1, lambda: 0.0))
    async with serving(site.services, sign_up, proxies) as client:
        for number in range(3):
            headers = {"X-Forwarded-For": f"198.51.{number}.1, 192.0.2.8"}
            assert (await client.post("/signup", data={}, headers=headers)).status == 422
        assert (await client.post("/signup", data={}, headers=headers)).status == 429


def test_a_flood_of_clients_costs_no_memory() -> None:
    rate = RateLimiter(POSTS_A_MINUTE, lambda: 0.0)
    for number in range(CLIENTS_KEPT + 100):
        rate.allows(b"%d" % number)
    assert len(rate) == CLIENTS_KEPT


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "client"),
    [
        ("192.0.2.1", "", (), "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", (), "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9, 10.0.0.7", PROXY, "192.0.2.1"),
        ("127.0.0.1", "198.51.100.9", (), "127.0.0.1"),
        ("::1", "198.51.100.9", PROXY, "::1"),
        ("127.0.0.1", "203.0.113.5, 198.51.100.9", PROXY, "198.51.100.9"),
        ("127.0.0.1", "203.0.113.5,198.51.100.9 , 10.0.0.7", PROXY, "198.51.100.9"),
        ("127.0.0.1", "10.0.0.7", PROXY, "10.0.0.7"),
        ("127.0.0.1", "", PROXY, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.9, nonsense", PROXY, None),
        ("127.0.0.1", "198.51.100.9,", PROXY, None),
        ("::ffff:127.0.0.1", "::ffff:198.51.100.9", PROXY, "198.51.100.9"),
        (None, "", (), None),
    ],
)
def test_only_a_listed_proxy_is_believed_about_its_client(
    remote: str | None, forwarded: str, proxies: Networks, client: str | None
) -> None:
    named = client_of(remote, forwarded, proxies)
    assert named == (ip_address(client) if client else None)
