"""Comments on a ticket that do not come by mail, and feedback on the help."""

from __future__ import annotations

from dataclasses import replace

from rules.commands import command_lines
from rules.commands.readable import is_meant_as_note
from rules.decision.change.facts import ChangeFacts
from rules.decision.change.preferences import followed_by
from rules.decision.effects import (
    ChangeRefused,
    CommentPublished,
    CommentWritten,
    Effect,
    Effects,
    FieldsFound,
    MissingChanged,
    NewComment,
    Rated,
    StatusChanged,
    Touched,
    clock_effects,
    notified,
)
from rules.decision.staff_effects import woken
from rules.facts import KnownComment
from rules.mail.invisible import is_visible
from rules.mail.quoting import own_text
from rules.mail.thanks import is_reaction, only_thanks
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import asking, notifications, sla_rules
from rules.service.completeness import extract_new_fields
from rules.service.feedback_notices import given_with_rating
from rules.service.follow_up import after_answer
from rules.service.limits import NoticeBudget
from rules.service.saved_replies import before, inserted
from rules.service.sla_rules import ClockChange
from rules.service.unnotified import without_reader
from rules.ticket.changes import PublishComment, Rate, WriteComment
from rules.ticket.lifecycle import NEXT, Event, Status
from rules.ticket.model import Ticket
from rules.ticket.saved_replies import wanted_name
from rules.ticket.visibility import Visibility

MOST_NOTES = 10
"""Of one person's feedback on one ticket: the link can be used as often as its holder likes."""
MOST_RATINGS = 20
"""Of one person on one ticket within a day, in the audit trail: further ones only take effect."""
TEXT_LEFT_OUT = sentence("the text was not kept: the ticket has enough notes of this feedback")


