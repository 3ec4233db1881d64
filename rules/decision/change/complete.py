"""A request is declared complete: the clock that waited for it begins."""

from __future__ import annotations

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    ChangeRefused,
    DeclaredComplete,
    Effects,
    MissingChanged,
    clock_effects,
)
from rules.policy import Policy
from rules.sentence import sentence
from rules.service import sla_rules
from rules.ticket.changes import Complete
from rules.ticket.model import Ticket


def complete(
    ticket: Ticket, change: Complete, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    begins = sla_rules.completed(policy, ticket, (), facts.at)
    if not ticket.missing and begins is None:
        already = sentence("#{ticket} is complete already", ticket=ticket.id)
        return Effects(done=(already,))
    rows = (
        DeclaredComplete(ticket.missing, change.reason),
        MissingChanged(()),
        *(clock_effects(begins) if begins is not None else ()),
    )
    done = sentence("#{ticket} is complete", ticket=ticket.id)
    return Effects(rows, (done,))
