"""Outgoing mail that was not sent: why, in the relay's words, and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from aiohttp import web

from gateway import log
from gateway.outgoing.templates import Rendered
from gateway.web.console.context import Refused, Visit
from gateway.web.console.notice_words import kind_words
from gateway.web.console.ticket_words import source_words
from rules.policy import PolicyRefused
from rules.ticket.notices import NoticeState
from storage.db.database import Connection
from storage.notices import by_hand, outbox_pages, overview
from storage.notices.outbox_pages import COUNTED, OutboxScope, OutboxView
from storage.notices.overview import NoticeSummary

LISTED = 100
"""Mails on one page; as many are tried again by one form at most."""


async def outbox(visit: Visit) -> web.Response:
    """The mails of a view, and how many each view has."""
    wanted = visit.request.query.get("view", OutboxView.FAILED.value)
    view = next((each for each in OutboxView if each == wanted), OutboxView.FAILED)
    mailboxes = await visit.mailboxes()
    mask = await visit.mask()
    scope = OutboxScope(frozenset(each.id for each in mailboxes), visit.now)

    def look(
        connection: Connection,
    ) -> tuple[Sequence[NoticeSummary], Mapping[OutboxView, int]]:
        found = outbox_pages.listing(connection, view, scope, LISTED)
        # The relay may name the address that its answers go to.
        mails = [replace(each, last_error=mask(each.last_error)) for each in found]
        return mails, outbox_pages.counts(connection, scope)

    mails, counts = await visit.show(look)
    return visit.page(
        "outbox.html",
        mails=mails,
        kind_words=partial(kind_words, say=visit.say),
        view=view.value,
        views=[
            (each.value, f"{number:,}{'+' if number == COUNTED else ''}")
            for each, number in counts.items()
        ],
        more=max(0, counts[view] - len(mails)),
        several=len(mailboxes) > 1,
        is_over=view in (OutboxView.FAILED, OutboxView.WITHDRAWN),
        retried=[each.id for each in mails if by_hand.is_retried(each, visit.now)]
        if view is not OutboxView.WITHDRAWN
        else [],
    )


async def outgoing_mail(visit: Visit) -> web.Response:
    """One outgoing mail with everything that is known of it."""
    if (notice := visit.journal_id) is not None:
        found = await visit.runtime.read(partial(overview.find, notice=notice))
        if found is not None and found.mailbox in {
            each.address for each in await visit.mailboxes()
        }:
            error = await asyncio.to_thread(await visit.mask(), found.last_error)
            text, fault = await _written(visit, notice)
            shown = replace(found, last_error=error)
            return visit.page(
                "outgoing_mail.html",
                mail=shown,
                kind_words=partial(kind_words, say=visit.say),
                source=source_words(found.source, visit.say),
                text=text,
                fault=fault,
                is_dead=found.state is NoticeState.DEAD,
                is_retried=by_hand.is_retried(found, visit.now),
            )
    raise Refused(404, "There is no such outgoing mail.")


async def _written(visit: Visit, notice: UUID) -> tuple[Rendered | None, str]:
    """The mail as it would be written now; or why it cannot be."""
    previews, policy_of = visit.context.previews, visit.runtime.policy_of
    try:
        return await visit.show(partial(previews.of, notice=notice, policy_of=policy_of)), ""
    except (ValueError, PolicyRefused) as error:
        return None, str(error)


async def retry(visit: Visit) -> web.Response:
    """Try the mails that a form names again, as `postern outbox retry` does."""
    ids = _ids(visit.form.get("ids", ""))
    job = partial(
        by_hand.retry,
        ids=ids,
        now=visit.now,
        by=visit.user.address,
        mailboxes=[each.id for each in await visit.mailboxes()],
    )
    done = await visit.write(job, apart=True)
    visit.runtime.wake()
    log.mails_retried(done, visit.user.address)
    if done < len(ids):
        text = (
            "{done} are tried again; {left} are not, since only mails that failed, or wait for "
            "another attempt, can be."
        )
        return visit.done("/outbox", text, done=done, left=len(ids) - done)
    return visit.done("/outbox", "Tried again now: {number}.", number=done)


def _ids(text: str) -> list[UUID]:
    """The ids that a form lists. Raises Refused for anything else, and for none."""
    try:
        ids = [UUID(each) for each in text.split()]
    except ValueError:
        ids = []
    if not 0 < len(ids) <= LISTED:
        raise Refused(422, "Please choose which mails are tried again.")
    return ids
