"""People who wait to be added to a ticket: a list of them, in which they are approved or
declined."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.web.console.context import Visit, number_in
from gateway.web.console.ticket_changes import NotDone, changed, said
from gateway.web.console.tickets import LONGEST_SUBJECT
from rules.mail.presented import Mask
from storage.db.database import Connection
from storage.desk.proposed import ProposedPerson, proposed_people

LISTED = 200
"""On one page."""
DECISIONS = ("approve", "decline")
FIRST_PAGE = "home"
"""Where the form of the first page leads back to."""


async def listing(visit: Visit) -> web.Response:
    """Those who have waited the longest come first."""
    return await _page(visit)


async def decide(visit: Visit) -> web.Response:
    """Approves or declines a person, as the page of their ticket does."""
    form = visit.form
    if form.get("do") not in DECISIONS:
        return await _page(visit, visit.say("Please choose what is to be done."), 422)
    outcome = await changed(visit, number_in(form.get("ticket", "")))
    if isinstance(outcome, NotDone):
        return await _page(visit, outcome.why, 409)
    return said(visit, outcome, "/" if form.get("back") == FIRST_PAGE else "/proposed")


def shown(
    connection: Connection, mailboxes: Collection[int], limit: int, mask: Mask
) -> Sequence[ProposedPerson]:
    """People who wait, with the subjects of their tickets as a list shows them."""
    return [
        replace(each, subject=one_line(mask(each.subject), LONGEST_SUBJECT))
        for each in proposed_people(connection, mailboxes, limit)
    ]


async def _page(visit: Visit, error: str = "", status: int = 200) -> web.Response:
    mailboxes = await visit.mailboxes()
    mask = await visit.mask()

    def look(connection: Connection) -> Sequence[ProposedPerson]:
        return shown(connection, [each.id for each in mailboxes], LISTED + 1, mask)

    found = await visit.show(look)
    return visit.page(
        "proposed.html",
        status,
        people=found[:LISTED],
        has_more=len(found) > LISTED,
        several=len(mailboxes) > 1,
        error=error,
    )
