"""A running application with one ticket, for tests of the pages behind the links in notices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import delete, func, insert, select, update

from gateway import clock
from gateway.config.model import load
from gateway.policies import Policies
from gateway.services import Services, open_services
from gateway.web.app import application
from gateway.web.console.identity_provider import IdentityProvider
from gateway.web.pages.links import PATHS
from gateway.web.pages.signup import SignUp
from rules.mail import Mailbox
from rules.people import ParticipantKind, Presence, Role
from rules.sender.tokens import Link, LinkUse, link_token
from rules.service import notifications
from rules.service.participants import Addition
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.db.tables import ParticipantRow, TicketRow, table
from storage.registry import companies, mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from storage.ticket import read
from storage.ticket.rows import ChangeContext, add_participants, queue_notices
from storage.ticket.views import TicketView
from tests.filled import filled
from tests.gateway.web.shown_forms import filled_in
from tests.running import write_config

T = TypeVar("T")
_ticket, _participant = table(TicketRow), table(ParticipantRow)
Client = TestClient[web.Request, web.Application]

SUPPORT, ANN = "support@help.example", "ann@acme.example"
SAM = "sam@help.example"
"""Staff, and on the ticket."""
EVE = "eve@elsewhere.example"
"""Proposed by Ann's own mail; not registered."""
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SUBJECT = "Printer"


@dataclass(frozen=True)
class Site:
    """A running application with one ticket of Ann's, on which Eve was proposed."""

    client: Client
    services: Services
    mailbox: Mailbox
    ticket: int

    async def get(self, path: str) -> tuple[int, str]:
        response = await self.client.get(path)
        return response.status, await response.text()

    async def post(self, path: str, **form: str) -> tuple[int, str]:
        response = await self.client.post(path, data=form)
        return response.status, await response.text()

    async def send(self, path: str, **form: str) -> tuple[int, str]:
        """Posts the form of a page, as the page has it."""
        _, page = await self.get(path)
        return await self.post(path, **filled_in(page, form))

    async def path(self, use: LinkUse) -> str:
        """A valid link of Ann's; of Sam's if only staff may use it."""
        keys = (await self.services.runtime.mailbox_cache.current()).keys
        address = SAM if use is LinkUse.REOPEN else ANN
        (owner,) = [m.id for m in (await self.ticket_view()).members if m.address == address]
        link = Link(self.ticket, owner, EVE if use is LinkUse.APPROVE else "")
        return f"{PATHS[use]}/{self.mailbox.id}/{link_token(keys, self.mailbox.id, use, link)}"

    async def approval(self) -> str:
        return await self.path(LinkUse.APPROVE)

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await self.services.runtime.write(job)

    async def ticket_view(self) -> TicketView:
        found = await self.write(partial(read.ticket_view, number=self.ticket))
        assert found is not None
        return found

    async def presence(self) -> str:
        """Eve's presence."""
        (found,) = [m.presence for m in (await self.ticket_view()).members if m.address == EVE]
        return found

    async def notes(self) -> list[str]:
        comments = (await self.ticket_view()).comments
        return [comment.text for comment in comments if comment.visibility == "note"]

    async def notified(self) -> bool:
        """Whether Ann is notified of what happens on the ticket."""
        query = select(_participant.c.muted).where(_participant.c.address == ANN)
        return not await self.write(lambda c: c.execute(query).scalar_one())

    async def rating(self) -> str:
        query = select(_ticket.c.rating)
        return str(await self.write(lambda c: c.execute(query).scalar_one()))

    async def ann_wrote_in(self, language: str) -> None:
        change = update(_participant).where(_participant.c.address == ANN)
        await self.write(lambda c: c.execute(change.values(language=language)))

    async def set_ticket(self, **values: object) -> None:
        change = update(_ticket).where(_ticket.c.id == self.ticket).values(**values)
        await self.write(lambda c: c.execute(change))

    async def set_last(self, **values: object) -> None:
        """Set columns of the ticket that was opened last."""
        last = select(func.max(_ticket.c.id)).scalar_subquery()
        change = update(_ticket).where(_ticket.c.id == last).values(**values)
        await self.write(lambda c: c.execute(change))

    async def status_of(self, ticket: int) -> str:
        query = select(_ticket.c.status).where(_ticket.c.id == ticket)
        return str(await self.write(lambda c: c.execute(query).scalar_one()))

    async def remove(self, address: str, ticket: int) -> None:
        here = (_participant.c.address == address) & (_participant.c.ticket_id == ticket)
        await self.write(lambda c: c.execute(delete(_participant).where(here)))

    async def remove_ann(self) -> None:
        change = update(_participant).where(_participant.c.address == ANN)
        await self.write(lambda c: c.execute(change.values(presence="removed")))


def enrol(connection: Connection) -> Mailbox:
    signing_keys.add_key(connection, b"k" * 32, clock.now())
    mailboxes.add_mailbox(connection, SUPPORT, "default")
    mailbox = mailboxes.mailbox_named(connection, None)
    companies.add_company(connection, mailbox, "Acme", ["acme.example"])
    people.add_person(connection, mailbox, NewPerson(ANN, "Ann", Role.USER, "Acme"))
    people.add_person(connection, mailbox, NewPerson(SAM, "Sam", Role.STAFF, None))
    return mailbox


def open_ticket(connection: Connection, mailbox: Mailbox, subject: str) -> int:
    """Ann's ticket, with Eve proposed, which Ann is asked to approve."""
    context = ChangeContext(mailbox, ANN, Source.MAIL, clock.now(), clock.new_id)
    row = {
        "mailbox_id": mailbox.id,
        "subject": subject,
        "status": "resolved",
        "severity": "normal",
        "severity_source": "mail",
        "requester": ANN,
        "opened_at": context.now,
        "updated_at": context.now,
    }
    number = connection.execute(insert(_ticket).returning(_ticket.c.id), row).scalar_one()
    proposed = Addition(EVE, None, ParticipantKind.GUEST, Presence.PENDING)
    requester = Addition(ANN, None, ParticipantKind.REQUESTER, Presence.ACTIVE)
    staff = Addition(SAM, None, ParticipantKind.FOLLOWER, Presence.ACTIVE)
    add_participants(connection, context, number, (requester, proposed, staff))
    queue_notices(connection, context, notifications.approval_requests(ANN, "", [proposed]), number)
    return int(number)


def serving(
    services: Services, policies: Policies, identity_provider: IdentityProvider | None = None
) -> Client:
    runtime = replace(services.runtime, policies=policies)
    app = application(
        runtime=runtime,
        ingest=replace(services.ingest, runtime=runtime),
        connections=services.connections,
        sign_up=SignUp(runtime=runtime, answer_after_s=0.0),
        identity_provider=identity_provider,
    )
    return TestClient(TestServer(app))


@asynccontextmanager
async def site_with_a_ticket(
    store_url: str,
    folder: Path,
    subject: str = SUBJECT,
    identity_provider: IdentityProvider | None = None,
) -> AsyncIterator[Site]:
    """Served from a new store, with its configuration in the folder."""
    async with open_services(load(write_config(folder, store_url))) as services:
        mailbox = await services.runtime.write(partial(filled, fill=enrol))
        ticket = await services.runtime.write(
            partial(open_ticket, mailbox=mailbox, subject=subject)
        )
        policies = services.runtime.policies
        async with serving(services, policies, identity_provider) as client:
            yield Site(client, services, mailbox, ticket)
