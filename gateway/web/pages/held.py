"""The page behind the links of a digest: a held mail, and what staff do with it.

    /held/{mailbox_id}/{token}    with ?do=release|new|enrol|discard preselected

GET shows the mail and changes nothing; POST acts. The link is for one staff person: it dies with
their place on the staff and with the mail's place in quarantine, and a release names them in the
audit trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import assert_never

from aiohttp import web

from gateway import log
from gateway.ingest import Ingest
from gateway.outgoing.dates import date_and_time
from gateway.outgoing.mime import one_line, plain
from gateway.outgoing.sentences import worded
from gateway.reception import StatedByStaff
from gateway.runtime import Runtime
from gateway.web.messages import FormError, PageError, form_error
from gateway.web.pages import forms
from gateway.web.pages.forms import as_page, read_form, read_link
from gateway.web.pages.render import Problem, language_for, page
from gateway.web.rate_limit import RateLimiter
from rules.decision.content import body_of
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Body, Mail, Mailbox
from rules.mail.extent import CUT_MARGIN
from rules.sender.authentication import Authentication
from rules.sender.masking import Masker
from rules.sender.tokens import HeldLink, Keys, read_held_token
from rules.service.digests import held_because, leaves_at
from rules.service.participants import is_ours, named_addresses
from rules.ticket.changes import Source
from storage.db.ledger import Conflict
from storage.desk.links import HeldView, held_view
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.notices.invitations import Enrolled

PATH = "/held"
FORM_LIMIT_BYTES = 8 * 1024
POSTS_A_MINUTE = 60
SHOWN_TEXT = 3000
"""Characters of the mail's text."""
SHOWN_NAMES = 20
"""Of the people in To and Cc, and of the files."""
LONGEST_NAME = 100
LONGEST_SUBJECT = 200
LONGEST_WHY = 500


class Choice(StrEnum):
    RELEASE = "release"
    NEW = "new"
    ENROL = "enrol"
    DISCARD = "discard"


