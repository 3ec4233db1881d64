"""A field of a ticket is set by a person: what was found in a text is corrected."""

from __future__ import annotations

from rules.decision.effects import ChangeRefused, Effects, FieldSet
from rules.policy import Policy
from rules.sentence import sentence
from rules.ticket.changes import SetField
from rules.ticket.fields import MOST_VALUES, VALUE_LENGTH, listed
from rules.ticket.model import Ticket


def set_field(ticket: Ticket, change: SetField, policy: Policy) -> Effects | ChangeRefused:
    name = change.name.strip().casefold()
    forgotten = not change.value.strip() and name in ticket.fields
    value = "" if forgotten else field_value(name, change.value, policy)
    if isinstance(value, ChangeRefused):
        return value
    was = ticket.fields.get(name, "")
    label = next((each.label for each in policy.fields if each.name == name), name)
    done = (
        sentence("{label} of #{ticket} is now {value}", label=label, ticket=ticket.id, value=value)
        if value
        else sentence("{label} of #{ticket} is now empty", label=label, ticket=ticket.id)
    )
    return Effects((FieldSet(name, was, value),) if value != was else (), (done,))


def field_value(name: str, written: str, policy: Policy) -> str | ChangeRefused:
    """The value of a field as it is kept, where a person may set it to that."""
    field = next((each for each in policy.fields if each.name == name), None)
    if field is None:
        known = ", ".join(each.name for each in policy.fields) or "none"
        return ChangeRefused(
            sentence("there is no field {name}; the policy has: {known}", name=name, known=known)
        )
    parts = written.split(",") if field.several else (written,)
    if any(len(part.strip()) > VALUE_LENGTH for part in parts):
        return ChangeRefused(
            sentence("{name}: a value has at most {most} characters", name=name, most=VALUE_LENGTH)
        )
    values = field.accepted(written)
    if values is None:
        return ChangeRefused(
            sentence(
                "{name}: {value} is not one of its values; expected one of: {known}",
                name=name,
                value=repr(written.strip()),
                known=", ".join(field.choices),
            )
        )
    if len(values) > MOST_VALUES:
        return ChangeRefused(
            sentence("{name} has at most {most} values", name=name, most=MOST_VALUES)
        )
    return listed(values) if field.several else "".join(values)
