"""A saved reply as it would be sent on one ticket, to be edited before it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from rules.decision.effects import no_such_ticket
from rules.mail import Mailbox
from rules.policy import Policy
from rules.sentence import Sentence
from rules.service.saved_replies import inserted
from rules.ticket.saved_replies import wanted_name
from storage.registry import lookup
from storage.registry.saved_replies import replies_for
from storage.ticket import load
from storage.ticket.change import BUDGETED


def saved_reply(
    connection: Connection,
    mailbox: Mailbox,
    number: int,
    name: str,
    policy: Policy,
    *,
    author: str,
    now: datetime,
) -> str | Sentence:
    """The text with its placeholders filled, in the language of the requester; or why it cannot be
    sent there."""
    ticket = load.load(connection, mailbox, [number], now - BUDGETED).get(number)
    if ticket is None:
        return no_such_ticket(number).why
    wanted = wanted_name(name)
    replies = replies_for(connection, mailbox, {wanted}, (ticket,), now)
    staff = lookup.staff(connection, mailbox)()
    return inserted(wanted, replies, ticket, author=author, staff=staff, policy=policy)
