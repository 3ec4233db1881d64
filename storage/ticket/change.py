"""Changes to a ticket: loads the facts, has the rules decide, and writes the effects.

The API, the command line, signed links and SLA clocks change tickets here. The commands of a mail
are decided with the mail, by the same rules, and written by the same writer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, or_, select

from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import (
    ChangeFacts,
    FeedbackFacts,
    NeededFacts,
    facts_needed_for,
    follow_merges,
)
from rules.decision.effects import ChangeRefused, Effects, no_such_ticket
from rules.decision.request import Request, RequestFacts, decide_request
from rules.facts import EarlierRequest, EscalationFacts, KnownComment
from rules.mail.addresses import normalise
from rules.mail.subjects import subject_besides
from rules.people import Role
from rules.policy import Policy
from rules.service.escalation import contacts_for
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Change, Rating, Source
from rules.ticket.model import Ticket
from rules.ticket.saved_replies import SavedReplies
from rules.ticket.visibility import Visibility
from storage.db.statements import compiled
from storage.db.tables import AttachmentRow, AuditRow, CommentRow, PersonRow, TicketRow, table
from storage.registry import lookup, mailboxes
from storage.registry.saved_replies import replies_for
from storage.ticket import load
from storage.ticket.opening import NewTicketRow, open_ticket, write_changes
from storage.ticket.rows import ChangeContext, storable
from storage.ticket.withheld import record_withheld

_audit, _comment, _ticket = table(AuditRow), table(CommentRow), table(TicketRow)
_attachment, _person = table(AttachmentRow), table(PersonRow)

BUDGETED = timedelta(hours=1)
"""Notices of the last hour count against the budgets."""
LATEST = 10
"""Public comments in the history of an escalation."""
REQUESTS = 100
"""Earlier escalations that the next one depends on: those that reached a level, which are few, and
the latest of the others."""
BEGINNING = 16 * 1024
"""Characters of each that are read: the change is decided in the event loop."""
DAY = timedelta(days=1)

# Compiled, since a mail's facts are gathered inside `pipelined`.
_OF_AUTHOR = (_person.c.mailbox_id == _comment.c.mailbox_id) & (
    _person.c.address == _comment.c.author
)
"""Also of somebody who is no longer active."""
_HISTORY = compiled(
    select(
        _comment.c.author,
        _comment.c.subject,
        func.substr(_comment.c.text, 1, BEGINNING).label("text"),
        _comment.c.written_at,
        _comment.c.journal_id,
        _comment.c.proof,
        _person.c.role,
    )
    .join_from(_comment, _person, _OF_AUTHOR, isouter=True)
    .where(
        _comment.c.ticket_id == bindparam("ticket"),
        _comment.c.visibility == Visibility.PUBLIC.value,
    )
    .order_by(_comment.c.id.desc())
    .limit(LATEST)
)
_ESCALATED = compiled(
    select(_audit.c.id, _audit.c.at, _audit.c.was, _audit.c.became, _audit.c.subject)
    .where(_audit.c.ticket_id == bindparam("ticket"), _audit.c.event == AuditEvent.ESCALATED.value)
    .order_by(_audit.c.was == _audit.c.became, _audit.c.id.desc())
    .limit(REQUESTS)
)

# By way of the tickets that changed within the hour: the audit trail has an index by ticket.
_ESCALATED_LATELY = compiled(
    select(_audit.c.at)
    .join_from(_ticket, _audit, _audit.c.ticket_id == _ticket.c.id)
    .where(
        _ticket.c.mailbox_id == bindparam("mailbox"),
        _ticket.c.updated_at > bindparam("since"),  # has an index
        _ticket.c.escalated_at > bindparam("since"),
        _audit.c.at > bindparam("since"),
        _audit.c.event == AuditEvent.ESCALATED.value,
        _audit.c.actor == bindparam("actor"),
    )
)


def change_ticket(
    connection: Connection,
    context: ChangeContext,
    number: int,
    changes: Sequence[Change],
    policy: Policy,
    *,
    by_staff: bool,
) -> Effects | ChangeRefused:
    """Make all of the changes in their order, or none.

    Raises Conflict if another transaction has changed the ticket meanwhile.
    """
    ticket = _load(connection, context, number)
    if ticket is None:
        return no_such_ticket(number)
    return change_loaded(connection, context, ticket, changes, policy, by_staff=by_staff)


def change_loaded(
    connection: Connection,
    context: ChangeContext,
    ticket: Ticket,
    changes: Sequence[Change],
    policy: Policy,
    *,
    by_staff: bool,
    on: Ticket | None = None,
) -> Effects | ChangeRefused:
    """The same for a ticket that this transaction has loaded; `on` the one of `changed_by`, if that
    was loaded as well."""
    merged_from = ticket.id if ticket.merged_into is not None and follow_merges(changes) else None
    ticket = on or changed_by(connection, context, ticket, changes)
    needed = facts_needed_for(changes)
    facts = _facts(connection, context, ticket, needed, by_staff, merged_from)
    if needed.contacts:
        contacts = contacts_for(policy, facts.staff, [ticket])
        found = lookup.unreachable_among(connection, context.mailbox, contacts)
        facts = replace(facts, unreachable=found)
    decided = decide_changes(ticket, changes, facts, policy)
    if isinstance(decided, Effects):
        seen = (ticket, *facts.tickets.values())
        versions = {each.id: each.version for each in seen}
        write_changes(connection, context, ticket.id, decided, versions, policy)
        record_withheld(connection, context, ticket.id, decided.withheld)
    return decided


def changed_by(
    connection: Connection, context: ChangeContext, ticket: Ticket, changes: Sequence[Change]
) -> Ticket:
    """The ticket on which changes are made: for comments that are published on a merged one, the
    one that it is part of in the end."""
    if ticket.merged_into is None or not follow_merges(changes):
        return ticket
    return load.end_of_merges(connection, context.mailbox, ticket, context.now - BUDGETED)


def _load(connection: Connection, context: ChangeContext, number: int) -> Ticket | None:
    since = context.now - BUDGETED
    return load.load(connection, context.mailbox, [number], since).get(number)


def _facts(
    connection: Connection,
    context: ChangeContext,
    ticket: Ticket,
    needed: NeededFacts,
    by_staff: bool,
    merged_from: int | None,
) -> ChangeFacts:
    mailbox, now = context.mailbox, context.now
    asked = (*needed.addresses, context.actor) if needed.addresses else ()
    people = lookup.people(connection, mailbox, asked, now)
    staff = lookup.staff(connection, mailbox)
    return ChangeFacts(
        at=now,
        actor=context.actor,
        source=context.source,
        by_staff=by_staff,
        mailbox=mailbox.address,
        staff=staff(),
        people=people(),
        own_addresses=mailboxes.own_addresses(connection) if needed.addresses else frozenset(),
        tickets=load.load_with_next(connection, mailbox, needed.tickets, now - BUDGETED),
        comments=known_comments(connection, merged_from or ticket.id, ticket, needed.comments),
        merged_from=merged_from,
        written=_written_lately(connection, context) if needed.written and not by_staff else 0,
        severity_changes=(
            _severity_changes(connection, context, ticket.id)
            if needed.severity and not by_staff
            else ()
        ),
        escalation=(
            escalation_facts(connection, ticket) if needed.escalation else EscalationFacts()
        ),
        escalated_lately=(
            escalated_lately(connection, mailbox.id, context.actor, now)
            if needed.escalation and not by_staff
            else ()
        ),
        replies=(
            replies_for(connection, mailbox, needed.replies, (ticket,), now)
            if needed.replies is not None
            else SavedReplies()
        ),
        feedback=(
            _feedback(connection, context, ticket.id, needed.feedback)
            if needed.feedback
            else FeedbackFacts()
        ),
    )


def known_comments(
    connection: Connection, on: int, ticket: Ticket, numbers: frozenset[int]
) -> dict[int, KnownComment]:
    """Comments `on` a ticket of this number, as they read on `ticket`."""
    if not numbers:
        return {}
    files = exists().where(_attachment.c.comment_id == _comment.c.id)
    query = (
        select(
            _comment.c.id,
            _comment.c.author,
            _comment.c.visibility,
            _comment.c.subject,
            _comment.c.text,
            _comment.c.written_at,
            _comment.c.folded_as,
            _comment.c.meant_as_note,
            _comment.c.journal_id,
            _comment.c.proof,
            _person.c.role,
            files.label("has_files"),
        )
        .join_from(_comment, _person, _OF_AUTHOR, isouter=True)
        .where(_comment.c.ticket_id == on, _comment.c.id.in_(numbers))
    )
    return {
        row.id: replace(
            _known_comment(row, ticket, Visibility(row.visibility)),
            has_files=bool(row.has_files),
            would_be=Visibility(row.folded_as) if row.folded_as else None,
            meant_as_note=row.meant_as_note,
        )
        for row in connection.execute(query)
    }


def escalation_facts(connection: Connection, ticket: Ticket) -> EscalationFacts:
    """What the decision on an escalation must know of a ticket."""
    return EscalationFacts(
        history=_history(connection, ticket),
        earlier=_earlier_requests(connection, ticket.id),
    )


def escalated_lately(
    connection: Connection, mailbox: int, actor: str, now: datetime
) -> tuple[datetime, ...]:
    """When somebody has escalated any ticket of the mailbox within the hour."""
    since = now - BUDGETED
    rows = _ESCALATED_LATELY.rows(connection, mailbox=mailbox, actor=actor, since=since)
    return tuple(row.at for row in rows)


def _history(connection: Connection, ticket: Ticket) -> tuple[KnownComment, ...]:
    """The last public comments, the oldest first."""
    rows = _HISTORY.rows(connection, ticket=ticket.id)
    return tuple(_known_comment(row, ticket, Visibility.PUBLIC) for row in reversed(rows))


def _known_comment(row: Any, ticket: Ticket, visibility: Visibility) -> KnownComment:
    by_staff = row.role == Role.STAFF.value
    return KnownComment(
        row.author,
        visibility,
        row.text,
        row.written_at,
        subject=subject_besides(row.subject, ticket.subject, by_staff=by_staff),
        has_commands=by_staff and row.journal_id is not None,
        proof=row.proof,
    )


def _earlier_requests(connection: Connection, ticket: int) -> tuple[EarlierRequest, ...]:
    """The latest first."""
    rows = sorted(_ESCALATED.rows(connection, ticket=ticket), key=lambda row: -row.id)
    return tuple(EarlierRequest(row.at, int(row.was), int(row.became), row.subject) for row in rows)


def _feedback(
    connection: Connection, context: ChangeContext, ticket: int, texts: Collection[str]
) -> FeedbackFacts:
    rating = connection.execute(select(_ticket.c.rating).where(_ticket.c.id == ticket)).scalar()
    by_stored = {storable(text): text for text in texts}
    same = select(_comment.c.text).where(
        _comment.c.ticket_id == ticket,
        _comment.c.author == context.actor,
        _comment.c.visibility == Visibility.NOTE.value,
        _comment.c.journal_id.is_(None),
        _comment.c.text.in_(by_stored),
    )
    noted = frozenset(by_stored[stored] for stored in connection.execute(same).scalars())
    notes = select(func.count()).where(
        _comment.c.ticket_id == ticket,
        _comment.c.author == context.actor,
        _comment.c.journal_id.is_(None),
        _comment.c.proof == Source.WEB.value,
    )
    left = connection.execute(notes).scalar_one()
    rated = select(func.count()).where(
        _audit.c.ticket_id == ticket,
        _audit.c.event == AuditEvent.FEEDBACK_GIVEN.value,
        _audit.c.actor == context.actor,
        _audit.c.at > context.now - DAY,
    )
    ratings = connection.execute(rated).scalar_one()
    return FeedbackFacts(Rating(rating) if rating else None, noted, left, ratings)


def _written_lately(connection: Connection, context: ChangeContext) -> int:
    """The actor's comments within the hour that came over the API."""
    query = select(func.count()).where(
        _comment.c.mailbox_id == context.mailbox.id,
        _comment.c.author == context.actor,
        _comment.c.written_at > context.now - BUDGETED,
        _comment.c.journal_id.is_(None),  # has an index
        _comment.c.proof == Source.API.value,
    )
    return int(connection.execute(query).scalar_one())


