"""What a refusal becomes that would reach nobody.

Over SMTP a mail for several of our mailboxes gets one reply, and one of them that takes it accepts
for all: else the mail would have to be bounced. A proven sender whom another of them does not know,
or who may not write to that one, would not learn that nobody there gets the mail, and neither would
the staff there.
"""

from __future__ import annotations

from dataclasses import replace

from rules.decision.considered import Considered
from rules.decision.model import Decision, Hold
from rules.decision.reasons import Reason
from rules.decision.trace import Step
from rules.sender.signature_scope import is_addressed_to, is_signed_alone

ONE_REPLY = "one for several mailboxes"

OF_THE_KNOWN = frozenset(
    {Reason.DEACTIVATED, Reason.SUSPENDED, Reason.NO_SUPPORT, Reason.PORTAL_ONLY}
)
"""Refusals of proven people who are registered there, or whose company is: nobody else can cause
one."""


def named_instead(decision: Decision, considered: Considered) -> Decision | None:
    """The refusal of somebody who is known there, for staff to hear of; None for any other
    decision, and for a signed mail that somebody else may have sent to this mailbox."""
    if decision.reason not in OF_THE_KNOWN or _may_be_sent_by_others(considered):
        return None
    said = "another mailbox takes the mail, and nobody reads this: named to staff by the digest"
    step = Step("reply", ONE_REPLY, said)
    return replace(decision, unread=True, trace=(*decision.trace, step))


def held_instead(decision: Decision, considered: Considered) -> Decision | None:
    """The decision with the mail held; None for any but a proven stranger's, which stays refused,
    and for a signed mail that somebody else may have sent to this mailbox."""
    proven = considered.authentication
    if decision.reason is not Reason.STRANGER or not proven.aligned:
        return None
    if _may_be_sent_by_others(considered):
        return None
    said = "another mailbox takes the mail, and a refusal would reach nobody: held"
    step = Step("reply", ONE_REPLY, said)
    return replace(
        decision,
        action=Hold(),
        reason=Reason.STRANGER_RELAYED,
        trace=(*decision.trace, step),
    )


def _may_be_sent_by_others(considered: Considered) -> bool:
    names = {*considered.mailbox.names, *considered.policy.public_addresses}
    proven = considered.authentication
    return is_signed_alone(proven) and not is_addressed_to(considered.mail, names)
