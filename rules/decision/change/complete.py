"""A request is declared complete, or submitted in the portal: the clock that waited begins."""

from __future__ import annotations

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    ChangeRefused,
    DeclaredComplete,
    Effect,
    Effects,
    MissingChanged,
    clock_effects,
    notified,
)
from rules.policy import Policy
from rules.sentence import sentence
from rules.service import asking, sla_rules
from rules.service.limits import NoticeBudget
from rules.ticket.changes import Complete
from rules.ticket.model import Ticket


def complete(
    ticket: Ticket, change: Complete, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """Staff declare it complete whatever is missing. A customer submits it in the portal where it
    waits for that; what is missing stays missing."""
    if not facts.by_staff and not ticket.waits_for_portal:
        return ChangeRefused(
            sentence(
                "only staff may declare #{ticket} complete; write what is missing in a comment",
                ticket=ticket.id,
            )
        )
    if ticket.status.is_over:
        return ChangeRefused(
            sentence(
                "#{ticket} is {status}; reopen it before you declare it complete",
                ticket=ticket.id,
                status=ticket.status,
            )
        )
    begins = sla_rules.accepted(policy, ticket, facts.at)
    given = ticket.missing if facts.by_staff else ()
    if begins is None and not given:
        return Effects(done=(sentence("#{ticket} is complete already", ticket=ticket.id),))
    rows: tuple[Effect, ...] = (DeclaredComplete(ticket.missing, change.reason),)
    if given:
        rows = (*rows, MissingChanged(()))
    if begins is not None:
        rows = (*rows, *clock_effects(begins))
    if not ticket.staff_spoke:
        budget = NoticeBudget.STAFF if facts.by_staff else NoticeBudget.CUSTOMERS
        without = () if facts.by_staff else ticket.missing
        rows = (*rows, *notified(asking.completed(ticket, without, policy, budget)))
    if facts.by_staff:
        return Effects(rows, (sentence("#{ticket} is complete", ticket=ticket.id),))
    return Effects(rows, (sentence("#{ticket} is submitted", ticket=ticket.id),))
