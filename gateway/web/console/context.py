"""What the console works with, and one request of a user who is logged in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote
from uuid import UUID

import aiohttp_jinja2
from aiohttp import web

from gateway.ingest import Ingest
from gateway.outgoing.mime import one_line
from gateway.outgoing.preview import Previews
from gateway.runtime import Runtime
from gateway.web.api.access import ApiContext
from gateway.web.api.auth import ApiError
from gateway.web.api.download import Downloads
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.api.uploads import SentFile
from gateway.web.console import words
from gateway.web.console.cookies import Cookie, Cookies
from gateway.web.console.feed import JournalFeed
from gateway.web.console.identity_provider import IdentityProvider
from gateway.web.console.login_attempts import LoginAttempts
from gateway.web.line_ends import LineEnds
from gateway.web.pages.forms import Form
from gateway.web.pages.render import language_for
from rules.mail import Mailbox
from rules.service.console_roles import ConsoleRight, may
from storage.db.database import Connection
from storage.registry.console_users import ConsoleUser, mailboxes_of, session_of

FORM_LIMIT_BYTES = 256 * 1024
HASHED_AT_ONCE = 2
"""A password costs 50 ms of CPU and 64 MiB."""

PREFIX = "/console"
_NOTICE_S = 60
_LONGEST_NOTICE = 300
LONGEST_NUMBER = 18
"""Digits of a ticket's number."""

T = TypeVar("T")

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Nothing but what the console serves itself runs or loads on its pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleContext:
    runtime: Runtime
    ingest: Ingest
    feed: JournalFeed
    downloads: Downloads
    api: ApiContext
    """Of the API, which shows and changes tickets as the console does."""
    previews: Previews
    """Of outgoing mail."""
    policy_folder: Path | None = None
    """Where the policy files of this server are, besides the shipped ones."""
    masked_texts: MaskedTexts = field(default_factory=MaskedTexts)
    line_ends: LineEnds = field(default_factory=LineEnds)
    begins: str = ""
    """The part of a link into the console before its path."""
    provider: IdentityProvider | None = None
    """With whose accounts users may log in; None for passwords alone."""
    attempts: LoginAttempts = field(default_factory=LoginAttempts)
    backtests: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One at a time: a back-test takes time from the mail that arrives."""
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HASHED_AT_ONCE))

    @property
    def takes_passwords(self) -> bool:
        """Whether users may log in with a password, rather than with the provider alone."""
        return self.provider is None or not self.provider.is_required

    @property
    def cookies(self) -> Cookies:
        return Cookies(self.begins.startswith("https:"), PREFIX)


def number_in(written: str) -> int:
    """The number that somebody wrote; 0, which no ticket has, where that is none."""
    return int(written) if written.isdecimal() and len(written) <= LONGEST_NUMBER else 0


def words_in(written: str) -> list[str]:
    """What somebody wrote with spaces or commas between: tags, addresses, domains."""
    return written.replace(",", " ").split()


CONSOLE = web.AppKey("console", ConsoleContext)


class Refused(Exception):
    """A request that ends with a page that says why, and what to do."""

    def __init__(self, status: int, english: str, **values: object) -> None:
        super().__init__(english)
        self.status = status
        self.english = english
        self.values = values


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a user who is logged in."""

    request: web.Request
    user: ConsoleUser
    secret: str
    """Of the user's session."""
    logged_in_at: datetime
    csrf: str
    """What every form of the user's session carries."""
    form: Form = field(default_factory=dict)
    """What was posted."""
    files: tuple[SentFile, ...] = ()
    """With the form."""
    right: ConsoleRight = ConsoleRight.READ
    """That the page requires."""

    @property
    def file(self) -> bytes:
        """The content of the first file; empty where there is none."""
        return self.files[0].content if self.files else b""

    @property
    def context(self) -> ConsoleContext:
        return self.request.app[CONSOLE]

    @property
    def runtime(self) -> Runtime:
        return self.context.runtime

    @property
    def language(self) -> str:
        return language_for(self.request, own=self.user.language)

    @property
    def say(self) -> words.Say:
        return words.in_language(self.language)

    @property
    def now(self) -> datetime:
        return self.runtime.clock()

    @property
    def journal_id(self) -> UUID | None:
        """The mail that the path names; None if that is no id."""
        try:
            return UUID(self.request.match_info["id"])
        except ValueError:
            return None

    @property
    def number(self) -> int:
        """The ticket that the path names; 0, which is none, where that is no number."""
        return number_in(self.request.match_info["number"])

    def may(self, right: ConsoleRight) -> bool:
        return may(self.user.role, right)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """The user's turn at what takes long: to read a mail, or to make its HTML."""
        return self.context.api.viewing.turn(self.user.address)

    async def mask(self) -> Callable[[str], str]:
        """Masks what was sealed for others. Only for threads: a text may take a quarter of a
        second."""
        masker = (await self.runtime.mailbox_cache.current()).masker
        return partial(self.context.masked_texts.mask, masker)

    async def mailboxes(self) -> Sequence[Mailbox]:
        """The mailboxes that the user sees."""

        def found(connection: Connection) -> Sequence[Mailbox]:
            return mailboxes_of(connection, self.user)

        return await self.runtime.read(found)

    async def show(self, query: Callable[[Connection], T]) -> T:
        """The result of a query that shows texts, one reader at a time. Raises Refused."""
        try:
            return await self.context.api.show(query, self.user.address)
        except ApiError:
            text = "Too many tickets are being shown at the moment. Please try again."
            raise Refused(503, text) from None

    async def write(self, job: Callable[[Connection], T], *, apart: bool = False) -> T:
        """The result of a change, once it is committed. Raises Refused."""

        def permitted(connection: Connection) -> T:
            self.require_right(connection)
            return job(connection)

        return await self.runtime.write(permitted, apart=apart)

    def require_right(self, connection: Connection) -> ConsoleUser:
        """The user as they are now. Raises Refused for one who may not do this any more: what they
        asked for may have waited for a process that reads a mail, or for its turn to be written."""
        found = session_of(connection, self.secret, self.now)
        if found is None or not may(found.user.role, self.right):
            raise Refused(403, "You may not do this any more. Nothing was done.")
        return found.user

    def page(self, template: str, status: int = 200, **values: object) -> web.Response:
        """A page with the user's menu, and with the notice that the last form left."""
        cookies = self.context.cookies
        notice = cookies.read(self.request, Cookie.NOTICE)
        values |= {
            "user": self.user,
            "csrf": self.csrf,
            "notice": unquote(notice),
            "rights": {right.value for right in ConsoleRight if self.may(right)},
            "age": lambda since: words.age(since, self.now, self.say),
        }
        response = page(self.request, template, self.language, status, **values)
        if notice:
            cookies.forget(response, Cookie.NOTICE)
        return response

    def done(self, path: str, english: str, **values: object) -> web.Response:
        """To another page, which says what was done."""
        response = web.Response(status=303, headers={"Location": f"{PREFIX}{path}"})
        said = quote(one_line(self.say(english, **values), _LONGEST_NOTICE))
        self.context.cookies.keep(response, Cookie.NOTICE, said, max_age=_NOTICE_S)
        return response


def page(
    request: web.Request, template: str, language: str, status: int = 200, **values: object
) -> web.Response:
    """A template as a response; every value is escaped."""
    bound = {
        "language": language,
        "t": words.in_language(language),
        "prefix": PREFIX,
        "here": request.path.removeprefix(PREFIX),
        "user": None,
        "notice": "",
        "csrf": "",
        "rights": frozenset(),
    }
    response = aiohttp_jinja2.render_template(template, request, bound | values, status=status)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response
