"""A saved reply as it is sent on one ticket."""

from __future__ import annotations

from collections.abc import Iterable

from rules.people import Staff
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.ticket.model import Ticket
from rules.ticket.saved_replies import (
    SavedReplies,
    filled,
    unfilled,
    unknown_placeholder,
    used_placeholders,
)
from rules.validation.messages import suggestion


def inserted(
    name: str,
    replies: SavedReplies,
    ticket: Ticket,
    *,
    author: str,
    staff: Iterable[Staff],
    policy: Policy,
) -> str | Sentence:
    """The text of a saved reply on a ticket; or why it cannot be sent there."""
    text = replies.text(name, ticket.language_of(ticket.requester), policy.language)
    if text is None:
        hint = suggestion(name, replies.names) or ", ".join(replies.names[:20]) or "none is saved"
        return sentence("there is no saved reply {name} ({hint})", name=name, hint=hint)
    if (unknown := unknown_placeholder(text)) != "":
        return unfilled(name, unknown)
    requester = replies.requesters.get(ticket.requester)
    company = requester.company.name if requester is not None and requester.company else ""
    if not company and "company" in used_placeholders(text):
        return sentence(
            "the saved reply {name} names the company, and the requester of #{ticket} has none",
            name=name,
            ticket=ticket.id,
        )
    me = next((each.name for each in staff if each.address == author), "")
    values = {
        "name": (requester.name if requester is not None else "") or ticket.requester,
        "ticket": f"#{ticket.id}",
        "company": company,
        "me": me or author,
    }
    return filled(text, values)


def before(reply: str, text: str) -> str:
    """A text with a saved reply before it."""
    return f"{reply}\n\n{text}".strip()
