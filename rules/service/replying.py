"""What a reply to a notice becomes: what its footer states to this reader."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rules.ticket.notices import NoticeKind


class ReplyEffect(StrEnum):
    """What the reader's own reply, proven to be theirs, becomes."""

    PUBLIC = "public"
    """A comment that everybody on the ticket is sent."""
    PUBLIC_COMPANY = "public_company"
    """The same; the requester's colleagues may read it as well."""
    FEEDBACK = "feedback"
    """A note for staff; it reopens nothing."""
    WAITS = "waits"
    """A private comment of a staff person, until a colleague publishes it."""
    CONTACT = "contact"
    """A private comment for staff, by somebody who is not on the ticket."""
    OTHER_TICKET = "other_ticket"
    """A comment on the ticket that this one has just become part of."""
    NEW_REQUEST = "new_request"
    REFUSED = "refused"
    """It would open a request, and the policy has those submitted in the portal."""
    HELD = "held"
    """Kept until its author has signed up."""
    NOT_STATED = "not_stated"
    """The reader is neither staff nor a customer of the mailbox, and cannot sign up: their reply is
    that of a stranger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The recipient of a notice, as far as their reply depends on it."""

    has_ticket: bool = True
    """The notice is about a ticket."""
    on_ticket: bool = False
    """They have a reply address of their own."""
    is_staff: bool = False
    is_registered: bool = False
    """As staff or as a customer."""
    ticket_is_closed: bool = False
    is_merged: bool = False
    """The notice says that the ticket is now part of another."""
    opens_by_mail: bool = True
    """The policy takes new requests by mail."""
    company_reads: bool = False
    """The requester's colleagues may read the ticket."""


def reply_effect(kind: NoticeKind, reader: Reader) -> ReplyEffect:
    """What a reply of this reader to a notice of this kind becomes."""
    if not reader.has_ticket and not reader.is_registered:
        # A user of the console may be anybody.
        invited = not kind.traits.to_console_users
        return ReplyEffect.HELD if invited else ReplyEffect.NOT_STATED
    if not reader.has_ticket:
        return _opened(reader)
    if not reader.on_ticket:
        return ReplyEffect.WAITS if reader.is_staff else ReplyEffect.CONTACT
    if kind.traits.asks_for_feedback:
        return ReplyEffect.FEEDBACK
    if reader.is_merged:
        return ReplyEffect.OTHER_TICKET
    if reader.ticket_is_closed and not reader.is_staff:
        return _opened(reader)
    return ReplyEffect.PUBLIC_COMPANY if reader.company_reads else ReplyEffect.PUBLIC


def _opened(reader: Reader) -> ReplyEffect:
    takes = reader.opens_by_mail or reader.is_staff
    return ReplyEffect.NEW_REQUEST if takes else ReplyEffect.REFUSED
