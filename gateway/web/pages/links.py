"""The pages behind the signed links in notices.

    /people/{mailbox_id}/{token}         take somebody who was proposed in, or leave him out
    /unsubscribe/{mailbox_id}/{token}    get no more mail about a ticket (one click: RFC 8058)
    /feedback/{mailbox_id}/{token}       say how the help was, with ?rating=good|bad chosen before

GET shows and changes nothing, since scanners follow links; POST acts, and acting twice is acting
once. Who has the link may use it: no cookie, no log-in. A link that is not ours and one whose owner
may not use it any more get the very same page, in the language that the browser asks for.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from types import MappingProxyType
from typing import TypeVar

from aiohttp import web

from gateway.clock import Clock, NewId
from gateway.mailbox_cache import MailboxCache
from gateway.outgoing.mime import one_line, plain
from gateway.policies import Policies
from gateway.web.messages import FormError, PageError, form_error
from gateway.web.pages import forms
from gateway.web.pages.forms import as_page, read_form, read_link
from gateway.web.pages.render import Problem, language_for, page
from gateway.web.rate_limit import RateLimiter
from rules.mail import Mailbox
from rules.mail.quoting import masked
from rules.people import Presence
from rules.sender.tokens import Keys, Link, LinkUse, read_link_token
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.notices import links as store
from storage.notices.links import Decided, Opinion, Proposal, Rating, Subscription
from storage.ticket.write import ChangeContext, Source

FORM_LIMIT_BYTES = 32 * 1024
"""Of a form with the longest text, in characters of four octets that are written as %XX each."""
POSTS_A_MINUTE = 60
"""From one client; a mail provider sends its users' clicks on its own button from few addresses."""
LONGEST_TEXT = 2000
LONGEST_SUBJECT = 200
PATHS: Mapping[LinkUse, str] = MappingProxyType(
    {
        LinkUse.APPROVE: "/people",
        LinkUse.UNSUBSCRIBE: "/unsubscribe",
        LinkUse.FEEDBACK: "/feedback",
    }
)

T = TypeVar("T")
_About = Proposal | Subscription | Opinion


@dataclass(frozen=True, slots=True)
class LinkPages:
    """What the pages work with."""

    database: Database
    ledger: Ledger
    mailbox_cache: MailboxCache
    policies: Policies
    clock: Clock
    new_id: NewId
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))


LINKS = web.AppKey("links", LinkPages)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request by a link that is ours."""

    request: web.Request
    parts: LinkPages
    mailbox: Mailbox
    link: Link
    own_addresses: frozenset[str]
    """Of all our mailboxes."""

    async def read(self, query: Callable[..., T | None]) -> T:
        """What the link is about. Raises Problem where it says nothing to its holder."""
        job = partial(query, mailbox=self.mailbox, link=self.link, now=self.parts.clock())
        return _known(await asyncio.to_thread(self.parts.database.read, job))

    async def write(self, job: Callable[..., T | None], **values: object) -> T:
        """What came of an act by the link. Raises Problem like `read`."""
        hand = ChangeContext(self.mailbox, "", Source.WEB, self.parts.clock(), self.parts.new_id)
        bound = partial(job, hand=hand, link=self.link, **values)
        return _known(await asyncio.wrap_future(self.parts.ledger.submit(bound)))

    def page(
        self, about: _About, template: str, status: int = 200, **values: object
    ) -> web.Response:
        """A page about a ticket; its subject is shown without anybody's reply address."""
        return page(
            self.language(about),
            template,
            status,
            mailbox=self.mailbox.address,
            ticket=about.ticket,
            subject=one_line(masked(about.subject, self.own_addresses), LONGEST_SUBJECT),
            **values,
        )

    def language(self, about: _About) -> str:
        """The language that the link's owner is written to in, where it is known."""
        policy = self.parts.policies.get(self.mailbox.policy)
        return language_for(self.request, policy, about.language)


Handler = Callable[[_Visit], Awaitable[web.Response]]


def add_routes(app: web.Application, parts: LinkPages) -> None:
    """Serve the pages; their style sheet is the sign-up pages'."""
    app[LINKS] = parts
    pages: tuple[tuple[LinkUse, Handler, Handler], ...] = (
        (LinkUse.APPROVE, _ask_decision, _take_decision),
        (LinkUse.UNSUBSCRIBE, _ask_unsubscribe, _unsubscribe),
        (LinkUse.FEEDBACK, _ask_feedback, _take_feedback),
    )
    for use, show, act in pages:
        path = f"{PATHS[use]}/{forms.LINK}"
        shown = partial(as_page, PATHS[use], parts.rate, "")
        app.router.add_get(path, shown(_visited(use, show)))
        app.router.add_post(path, shown(_visited(use, act)))


