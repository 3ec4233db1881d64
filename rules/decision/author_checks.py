"""Checks on a proven author, for the mail of persons and for what may be a person's: a sign of
automatic mail, which anybody who passes a mail on can add, must get it past neither of them."""

from __future__ import annotations

from rules.decision.case import Arrival, Ruling
from rules.decision.entitlement import Right
from rules.decision.model import Defer, Hold
from rules.decision.reasons import Reason
from rules.identity import Sender
from rules.people import Presence
from rules.sender.pointers import PointerKind
from rules.sender.signature_scope import is_signed_alone
from rules.service.limits import MIB, bytes_written, may_write
from rules.ticket.model import Ticket


def not_as_signed(arrival: Arrival, sender: Sender, saw: str) -> Ruling | None:
    """Hold what only a signature proves, where it does not cover what counts, or where the mail is
    not addressed to us; None for any other, and for mail of which nobody here is known."""
    proven = arrival.facts.authentication
    if not is_signed_alone(proven):
        return None
    is_filed = any(each.right is not Right.NONE for each in arrival.entitlements)
    if not (arrival.facts.domain_known or is_filed or ways_to_own_ticket(arrival, sender)):
        return None
    if proven.signed_scope is not None and proven.signed_scope.problem:
        note = f"only a signature proves it, but: {proven.signed_scope.problem}"
        return Ruling(saw, Hold(), Reason.NOT_SIGNED, (note,))
    if not arrival.is_addressed:
        note = "signed, but not addressed to this mailbox: anybody may have sent it"
        return Ruling(saw, Hold(), Reason.NOT_ADDRESSED, (note,))
    return None


def too_many_mails(arrival: Arrival, saw: str, *, automatic: bool = False) -> Ruling | None:
    """Defer the mail of a proven sender who, or whose domain, has written enough.

    What was recorded counts only against a mail that would be recorded too: anybody can make the
    machine of a person answer, and that must not cost this person's own mails anything.
    """
    facts, budgets = arrival.facts, arrival.policy.budgets
    recorded, of_domain = 0, facts.of_domain
    size, of_domain_size = bytes_written(facts.recent, facts.decided_at), facts.bytes_of_domain
    if automatic:
        recorded, of_domain = facts.recorded_lately, of_domain + facts.recorded_of_domain
        size += facts.recorded_bytes
        of_domain_size += facts.recorded_bytes_of_domain
    left = budgets.sender_mails_per_hour - recorded
    if not may_write(facts.recent, facts.decided_at, left):
        note = f"{budgets.sender_mails_per_hour} mails of one sender within the hour are enough"
        return Ruling(saw, Defer("rate"), Reason.SENDER_RATE, (note,))
    if of_domain >= budgets.domain_mails_per_hour:
        note = f"{budgets.domain_mails_per_hour} mails of one domain within the hour are enough"
        return Ruling(saw, Defer("rate"), Reason.DOMAIN_RATE, (note,))
    if size >= budgets.sender_mib_per_hour * MIB:
        note = f"{budgets.sender_mib_per_hour} MiB of one sender within the hour are enough"
        return Ruling(saw, Defer("rate"), Reason.SENDER_RATE, (note,))
    if of_domain_size >= budgets.domain_mib_per_hour * MIB:
        note = f"{budgets.domain_mib_per_hour} MiB of one domain within the hour are enough"
        return Ruling(saw, Defer("rate"), Reason.DOMAIN_RATE, (note,))
    return None


def ways_to_own_ticket(arrival: Arrival, sender: Sender) -> set[PointerKind]:
    """How the mail points to a ticket that its author is on. A guest's mail without such a pointer
    is filed nowhere, so it needs no look-up, and its answer discloses nothing."""
    tickets = arrival.facts.tickets
    return {e.kind for e in arrival.entitlements if _is_on(tickets[e.ticket], sender)}


def _is_on(ticket: Ticket, sender: Sender) -> bool:
    member = ticket.participant(sender.address)
    return member is not None and member.presence is not Presence.REMOVED
