"""The pages behind the signed links in notices.

    /people/{mailbox_id}/{token}         add a proposed person to the ticket, or leave them out
    /unsubscribe/{mailbox_id}/{token}    get no more mail about a ticket (one click: RFC 8058)
    /feedback/{mailbox_id}/{token}       rate the help, with ?rating=good|bad preselected
    /reopen/{mailbox_id}/{token}         reopen the ticket, for staff

GET shows and changes nothing, since scanners follow links; POST acts, and is idempotent. The holder
of a link may use it: no cookie, no log-in. So each page names the person in whose name it acts, the
audit trail names them with the way, a link decides once, and it dies with its owner's place on the
ticket; those for feedback and to reopen a ticket end 30 days after it was resolved or closed. An
invalid link, and one whose owner may no longer use it, get the same page, in the language that the
browser asks for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from types import MappingProxyType
from typing import TypeVar

from aiohttp import web

from gateway.outgoing.mime import one_line, plain
from gateway.runtime import Runtime
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.messages import FormError, PageError, form_error
from gateway.web.pages import forms
from gateway.web.pages.forms import as_page, composed, read_form, read_link, ticket_shown
from gateway.web.pages.render import Problem, language_for, page
from gateway.web.rate_limit import RateLimiter
from rules.mail import Mailbox
from rules.people import Presence
from rules.sender.masking import Masker
from rules.sender.tokens import Keys, Link, LinkUse, read_link_token
from rules.ticket.changes import Rate, Rating, Source
from storage.notices import links as store
from storage.notices.links import Decided, Opinion, Proposal, Reopening, Subscription
from storage.ticket.rows import ChangeContext

FORM_LIMIT_BYTES = 32 * 1024
"""Fits the longest text in characters of four octets, each of them written as %XX."""
POSTS_A_MINUTE = 60
"""From one client; a mail provider sends its users' one-click requests from a few addresses."""
LONGEST_TEXT = 2000
LONGEST_SUBJECT = 200
PATHS: Mapping[LinkUse, str] = MappingProxyType(
    {
        LinkUse.APPROVE: "/people",
        LinkUse.UNSUBSCRIBE: "/unsubscribe",
        LinkUse.FEEDBACK: "/feedback",
        LinkUse.REOPEN: "/reopen",
    }
)

T = TypeVar("T")
_View = Proposal | Subscription | Opinion | Reopening


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPages:
    """What the pages work with."""

    runtime: Runtime
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))
    masked_texts: MaskedTexts = field(default_factory=MaskedTexts)


