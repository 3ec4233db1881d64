"""A running console with held mail, and browsers that are logged in as one user or another."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from gateway import clock
from gateway.web.console.sessions import new_secret
from rules.mail import Delivery, Envelope
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.registry import console_users
from storage.registry.console_users import NewLink
from tests.gateway.web.link_pages import SAM, SUPPORT, Client, Site, site_with_a_ticket
from tests.gateway.web.shown_forms import filled_in
from tests.in_process import a_mail

NEW = "new@acme.example"
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Browser:
    """A browser with cookies of its own; redirects are not followed."""

    client: Client

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        response = await self.client.get(path, headers=headers, allow_redirects=False)
        return response.status, await response.text()

    async def post(self, path: str, **form: str) -> tuple[int, str]:
        """Posts a form; returns the status and where it leads."""
        response = await self.client.post(path, data=form, allow_redirects=False)
        return response.status, response.headers.get("Location", "") or await response.text()

    async def send(self, page: str, path: str = "", **form: str) -> tuple[int, str]:
        """Posts a form as a page has it, to the page or elsewhere."""
        _, text = await self.get(page)
        return await self.post(path or page, **filled_in(text, form, path))

    async def token(self, page: str) -> str:
        """The token that the forms of a page carry."""
        _, text = await self.get(page)
        token = re.search(r'name="csrf" value="(\w+)"', text)
        assert token is not None, text
        return token[1]


@dataclass(frozen=True)
class Desk:
    """A console with one staff person, Sam."""

    site: Site
    stack: AsyncExitStack

    def browser(self) -> Browser:
        server = self.site.client.server
        assert isinstance(server, TestServer)
        client = TestClient(server, cookie_jar=CookieJar(unsafe=True))
        self.stack.push_async_callback(client.session.close)
        return Browser(client)

    async def link(self, role: ConsoleRole, use: EntryUse = EntryUse.ENTER, to: str = SAM) -> str:
        """The path of a link that works once."""
        secret = new_secret()
        link = NewLink(use, secret)
        job = partial(console_users.invite, address=to, role=role, now=clock.now(), link=link)
        await self.site.write(job)
        return f"/console/enter/{secret}"

    async def logged_in(self, role: ConsoleRole = ConsoleRole.AGENT, as_: str = SAM) -> Browser:
        browser = self.browser()
        assert await browser.send(await self.link(role, to=as_)) == (303, "/console/")
        return browser

    async def hold(self, subject: str = "I am new here", author: str = NEW) -> HeldMail:
        """A colleague of Ann's writes, who is not registered."""
        envelope = Envelope("127.0.0.1", "", False, author, (SUPPORT,))
        raw = a_mail(author, subject, "Help <b>me</b>.")
        (reply,) = await self.site.services.ingest.take(Delivery(envelope, raw))
        assert reply.accepted
        held = await self.site.write(quarantine.held_mails)
        return next(mail for mail in held if mail.subject == subject)


@asynccontextmanager
async def a_desk(store_url: str, folder: Path) -> AsyncIterator[Desk]:
    async with site_with_a_ticket(store_url, folder) as site, AsyncExitStack() as stack:
        yield Desk(site, stack)
