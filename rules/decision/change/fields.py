"""A field of a ticket is set: what was found in the text is corrected."""

from __future__ import annotations

from rules.decision.effects import ChangeRefused, Effects, FieldSet
from rules.policy import Policy
from rules.sentence import sentence
from rules.ticket.changes import SetField
from rules.ticket.model import Ticket


def set_field(ticket: Ticket, change: SetField, policy: Policy) -> Effects | ChangeRefused:
    name = change.name.strip().casefold()
    if name not in {each.name for each in policy.fields}:
        known = ", ".join(each.name for each in policy.fields) or "none"
        return ChangeRefused(
            sentence("there is no field {name}; the policy has: {known}", name=name, known=known)
        )
    was, value = ticket.fields.get(name, ""), " ".join(change.value.split())
    done = sentence("{name} of #{ticket} is set", name=name, ticket=ticket.id)
    return Effects((FieldSet(name, was, value),) if value != was else (), (done,))
