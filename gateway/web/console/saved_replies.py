"""A saved reply is put into the text that somebody writes on a ticket, and can be edited there."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from gateway.outgoing.sentences import worded
from gateway.web.console.context import Visit
from gateway.web.console.ticket import mailbox_in_sight, ticket_page
from rules.sentence import Sentence
from rules.service.saved_replies import before
from storage.db.database import Connection
from storage.ticket.saved_reply import saved_reply

INSERT = "insert"


async def insert(visit: Visit) -> web.Response:
    """The page of the ticket again, with the reply before what was written; nothing is changed."""
    form, author, number = visit.form, visit.user.address, visit.number

    def read(connection: Connection) -> tuple[str, str | Sentence | None]:
        mailbox = mailbox_in_sight(connection, visit, number)
        policy = visit.runtime.policies.get(mailbox.policy)
        if policy is None:
            return mailbox.policy, None
        name, now = form.get("macro", ""), visit.now
        found = saved_reply(connection, mailbox, number, name, policy, author=author, now=now)
        return mailbox.policy, found

    policy, found = await visit.runtime.read(read)
    if found is None:
        text = "The policy {name} of this mailbox is missing, so nothing can be decided."
        return await ticket_page(visit, visit.say(text, name=policy), 409)
    if isinstance(found, Sentence):
        return await ticket_page(visit, worded(found, visit.language), 409)
    filled = replace(visit, form={**form, "text": before(found, form.get("text", ""))})
    error = visit.say("Please choose the files again.") if visit.files else ""
    return await ticket_page(filled, error)
