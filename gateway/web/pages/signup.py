"""The sign-up pages: an address, a mailed link, a name, done.

    GET  /signup[?mailbox=]              asks for the address
    POST /signup                         queues the link; gives everybody the same answer
    GET  /signup/{mailbox_id}/{token}    asks for the name; changes nothing, scanners follow links
    POST /signup/{mailbox_id}/{token}    registers the person

Only the reader of an address's mail learns whether it may sign up. The language does not reveal it
either: it is the browser's or the policy's, never what is known about the address.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from time import monotonic

from aiohttp import web

from gateway import log
from gateway.mailbox_cache import UNKNOWN_FRESH_S, Snapshot
from gateway.runtime import Runtime
from gateway.shares import IPAddress, is_in, keys_of
from gateway.web.messages import FormError, PageError, form_error
from gateway.web.pages import forms
from gateway.web.pages.forms import (
    PROXIES,
    as_page,
    client_of_request,
    composed,
    read_form,
    read_link,
)
from gateway.web.pages.render import STYLE_PATH, Problem, language_for, page, style
from gateway.web.rate_limit import RateLimiter
from rules.mail import Mailbox
from rules.mail.addresses import is_role, normalise
from rules.mail.invisible import is_visible
from rules.networks import network_of
from rules.sender.tokens import Keys, read_sign_up_token
from rules.ticket.notice_timing import INVITATION_LASTS
from storage.notices import invitations
from storage.notices.invitations import Enrolled, Invited

FORM_LIMIT_BYTES = 8 * 1024
POSTS_A_MINUTE = 20
"""From one client; a whole office may share one IP address."""
LINKS_AN_HOUR = 20
"""Requested from one client network, /24 or /48, and four times as many from an IPv6 /32; beyond
them the page is the same, and no link is mailed."""
ANSWER_AFTER_S = 1.0
LONGEST_NAME = 200
LONGEST_ADDRESS = 254
PATH = "/signup"

_NOT_SHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, line ends, marks that change the text direction, and characters without
width. The joiners U+200C and U+200D are kept: names in Persian and Indian scripts use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What the pages work with."""

    runtime: Runtime
    answer_after_s: float = ANSWER_AFTER_S
    """The answer to an address is sent after this time, whatever work the address caused."""
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))
    per_network: RateLimiter = field(
        default_factory=lambda: RateLimiter(LINKS_AN_HOUR, monotonic, period_s=3600)
    )
    pending: set[asyncio.Task[None]] = field(default_factory=set)
    """Links that are being queued."""

    def queue_link(
        self, mailbox: Mailbox, address: str, language: str, client: IPAddress | None
    ) -> None:
        """Queue a link in the background, if the address may have one: the answer does not wait for
        it, so that its timing reveals nothing about the address."""
        # For this limiter a network is what a client is elsewhere, and a provider its network.
        if client is not None and not self.per_network.allows(*keys_of(client)[1:]):
            self._note(mailbox, address, Invited.OVER_NETWORK_BUDGET, str(client))
            return
        asker = str(client) if client is not None else ""
        task = asyncio.create_task(self._queue_link(mailbox, address, language, asker))
        self.pending.add(task)
        task.add_done_callback(self.pending.discard)

    async def settle(self) -> None:
        """Return once every link in progress is queued."""
        while self.pending:
            await asyncio.wait(set(self.pending))

    async def _queue_link(self, mailbox: Mailbox, address: str, language: str, client: str) -> None:
        job = partial(
            invitations.invite,
            mailbox=mailbox,
            address=address,
            notice=self.runtime.new_id(),
            now=self.runtime.clock(),
            language=language,
            client=client,
        )
        try:
            invited = await self.runtime.write(job)
        except Exception as error:  # noqa: BLE001 - the visitor's answer must not reveal it
            log.page_failed(PATH, error)
            return
        self._note(mailbox, address, invited, client)
        if invited is Invited.QUEUED:
            self.runtime.wake()

    def _note(self, mailbox: Mailbox, address: str, invited: Invited, client: str) -> None:
        network = network_of(client) if client else ""
        log.sign_up_requested(mailbox.address, address, invited.value, network)
        self.runtime.metrics.sign_up(invited.value)


SIGN_UP = web.AppKey("sign_up", SignUp)


def add_routes(app: web.Application, sign_up: SignUp) -> None:
    """Serve the pages; when the application stops, links in progress are still queued."""
    app[SIGN_UP] = sign_up
    app.on_cleanup.append(_settle)
    link = f"{PATH}/{forms.LINK}"
    shown = partial(as_page, PATH, sign_up.rate, PATH)
    app.add_routes(
        [
            web.get(STYLE_PATH, style),
            web.get(PATH, shown(_ask_address)),
            web.post(PATH, shown(_take_address)),
            web.get(link, shown(_ask_name)),
            web.post(link, shown(_take_name)),
        ]
    )


async def _settle(app: web.Application) -> None:
    await app[SIGN_UP].settle()


async def _ask_address(request: web.Request) -> web.Response:
    named = request.query.get("mailbox", "")
    mailbox = await _mailbox(request, named)
    if mailbox is None:
        return _which_mailbox(request, named)
    return _page(request, mailbox, "address.html", typed="", error="")