def _visited(use: LinkUse, page: Handler) -> forms.Handler:
    """What answers a request whose link is one of this use."""

    async def answer(request: web.Request) -> web.Response:
        return await page(await _visit(request, use))

    return answer


async def _visit(request: web.Request, use: LinkUse) -> _Visit:
    """The request, if its link is one of this use. Raises Problem."""
    parts = request.app[LINKS]

    def read(keys: Keys, mailbox: int, token: str) -> Link | None:
        return read_link_token(keys, mailbox, use, token)

    mailbox, link = _known(await read_link(request, parts.mailbox_cache, read))
    own_addresses = (await parts.mailbox_cache.current()).own_addresses
    return _Visit(request, parts, mailbox, link, own_addresses)


def _known(found: T | None) -> T:
    """What was found. Raises the one Problem of every link that does not work."""
    if found is not None:
        return found
    raise Problem(404, PageError.NO_LINK)


async def _ask_decision(visit: _Visit) -> web.Response:
    asked = await visit.read(store.proposal)
    if asked.presence is not Presence.PENDING:
        return _decided(visit, asked, Decided.BEFORE)
    return _proposed(visit, asked)


async def _take_decision(visit: _Visit) -> web.Response:
    answer = (await read_form(visit.request, FORM_LIMIT_BYTES)).get("answer")
    if answer not in ("in", "out"):
        asked = await visit.read(store.proposal)
        return _proposed(visit, asked, 422, form_error(visit.language(asked), FormError.UNDECIDED))
    most = visit.parts.policies[visit.mailbox.policy].cc.per_ticket
    asked, decided = await visit.write(store.decide, take_in=answer == "in", per_ticket=most)
    if decided is Decided.FULL:
        full = form_error(visit.language(asked), FormError.FULL, ticket=asked.ticket, most=most)
        return _proposed(visit, asked, 409, full)
    return _decided(visit, asked, decided)


def _proposed(visit: _Visit, asked: Proposal, status: int = 200, error: str = "") -> web.Response:
    return visit.page(asked, "people.html", status, address=asked.address, error=error)


def _decided(visit: _Visit, asked: Proposal, decided: Decided) -> web.Response:
    return visit.page(
        asked,
        "decided.html",
        address=asked.address,
        taken_in=asked.presence is Presence.ACTIVE,
        before=decided is Decided.BEFORE,
    )


async def _ask_unsubscribe(visit: _Visit) -> web.Response:
    found = await visit.read(store.subscription)
    if found.notified:
        return visit.page(found, "unsubscribe.html", address=found.address)
    return _unsubscribed(visit, found, before=True)


async def _unsubscribe(visit: _Visit) -> web.Response:
    """Whatever the body holds, and in whatever form: RFC 8058 §3.2 lets senders choose, and whoever
    posts to this path wants nothing else."""
    found, now = await visit.write(store.unsubscribe)
    return _unsubscribed(visit, found, before=not now)


def _unsubscribed(visit: _Visit, found: Subscription, before: bool) -> web.Response:
    return visit.page(found, "unsubscribed.html", address=found.address, before=before)


async def _ask_feedback(visit: _Visit) -> web.Response:
    opinion = await visit.read(store.opinion)
    return _feedback(visit, opinion, chosen=_rating(visit.request.query) or opinion.rating)


async def _take_feedback(visit: _Visit) -> web.Response:
    form = await read_form(visit.request, FORM_LIMIT_BYTES)
    rating, text = _rating(form), _text(form.get("text", ""))
    if rating is None or len(text) > LONGEST_TEXT:
        opinion = await visit.read(store.opinion)
        error = _fault_of(text, visit.language(opinion))
        return _feedback(visit, opinion, chosen=rating, typed=text, error=error, status=422)
    opinion = await visit.write(store.rate, rating=rating, text=text)
    return visit.page(opinion, "thanks.html", rating=rating.value)


def _feedback(
    visit: _Visit,
    opinion: Opinion,
    chosen: Rating | None,
    typed: str = "",
    error: str = "",
    status: int = 200,
) -> web.Response:
    return visit.page(
        opinion,
        "feedback.html",
        status,
        said=opinion.rating.value if opinion.rating is not None else "",
        chosen=chosen.value if chosen is not None else "",
        typed=typed,
        error=error,
        longest=LONGEST_TEXT,
    )


def _rating(fields: Mapping[str, str]) -> Rating | None:
    word = fields.get("rating", "")
    return next((rating for rating in Rating if rating.value == word), None)


def _text(typed: str) -> str:
    return plain(unicodedata.normalize("NFC", typed)).strip()


def _fault_of(text: str, language: str) -> str:
    """What is wrong with an answer that is not taken."""
    if len(text) > LONGEST_TEXT:
        return form_error(language, FormError.LONG_TEXT, most=LONGEST_TEXT, has=len(text))
    return form_error(language, FormError.UNDECIDED)