class HeldOutcome(StrEnum):
    FILED = "filed"
    DISCARDED = "discarded"
    HELD = "held"
    """The mail is held still: staff must state more about it."""
    NOT_ENROLLED = "not_enrolled"
    """No active company owns the domain of the author."""
    GONE = "gone"
    """It was released or discarded before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPages:
    """What the page works with."""

    runtime: Runtime
    ingest: Ingest
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))


HELD = web.AppKey("held", HeldPages)


@dataclass(frozen=True, slots=True)
class _HeldVisit:
    request: web.Request
    pages: HeldPages
    mailbox: Mailbox
    view: HeldView
    language: str

    @property
    def author(self) -> str:
        return self.view.mail.author if self.view.mail is not None else ""

    def done(
        self,
        outcome: HeldOutcome,
        ticket: int | None = None,
        why: str = "",
        *,
        enrolled: bool = False,
    ) -> web.Response:
        return page(
            self.language,
            "held_done.html",
            409 if outcome in (HeldOutcome.HELD, HeldOutcome.NOT_ENROLLED) else 200,
            mailbox=self.mailbox.address,
            owner=self.view.owner,
            outcome=outcome.value,
            ticket=ticket,
            author=self.author,
            why=why,
            enrolled=enrolled,
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
    return _HeldVisit(request, pages, mailbox, view, language_for(request, policy, view.language))


async def _ask(request: web.Request) -> web.Response:
    visit = await _visit(request)
    if visit.view.mail is None:
        return visit.done(HeldOutcome.GONE)
    return await _shown(visit, visit.view.mail, chosen=request.query.get("do", ""))


async def _act(request: web.Request) -> web.Response:
    visit = await _visit(request)
    form = await read_form(request, FORM_LIMIT_BYTES)
    mail = visit.view.mail
    if mail is None:
        return visit.done(HeldOutcome.GONE)
    choice = next((each for each in Choice if each.value == form.get("do")), None)
    # One that the page does not offer would, say, register whomever a forged mail names.
    if choice is None or not _is_possible(choice, mail):
        error = form_error(visit.language, FormError.NO_CHOICE)
        return await _shown(visit, mail, chosen="", error=error, status=422)
    if choice is Choice.DISCARD:
        return await _discard(visit, mail)
    return await _release(visit, mail, choice, one_line(form.get("why", ""), LONGEST_WHY))


async def _discard(visit: _HeldVisit, mail: HeldMail) -> web.Response:
    job = partial(quarantine.discard, journal_id=mail.journal_id)
    if not await visit.pages.runtime.write(job):
        return visit.done(HeldOutcome.GONE)
    log.discarded(str(mail.journal_id), visit.view.owner)
    return visit.done(HeldOutcome.DISCARDED)


async def _release(visit: _HeldVisit, mail: HeldMail, choice: Choice, why: str) -> web.Response:
    runtime, ingest = visit.pages.runtime, visit.pages.ingest
    became = Enrolled.BEFORE
    stated = StatedByStaff(as_new=choice is Choice.NEW, why=why, source=Source.WEB)
    vouched = Authentication.by_staff(visit.view.owner)
    try:
        delivery = await runtime.read(partial(quarantine.delivery, mail=mail))
        receipt: Receipt | None
        if choice is Choice.ENROL:
            receipt, became = await ingest.release_enrolled(mail, delivery, vouched, stated)
        else:
            receipt = await ingest.release(mail, delivery, vouched, stated)
    except Conflict:  # another person was first
        return visit.done(HeldOutcome.GONE)
    if receipt is None:
        return visit.done(HeldOutcome.NOT_ENROLLED)
    if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
        held_for = worded(held_because(receipt.reason), visit.language)
        return visit.done(HeldOutcome.HELD, why=held_for)
    if enrolled := became is Enrolled.NOW:
        log.enrolled(visit.mailbox.address, mail.author, visit.view.owner)
    return visit.done(HeldOutcome.FILED, receipt.ticket, enrolled=enrolled)


async def _shown(
    visit: _HeldVisit, mail: HeldMail, chosen: str, error: str = "", status: int = 200
) -> web.Response:
    """The mail as staff may read it: without anybody's tokens and links of ours."""
    runtime = visit.pages.runtime
    cached = await runtime.mailbox_cache.current()
    masker = Masker(cached.keys, cached.mailbox_ids, cached.own_addresses)
    read = await _read(visit, mail)
    body = body_of(read) if read is not None else None
    text = body.text if isinstance(body, Body) else ""
    policy = runtime.policy_of(visit.mailbox)

    def joins(address: str) -> bool:
        return not is_ours(address, cached.own_addresses, visit.mailbox.address, policy)

    def listed(names: Sequence[str]) -> tuple[str, ...]:
        more = (f"… (+{len(names) - SHOWN_NAMES})",) if len(names) > SHOWN_NAMES else ()
        return (*(one_line(masker.mask(n), LONGEST_NAME) for n in names[:SHOWN_NAMES]), *more)

    zone, until = policy.clock.calendar.zone, leaves_at(policy, mail.came_at)
    return page(
        visit.language,
        "held.html",
        status,
        mailbox=visit.mailbox.address,
        owner=visit.view.owner,
        journal_id=str(mail.journal_id),
        author=mail.author,
        subject=one_line(masker.mask(mail.subject), LONGEST_SUBJECT),
        why=worded(held_because(mail.reason), visit.language),
        since=date_and_time(mail.came_at, zone, visit.language),
        until=date_and_time(until, zone, visit.language) if until else "",
        # A release files all of the mail: whom it adds, and its files.
        people=listed([*filter(joins, named_addresses(read))] if read is not None else []),
        files=listed([each.name for each in body.attachments] if isinstance(body, Body) else []),
        text=plain(masker.mask(text[: SHOWN_TEXT + CUT_MARGIN])[:SHOWN_TEXT]),
        shortened=len(text) > SHOWN_TEXT,
        # The first button is the one that the enter key presses.
        choices=sorted(
            (each.value for each in Choice if _is_possible(each, mail)), key=lambda c: c != chosen
        ),
        chosen=chosen,
        error=error,
    )


def _is_possible(choice: Choice, mail: HeldMail) -> bool:
    """A mail without an author can only be deleted here: `postern held release --author` files
    it."""
    match choice:
        case Choice.ENROL:
            return mail.reason == Reason.NOT_ENROLLED.value
        case Choice.RELEASE | Choice.NEW:
            return bool(mail.author)
        case Choice.DISCARD:
            return True
        case _:
            assert_never(choice)


async def _read(visit: _HeldVisit, mail: HeldMail) -> Mail | None:
    """The mail; None if it was discarded meanwhile."""
    try:
        delivery = await visit.pages.runtime.read(partial(quarantine.delivery, mail=mail))
    except Conflict:
        return None
    return await visit.pages.ingest.parser.parse(delivery.raw)