def write_comment(
    ticket: Ticket, change: WriteComment, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    if change.macro:
        text = inserted(
            wanted_name(change.macro),
            facts.replies,
            ticket,
            author=facts.actor,
            staff=facts.staff,
            policy=policy,
        )
        if isinstance(text, Sentence):
            return ChangeRefused(text)
        change = replace(change, text=before(text, change.text), macro="")
    if not change.text.strip() and not change.files.attachments:
        return ChangeRefused(sentence("the comment is empty"))
    if change.text.strip() and not is_visible(change.text):
        return ChangeRefused(sentence("the comment has only characters that nobody sees"))
    published = facts.by_staff and change.visibility is Visibility.PUBLIC
    if published and (lines := command_lines(change.text)):
        return ChangeRefused(
            sentence(
                "the comment has a line that is a command by mail, {line}; ask for the change "
                "itself, or write another word before the #",
                line=repr(lines[0][:60]),
            )
        )
    budget = policy.budgets.sender_mails_per_hour
    if facts.written >= budget:
        return ChangeRefused(
            sentence(
                "{address} has written {budget} comments within the hour; try again later",
                address=facts.actor,
                budget=budget,
            )
        )
    comment = NewComment(
        facts.actor,
        change.visibility,
        change.text,
        facts.at,
        facts.source.value,
        attachments=change.files.attachments,
        files_digest=change.files.digest,
    )
    rows: tuple[Effect, ...] = (
        CommentWritten(comment),
        *_consequences(ticket, comment, facts.by_staff, facts, policy),
    )
    if facts.by_staff:
        rows = (*rows, *followed_by(ticket, facts.actor, facts, audited=False))
    else:
        rows = (*rows, *woken(ticket))
        found, begins = _completed_by(ticket, change.text, facts, policy)
        rows = (*rows, *found, *(clock_effects(begins) if begins is not None else ()))
    done = sentence(
        "comment added to #{ticket} ({visibility})",
        ticket=ticket.id,
        visibility=change.visibility,
    )
    unread = without_reader(ticket, author=facts.actor) if published else None
    return Effects(rows, (done,) if unread is None else (done, unread))


def _completed_by(
    ticket: Ticket, text: str, facts: ChangeFacts, policy: Policy, became: Status | None = None
) -> tuple[tuple[Effect, ...], ClockChange | None]:
    """Fields and missing facts in a customer's text, as in the text of a mail; and the clock that
    begins if the request is complete with them, of which its requester is notified."""
    found = extract_new_fields(own_text(text), policy.fields, ticket.fields)
    rows: tuple[Effect, ...] = (FieldsFound(found),) if found else ()
    missing = sla_rules.still_missing(policy, ticket, text)
    if missing is not None:
        budget = NoticeBudget.STAFF if facts.by_staff else NoticeBudget.CUSTOMERS
        orders = asking.once_answered(ticket, missing, policy, budget)
        rows = (*rows, MissingChanged(missing), *notified(orders))
    return rows, sla_rules.completed(policy, ticket, missing, facts.at, became)


def publish_comment(
    ticket: Ticket, change: PublishComment, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    comment = facts.comments.get(change.comment)
    by_staff = comment is not None and comment.author in {each.address for each in facts.staff}
    is_note = (
        by_staff
        and comment is not None
        and (comment.meant_as_note or is_meant_as_note(comment.text))
    )
    became = _published_as(comment, is_note=is_note)
    on = facts.merged_from or ticket.id
    if comment is not None and change.seen not in (None, comment.visibility):
        return ChangeRefused(
            sentence(
                "comment {comment} on #{ticket} is {visibility} now",
                comment=change.comment,
                ticket=on,
                visibility=comment.visibility,
            )
        )
    if comment is None or became is None:
        return ChangeRefused(
            sentence(
                "#{ticket} has no flagged comment {comment}", ticket=on, comment=change.comment
            )
        )
    folded = comment.visibility is Visibility.FOLDED
    accepted = folded and became is Visibility.PUBLIC and not by_staff
    rows: tuple[Effect, ...] = (
        CommentPublished(change.comment, comment.visibility, became, facts.merged_from),
        *_consequences(ticket, replace(comment, visibility=became), by_staff, facts, policy),
        *(_effects_of_mail(ticket, comment, facts, policy) if accepted else ()),
    )
    if became is Visibility.PUBLIC:
        done = sentence(
            "comment {comment} on #{ticket} is now public", comment=change.comment, ticket=ticket.id
        )
    elif is_note and became is Visibility.NOTE:
        done = sentence(
            "comment {comment} on #{ticket} is a note, as its author wrote it; only staff read it",
            comment=change.comment,
            ticket=ticket.id,
        )
    else:
        done = sentence(
            "comment {comment} on #{ticket} is no longer folded; only staff read it",
            comment=change.comment,
            ticket=ticket.id,
        )
    if facts.merged_from is None:
        return Effects(rows, (done,))
    moved_here = sentence(
        "#{was} was merged: its comment {comment} is on #{ticket} now",
        was=facts.merged_from,
        comment=change.comment,
        ticket=ticket.id,
    )
    return Effects(rows, (done, moved_here))


def _published_as(comment: KnownComment | None, *, is_note: bool) -> Visibility | None:
    """What a comment becomes when staff accept it; None for one that does not wait for them. What
    its author wrote as a note stays among staff: of two readings the more private one counts."""
    match comment:
        case KnownComment(visibility=Visibility.PRIVATE) if is_note:
            return Visibility.NOTE
        case KnownComment(visibility=Visibility.PRIVATE):
            return Visibility.PUBLIC
        case KnownComment(visibility=Visibility.FOLDED, would_be=would_be):
            return would_be
        case _:
            return None


def _effects_of_mail(
    ticket: Ticket, comment: KnownComment, facts: ChangeFacts, policy: Policy
) -> tuple[Effect, ...]:
    """What a customer's mail does besides being read, as when it is filed at once: it completes the
    request, and moves the ticket unless it only says thanks."""
    thanks = only_thanks(f"{comment.subject}\n{comment.text}") or is_reaction(comment.text)
    event = Event.THANKED if thanks and not comment.has_files else Event.CUSTOMER_WROTE
    became = NEXT.get((ticket.status, event), ticket.status)
    rows, clock = _completed_by(ticket, comment.text, facts, policy, became)
    rows = (*rows, *woken(ticket))
    if became is not ticket.status:
        rows = (*rows, StatusChanged(ticket.status, became, "a folded mail was accepted"))
        clock = clock or sla_rules.status_changed(policy, ticket, became, facts.at)
    return rows if clock is None else (*rows, *clock_effects(clock))


def _consequences(
    ticket: Ticket,
    comment: NewComment | KnownComment,
    by_staff: bool,
    facts: ChangeFacts,
    policy: Policy,
) -> tuple[Effect, ...]:
    """The notices of a comment that is written or published, and its effect on the clock."""
    orders = notifications.for_comment(
        ticket,
        author=comment.author,
        visibility=comment.visibility,
        staff=facts.staff,
        policy=policy,
        budget=NoticeBudget.STAFF if facts.by_staff else NoticeBudget.CUSTOMERS,
    )
    rows = notified(orders)
    if comment.visibility is Visibility.NOTE:  # the digests of staff list what was touched
        return (*rows, Touched())
    if comment.visibility is not Visibility.PUBLIC:
        return rows
    if by_staff:
        clock = sla_rules.answered(policy, ticket, facts.at)
        rows = (*rows, *clock_effects(clock, answered_at=facts.at))
        rows = (*rows, *notified(after_answer(ticket, comment.author, policy)))
    return (*rows, Touched())


def rate(ticket: Ticket, change: Rate, facts: ChangeFacts, policy: Policy) -> Effects:
    """The rating replaces an earlier one; the text becomes a note for staff, once, of which they
    are notified."""
    before = facts.feedback
    is_new = bool(change.text) and change.text not in before.noted
    adds_note = is_new and before.notes < MOST_NOTES
    done: tuple[Sentence, ...] = (sentence("feedback on #{ticket} is recorded", ticket=ticket.id),)
    if is_new and not adds_note:
        done = (*done, TEXT_LEFT_OUT)
    if before.rating is change.rating and not adds_note:
        return Effects(done=done)
    note = NewComment(facts.actor, Visibility.NOTE, change.text, facts.at, facts.source.value)
    written: tuple[Effect, ...] = ()
    if adds_note:
        rating = change.rating.value
        orders = given_with_rating(ticket, facts.actor, rating, facts.staff, policy)
        written = (CommentWritten(note), *notified(orders))
    audited = before.rated < MOST_RATINGS
    rated = Rated(before.rating, change.rating, audited)
    touched = (Touched(),) if audited or adds_note else ()
    return Effects((*written, rated, *touched), done)
