"""The API on tickets, as a portal and a desk's own tool call it, over a real socket."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from gateway import clock
from gateway.config.model import TrustSection
from gateway.web.api.download import download
from gateway.web.app import application
from gateway.web.pages.signup import SignUp
from rules.people import Role
from rules.ticket.notices import NoticeKind
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.notices import outbox
from storage.registry import api_tokens, companies, mailboxes, people
from storage.registry.companies import Contract
from storage.registry.people import NewPerson
from storage.ticket.read import TicketView, ticket_view
from tests.desk import SUPPORT, Desk, a_mail, enrolled_store, open_desk
from tests.gateway.building import a_part, multipart, text
from tests.stores import SqliteStores

T = TypeVar("T")
Client = TestClient[web.Request, web.Application]

ANN, BOB, CAT = "ann@acme.example", "bob@acme.example", "cat@acme.example"
GIL, SAM = "gil@globex.example", "sam@help.example"
SHARED = "shared@help.example"
"""Its policy lets a company read all its tickets, and sets the severity itself."""
PLANNED = "planned@help.example"
"""Its policy has tiers with promises, and two levels of escalation."""
ALICE = "alice@help.example"
"""Staff of SHARED alone."""
SCOPES = ("mails", "staff", "portal", "read")


@dataclass
class Site:
    """A running application with its people, and short words for what a test does."""

    client: Client
    desk: Desk

    async def ask(
        self, method: str, path: str, actor: str = "", scope: str = "", json: Any = None
    ) -> ClientResponse:
        """A request with the token that the actor needs."""
        is_staff = actor.endswith("@help.example")
        scope = scope or ("staff" if is_staff else "portal" if actor else "read")
        headers = {"Authorization": f"Bearer {scope}-token"}
        headers |= {"X-Postern-Actor": actor} if actor else {}
        return await self.client.request(
            method, f"/api/v1/tickets{path}", headers=headers, json=json
        )

    async def get(self, path: str, actor: str = "") -> tuple[int, Any]:
        response = await self.ask("GET", path, actor)
        return response.status, await response.json()

    async def numbers(self, query: str, actor: str = "") -> list[int]:
        """Of the tickets in a list."""
        status, body = await self.get(query, actor)
        assert status == 200, body
        return [each["number"] for each in body["tickets"]]

    async def change(self, number: int, actor: str = SAM, **asked: Any) -> tuple[int, Any]:
        response = await self.ask("PATCH", f"/{number}", actor, json=asked)
        return response.status, await response.json()

    async def effects(self, number: int, actor: str = SAM, **asked: Any) -> list[str]:
        status, body = await self.change(number, actor, **asked)
        assert status == 200, body
        return list(body["effects"])

    async def open(self, actor: str = ANN, mailbox: str = SUPPORT, **more: str) -> int:
        status, body = await self.opened(actor, mailbox, **more)
        assert status == 201, body
        return int(body["number"])

    async def opened(
        self, actor: str = ANN, mailbox: str = SUPPORT, **more: str
    ) -> tuple[int, Any]:
        new = {"mailbox": mailbox, "subject": "Lift", "text": "It is stuck.", **more}
        response = await self.ask("POST", "", actor, json=new)
        return response.status, await response.json()

    async def mailed(self, raw: bytes | None = None) -> int:
        """The number of a ticket that a mail opened."""
        (reply,) = await self.desk.take(raw or a_mail(ANN))
        return int(reply.text.rpartition("#")[2])

    async def whole(self, number: int) -> TicketView:
        whole = await self.read(partial(ticket_view, number=number))
        assert whole is not None
        return whole

    async def notified(self, kind: NoticeKind) -> list[str]:
        """Whom a notice of a kind is due for."""
        due = await self.write(partial(outbox.claim, now=clock.now(), limit=100))
        return sorted(notice.address for notice in due if notice.kind is kind)

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self.desk.parts.database.read, query)

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self.desk.parts.ledger.submit(job))


def enrol(connection: Connection) -> None:
    mailboxes.add_mailbox(connection, SHARED, "atlan")
    mailboxes.add_mailbox(connection, PLANNED, "stakater")
    for address in (SUPPORT, SHARED, PLANNED):
        mailbox = mailboxes.mailbox_named(connection, address)
        users = [CAT]
        if address != SUPPORT:
            companies.add_company(connection, mailbox, "Acme", ["acme.example"])
            companies.add_company(connection, mailbox, "Globex", ["globex.example"])
            people.add_person(connection, mailbox, NewPerson(GIL, "", Role.USER, "Globex"))
            people.add_person(connection, mailbox, NewPerson(SAM, "", Role.STAFF, None))
            users += [ANN, BOB]
        for user in users:
            people.add_person(connection, mailbox, NewPerson(user, "", Role.USER, "Acme"))
    shared = mailboxes.mailbox_named(connection, SHARED)
    people.add_person(connection, shared, NewPerson(ALICE, "", Role.STAFF, None))
    planned = mailboxes.mailbox_named(connection, PLANNED)
    companies.set_channel(connection, planned, "Acme", "call Ann first")
    premium = Contract("premium", datetime(2020, 1, 1, tzinfo=UTC), {"first": {"High": "1 hour"}})
    companies.add_contract(connection, planned, "Acme", premium)
    for scope in SCOPES:
        api_tokens.add_api_token(connection, f"{scope}-token", scope, scope, clock.now())


def enrolled(url: str) -> str:
    database = Database(enrolled_store(url), connections=2)
    ledger = open_ledger(database)
    ledger.submit(enrol).result()
    ledger.close()
    database.close()
    return url


@pytest.fixture(scope="module")
def template(sqlite_stores: SqliteStores) -> Path:
    """A store with everybody in it, to be copied."""
    return Path(enrolled(sqlite_stores.new()).removeprefix("sqlite:///"))


@pytest_asyncio.fixture
async def site(template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    store = shutil.copy(template, tmp_path / "store.db")
    async with serving(f"sqlite:///{store}", tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def either(store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """The same on both kinds of store."""
    async with serving(enrolled(store_url), tmp_path) as made:
        yield made


@asynccontextmanager
async def serving(url: str, folder: Path) -> AsyncIterator[Site]:
    async with open_desk(url, folder, TrustSection()) as desk:
        whole = desk.parts
        ring = whole.dispatcher.wake
        sign_up = SignUp(
            whole.ledger, whole.mailbox_cache, whole.policies, clock.now, clock.new_id, ring
        )
        app = application(whole.ingest, whole.database, whole.metrics, whole.wire, sign_up)
        async with TestClient(TestServer(app)) as client:
            yield Site(client, desk)


# who may call


@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer no-token-of-ours"}])
async def test_without_a_good_token_nothing_is_told(
    site: Site, authorization: dict[str, str]
) -> None:
    response = await site.client.get("/api/v1/tickets", headers=authorization)

    assert (response.status, list(await response.json())) == (401, ["error"])


ROUTES = {
    ("GET", ""): {"staff", "portal", "read"},
    ("POST", ""): {"staff", "portal"},
    ("GET", "/1"): {"staff", "portal", "read"},
    ("PATCH", "/1"): {"staff", "portal"},
    ("GET", "/1/attachments/1"): {"staff", "portal", "read"},
    ("GET", "/1/raw/0190163d-8694-739b-aea5-966c26f8ad91"): {"staff"},
}


@pytest.mark.parametrize(
    ("route", "scope"), list(product(ROUTES, SCOPES)), ids=lambda value: "".join(value)
)
async def test_each_token_is_for_its_own_requests(
    site: Site, route: tuple[str, str], scope: str
) -> None:
    actor = {"staff": SAM, "portal": ANN}.get(scope, "")

    response = await site.ask(*route, actor, scope, json={})

    refused = "this token is for" in (await response.text())
    assert refused is (scope not in ROUTES[route])
    assert (response.status == 403) is refused


@pytest.mark.parametrize(
    ("scope", "actor", "said"),
    [
        ("staff", "", "say for whom: send X-Postern-Actor: sam@help.example"),
        ("portal", "nobody", "'nobody' is no mail address"),
        ("portal", "eve@evil.example", "eve@evil.example is no active user of an active company"),
        ("portal", SAM, "sam@help.example is no active user"),
        ("staff", ANN, "ann@acme.example is no active staff person"),
    ],
)
async def test_a_token_acts_for_somebody_of_its_kind(
    site: Site, scope: str, actor: str, said: str
) -> None:
    response = await site.ask("GET", "", actor, scope)

    assert response.status == 403
    assert said in (await response.json())["error"]


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


# lists


async def test_a_customer_finds_his_own_tickets_and_those_he_was_copied_on(either: Site) -> None:
    own, other = await either.open(ANN), await either.open(CAT)
    await either.effects(other, add=[ANN])

    assert await either.numbers(f"?mailbox={SUPPORT}", ANN) == [own]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=mine", ANN) == [own]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=cc", ANN) == [other]
    assert await either.numbers(f"?mailbox={SUPPORT}&list=cc", BOB) == []


async def test_whoever_was_left_out_finds_the_ticket_no_more(site: Site) -> None:
    number = await site.open(CAT)
    await site.effects(number, add=[ANN])
    await site.effects(number, remove=[ANN])

    assert await site.numbers(f"?mailbox={SUPPORT}&list=cc", ANN) == []
    assert (await site.get(f"/{number}", ANN))[0] == 404


async def test_a_company_finds_all_its_tickets_where_the_policy_says_so(site: Site) -> None:
    number = await site.open(ANN, SHARED)
    await site.open(GIL, SHARED)

    assert await site.numbers(f"?mailbox={SHARED}&list=organisation", BOB) == [number]


async def test_elsewhere_the_policy_is_named_that_keeps_them_private(site: Site) -> None:
    status, body = await site.get(f"?mailbox={SUPPORT}&list=organisation", ANN)

    assert (status, "the policy default" in body["error"]) == (403, True)


async def test_staff_and_reports_find_every_ticket_of_a_mailbox(site: Site) -> None:
    first, second = await site.open(ANN), await site.open(GIL)
    await site.open(ANN, SHARED)

    for actor in (SAM, ""):
        assert await site.numbers(f"?mailbox={SUPPORT}", actor) == [second, first]


async def test_a_list_goes_on_where_the_page_before_ended(either: Site) -> None:
    opened = [await either.open(ANN) for _ in range(5)]
    query, found = f"?mailbox={SUPPORT}&limit=2", []

    _, page = await either.get(query, ANN)
    while page["before"]:
        found += [each["number"] for each in page["tickets"]]
        _, page = await either.get(f"{query}&before={page['before']}", ANN)
    found += [each["number"] for each in page["tickets"]]

    assert found == opened[::-1]


async def test_a_list_can_be_of_one_status(site: Site) -> None:
    closed = await site.open(ANN)
    await site.open(ANN)
    await site.effects(closed, status="closed")

    assert await site.numbers(f"?mailbox={SUPPORT}&status=closed") == [closed]


async def test_a_deleted_ticket_is_in_no_list(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, delete=True)

    assert await site.numbers(f"?mailbox={SUPPORT}") == []
    assert (await site.get(f"/{number}", SAM))[0] == 404


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?status=opne", 400, "there are open, pending, resolved, closed"),
        ("?limit=0", 400, "from 1 to 200"),
        ("?limit=many", 400, "from 1 to 200"),
        ("?before=yesterday", 400, "what the page before gave"),
        ("?before=99999999999999999-1", 200, ""),
        ("?list=yours", 400, "there are mine, cc, organisation"),
        ("?list=mine", 400, "is for customers"),
        ("?lsit=mine", 400, "unknown key in the query: lsit (did you mean list?)"),
        ("?colour=red", 400, "colour (known here: mailbox, status, list, limit, before)"),
        ("?mailbox=no@help.example", 404, "there is no mailbox no@help.example"),
    ],
)
async def test_what_a_list_cannot_be_is_said(
    site: Site, query: str, status: int, said: str
) -> None:
    wanted = query if "mailbox" in query else f"{query}&mailbox={SUPPORT}"

    found, body = await site.get(wanted, SAM)

    assert (found, said in body.get("error", "")) == (status, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", "/{n}"),
        ("PATCH", "/{n}"),
        ("GET", "/{n}/attachments/1"),
        ("GET", "/{n}/raw/1"),
    ],
)
async def test_elsewhere_a_query_means_nothing(site: Site, method: str, path: str) -> None:
    number = await site.open()

    response = await site.ask(method, f"{path.format(n=number)}?status=open", SAM, json={})

    said = {"error": "unknown key in the query: status (this request takes none)"}
    assert (response.status, await response.json()) == (400, said)


async def test_with_several_mailboxes_one_is_asked_for(site: Site) -> None:
    status, body = await site.get("", SAM)

    assert status == 400
    assert body["error"] == f"name the mailbox, one of: {PLANNED}, {SHARED}, {SUPPORT}"


async def test_a_staff_person_of_one_mailbox_need_not_name_it(site: Site) -> None:
    number = await site.open(ANN, SHARED)

    assert await site.numbers("", ALICE) == [number]


# one ticket


async def test_a_customer_reads_what_is_public(site: Site) -> None:
    number = await site.mailed()
    await site.effects(number, comment={"text": "We look."})
    await site.effects(number, comment={"text": "An odd one.", "visibility": "note"})

    _, ticket = await site.get(f"/{number}", ANN)

    assert [c["text"].strip() for c in ticket["comments"]] == ["It does not print.", "We look."]
    assert {"history", "preferred_channel", "rating", "assignee", "mentions"} & set(ticket) == set()


async def test_staff_and_reports_read_everything(site: Site) -> None:
    number = await site.open(ANN, PLANNED)
    await site.effects(number, comment={"text": "An odd one.", "visibility": "note"})
    await site.effects(number, severity="low", why="only one lift")

    for actor in (SAM, ""):
        _, ticket = await site.get(f"/{number}", actor)

        assert [c["visibility"] for c in ticket["comments"]] == ["public", "note"]
        assert ticket["preferred_channel"] == "call Ann first"
        last = ticket["history"][-1]
        assert (last["what"], last["actor"], last["source"]) == ("severity", SAM, "api")
        assert (last["became"], last["why"]) == ("Low", "only one lift")


async def test_what_the_customer_asked_for_stands_beside_the_severity(site: Site) -> None:
    number = await site.open(ANN, SHARED, severity="P1")

    _, ticket = await site.get(f"/{number}", ANN)

    assert (ticket["severity"], ticket["severity_claimed"]) == ("P2", "P1")


async def test_a_ticket_shows_its_tier_and_when_an_answer_is_due(site: Site) -> None:
    complete = (
        "Environment: prod\nProduct: console\nError message: E42\n"
        "Steps to reproduce: open it\nImpact: all users\nRecent changes: none"
    )
    number = await site.open(ANN, PLANNED, text=complete, severity="high")

    _, ticket = await site.get(f"/{number}", ANN)

    assert (ticket["tier"], ticket["missing"]) == ("premium", [])
    opened, due = (datetime.fromisoformat(ticket[key]) for key in ("opened_at", "due_at"))
    assert (due - opened).total_seconds() == 3600  # as the contract says, beside its tier


async def test_what_a_request_lacks_is_named(site: Site) -> None:
    number = await site.open(ANN, PLANNED)

    _, ticket = await site.get(f"/{number}", ANN)

    assert "environment" in ticket["missing"]
    assert ticket["due_at"] is None


@pytest.mark.parametrize("stranger", [BOB, GIL, ALICE])
async def test_a_ticket_that_one_may_not_read_is_as_one_that_does_not_exist(
    site: Site, stranger: str
) -> None:
    number = await site.open(ANN)
    paths = ("", "/attachments/1")

    for path in paths:
        theirs = await site.get(f"/{number}{path}", stranger)
        nobodys = await site.get(f"/4711{path}", stranger)
        assert theirs == (404, {"error": f"there is no ticket #{number}"})
        assert nobodys == (404, {"error": "there is no ticket #4711"})
    assert await site.change(number, stranger, status="closed") == theirs


async def test_a_colleague_reads_where_the_policy_lets_him_and_does_no_more(site: Site) -> None:
    number = await site.open(ANN, SHARED)

    assert (await site.get(f"/{number}", BOB))[0] == 200
    for asked in ({"status": "closed"}, {"comment": {"text": "Me too."}}):
        status, body = await site.change(number, BOB, **asked)
        assert (status, "you must be on it" in body["error"]) == (403, True)


async def test_nobody_reads_anothers_reply_address_or_link(site: Site) -> None:
    token, link = f"support+{'a7' * 20}@help.example", f"https://x.example/people/1/{'b6' * 20}"
    number = await site.mailed(a_mail(ANN, text=f"Hello\r\n\r\n> {token}\r\n> {link}"))

    for actor in (ANN, SAM):
        _, ticket = await site.get(f"/{number}", actor)
        (comment,) = ticket["comments"]
        assert "a7a7" not in comment["text"]
        assert "b6b6" not in comment["text"]


async def test_a_comment_is_shown_without_what_it_quotes(site: Site) -> None:
    quoted = "On Mon, 2 Mar 2026 at 10:00, Sam <sam@help.example> wrote:\r\n> Did you try?"
    number = await site.mailed(a_mail(ANN, text=f"It does not print.\r\n\r\n{quoted}"))

    _, ticket = await site.get(f"/{number}", ANN)

    (comment,) = ticket["comments"]
    assert comment["shown"] == "It does not print."
    assert "Did you try?" in comment["text"]


# files

PNG = bytes(range(256))


def with_file(
    name: str = "log.png", kind: str = "image/png", subject: str = "See", sender: str = ANN
) -> bytes:
    file = a_part(
        PNG.hex().encode(),
        f"Content-Type: {kind}",
        f'Content-Disposition: attachment; filename="{name}"',
    )
    head = f"From: {sender}\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    return head.encode() + multipart("mixed", text("See the file."), file)


async def the_file(site: Site, number: int) -> str:
    """The path of the one attachment on a ticket, after /api/v1/tickets."""
    _, ticket = await site.get(f"/{number}", SAM)
    (attached,) = ticket["comments"][0]["attachments"]
    return str(attached["url"]).removeprefix("/api/v1/tickets")


async def test_an_attachment_is_read_out_of_the_mail(site: Site) -> None:
    number = await site.mailed(with_file())

    response = await site.ask("GET", await the_file(site, number), ANN)

    assert (response.status, await response.read()) == (200, PNG.hex().encode())
    assert response.headers["Content-Disposition"].startswith('attachment; filename="log.png"')


async def test_no_browser_runs_an_attachment(site: Site) -> None:
    number = await site.mailed(with_file("page.html", "text/html"))

    response = await site.ask("GET", await the_file(site, number), ANN)

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "plain", "whole"),
    [
        ("log.png", "log.png", "log.png"),
        ("Übersicht.pdf", "_bersicht.pdf", "%C3%9Cbersicht.pdf"),
        ('a"; x=y.svg', "a__ x_y.svg", "a%22%3B%20x%3Dy.svg"),
        ("../../.profile", "_.._.profile", "_.._.profile"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie_ b", "aSet-Cookie%3A%20b"),
        ("", "attachment", "attachment"),
    ],
)
def test_the_name_of_a_file_is_only_a_name(name: str, plain: str, whole: str) -> None:
    said = download(b"", name, "image/png").headers["Content-Disposition"]

    assert said == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"


@pytest.mark.parametrize("kind", ["text/html\r\nX: y", "text", "", "text/html; charset=x"])
def test_a_type_that_is_none_is_octets(kind: str) -> None:
    assert download(b"", "a", kind).headers["Content-Type"] == "application/octet-stream"


async def test_an_attachment_of_a_comment_that_is_not_public_is_for_staff(site: Site) -> None:
    number = await site.open(ANN)
    await site.desk.take(with_file(subject=f"[#{number}]", sender=SAM))
    _, ticket = await site.get(f"/{number}", SAM)
    flagged = next(c for c in ticket["comments"] if c["visibility"] == "private")
    path = flagged["attachments"][0]["url"].removeprefix("/api/v1/tickets")

    assert (await site.ask("GET", path, SAM)).status == 200
    assert (await site.ask("GET", path, ANN)).status == 404


async def test_an_attachment_is_found_under_its_own_ticket_only(site: Site) -> None:
    number = await site.mailed(with_file())
    path = await the_file(site, number)
    other = await site.open(CAT)

    assert (await site.ask("GET", path, CAT)).status == 404
    elsewhere = path.replace(f"/{number}/", f"/{other}/")
    assert (await site.ask("GET", elsewhere, CAT)).status == 404
    assert (await site.ask("GET", elsewhere, SAM)).status == 404


async def test_staff_get_the_raw_mail_as_it_came(site: Site) -> None:
    raw = with_file()
    number = await site.mailed(raw)
    _, ticket = await site.get(f"/{number}", SAM)
    path = ticket["comments"][0]["raw"].removeprefix("/api/v1/tickets")

    response = await site.ask("GET", path, SAM)

    assert (response.status, await response.read()) == (200, raw)
    assert "raw" not in (await site.get(f"/{number}", ANN))[1]["comments"][0]
    assert (await site.ask("GET", path, ANN)).status == 403


async def test_a_raw_mail_is_found_under_its_own_ticket_only(site: Site) -> None:
    number, other = await site.mailed(), await site.open(ANN)
    _, ticket = await site.get(f"/{number}", SAM)
    path = ticket["comments"][0]["raw"].removeprefix("/api/v1/tickets")

    elsewhere = path.replace(f"/{number}/", f"/{other}/")
    assert (await site.ask("GET", elsewhere, SAM)).status == 404
    assert (await site.ask("GET", f"/{number}/raw/x", SAM)).status == 400


# changes


async def test_every_part_of_a_change_is_made_in_a_fixed_order(either: Site) -> None:
    number = await either.mailed()

    effects = await either.effects(
        number,
        status="pending",
        comment={"text": "Which printer?"},
        severity="high",
        assignee=SAM,
        add=[BOB],
    )

    assert effects == [
        f"{BOB} is on #{number} now",
        f"#{number} is {SAM}'s now",
        f"#{number} is High now",
        f"said on #{number} (public)",
        f"#{number} is pending now",
    ]


async def test_of_a_change_with_one_bad_part_nothing_is_made(either: Site) -> None:
    number = await either.open(ANN)
    before = await either.whole(number)

    status, body = await either.change(
        number, severity="high", comment={"text": "Soon."}, merge_into=4711
    )

    assert (status, body) == (409, {"error": "there is no ticket #4711"})
    assert await either.whole(number) == before


async def test_a_change_answers_with_the_ticket_as_it_is_now(site: Site) -> None:
    number = await site.open(ANN)

    _, body = await site.change(number, severity="high", why="it is worse")

    assert body["ticket"]["severity"] == "High"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"statuss": "open"}, "unknown key: statuss (did you mean status?)"),
        ({"status": "opne"}, "status: 'opne': "),
        ({"comment": "Hello"}, "comment is to be a JSON object"),
        ({"comment": {"text": "x", "visibilty": "note"}}, "did you mean visibility?"),
        ({"publish": 0}, "publish: 0: "),
        ({"merge_into": 2**70}, "merge_into: "),
        ({"severity": "Low", "workaround": True}, "use one of them"),
        ({}, "no change is named"),
        ([], "the body is to be a JSON object"),
    ],
)
async def test_what_cannot_be_asked_is_named(site: Site, asked: Any, said: str) -> None:
    number = await site.open(ANN)

    response = await site.ask("PATCH", f"/{number}", SAM, json=asked)

    assert response.status == 400
    assert said in (await response.json())["error"]


async def test_a_body_that_is_no_json_is_said(site: Site) -> None:
    headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": SAM}

    response = await site.client.patch("/api/v1/tickets/1", headers=headers, data="status=open")

    assert (response.status, await response.json()) == (400, {"error": "the body is no JSON"})


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "pending"},
        {"assignee": SAM},
        {"remove": [BOB]},
        {"approve": [BOB]},
        {"decline": [BOB]},
        {"workaround": True},
        {"publish": 1},
        {"merge_into": 2},
        {"delete": True},
        {"comment": {"text": "Odd.", "visibility": "note"}},
    ],
    ids=lambda asked: "".join(asked),
)
async def test_what_only_staff_do_is_forbidden_to_customers(
    site: Site, asked: dict[str, Any]
) -> None:
    number = await site.open(ANN)

    status, body = await site.change(number, ANN, **asked)

    assert (status, "staff" in body["error"]) == (403, True)


async def test_an_open_ticket_goes_into_none_that_is_over(site: Site) -> None:
    over, number = await site.open(ANN), await site.open(ANN)
    await site.change(over, SAM, status="closed")

    status, body = await site.change(number, SAM, merge_into=over)

    assert status == 409
    assert body["error"] == f"#{over} is closed; reopen it, or nobody sees #{number}"


async def test_a_customer_makes_his_ticket_critical_over_the_api(either: Site) -> None:
    number = await either.mailed()

    await either.effects(number, ANN, severity="critical", why="nobody can work")

    assert (await either.whole(number)).summary.severity == "Critical"


async def test_a_customers_comment_reaches_staff_and_reopens_his_ticket(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, status="resolved")
    await site.notified(NoticeKind.NEW_COMMENT)

    await site.effects(number, ANN, comment={"text": "It is stuck again."})

    assert (await site.whole(number)).summary.status == "open"
    assert await site.notified(NoticeKind.NEW_COMMENT) == [SAM]


async def test_words_on_a_closed_ticket_are_refused_with_the_way_on(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, status="closed")

    status, body = await site.change(number, ANN, comment={"text": "It is back."})

    assert (status, "open a new ticket" in body["error"]) == (409, True)
    await site.effects(number, ANN, comment={"text": "It is back."}, status="open")


async def test_a_flagged_comment_is_published(site: Site) -> None:
    number = await site.mailed()
    await site.desk.take(a_mail(ANN, f"Re: [#{number}] Printer", "Me again."))
    (reply,) = await site.desk.take(a_mail(SAM, f"[#{number}]", "Odd."))
    assert f"#{number}" in reply.text
    flagged = next(c for c in (await site.whole(number)).comments if c.visibility == "private")

    await site.effects(number, publish=flagged.id)

    _, ticket = await site.get(f"/{number}", ANN)
    assert "Odd." in ticket["comments"][-1]["text"]


async def test_an_escalation_begins_once_the_critical_problem_is_logged_here(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="P1")

    effects = await site.effects(number, ANN, escalate="two hours of silence")

    assert effects[0].startswith(f"#{number} is at level 1")
    assert (await site.whole(number)).details.escalation_level == 1


async def test_a_workaround_lowers_the_severity_where_the_policy_says_so(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="P1")

    assert await site.effects(number, workaround=True) == [f"#{number} is High now"]


# new tickets


async def test_a_ticket_is_opened_and_told_of(either: Site) -> None:
    status, ticket = await either.opened(ANN, severity="high")

    assert status == 201
    assert (ticket["requester"], ticket["severity"], ticket["status"]) == (ANN, "High", "open")
    whole = await either.whole(ticket["number"])
    assert (ANN, "requester") in [(m.address, m.part) for m in whole.members]
    assert [(c.author, c.text) for c in whole.comments] == [(ANN, "It is stuck.")]
    due = await either.write(partial(outbox.claim, now=clock.now(), limit=100))
    assert sorted((n.kind, n.address) for n in due) == [
        (NoticeKind.ACKNOWLEDGEMENT, ANN),
        (NoticeKind.NEW_TICKET, SAM),
    ]


async def test_the_place_of_a_new_ticket_is_told(site: Site) -> None:
    new = {"mailbox": SUPPORT, "subject": "Lift", "text": "It is stuck."}

    response = await site.ask("POST", "", ANN, json=new)

    assert response.headers["Location"] == f"/api/v1/tickets/{(await response.json())['number']}"


async def test_staff_open_a_ticket_for_a_customer(site: Site) -> None:
    number = await site.open(SAM, requester=ANN)

    whole = await site.whole(number)
    assert (whole.summary.requester, whole.comments[0].author) == (ANN, SAM)
    assert await site.numbers(f"?mailbox={SUPPORT}", ANN) == [number]


async def test_a_customer_opens_no_ticket_for_another(site: Site) -> None:
    assert (await site.opened(ANN, requester=BOB))[0] == 403


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"severity": "urgent"}, 409, "there are Critical, High, Normal, Low"),
        ({"requester": "eve@evil.example"}, 409, "eve@evil.example is no active user"),
        ({"requester": "eve"}, 400, "'eve' is no mail address"),
        ({"subject": " "}, 400, "subject: "),
        ({"text": ""}, 400, "text: "),
        ({"colour": "red"}, 400, "unknown key: colour"),
    ],
)
async def test_what_cannot_be_opened_is_said(
    site: Site, more: dict[str, str], status: int, said: str
) -> None:
    found, body = await site.opened(SAM, **more)

    assert (found, said in body["error"]) == (status, True)
    assert await site.numbers(f"?mailbox={SUPPORT}") == []


async def test_a_plan_without_support_opens_no_ticket(site: Site) -> None:
    def on_the_free_plan(connection: Connection) -> None:
        mailboxes.add_mailbox(connection, "data@help.example", "aiven")
        ours = mailboxes.mailbox_named(connection, "data@help.example")
        companies.add_company(connection, ours, "Acme", ["acme.example"])
        people.add_person(connection, ours, NewPerson(ANN, "", Role.USER, "Acme"))
        free = Contract("free", datetime(2020, 1, 1, tzinfo=UTC), {})
        companies.add_contract(connection, ours, "Acme", free)

    await site.write(on_the_free_plan)

    status, body = await site.opened(ANN, "data@help.example")

    assert (status, "community" in body["error"]) == (409, True)


# what goes wrong


async def test_a_store_that_does_not_answer_is_503(site: Site, tmp_path: Path) -> None:
    number = await site.open(ANN)
    database = site.desk.parts.database
    database.close()
    path = Path(database.engine.url.database or "")
    for file in path.parent.glob(f"{path.name}*"):
        file.write_bytes(b"this is no database " * 100)

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
        assert "try again" in (await response.json())["error"]
