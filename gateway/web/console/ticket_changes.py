"""Changes of a ticket by a form: each is a request as the API takes it, decided by the same
rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from gateway import log
from gateway.outgoing.sentences import worded
from gateway.ticket_requests import TicketPatch
from gateway.web.api.auth import ApiError
from gateway.web.api.uploads import StorableFiles
from gateway.web.console.context import Visit, number_in
from gateway.web.console.saved_replies import INSERT, insert
from gateway.web.console.ticket import mailbox_in_sight, missing, ticket_page
from gateway.web.console.ticket_forms import DELETE, GUARDED, PUBLISHING, patch_of
from gateway.web.pages.forms import Form
from rules.decision.effects import ChangeRefused, Effects
from rules.mail import Mailbox
from rules.policy import Policy
from rules.sentence import Sentence
from rules.ticket.changes import Source
from rules.ticket.model import Ticket
from storage.db.database import Connection
from storage.db.ledger import Conflict
from storage.registry import lookup
from storage.ticket import load, request_keys
from storage.ticket.change import BUDGETED, change_loaded, changed_by
from storage.ticket.read import newest_of_others
from storage.ticket.request_keys import RequestKey
from storage.ticket.rows import ChangeContext


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a change."""

    effects: tuple[str, ...]
    mailbox: str = ""
    withheld: int = 0
    """So many notices are not sent, since their readers were sent enough."""
    is_repeat: bool = False
    """It was done before: this form was sent twice."""


@dataclass(frozen=True, slots=True)
class NotDone:
    """Why nothing was done, in the reader's language."""

    why: str
    is_stale: bool = False
    """The ticket has changed since the user opened the page."""


async def change(visit: Visit) -> web.Response:
    """Does what a form asks for, and goes back to the page, which says what was done."""
    if visit.form.get("do") == INSERT:
        return await insert(visit)
    if visit.form.get("do") == DELETE:  # has a path of its own, with another right
        return await ticket_page(visit, visit.say("Please choose what is to be done."), 409)
    outcome = await changed(visit, visit.number)
    if isinstance(outcome, NotDone):
        why = outcome.why
        if visit.files:  # which no page can give back to a browser
            why += " " + visit.say("Please choose the files again.")
        return await ticket_page(visit, why, 409, is_stale=outcome.is_stale)
    return said(visit, outcome, f"/tickets/{visit.number}")


async def delete(visit: Visit) -> web.Response:
    """Deletes the ticket, and goes to the list."""
    form = {**visit.form, "do": DELETE}
    visit = replace(visit, form=form)
    outcome = await changed(visit, visit.number)
    if isinstance(outcome, NotDone):
        return await ticket_page(visit, outcome.why, 409, is_stale=outcome.is_stale)
    return said(visit, outcome, "/tickets")


async def changed(visit: Visit, number: int) -> Done | NotDone:
    """Does what the form of the visit asks for to a ticket."""
    asked = patch_of(visit.form, visit.say)
    if isinstance(asked, str):
        return NotDone(asked)
    outcome = await _changed(visit, number, asked)
    if isinstance(outcome, Done) and outcome.withheld:  # the effects say it to the user
        log.notices_withheld(outcome.mailbox, number, outcome.withheld, "console")
        visit.runtime.metrics.withheld(outcome.withheld)
    return outcome


def said(visit: Visit, outcome: Done, path: str) -> web.Response:
    """To a page that says what was done."""
    if outcome.is_repeat:
        return visit.done(path, "This was done already: {done}.", done="; ".join(outcome.effects))
    done = "; ".join(outcome.effects) or visit.say("nothing was to be changed")
    return visit.done(path, "Done: {done}.", done=done)


