"""The SMTP reply to a decision, and the outcome that the gateway reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from rules import replies
from rules.decision.model import (
    AddComment,
    Decision,
    Defer,
    DeferralCause,
    EndSubscription,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
)
from rules.decision.reasons import Reason, Verdict
from rules.replies import Reply

_DEFERRALS: Mapping[DeferralCause, Reply] = {
    "dns": replies.SENDER_CHECK_FAILED,
    "room": replies.NO_ROOM,
    "rate": replies.TOO_MANY_MAILS,
}
_OF_STRANGERS = (Reason.STRANGER, Reason.STRANGER_HELD, Reason.STRANGER_RELAYED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one mail in one mailbox, as the journal has it if it has a row."""

    journal_id: UUID
    mailbox: str
    verdict: Verdict
    reason: Reason
    ticket: int | None
    reply: Reply
    notices: int
    """How many outgoing mails were queued with it."""
    proven: bool
    """The sender was proven (T2)."""
    withheld: int = 0
    """How many were left out, since their readers were sent enough about the ticket."""
    counted: int = 0
    """Not 0 if the mail has no row in the journal, since its client's network had too much mail
    refused today: it is the n-th such mail of that network in this hour."""

    @property
    def is_delayed(self) -> bool:
        """Whether the reply is delayed, since its timing could disclose what its text does not.

        If a mail was filed, its sender had the right, and there is nothing to hide from them.
        Strangers, proven or not, must learn nothing of what their mail points to.
        """
        if self.verdict in (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED):
            return False
        return not self.proven or self.reason in _OF_STRANGERS


def reply_to(decision: Decision, journal_id: UUID, ticket: int | None) -> Reply:
    """The reply line for a decision. `ticket` is the number that the mail was filed under."""
    match decision.action:
        case OpenTicket() | AddComment():
            return replies.ACCEPTED.with_text(f"{journal_id} filed as #{ticket}")
        case Record() | EndSubscription() | Hold():
            # The same text for all three: only staff may know which of them it was.
            return replies.ACCEPTED.with_text(f"{journal_id} accepted")
        case Repeat(answer=answer):
            return replies.ACCEPTED.with_text(answer)
        case Refuse(text=text):
            return replies.REFUSED_SENDER.with_text(text)
        case Defer(cause=cause):
            return _DEFERRALS[cause]
        case _:
            assert_never(decision.action)
