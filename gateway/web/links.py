"""The pages behind the signed links in notices.

    /people/{mailbox_id}/{token}         take somebody who was proposed in, or leave him out
    /unsubscribe/{mailbox_id}/{token}    get no more mail about a ticket (one click: RFC 8058)
    /feedback/{mailbox_id}/{token}       say how the help was, with ?rating=good|bad chosen before

GET shows and changes nothing, since scanners follow links; POST acts, and acting twice is acting
once. Who has the link may use it: no cookie, no log-in. A link that is not ours and one whose owner
may not use it any more get the very same page.
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

from gateway.directory import Directory
from gateway.ids import Clock, NewId
from gateway.policies import Policies
from gateway.sending.mime import one_line, plain
from gateway.web import forms
from gateway.web.forms import Faults, as_page, read_form
from gateway.web.pages import Problem, page
from gateway.web.rate import Rate
from rules.facts import Presence
from rules.mail import Mailbox
from rules.mail.quoting import masked
from rules.proof.tokens import Link, LinkUse, read_link_token
from storage import links as store
from storage.database import Database
from storage.ledger import Ledger
from storage.links import Decided, Opinion, Proposal, Rating
from storage.records import Hand, Source

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

FAULTS = Faults(
    no_form="Please open the link and use the form there.",
    too_much="Please go back and write less.",
    too_slow="Please go back and try again.",
    cut_off="Please open the link again.",
    too_often="Many requests came from your network just now. Wait a minute, then open the link "
    "again.",
    ours="Nothing was changed. Please open the link again in a few minutes.",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Links:
    """What the pages work with."""

    database: Database
    ledger: Ledger
    directory: Directory
    policies: Policies
    clock: Clock
    new_id: NewId
    rate: Rate = field(default_factory=lambda: Rate(POSTS_A_MINUTE, monotonic))


LINKS = web.AppKey("links", Links)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request by a link that is ours."""

    request: web.Request
    parts: Links
    mailbox: Mailbox
    link: Link

    async def read(self, query: Callable[..., T | None]) -> T:
        """What the link is about. Raises Problem where it says nothing to its holder."""
        job = partial(query, mailbox=self.mailbox, link=self.link, now=self.parts.clock())
        return _known(await asyncio.to_thread(self.parts.database.read, job))

    async def write(self, job: Callable[..., T | None], **values: object) -> T:
        """What came of an act by the link. Raises Problem like `read`."""
        hand = Hand(self.mailbox, "", Source.WEB, self.parts.clock(), self.parts.new_id)
        bound = partial(job, hand=hand, link=self.link, **values)
        return _known(await asyncio.wrap_future(self.parts.ledger.submit(bound)))

    def page(self, template: str, status: int = 200, **values: object) -> web.Response:
        return page(template, status, mailbox=self.mailbox.address, **values)

    def subject(self, subject: str) -> str:
        """A ticket's subject as it may be shown: without anybody's reply address."""
        return one_line(masked(subject, self.mailbox.address), LONGEST_SUBJECT)


Handler = Callable[[_Visit], Awaitable[web.Response]]


def add_routes(app: web.Application, parts: Links) -> None:
    """Serve the pages; their style sheet is the sign-up pages'."""
    app[LINKS] = parts
    pages: tuple[tuple[LinkUse, Handler, Handler], ...] = (
        (LinkUse.APPROVE, _ask_decision, _take_decision),
        (LinkUse.UNSUBSCRIBE, _ask_unsubscribe, _unsubscribe),
        (LinkUse.FEEDBACK, _ask_feedback, _take_feedback),
    )
    for use, show, act in pages:
        path = f"{PATHS[use]}/{{mailbox_id}}/{{token:.*}}"
        shown = partial(as_page, PATHS[use], FAULTS, parts.rate)
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
    snapshot = await parts.directory.current()
    wanted, token = request.match_info["mailbox_id"], request.match_info["token"]
    for mailbox in snapshot.mailboxes.values():
        if str(mailbox.id) == wanted:
            link = read_link_token(snapshot.keys, mailbox.id, use, token)
            return _Visit(request, parts, mailbox, _known(link))
    return _known(None)


