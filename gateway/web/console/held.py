"""Held mail: its list, and the page on which one is decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.outgoing.sentences import worded
from gateway.reception import StatedByStaff
from gateway.web.console.context import Refused, Visit, number_in
from gateway.web.held_mail import (
    LONGEST_SUBJECT,
    Choice,
    HeldDesk,
    HeldOutcome,
    HeldResult,
    is_possible,
    sentences,
    shown,
)
from gateway.web.pages.forms import Form
from rules.decision.foreseen import Foreseen
from rules.mail.header import Author
from rules.sender.stated_author import AuthorFault, stated_author
from rules.service.digests import held_because, leaves_at
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.registry.console_users import mailboxes_of

LISTED = 200
"""Held mails on one page."""


async def listing(visit: Visit) -> web.Response:
    """Held mails: those of proven senders first, and the oldest of each first."""
    mailboxes = {mailbox.id: mailbox for mailbox in await visit.mailboxes()}
    mask = await visit.mask()

    def look(connection: Connection) -> tuple[list[tuple[HeldMail, str, str]], int]:
        # Only theirs are looked up: a flood at another desk hides nothing here.
        mails = quarantine.held_mails(connection, mailboxes=list(mailboxes))
        listed = [
            (mail, mask(mail.author), one_line(mask(mail.subject), LONGEST_SUBJECT))
            for mail in mails[:LISTED]
        ]
        return listed, max(0, len(mails) - LISTED)

    mails, more = await visit.show(look)
    return visit.page(
        "held.html",
        mails=mails,
        more=more,
        why={each.reason: worded(held_because(each.reason), visit.language) for each, *_ in mails},
        several=len(mailboxes) > 1,
    )


async def held_mail(visit: Visit) -> web.Response:
    """One held mail, with what can be done with it."""
    return await _held_page(visit, await _held_mail(visit))


async def decide(visit: Visit) -> web.Response:
    """Release or delete a held mail."""
    mail, form = await _held_mail(visit), visit.form
    choice = next((each for each in Choice if each.value == form.get("do")), None)
    # One that the page does not offer would, say, register the person whom a forged mail names.
    if choice is None or not is_possible(choice, mail, takes_author=True):
        return await _held_page(visit, mail, "Please choose what becomes of the mail.", 422)
    stated = _named(mail, form)
    if choice is not Choice.DISCARD:
        found = _stated(choice, mail, form)
        if isinstance(found, ReleaseFault):
            return await _held_page(visit, mail, found.english, found.status)
        stated = found
    context = visit.context

    def require(connection: Connection) -> None:
        if mail.mailbox not in mailboxes_of(connection, visit.require_right(connection)):
            raise _not_held()

    by = visit.user.address
    desk = HeldDesk(context.runtime, context.ingest, by, Source.CONSOLE, require)
    shown_then = form.get("shown", "")
    return await _answer(visit, mail, await desk.act(mail, choice, stated, shown_then))


@dataclass(frozen=True, slots=True)
class ReleaseFault:
    """Why a mail is not filed as a form states."""

    english: str
    status: int = 422


def _stated(choice: Choice, mail: HeldMail, form: Form) -> StatedByStaff | ReleaseFault:
    """What a form states about a mail that is filed."""
    written = form.get("ticket", "").strip().removeprefix("#")
    ticket = number_in(written)
    if written and not ticket:
        return ReleaseFault("Please give the number of the ticket, such as 42.")
    if ticket and choice is Choice.NEW:
        return ReleaseFault("A new ticket has no number yet: leave the ticket empty, or release.")
    author = stated_author(mail.author, form.get("author", "").strip())
    if not isinstance(author, AuthorFault):
        return StatedByStaff(author=author, onto=ticket or None, why=form.get("why", ""))
    match author:
        case AuthorFault.NOT_VALID:
            return ReleaseFault("The author is not a valid email address.")
        case AuthorFault.MISSING:
            return ReleaseFault("The mail does not name exactly one author. Please name them.", 409)
        case AuthorFault.NAMED:
            return ReleaseFault("The mail names its author, and is filed under nobody else.", 409)
        case _:
            assert_never(author)


def _named(mail: HeldMail, form: Form) -> StatedByStaff:
    """The author that a form names for a mail without one, and the ticket that it goes onto; by
    these the page shows what a release does."""
    author = stated_author(mail.author, form.get("author", "").strip())
    if not isinstance(author, Author):
        return StatedByStaff()
    ticket = number_in(form.get("ticket", "").strip().removeprefix("#"))
    return StatedByStaff(author=author, onto=ticket or None)


async def _answer(visit: Visit, mail: HeldMail, result: HeldResult) -> web.Response:
    match result.outcome:
        case HeldOutcome.FILED if result.enrolled:
            text = "{author} was registered, and the mail was filed on #{ticket}."
            return visit.done("/held", text, author=mail.author, ticket=result.ticket)
        case HeldOutcome.FILED:
            return visit.done("/held", "The mail was filed on #{ticket}.", ticket=result.ticket)
        case HeldOutcome.DISCARDED:
            return visit.done("/held", "The mail was deleted.")
        case HeldOutcome.GONE:
            return visit.done("/held", "Another person has decided on this mail already.")
        case HeldOutcome.OUTDATED:
            why = sentences(result.why, visit.language)
            return await _held_page(visit, await _held_mail(visit), why, 409)
        case HeldOutcome.NOT_ENROLLED:
            text = "No active company has the domain of {author}. Register the company first."
            return await _held_page(visit, mail, visit.say(text, author=mail.author), 409)
        case HeldOutcome.HELD:
            why = worded(held_because(result.reason), visit.language)
            text = "The mail is still held: {why}"
            return await _held_page(visit, mail, visit.say(text, why=why), 409)


async def _held_mail(visit: Visit) -> HeldMail:
    """The mail that the path names. Raises Refused, for a mail of another desk as well."""
    if (journal_id := visit.journal_id) is not None:
        mail = await visit.runtime.read(partial(quarantine.find, journal_id=journal_id))
        if mail is not None and mail.mailbox in await visit.mailboxes():
            return mail
    raise _not_held()


def _not_held() -> Refused:
    return Refused(404, "This mail is no longer held, or there is none of this name.")


async def _held_page(
    visit: Visit, mail: HeldMail, error: str = "", status: int = 200
) -> web.Response:
    runtime = visit.runtime
    policy = runtime.policy_of(mail.mailbox)
    async with visit.turn():
        by = visit.user.address
        named = _named(mail, visit.form)
        text = await shown(runtime, visit.context.ingest, mail, by, visit.language, named)
    return visit.page(
        "held_mail.html",
        status,
        mail=mail,
        text=text,
        until=leaves_at(policy, mail.came_at),
        choices=_choices(mail, text.foreseen),
        form=visit.form,
        error=error and visit.say(error),
    )


def _choices(mail: HeldMail, foreseen: Foreseen | None) -> Sequence[Choice]:
    """Those that the page offers; first the one that does what the page says of a release."""
    possible = [each for each in Choice if is_possible(each, mail, takes_author=True)]
    first = Choice.ENROL if foreseen is not None and foreseen.registers else Choice.RELEASE
    return sorted(possible, key=lambda choice: choice is not first)
