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


def carried_tags(ticket: Ticket, into: Ticket) -> Effects:
    """The tags that a ticket which becomes part of another has and that one has not. Where they are
    too many, the last of them stay behind, and the sentences name them."""
    new = [tag for tag in sorted(ticket.tags) if tag not in into.tags]
    room = max(0, MOST_TAGS - len(into.tags))
    gained, left = new[:room], new[room:]
    done = []
    if gained:
        done.append(
            sentence("#{into} has the tags {tags}", into=into.id, tags=", ".join(gained))
            if len(gained) > 1
            else sentence("#{ticket} has the tag {tag}", ticket=into.id, tag=gained[0])
        )
    if left:
        done.append(
            sentence(
                "#{into} has {most} tags; not carried over from #{ticket}: {tags}",
                into=into.id,
                most=MOST_TAGS,
                ticket=ticket.id,
                tags=", ".join(left),
            )
        )
    return Effects(tuple(TagAdded(tag) for tag in gained), tuple(done))


def _not_a_tag(written: str) -> ChangeRefused:
    return ChangeRefused(
        sentence(
            "{tag} cannot be a tag: write letters and digits without a space, {most} at most",
            tag=repr(written[: TAG_LENGTH + 1]),
            most=TAG_LENGTH,
        )
    )
