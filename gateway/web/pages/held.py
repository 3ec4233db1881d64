"""The page behind the links of a digest: a held mail, and what staff do with it.

    /held/{mailbox_id}/{token}    with ?do=release|new|enrol|discard preselected

GET shows the mail and changes nothing; POST acts. The link is for one staff person: it dies with
their place on the staff and with the mail's place in quarantine, and a release names them in the
audit trail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from aiohttp import web

from gateway.ingest import Ingest
from gateway.outgoing.dates import date_and_time
from gateway.outgoing.mime import one_line
from gateway.outgoing.sentences import worded
from gateway.parsing.turns import Overloaded
from gateway.reception import StatedByStaff
from gateway.runtime import Runtime
from gateway.ticket_requests import LONGEST_WHY
from gateway.web.held_mail import (
    Choice,
    HeldDesk,
    HeldOutcome,
    HeldResult,
    is_possible,
    sentences,
    shown,
)
from gateway.web.messages import FormError, PageError, form_error
from gateway.web.pages import forms
from gateway.web.pages.forms import as_page, read_form, read_link
from gateway.web.pages.render import Problem, language_for, page
from gateway.web.rate_limit import RateLimiter
from gateway.web.readers import Readers, TooManyReaders
from rules.mail import Mailbox
from rules.sender.tokens import HeldLink, Keys, read_held_token
from rules.service.digests import held_because, leaves_at
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.desk.links import HeldView, held_view
from storage.mail.quarantine import HeldMail

PATH = "/held"
FORM_LIMIT_BYTES = 8 * 1024
POSTS_A_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPages:
    """What the page works with."""

    runtime: Runtime
    ingest: Ingest
    readers: Readers
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))


HELD = web.AppKey("held", HeldPages)


@dataclass(frozen=True, slots=True)
class _HeldVisit:
    request: web.Request
    pages: HeldPages
    mailbox: Mailbox
    link: HeldLink
    view: HeldView
    language: str

    @property
    def author(self) -> str:
        return self.view.mail.author if self.view.mail is not None else ""

    def require_owner(self, connection: Connection) -> None:
        """Raises Problem if the owner of the link is no longer on the staff."""
        if held_view(connection, self.mailbox, self.link) is None:
            raise Problem(404, PageError.NO_LINK)

    def done(self, result: HeldResult) -> web.Response:
        outcome, why = result.outcome, ""
        if outcome is HeldOutcome.HELD:
            why = worded(held_because(result.reason), self.language)
        return page(
            self.language,
            "held_done.html",
            409 if outcome in (HeldOutcome.HELD, HeldOutcome.NOT_ENROLLED) else 200,
            mailbox=self.mailbox.address,
            owner=self.view.owner,
            outcome=outcome.value,
            ticket=result.ticket,
            author=self.author,
            why=why,
            enrolled=result.enrolled,
        )


def add_routes(app: web.Application, pages: HeldPages) -> None:
    app[HELD] = pages
    path = f"{PATH}/{forms.LINK}"
    app.router.add_get(path, as_page(PATH, pages.rate, "", _ask))
    app.router.add_post(path, as_page(PATH, pages.rate, "", _act))


async def _visit(request: web.Request) -> _HeldVisit:
    """The request with its link. Raises Problem."""
    pages = request.app[HELD]
    runtime = pages.runtime

    def read(keys: Keys, mailbox: int, token: str) -> HeldLink | None:
        return read_held_token(keys, mailbox, token)

    found = await read_link(request, runtime.mailbox_cache, read)
    if found is None:
        raise Problem(404, PageError.NO_LINK)
    mailbox, link = found
    view = await runtime.read(partial(held_view, mailbox=mailbox, link=link))
    if view is None:
        raise Problem(404, PageError.NO_LINK)
    policy = runtime.policies.get(mailbox.policy)
    return _HeldVisit(
        request, pages, mailbox, link, view, language_for(request, policy, view.language)
    )


async def _ask(request: web.Request) -> web.Response:
    visit = await _visit(request)
    if visit.view.mail is None:
        return visit.done(HeldResult(HeldOutcome.GONE))
    return await _shown(visit, visit.view.mail, chosen=request.query.get("do", ""))


async def _act(request: web.Request) -> web.Response:
    # First: while it comes, the owner of the link may leave the staff.
    form = await read_form(request, FORM_LIMIT_BYTES)
    visit = await _visit(request)
    mail = visit.view.mail
    if mail is None:
        return visit.done(HeldResult(HeldOutcome.GONE))
    choice = next((each for each in Choice if each.value == form.get("do")), None)
    # One that the page does not offer would, say, register the person whom a forged mail names.
    if choice is None or not is_possible(choice, mail):
        error = form_error(visit.language, FormError.NO_CHOICE)
        return await _shown(visit, mail, chosen="", error=error, status=422)
    runtime, ingest = visit.pages.runtime, visit.pages.ingest
    desk = HeldDesk(runtime, ingest, visit.view.owner, Source.WEB, visit.require_owner)
    why = form.get("why", "")
    try:
        result = await desk.act(mail, choice, StatedByStaff(why=why), form.get("shown", ""))
    except Overloaded:
        raise Problem(429, PageError.TOO_OFTEN) from None
    if result.outcome is not HeldOutcome.OUTDATED:
        return visit.done(result)
    visit = await _visit(request)
    if visit.view.mail is None:
        return visit.done(HeldResult(HeldOutcome.GONE))
    error = sentences(result.why, visit.language)
    return await _shown(visit, visit.view.mail, choice.value, error, 409, why=why)


async def _shown(
    visit: _HeldVisit,
    mail: HeldMail,
    chosen: str,
    error: str = "",
    status: int = 200,
    why: str = "",
) -> web.Response:
    runtime, language = visit.pages.runtime, visit.language
    try:
        async with visit.pages.readers.turn(visit.view.owner):
            owner = visit.view.owner
            text = await shown(runtime, visit.pages.ingest, mail, owner, language)
    except (TooManyReaders, Overloaded):
        raise Problem(429, PageError.TOO_OFTEN) from None
    policy = runtime.policy_of(visit.mailbox)
    zone, until = policy.clock.calendar.zone, leaves_at(policy, mail.came_at)
    return page(
        language,
        "held.html",
        status,
        mailbox=visit.mailbox.address,
        owner=visit.view.owner,
        journal_id=str(mail.journal_id),
        author=text.author,
        subject=text.subject,
        why=text.why,
        since=date_and_time(mail.came_at, zone, language),
        until=date_and_time(until, zone, language) if until else "",
        people=text.people,
        effect=text.effect,
        shown=str(text.foreseen or ""),
        typed=one_line(why, LONGEST_WHY),
        files=text.files,
        text=text.text,
        shortened=text.is_shortened,
        # The first button is the one that the enter key presses.
        choices=sorted(
            (each.value for each in Choice if is_possible(each, mail)), key=lambda c: c != chosen
        ),
        chosen=chosen,
        error=error,
    )
