"""Tags are given to a ticket, and taken from it."""

from __future__ import annotations

from rules.decision.effects import ChangeRefused, Effects
from rules.decision.staff_effects import TagAdded, TagRemoved
from rules.sentence import sentence
from rules.ticket.changes import AddTag, RemoveTag
from rules.ticket.model import Ticket
from rules.ticket.tags import MOST_TAGS, TAG_LENGTH, as_tag


def add_tag(ticket: Ticket, change: AddTag) -> Effects | ChangeRefused:
    tag = as_tag(change.tag)
    if tag is None:
        return _not_a_tag(change.tag)
    done = sentence("#{ticket} has the tag {tag}", ticket=ticket.id, tag=tag)
    if tag in ticket.tags:
        return Effects(done=(done,))
    if len(ticket.tags) >= MOST_TAGS:
        return ChangeRefused(
            sentence(
                "#{ticket} has {most} tags; remove one first", ticket=ticket.id, most=MOST_TAGS
            )
        )
    return Effects((TagAdded(tag),), (done,))


def remove_tag(ticket: Ticket, change: RemoveTag) -> Effects | ChangeRefused:
    tag = as_tag(change.tag)
    if tag is None:
        return _not_a_tag(change.tag)
    if tag not in ticket.tags:
        known = ", ".join(sorted(ticket.tags)) or "none"
        return ChangeRefused(
            sentence(
                "#{ticket} has no tag {tag}; it has: {known}",
                ticket=ticket.id,
                tag=tag,
                known=known,
            )
        )
    done = sentence("#{ticket} has no tag {tag} any more", ticket=ticket.id, tag=tag)
    return Effects((TagRemoved(tag),), (done,))


def _not_a_tag(written: str) -> ChangeRefused:
    return ChangeRefused(
        sentence(
            "{tag} cannot be a tag: write letters and digits without a space, {most} at most",
            tag=repr(written[: TAG_LENGTH + 1]),
            most=TAG_LENGTH,
        )
    )
