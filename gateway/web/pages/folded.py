"""The page behind a digest's link to a mail that was folded as automatic on a ticket.

    /folded/{mailbox_id}/{token}

GET shows the mail and changes nothing; POST makes it the comment that it would have been without
its sign of automatic mail. The link is for one staff person: it dies with their place on the staff,
and the audit trail names them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from aiohttp import web

from gateway.outgoing.dates import date_and_time
from gateway.outgoing.mime import one_line, plain
from gateway.runtime import Runtime
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.held_mail import LONGEST_NAME, LONGEST_SUBJECT, SHOWN_NAMES, SHOWN_TEXT
from gateway.web.messages import FormError, PageError, form_error
from gateway.web.pages import forms
from gateway.web.pages.forms import as_page, read_form, read_link
from gateway.web.pages.held import FORM_LIMIT_BYTES, POSTS_A_MINUTE
from gateway.web.pages.render import Problem, language_for, page
from gateway.web.rate_limit import RateLimiter
from rules.mail import Mailbox
from rules.mail.extent import CUT_MARGIN
from rules.sender.tokens import HeldLink, Keys, MailUse, read_held_token
from rules.ticket.changes import Source
from rules.ticket.visibility import Visibility
from storage.desk import links as store
from storage.desk.links import Accepted, FoldedView
from storage.ticket.rows import ChangeContext

PATH = "/folded"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedPages:
    """What the page works with."""

    runtime: Runtime
    rate: RateLimiter = field(default_factory=lambda: RateLimiter(POSTS_A_MINUTE, monotonic))
    masked_texts: MaskedTexts = field(default_factory=MaskedTexts)


FOLDED = web.AppKey("folded", FoldedPages)


def add_routes(app: web.Application, pages: FoldedPages) -> None:
    app[FOLDED] = pages
    path = f"{PATH}/{forms.LINK}"
    app.router.add_get(path, as_page(PATH, pages.rate, "", _ask))
    app.router.add_post(path, as_page(PATH, pages.rate, "", _accept))


async def _ask(request: web.Request) -> web.Response:
    mailbox, link = await _link(request)
    runtime = request.app[FOLDED].runtime
    view = await runtime.read(
        partial(store.folded_view, mailbox=mailbox, link=link, now=runtime.clock())
    )
    if view is None:
        raise Problem(404, PageError.NO_LINK)
    return await _page(request, mailbox, view)


async def _accept(request: web.Request) -> web.Response:
    form = await read_form(request, FORM_LIMIT_BYTES)
    mailbox, link = await _link(request)
    runtime = request.app[FOLDED].runtime
    context = ChangeContext(mailbox, "", Source.WEB, runtime.clock(), runtime.new_id)
    policy = runtime.policy_of(mailbox)
    shown = form.get("shown", "")
    accept = partial(store.accept_folded, context=context, link=link, shown=shown, policy=policy)
    # As for all that publishes a text that was stored before: the rules read it.
    done = await runtime.write(accept, apart=True)
    if done is None:
        raise Problem(404, PageError.NO_LINK)
    view, accepted = done
    return await _page(request, mailbox, view, accepted)


async def _link(request: web.Request) -> tuple[Mailbox, HeldLink]:
    """The link of a request. Raises Problem."""

    def read(keys: Keys, mailbox: int, token: str) -> HeldLink | None:
        return read_held_token(keys, mailbox, token, MailUse.FOLDED)

    found = await read_link(request, request.app[FOLDED].runtime.mailbox_cache, read)
    if found is None:
        raise Problem(404, PageError.NO_LINK)
    return found


async def _page(
    request: web.Request,
    mailbox: Mailbox,
    view: FoldedView,
    accepted: Accepted | None = None,
) -> web.Response:
    """The mail as staff may read it: without anybody's tokens and links of ours."""
    runtime, comment = request.app[FOLDED].runtime, view.comment
    masker = (await runtime.mailbox_cache.current()).masker
    policy = runtime.policy_of(mailbox)
    more = len(comment.files) - SHOWN_NAMES
    subject, said, text, *names = await request.app[FOLDED].masked_texts.in_thread(
        masker,
        comment.subject,
        comment.said,
        comment.text[: SHOWN_TEXT + CUT_MARGIN],
        *comment.files[:SHOWN_NAMES],
    )
    files = [one_line(name, LONGEST_NAME) for name in names]
    language = language_for(request, policy, view.language)
    outdated = accepted is Accepted.OUTDATED
    is_done = comment.would_be is None or (accepted is not None and not outdated)
    return page(
        language,
        "folded_done.html" if is_done else "folded.html",
        409 if outdated else 200,
        error=form_error(language, FormError.FOLDED_OUTDATED) if outdated else "",
        shown=comment.shown,
        into=comment.merged_into,
        mailbox=mailbox.address,
        owner=view.owner,
        ticket=comment.ticket,
        subject=one_line(subject, LONGEST_SUBJECT),
        said=one_line(said, LONGEST_SUBJECT),
        author=comment.author,
        since=date_and_time(comment.written_at, policy.clock.calendar.zone, language),
        text=plain(text[:SHOWN_TEXT]),
        files=[*files, f"… (+{more})"] if more > 0 else files,
        shortened=len(comment.text) > SHOWN_TEXT,
        public=comment.would_be is Visibility.PUBLIC,
        now=accepted is Accepted.NOW,
    )
