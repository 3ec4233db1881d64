"""Decides changes to a ticket: the effects of each, or the reason why it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from rules.decision.after import after
from rules.decision.change.comments import publish_comment, rate, write_comment
from rules.decision.change.complete import complete
from rules.decision.change.escalation import escalate
from rules.decision.change.facts import ChangeFacts
from rules.decision.change.fields import set_field
from rules.decision.change.merging import merge
from rules.decision.change.overdue import report_overdue
from rules.decision.change.people import add_person, remove_person, settle_person, unsubscribe
from rules.decision.change.preferences import follow, prefer_notices, unfollow
from rules.decision.change.requester import set_requester
from rules.decision.change.snooze import snooze, wake_up
from rules.decision.change.splitting import split
from rules.decision.change.state import (
    assign,
    delete,
    set_any_severity,
    set_severity,
    set_status,
    workaround,
)
from rules.decision.change.tags import add_tag, remove_tag
from rules.decision.effects import (
    ChangeRefused,
    Effect,
    Effects,
    Notified,
    no_such_ticket,
    notified,
)
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service.assigning import of_assignment, readers_of, without_comment
from rules.service.follow_up import without_next_steps
from rules.service.more import summaries
from rules.ticket.changes import (
    AddPerson,
    AddTag,
    Assign,
    Change,
    Complete,
    Delete,
    Escalate,
    Follow,
    Merge,
    PreferNotices,
    PublishComment,
    Rate,
    RemovePerson,
    RemoveTag,
    ReportOverdue,
    SetAnySeverity,
    SetField,
    SetRequester,
    SetSeverity,
    SetStatus,
    SettlePerson,
    Snooze,
    Split,
    Unfollow,
    Unsubscribe,
    WakeUp,
    Workaround,
    WriteComment,
)
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder
from rules.ticket.visibility import Visibility


def decide_changes(
    ticket: Ticket, changes: Sequence[Change], facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """All of the changes in their order, each decided on the ticket after those before it; or none.

    With a public comment among them, `facts.published` is true for all: its notices show the new
    state of the ticket, so no further notice of the status is sent.
    """
    written = [change for change in changes if isinstance(change, WriteComment)]
    public = any(each.visibility is Visibility.PUBLIC for each in written)
    facts = replace(facts, published=facts.published or public)
    whole, assignee = Effects(), ticket.assignee
    for change in changes:
        decided = decide_change(ticket, change, facts, policy)
        if isinstance(decided, ChangeRefused):
            return decided
        ticket = after(ticket, decided.rows, facts.at)
        if isinstance(change, Rate):
            facts = replace(facts, feedback=facts.feedback.after(change))
        whole = Effects((*whole.rows, *decided.rows), (*whole.done, *decided.done))
    quotes = facts.comments_with or bool(written)
    assigned = of_assignment(assignee, ticket, facts, policy, quotes=quotes)
    whole = Effects((*_assigning(whole.rows, assigned), *notified(assigned)), whole.done)
    due = summaries(whole.withheld, ticket, facts.at, facts.at)
    reminders = _reminders(ticket, changes, policy) if facts.by_staff else ()
    done = (*whole.done, *reminders, *_withheld(whole.withheld))
    return Effects((*whole.rows, *notified(due)), done)


def _assigning(rows: tuple[Effect, ...], assigned: tuple[NoticeOrder, ...]) -> tuple[Effect, ...]:
    """The effects; the comment is not sent to those whose mail about an assignment carries it."""
    readers = readers_of(assigned)
    return tuple(
        Notified(without_comment(row.orders, readers), without_comment(row.withheld, readers))
        if readers and isinstance(row, Notified)
        else row
        for row in rows
    )


def _reminders(ticket: Ticket, changes: Sequence[Change], policy: Policy) -> tuple[Sentence, ...]:
    """What is reported of public answers, on the ticket as all of the changes leave it."""
    answers = (c for c in changes if isinstance(c, WriteComment))
    public = (c.text for c in answers if c.visibility is Visibility.PUBLIC)
    said = (without_next_steps(ticket, text, policy) for text in public)
    return tuple(each for each in said if each is not None)


def _withheld(orders: tuple[NoticeOrder, ...]) -> tuple[Sentence, ...]:
    """What is reported of notices that are left out: not to whom, which not everybody may read."""
    if not orders:
        return ()
    return (
        sentence(
            "notices not sent, since their readers were sent enough about the ticket within the "
            "hour: {number}",
            number=len(orders),
        ),
    )


def decide_change(
    ticket: Ticket, change: Change, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """The effects of one change on a ticket."""
    if ticket.deleted:
        return no_such_ticket(ticket.id)
    if ticket.merged_into is not None and not isinstance(change, Unsubscribe | Rate):
        return ChangeRefused(
            sentence(
                "#{ticket} was merged into #{into}; change that one",
                ticket=ticket.id,
                into=ticket.merged_into,
            )
        )
    match change:
        case SetStatus():
            return set_status(ticket, change, facts, policy)
        case SetSeverity():
            return set_severity(ticket, change, facts, policy)
        case SetAnySeverity():
            return set_any_severity(ticket, change, facts, policy)
        case Workaround():
            return workaround(ticket, change, facts, policy)
        case Complete():
            return complete(ticket, change, facts, policy)
        case SetField():
            return set_field(ticket, change, policy)
        case AddTag():
            return add_tag(ticket, change)
        case RemoveTag():
            return remove_tag(ticket, change)
        case Assign():
            return assign(ticket, change, facts)
        case AddPerson():
            return add_person(ticket, change, facts, policy)
        case RemovePerson():
            return remove_person(ticket, change)
        case SetRequester():
            return set_requester(ticket, change, facts, policy)
        case Snooze():
            return snooze(ticket, change, facts, policy)
        case WakeUp():
            return wake_up(ticket, facts, policy)
        case SettlePerson():
            return settle_person(ticket, change, facts, policy)
        case Unsubscribe():
            return unsubscribe(ticket, change, facts)
        case WriteComment():
            return write_comment(ticket, change, facts, policy)
        case PublishComment():
            return publish_comment(ticket, change, facts, policy)
        case Escalate():
            return escalate(ticket, change, facts, policy)
        case Merge():
            return merge(ticket, change, facts, policy)
        case Split():
            return split(ticket, change, facts, policy)
        case Follow():
            return follow(ticket, facts)
        case Unfollow():
            return unfollow(ticket, facts)
        case PreferNotices():
            return prefer_notices(change, facts)
        case Delete():
            return delete(ticket, change)
        case Rate():
            return rate(ticket, change, facts, policy)
        case ReportOverdue():
            return report_overdue(ticket, facts, policy)
        case _:
            assert_never(change)