LINKS = web.AppKey("links", LinkPages)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request with a valid link."""

    request: web.Request
    runtime: Runtime
    mailbox: Mailbox
    link: Link
    masker: Masker
    """For the texts of a ticket: a link is for its owner, not for whatever they quote."""

    async def read(self, query: Callable[..., T | None]) -> T:
        """What the link refers to. Raises Problem if its owner may no longer use it."""
        job = partial(query, mailbox=self.mailbox, link=self.link, now=self.runtime.clock())
        return _found_or_problem(await self.runtime.read(job))

    async def write(self, job: Callable[..., T | None], **values: object) -> T:
        """The result of an action by the link. Raises Problem like `read`."""
        context = ChangeContext(
            self.mailbox, "", Source.WEB, self.runtime.clock(), self.runtime.new_id
        )
        policy = self.runtime.policy_of(self.mailbox)
        bound = partial(job, context=context, link=self.link, policy=policy, **values)
        return _found_or_problem(await self.runtime.write(bound))

    async def page(
        self, view: _View, template: str, status: int = 200, **values: object
    ) -> web.Response:
        """A page about a ticket; its subject is shown without reply addresses."""
        masked_texts = self.request.app[LINKS].masked_texts
        (subject,) = await masked_texts.in_thread(self.masker, view.subject)
        return page(
            self.language(view),
            template,
            status,
            mailbox=self.mailbox.address,
            ticket=view.ticket,
            subject=one_line(subject, LONGEST_SUBJECT),
            **values,
        )

    def language(self, view: _View) -> str:
        """The language of notices to the link's owner where it is known, else the browser's."""
        policy = self.runtime.policies.get(self.mailbox.policy)
        return language_for(self.request, policy, view.language)


Handler = Callable[[_Visit], Awaitable[web.Response]]


def add_routes(app: web.Application, context: LinkPages) -> None:
    """Serve the pages; the sign-up pages serve their style sheet."""
    app[LINKS] = context
    pages: tuple[tuple[LinkUse, Handler, Handler], ...] = (
        (LinkUse.APPROVE, _ask_decision, _take_decision),
        (LinkUse.UNSUBSCRIBE, _ask_unsubscribe, _unsubscribe),
        (LinkUse.FEEDBACK, _ask_feedback, _take_feedback),
        (LinkUse.REOPEN, _ask_reopen, _reopen),
    )
    for use, show, act in pages:
        path = f"{PATHS[use]}/{forms.LINK}"
        shown = partial(as_page, PATHS[use], context.rate, "")
        app.router.add_get(path, shown(_with_visit(use, show)))
        app.router.add_post(path, shown(_with_visit(use, act)))


def _with_visit(use: LinkUse, page: Handler) -> forms.Handler:
    """A handler for requests whose link has this use."""

    async def answer(request: web.Request) -> web.Response:
        return await page(await _visit(request, use))

    return answer


async def _visit(request: web.Request, use: LinkUse) -> _Visit:
    """The request with its link, which must have this use. Raises Problem."""
    runtime = request.app[LINKS].runtime

    def read(keys: Keys, mailbox: int, token: str) -> Link | None:
        return read_link_token(keys, mailbox, use, token)

    mailbox, link = _found_or_problem(await read_link(request, runtime.mailbox_cache, read))
    cached = await runtime.mailbox_cache.current()
    return _Visit(request, runtime, mailbox, link, cached.masker)


def _found_or_problem(found: T | None) -> T:
    """The argument unless it is None. Raises the Problem of every link that does not work."""
    if found is not None:
        return found
    raise Problem(404, PageError.NO_LINK)


async def _ask_decision(visit: _Visit) -> web.Response:
    proposal = await visit.read(store.proposal)
    if proposal.presence is not Presence.PENDING:
        return await _decided(visit, proposal, Decided.BEFORE)
    return await _proposed(visit, proposal)


async def _take_decision(visit: _Visit) -> web.Response:
    form = await read_form(visit.request, FORM_LIMIT_BYTES)
    answer = form.get("answer")
    if answer not in ("in", "out"):
        proposal = await visit.read(store.proposal)
        return await _proposed(
            visit, proposal, 422, form_error(visit.language(proposal), FormError.NO_CHOICE)
        )
    limit = visit.runtime.policy_of(visit.mailbox).cc.per_ticket
    proposal, decided = await visit.write(
        store.decide, accept=answer == "in", shown=ticket_shown(form)
    )
    if decided is Decided.FULL:
        full = form_error(
            visit.language(proposal), FormError.FULL, ticket=proposal.ticket, limit=limit
        )
        return await _proposed(visit, proposal, 409, full)
    if decided is Decided.MOVED:
        return await _proposed(visit, proposal, 409, _moved(visit, proposal))
    return await _decided(visit, proposal, decided)


async def _proposed(
    visit: _Visit, proposal: Proposal, status: int = 200, error: str = ""
) -> web.Response:
    return await visit.page(
        proposal, "people.html", status, address=proposal.address, owner=proposal.owner, error=error
    )


async def _decided(visit: _Visit, proposal: Proposal, decided: Decided) -> web.Response:
    return await visit.page(
        proposal,
        "decided.html",
        address=proposal.address,
        owner=proposal.owner,
        taken_in=proposal.presence is Presence.ACTIVE,
        before=decided is Decided.BEFORE,
    )


async def _ask_unsubscribe(visit: _Visit) -> web.Response:
    found = await visit.read(store.subscription)
    if found.notified:
        return await visit.page(found, "unsubscribe.html", address=found.address)
    return await _unsubscribed(visit, found, before=True)


async def _unsubscribe(visit: _Visit) -> web.Response:
    """Unsubscribe whatever the body contains, in any encoding: RFC 8058 §3.2 lets senders choose,
    and a post to this path has no other purpose."""
    found, now = await visit.write(store.unsubscribe)
    return await _unsubscribed(visit, found, before=not now)


async def _unsubscribed(visit: _Visit, found: Subscription, before: bool) -> web.Response:
    return await visit.page(found, "unsubscribed.html", address=found.address, before=before)


async def _ask_reopen(visit: _Visit) -> web.Response:
    found = await visit.read(store.reopening)
    if (elsewhere := await _not_reopened(visit, found)) is not None:
        return elsewhere
    if found.over:
        return await visit.page(found, "reopen.html", owner=found.owner)
    return await visit.page(found, "reopened.html", owner=found.owner, before=True)


async def _reopen(visit: _Visit) -> web.Response:
    found, now = await visit.write(store.reopen)
    if (elsewhere := await _not_reopened(visit, found)) is not None:
        return elsewhere
    return await visit.page(found, "reopened.html", owner=found.owner, before=not now)


async def _not_reopened(visit: _Visit, found: Reopening) -> web.Response | None:
    """The page of a link that reopens nothing, and says why; None if it may."""
    if found.merged_into is not None:
        return await visit.page(
            found, "merged.html", 409, use="reopen", was=found.was, into=found.merged_into
        )
    if found.ended:
        return await visit.page(found, "ended.html", 410, use="reopen")
    return None


async def _ask_feedback(visit: _Visit) -> web.Response:
    opinion = await visit.read(store.opinion)
    if opinion.ended:
        return await visit.page(opinion, "ended.html", 410, use="feedback")
    return await _feedback(visit, opinion, chosen=_rating(visit.request.query) or opinion.rating)


async def _take_feedback(visit: _Visit) -> web.Response:
    form = await read_form(visit.request, FORM_LIMIT_BYTES)
    rating, text = _rating(form), _text(form.get("text", ""))
    if rating is None or len(text) > LONGEST_TEXT:
        opinion = await visit.read(store.opinion)
        error = _error_in(text, visit.language(opinion))
        return await _feedback(visit, opinion, chosen=rating, typed=text, error=error, status=422)
    opinion = await visit.write(store.rate, given=Rate(rating, text), shown=ticket_shown(form))
    if opinion.ended:
        return await visit.page(opinion, "ended.html", 410, use="feedback")
    if opinion.moved:
        error = _moved(visit, opinion)
        return await _feedback(visit, opinion, chosen=rating, typed=text, error=error, status=409)
    return await visit.page(
        opinion,
        "thanks.html",
        rating=rating.value,
        text_kept=opinion.text_kept,
        audited=opinion.audited,
        owner=opinion.owner,
    )


async def _feedback(
    visit: _Visit,
    opinion: Opinion,
    chosen: Rating | None,
    typed: str = "",
    error: str = "",
    status: int = 200,
) -> web.Response:
    return await visit.page(
        opinion,
        "feedback.html",
        status,
        earlier=opinion.rating.value if opinion.rating is not None else "",
        chosen=chosen.value if chosen is not None else "",
        typed=typed,
        error=error,
        longest=LONGEST_TEXT,
        owner=opinion.owner,
    )


def _moved(visit: _Visit, view: _View) -> str:
    """Why a form does nothing whose page showed another ticket."""
    return form_error(visit.language(view), FormError.MOVED, ticket=view.ticket)


def _rating(fields: Mapping[str, str]) -> Rating | None:
    value = fields.get("rating", "")
    return next((rating for rating in Rating if rating.value == value), None)


def _text(typed: str) -> str:
    return plain(composed(typed)).strip()


def _error_in(text: str, language: str) -> str:
    """The form error for an invalid answer."""
    if len(text) > LONGEST_TEXT:
        return form_error(language, FormError.LONG_TEXT, limit=LONGEST_TEXT, length=len(text))
    return form_error(language, FormError.NO_CHOICE)