async def _take_address(request: web.Request) -> web.Response:
    """The same page after the same time for every valid address."""
    sign_up = request.app[SIGN_UP]
    loop = asyncio.get_running_loop()
    answer_at = loop.time() + sign_up.answer_after_s
    form = await read_form(request, FORM_LIMIT_BYTES)
    named = form.get("mailbox", "")
    mailbox = await _mailbox(request, named)
    if mailbox is None:
        return _which_mailbox(request, named)
    typed = _cleaned(form.get("address", ""))
    address = _address(typed)
    if address is None:
        typed = typed[:LONGEST_ADDRESS]
        problem = FormError.NOT_AN_ADDRESS if typed else FormError.NO_ADDRESS
        error = form_error(_language(request, mailbox), problem, typed=typed)
        return _page(request, mailbox, "address.html", 422, typed=typed, error=error)
    snapshot = await sign_up.runtime.mailbox_cache.current()
    if snapshot.mailbox_for(address) is None and not is_role(address):
        client = client_of_request(request)
        if is_in(client, request.app[PROXIES]):  # it names nobody, and hides everybody behind it
            client = None
        sign_up.queue_link(mailbox, address, _language(request, mailbox), client)
    await asyncio.sleep(answer_at - loop.time())
    return _page(request, mailbox, "sent.html", address=address, days=INVITATION_LASTS.days)


async def _ask_name(request: web.Request) -> web.Response:
    mailbox, address = await _link(request)
    return _page(request, mailbox, "name.html", address=address, typed="", error="")


async def _take_name(request: web.Request) -> web.Response:
    mailbox, address = await _link(request)
    name = _cleaned((await read_form(request, FORM_LIMIT_BYTES)).get("name", ""))
    error = _error_in(name, _language(request, mailbox))
    if error:
        return _page(request, mailbox, "name.html", 422, address=address, typed=name, error=error)
    job = partial(invitations.accept, mailbox=mailbox, address=address, name=name)
    outcome = await request.app[SIGN_UP].runtime.write(job)
    log.signed_up(mailbox.address, address, outcome.value)
    status = HTTPStatus.FORBIDDEN if outcome is Enrolled.NOT else HTTPStatus.OK
    return _page(
        request, mailbox, "done.html", status, address=address, name=name, outcome=outcome.value
    )


def _page(
    request: web.Request, mailbox: Mailbox, template: str, status: int = 200, **values: object
) -> web.Response:
    language = _language(request, mailbox)
    return page(language, template, status, mailbox=mailbox.address, **values)


def _language(request: web.Request, mailbox: Mailbox) -> str:
    """The browser's language, else that of the mailbox's policy; the same for every address."""
    return language_for(request, request.app[SIGN_UP].runtime.policies.get(mailbox.policy))


async def _mailbox(request: web.Request, named: str) -> Mailbox | None:
    """The mailbox with this address, or the only one if none is named; None if that does not
    determine one. A mailbox that was just added is found."""
    mailbox_cache = request.app[SIGN_UP].runtime.mailbox_cache
    found = _chosen(await mailbox_cache.current(), named)
    return found or _chosen(await mailbox_cache.current(UNKNOWN_FRESH_S), named)


def _chosen(snapshot: Snapshot, named: str) -> Mailbox | None:
    if named:
        return snapshot.mailbox_for(named)
    every = tuple(snapshot.mailboxes.values())
    return every[0] if len(every) == 1 else None


def _which_mailbox(request: web.Request, named: str) -> web.Response:
    """Ask for the mailbox; 404 if the one named is not ours. The existing mailboxes are not listed:
    one installation may serve several organisations."""
    language, typed = language_for(request), _cleaned(named)[:LONGEST_ADDRESS]
    error = form_error(language, FormError.NOT_SERVED, typed=typed) if named else ""
    return page(language, "mailbox.html", 404 if named else 200, typed=typed, error=error)


async def _link(request: web.Request) -> tuple[Mailbox, str]:
    """The mailbox and the address of a mailed link. Raises Problem for an invalid one."""
    sign_up = request.app[SIGN_UP]

    def read(keys: Keys, mailbox: int, token: str) -> str | None:
        return read_sign_up_token(keys, mailbox, token, sign_up.runtime.clock())

    found = await read_link(request, sign_up.runtime.mailbox_cache, read)
    if found is None:
        raise Problem(410, PageError.NO_INVITATION)
    return found


def _cleaned(text: str) -> str:
    """User input as it may be shown and stored: one line without invisible characters."""
    return _NOT_SHOWN.sub("", " ".join(composed(text).split())).strip()


def _address(typed: str) -> str | None:
    """The address in normalised form; None if we could not send mail to it."""
    address = normalise(typed)
    # A local part beyond ASCII requires SMTPUTF8 (RFC 6531), which our relay client does not use.
    return address if address is not None and address.isascii() else None


def _error_in(name: str, language: str) -> str:
    """What is wrong with a name; empty for a valid one."""
    if not is_visible(name):
        return form_error(language, FormError.NO_NAME)
    if len(name) > LONGEST_NAME:
        return form_error(language, FormError.LONG_NAME, limit=LONGEST_NAME, length=len(name))
    return ""