async def _changed(visit: Visit, number: int, asked: TicketPatch) -> Done | NotDone:
    runtime, now = visit.runtime, visit.now
    storable = await _storable(visit, asked)
    if isinstance(storable, NotDone):
        return storable
    key = _key(visit, number, asked)

    def job(connection: Connection) -> Done | NotDone:
        mailbox = mailbox_in_sight(connection, visit, number)
        if key is not None and (found := request_keys.earlier_answer(connection, mailbox, key)):
            return Done(found.effects, is_repeat=True)
        policy = runtime.policies.get(mailbox.policy)
        if why := _impossible(connection, visit, number, asked, mailbox, policy):
            return NotDone(why)
        assert policy is not None
        ticket = load.load(connection, mailbox, [number], now - BUDGETED).get(number)
        if ticket is None:
            raise missing()
        # A comment may set the status and the assignee as well.
        replaces = asked.status is not None or asked.assignee is not None
        is_guarded = visit.form.get("do") in GUARDED or replaces
        if is_guarded and _is_another(visit.form, ticket.version):
            text = (
                "Nothing was done: the ticket has changed since you opened the page. It is shown "
                "as it is now, and what you entered is still in the form."
            )
            return NotDone(visit.say(text), is_stale=True)
        by = ChangeContext(mailbox, visit.user.address, Source.CONSOLE, now, runtime.new_id)
        wanted = asked.changes(storable.files)
        on = changed_by(connection, by, ticket, wanted)
        if more := _not_shown(visit.form, on):
            return NotDone(_who_reads_it(visit, number, on, more))
        effects = change_loaded(connection, by, ticket, wanted, policy, by_staff=True, on=on)
        if isinstance(effects, ChangeRefused):
            return NotDone(_sentence(visit, effects.why))
        storable.store(connection, mailbox.id)
        done = _effects(visit, effects)
        if key is not None:
            request_keys.keep(connection, mailbox, key, number, done, now)
        return Done(done, mailbox.address, len(effects.withheld))

    try:
        done = await visit.write(job, apart=bool(visit.files) or asked.is_large)
    except Conflict:
        text = "Somebody else changed the ticket at the same time, and nothing was done. Try again."
        return NotDone(visit.say(text))
    runtime.wake()
    return done


async def _storable(visit: Visit, asked: TicketPatch) -> StorableFiles | NotDone:
    if visit.files and asked.comment is None:
        return NotDone(visit.say("Files are sent with a reply or a note."))
    text = asked.comment.text if asked.comment is not None else ""
    boundary = visit.runtime.new_id().hex
    try:
        return await visit.context.api.uploads.storable(visit.files, text, visit.now, boundary)
    except ApiError:
        text = "The files are too large or too many for one email. Nothing was sent."
        return NotDone(visit.say(text))


def _impossible(
    connection: Connection,
    visit: Visit,
    number: int,
    asked: TicketPatch,
    mailbox: Mailbox,
    policy: Policy | None,
) -> str:
    """Why nothing can be done, besides what the rules say; empty where it can."""
    if policy is None:
        text = "The policy {name} of this mailbox is missing, so nothing can be decided."
        return visit.say(text, name=mailbox.policy)
    if asked.comment is None:
        return ""
    address = visit.user.address
    # Its readers take an author who is not staff for a customer.
    if address not in {each.address for each in lookup.staff(connection, mailbox)()}:
        text = (
            "Only staff of {mailbox} write on its tickets. An operator can register {address} as "
            "a staff member, under People."
        )
        return visit.say(text, mailbox=mailbox.address, address=address)
    newest = newest_of_others(connection, number, address)
    if visit.form.get("do") == "reply" and newest > number_in(visit.form.get("last", "")):
        return visit.say(
            "Nothing was sent: somebody has written since you opened the page. Read it, then send "
            "your reply again."
        )
    return ""


def _key(visit: Visit, number: int, asked: TicketPatch) -> RequestKey | None:
    """Makes a form that is sent twice a repeat; what was edited in between is another request."""
    once = visit.form.get("once", "")
    if not once:
        return None
    wanted = asked.model_dump(mode="json", exclude_defaults=True)
    content = [once, number, wanted, *(file.fingerprint for file in visit.files)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return RequestKey(visit.user.address, f"console {digest}", digest)


def _is_another(form: Form, version: int) -> bool:
    """Whether a form is of a page that showed the ticket before its last change, or of none."""
    return form.get("version", "") != str(version)


def _not_shown(form: Form, ticket: Ticket) -> Sequence[str]:
    """Customers who would read what the form publishes, and were not on the ticket when its page
    was opened."""
    if form.get("do") not in PUBLISHING:
        return ()
    shown = set(form.get("readers", "").split())
    return [each.address for each in ticket.notified_customers if each.address not in shown]


def _who_reads_it(visit: Visit, number: int, on: Ticket, more: Sequence[str]) -> str:
    """Why nothing was done, since there are more readers on the ticket than the page showed."""
    people = ", ".join(more)
    if on.id != number:
        text = (
            "Nothing was done: this ticket is part of #{number} now, where {people} would read it "
            "as well. The page shows everybody who reads it."
        )
        return visit.say(text, number=on.id, people=people)
    text = (
        "Nothing was done: {people} would read it as well, who joined the ticket since you "
        "opened the page. The page shows everybody who reads it; what you entered is still "
        "in the form."
    )
    return visit.say(text, people=people)


def _effects(visit: Visit, effects: Effects) -> tuple[str, ...]:
    return tuple(_sentence(visit, each) for each in effects.done)


def _sentence(visit: Visit, sentence: Sentence) -> str:
    return worded(sentence, visit.language)
