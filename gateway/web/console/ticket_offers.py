"""What people can choose on the page of a ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rules.mail.presented import Mask
from rules.policy import Policy
from rules.policy.fields import FieldSection
from rules.ticket.severity import Level
from storage.ticket.views import TicketView

SNOOZES: Mapping[str, str] = MappingProxyType(
    {
        "4h": "for 4 hours",
        "1d": "until tomorrow",
        "3d": "for 3 days",
        "monday": "until Monday",
        "1w": "for a week",
        "2w": "for two weeks",
    }
)
"""Until when a ticket is often set aside, as a command writes it and in words."""

KEYS = frozenset(SNOOZES.values())


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the ticket, with how people set it."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...]
    """The only values that it may have, the one that it has included; empty for any."""
    several: bool

    @property
    def is_chosen(self) -> bool:
        """Whether it is one of a few values."""
        return bool(self.choices) and not self.several


@dataclass(frozen=True, slots=True)
class Offers:
    """What the policy and the mailbox offer to those who work on the ticket."""

    levels: tuple[Level, ...] = ()
    fields: tuple[ShownField, ...] = ()
    escalates: bool = False
    workaround_lowers: bool = False
    replies: tuple[str, ...] = ()
    """The names of the saved replies."""


def offers_of(
    view: TicketView, policy: Policy | None, replies: Sequence[str], mask: Mask
) -> Offers:
    """Nothing where the policy is missing, without which nothing can be decided."""
    if policy is None:
        return Offers()
    return Offers(
        levels=tuple(policy.levels),
        fields=tuple(
            _settable(each, view.details.fields.get(each.name, ""), mask) for each in policy.fields
        ),
        escalates=bool(policy.escalation.levels),
        workaround_lowers=policy.severity.workaround_lowers,
        replies=tuple(dict.fromkeys(replies)),
    )


def _settable(field: FieldSection, value: str, mask: Mask) -> ShownField:
    shown = mask(value)
    # A policy may have changed since: what is kept stays until somebody chooses another value.
    kept = (shown,) if shown and shown not in field.choices and not field.several else ()
    choices = (*field.choices, *kept) if field.choices else ()
    return ShownField(field.name, field.label, shown, choices, field.several)