def _known(found: T | None) -> T:
    """What was found. Raises the one Problem of every link that does not work."""
    if found is not None:
        return found
    raise Problem(
        404,
        "This link does not work",
        "A part of it is missing, or what it was for is over. If it was broken over two lines in "
        "your mail, copy the whole of it into the address bar. Otherwise reply to the mail that it "
        "came in.",
    )


async def _ask_decision(visit: _Visit) -> web.Response:
    asked = await visit.read(store.proposal)
    if asked.presence is not Presence.PENDING:
        return _decided(visit, asked, Decided.BEFORE)
    return _proposed(visit, asked)


async def _take_decision(visit: _Visit) -> web.Response:
    answer = (await read_form(visit.request, FORM_LIMIT_BYTES, FAULTS)).get("answer")
    if answer not in ("in", "out"):
        asked = await visit.read(store.proposal)
        return _proposed(visit, asked, 422, "Please choose one of the two.")
    most = visit.parts.policies[visit.mailbox.policy].cc.per_ticket
    asked, decided = await visit.write(store.decide, take_in=answer == "in", per_ticket=most)
    if decided is Decided.FULL:
        full = (
            f"Request #{asked.ticket} may have no more people: {most} are the most. Nothing was "
            "changed. Ask us to take somebody off it, then open this link again."
        )
        return _proposed(visit, asked, 409, full)
    return _decided(visit, asked, decided)


def _proposed(visit: _Visit, asked: Proposal, status: int = 200, error: str = "") -> web.Response:
    return visit.page(
        "people.html",
        status,
        ticket=asked.ticket,
        subject=visit.subject(asked.subject),
        address=asked.address,
        error=error,
    )


def _decided(visit: _Visit, asked: Proposal, decided: Decided) -> web.Response:
    return visit.page(
        "decided.html",
        ticket=asked.ticket,
        subject=visit.subject(asked.subject),
        address=asked.address,
        taken_in=asked.presence is Presence.ACTIVE,
        before=decided is Decided.BEFORE,
    )


async def _ask_unsubscribe(visit: _Visit) -> web.Response:
    found = await visit.read(store.subscription)
    return visit.page(
        "unsubscribe.html" if found.told else "unsubscribed.html",
        ticket=found.ticket,
        subject=visit.subject(found.subject),
        address=found.address,
        before=True,
    )


async def _unsubscribe(visit: _Visit) -> web.Response:
    """Whatever the body holds, and in whatever form: RFC 8058 §3.2 lets senders choose, and whoever
    posts to this path wants nothing else."""
    found, now = await visit.write(store.unsubscribe)
    return visit.page(
        "unsubscribed.html",
        ticket=found.ticket,
        subject=visit.subject(found.subject),
        address=found.address,
        before=not now,
    )


async def _ask_feedback(visit: _Visit) -> web.Response:
    said = await visit.read(store.opinion)
    return _feedback(visit, said, chosen=_rating(visit.request.query) or said.rating)


async def _take_feedback(visit: _Visit) -> web.Response:
    form = await read_form(visit.request, FORM_LIMIT_BYTES, FAULTS)
    rating, text = _rating(form), _text(form.get("text", ""))
    fault = _fault_of(rating, text)
    if rating is None or fault:
        said = await visit.read(store.opinion)
        return _feedback(visit, said, chosen=rating, typed=text, error=fault, status=422)
    said = await visit.write(store.rate, rating=rating, text=text)
    return visit.page(
        "thanks.html", ticket=said.ticket, subject=visit.subject(said.subject), rating=rating.value
    )


def _feedback(
    visit: _Visit,
    said: Opinion,
    chosen: Rating | None,
    typed: str = "",
    error: str = "",
    status: int = 200,
) -> web.Response:
    return visit.page(
        "feedback.html",
        status,
        ticket=said.ticket,
        subject=visit.subject(said.subject),
        said=said.rating.value if said.rating is not None else "",
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


def _fault_of(rating: Rating | None, text: str) -> str:
    """What is wrong with an answer; empty where nothing is."""
    if len(text) > LONGEST_TEXT:
        return f"A text may have at most {LONGEST_TEXT} characters; this one has {len(text)}."
    return "" if rating is not None else "Please choose one of the two."
