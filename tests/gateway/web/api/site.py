"""A running application with mailboxes, people and tokens, for tests of the ticket API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import TypeAdapter, ValidationError

from gateway import clock
from gateway.cli.server import enrol_demo, ensure_key
from gateway.policies import Policies
from gateway.web.api.operations import JsonAnswer, Operation
from gateway.web.api.routes import OPERATIONS
from gateway.web.api.scopes import Scope
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
from storage.ticket.read import ticket_view
from storage.ticket.views import TicketView
from tests.filled import filled
from tests.in_process import (
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    open_postern,
)

T = TypeVar("T")
Client = TestClient[web.Request, web.Application]

ANN, BOB, CAT = "ann@acme.example", "bob@acme.example", "cat@acme.example"
GIL, SAM = "gil@globex.example", "sam@help.example"
SHARED = "shared@help.example"
"""Its policy lets a company read all its tickets, and only staff set the severity."""
PLANNED = "planned@help.example"
"""Its policy has tiers with promises, and two levels of escalation."""
ALICE = "alice@help.example"
"""Staff of SHARED only."""
SCOPES = tuple(Scope)


@dataclass
class Site:
    """A running application with its people, and shorthands for what a test does."""

    client: Client
    postern: InProcessPostern

    async def ask(
        self,
        method: str,
        path: str,
        actor: str = "",
        scope: str = "",
        json: Any = None,
        key: str | None = None,
    ) -> ClientResponse:
        """A request with the token that the actor needs."""
        is_staff = actor.endswith("@help.example")
        scope = scope or ("staff" if is_staff else "portal" if actor else "read")
        headers = {"Authorization": f"Bearer {scope}-token"}
        headers |= {"X-Postern-Actor": actor} if actor else {}
        headers |= {"Idempotency-Key": key} if key is not None else {}
        return await self.client.request(
            method, f"/api/v1/tickets{path}", headers=headers, json=json
        )

    async def get(self, path: str, actor: str = "") -> tuple[int, Any]:
        response = await self.ask("GET", path, actor)
        return response.status, await response.json()

    async def numbers(self, query: str, actor: str = "") -> list[int]:
        """The numbers of the tickets in a list."""
        status, body = await self.get(query, actor)
        assert status == 200, body
        return [each["number"] for each in body["tickets"]]

    async def change(self, number: int, actor: str = SAM, **requested: Any) -> tuple[int, Any]:
        response = await self.ask("PATCH", f"/{number}", actor, json=requested)
        return response.status, await response.json()

    async def effects(self, number: int, actor: str = SAM, **requested: Any) -> list[str]:
        status, body = await self.change(number, actor, **requested)
        assert status == 200, body
        return list(body["effects"])

    async def open(self, actor: str = ANN, mailbox: str = SUPPORT, **more: Any) -> int:
        status, body = await self.opened(actor, mailbox, **more)
        assert status == 201, body
        return int(body["number"])

    async def opened(
        self, actor: str = ANN, mailbox: str = SUPPORT, **more: Any
    ) -> tuple[int, Any]:
        new = {"mailbox": mailbox, "subject": "Lift", "text": "It is stuck.", **more}
        response = await self.ask("POST", "", actor, json=new)
        return response.status, await response.json()

    async def mailed(self, raw: bytes | None = None) -> int:
        """The number of a ticket that a mail opened."""
        (reply,) = await self.postern.take(raw or a_mail(ANN))
        return int(reply.text.rpartition("#")[2])

    async def ticket_view(self, number: int) -> TicketView:
        view = await self.read(partial(ticket_view, number=number))
        assert view is not None
        return view

    async def notified(self, kind: NoticeKind) -> list[str]:
        """The addresses for which a notice of this kind is due."""
        due = await self.write(partial(outbox.claim, now=clock.now(), limit=100))
        return sorted(notice.address for notice in due if notice.kind is kind)

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self.postern.services.runtime.read(query)

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await self.postern.services.runtime.write(job)


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
    companies.set_visibility(connection, shared, "Acme", "company")
    people.add_person(connection, shared, NewPerson(ALICE, "", Role.STAFF, None))
    planned = mailboxes.mailbox_named(connection, PLANNED)
    companies.set_channel(connection, planned, "Acme", "call Ann first")
    premium = Contract("premium", datetime(2020, 1, 1, tzinfo=UTC), {"first": {"High": "1 hour"}})
    companies.add_contract(connection, planned, "Acme", premium)
    for scope in SCOPES:
        api_tokens.add_api_token(
            connection, f"{scope}-token", scope.value, scope.value, clock.now()
        )


def _everybody(connection: Connection) -> None:
    ensure_key(connection)
    enrol_demo(connection)
    enrol(connection)


def enrolled(url: str) -> str:
    database = Database(url, connections=2)
    ledger = open_ledger(database)
    ledger.submit(partial(filled, fill=_everybody)).result()
    ledger.close()
    database.close()
    return url


@asynccontextmanager
async def serving(
    url: str, folder: Path, policies: Callable[[Policies], Policies] = lambda usual: usual
) -> AsyncIterator[Site]:
    async with open_postern(url, folder, TRUSTS_LOOPBACK) as postern:
        services = postern.services
        runtime = replace(services.runtime, policies=policies(services.runtime.policies))
        app = application(
            runtime=runtime,
            ingest=services.ingest,
            connections=services.connections,
            sign_up=SignUp(runtime=runtime),
        )
        undescribed: list[str] = []
        app.on_response_prepare.append(partial(_compare, undescribed))
        async with TestClient(TestServer(app)) as client:
            yield Site(client, postern)
        assert undescribed == []


async def _compare(
    undescribed: list[str], request: web.Request, response: web.StreamResponse
) -> None:
    """Each answer of the API in each test is one that its operation describes."""
    resource = request.match_info.route.resource
    operation = OPERATION_OF.get((request.method, resource.canonical if resource else ""))
    if operation is None:
        return
    if response.status not in operation.statuses:
        undescribed.append(f"{operation.name}: {response.status}")
    elif response.status == operation.status and isinstance(operation.answer, JsonAnswer):
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        try:
            _adapter(operation).validate_json(response.body, strict=True)
        except ValidationError as error:
            undescribed.append(f"{operation.name}: {error}")


OPERATION_OF = {(each.method, each.path): each for each in OPERATIONS}


@cache
def _adapter(operation: Operation[Any]) -> TypeAdapter[Any]:
    answer = operation.answer
    assert isinstance(answer, JsonAnswer)
    return TypeAdapter(answer.model | None if answer.or_null else answer.model)