def _severity_changes(
    connection: Connection, context: ChangeContext, ticket: int
) -> tuple[datetime, ...]:
    """When the actor has changed the severity of the ticket within the hour."""
    query = select(_audit.c.at).where(
        _audit.c.ticket_id == ticket,
        _audit.c.at > context.now - BUDGETED,
        _audit.c.event == AuditEvent.SEVERITY_CHANGED.value,
        _audit.c.actor == context.actor,
    )
    return tuple(connection.execute(query).scalars())


def _opened_lately(connection: Connection, context: ChangeContext, author: str) -> int:
    """The tickets of the hour whose first words are theirs: not those that colleagues, by a reply
    to a closed ticket, or staff have opened for them."""
    lately = context.now - BUDGETED
    first = (
        select(_comment.c.author)
        .where(_comment.c.ticket_id == _ticket.c.id)
        .order_by(_comment.c.id)
        .limit(1)
    )
    query = select(func.count()).where(
        _ticket.c.mailbox_id == context.mailbox.id,
        _ticket.c.updated_at > lately,  # has an index
        _ticket.c.opened_at > lately,
        or_(_ticket.c.requester == author, _ticket.c.follows.is_not(None)),
        first.scalar_subquery() == author,
    )
    return int(connection.execute(query).scalar_one())


def open_requested(
    connection: Connection,
    context: ChangeContext,
    request: Request,
    policy: Policy,
    *,
    by_staff: bool,
) -> int | ChangeRefused:
    """Open a ticket on a request that did not come by mail; returns its number."""
    named = {normalise(written) or written for written in request.cc}
    people = lookup.people(connection, context.mailbox, [request.requester, *named], context.now)
    staff = lookup.staff(connection, context.mailbox)()
    known = people()
    facts = RequestFacts(
        at=context.now,
        actor=context.actor,
        by_staff=by_staff,
        mailbox=context.mailbox.address,
        requester=known.get(request.requester),
        staff=staff,
        source=context.source,
        unreachable=lookup.unreachable_among(
            connection, context.mailbox, contacts_for(policy, staff, ())
        ),
        opened=0 if by_staff else _opened_lately(connection, context, request.requester),
        people=known,
        own_addresses=mailboxes.own_addresses(connection) if named else frozenset(),
    )
    opening = decide_request(request, facts, policy)
    if isinstance(opening, ChangeRefused):
        return opening
    comment = request.comment(context.actor, context.now, context.source)
    new = NewTicketRow(context.now)
    return open_ticket(connection, context, opening, comment, new, policy)
