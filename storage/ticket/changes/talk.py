"""Words and calls for help on a ticket, other than by a mail of a customer."""

from __future__ import annotations

from sqlalchemy import select, update

from rules.mail.quoting import own_text, visible
from rules.service import notifications, sla_rules
from rules.service.completeness import extract_new_fields
from rules.service.escalation import Escalated, next_level
from rules.ticket.model import Ticket
from rules.ticket.notices import EscalationPayload, NoticeKind, NoticeOrder
from rules.ticket.visibility import Visibility
from storage.db.tables import AuditRow, CommentRow, TicketRow, table
from storage.registry import lookup
from storage.ticket import clocks, write
from storage.ticket.changes.case import Case, ChangeRefused
from storage.ticket.write import Source

_audit, _comment, _ticket = table(AuditRow), table(CommentRow), table(TicketRow)

LATEST = 10
LONGEST_WORDS = 500
"""The history in a notice is for a first look; the whole is with the ticket."""


def say(case: Case, ticket: Ticket, text: str, visibility: Visibility) -> str:
    if not text.strip():
        raise ChangeRefused("there are no words to say")
    hand = case.hand
    number = write.add_comment(
        case.connection, hand, ticket.id, visibility, hand.actor, text, None, (), hand.now, True
    )
    _tell(case, ticket, hand.actor, number, visibility, answers=case.by_staff)
    if not case.by_staff:
        _learn(case, ticket, text)
    return f"said on #{ticket.id} ({visibility})"


def _learn(case: Case, ticket: Ticket, text: str) -> None:
    """A customer's words complete his request, as those of a mail would."""
    found = extract_new_fields(own_text(text), case.policy.fields, ticket.fields)
    write.keep_fields(case.connection, ticket.id, found)
    still = sla_rules.still_missing(case.policy, ticket, text)
    if still is None:
        return
    write.set_missing(case.connection, ticket.id, still)
    ticking = sla_rules.completed(case.policy, ticket, still, case.hand.now)
    if ticking is not None:
        clocks.save_clock(case.connection, case.hand, ticket.id, ticking)


def publish(case: Case, ticket: Ticket, comment: int) -> str:
    published = case.connection.execute(
        update(_comment)
        .where(
            _comment.c.id == comment,
            _comment.c.ticket_id == ticket.id,
            _comment.c.visibility == Visibility.PRIVATE.value,
        )
        .values(visibility=Visibility.PUBLIC.value)
        .returning(_comment.c.author)
    ).all()
    if not published:
        raise ChangeRefused(f"#{ticket.id} has no flagged comment {comment}")
    write.audit(
        case.connection, case.hand, ticket.id, "comment", "private", f"{comment} public", ""
    )
    author = published[0].author
    by_staff = author in {one.address for one in lookup.staff(case.connection, case.hand.mailbox)()}
    _tell(case, ticket, author, comment, Visibility.PUBLIC, answers=by_staff)
    return f"comment {comment} is public on #{ticket.id} now"


def _tell(
    case: Case,
    ticket: Ticket,
    author: str,
    comment: int | None,
    visibility: Visibility,
    answers: bool,
) -> None:
    """Words that are on the ticket now reach its people, and its clock."""
    connection, hand, policy = case.connection, case.hand, case.policy
    staff = lookup.staff(connection, hand.mailbox)()
    orders = notifications.for_comment(
        ticket, author=author, visibility=visibility, staff=staff, policy=policy
    )
    write.queue_notices(connection, hand, orders, ticket.id, comment)
    public = visibility is Visibility.PUBLIC
    if public and answers:
        ticking = sla_rules.answered(policy, ticket, hand.now)
        clocks.save_clock(connection, hand, ticket.id, ticking, hand.now)
    if public:
        write.touch(connection, hand, ticket.id)


def escalate(case: Case, ticket: Ticket, why: str) -> str:
    if case.by_staff and not case.policy.escalation.levels:
        raise ChangeRefused(
            f"the policy {case.policy.name} names no [[escalation.levels]], so there is nobody to "
            f"escalate #{ticket.id} to; assign it to somebody instead"
        )
    by_portal = ticket.in_portal or case.hand.source in (Source.API, Source.CONSOLE)
    raised = next_level(
        ticket.escalation_level,
        staff_spoke=ticket.staff_spoke or _asked_twice(case, ticket),
        critical_claimed=ticket.critical_claimed,
        by_portal=by_portal,
        policy=case.policy,
        at=case.hand.now,
        tier=case.policy.tier(ticket.tier or None),
    )
    if not isinstance(raised, Escalated):
        raise ChangeRefused(raised.reason)
    changed = case.connection.execute(
        update(_ticket)
        .where(_ticket.c.id == ticket.id, _ticket.c.escalation_level == ticket.escalation_level)
        .values(escalation_level=raised.level, updated_at=case.hand.now)
    )
    if changed.rowcount != 1:
        raise ChangeRefused(f"#{ticket.id} was escalated by somebody else meanwhile")
    was = str(ticket.escalation_level)
    write.audit(case.connection, case.hand, ticket.id, "escalation", was, str(raised.level), why)
    write.queue_notices(
        case.connection, case.hand, _escalated(case, ticket, raised, why), ticket.id
    )
    contact = raised.contact
    phone = f", phone {contact.phone}" if contact.phone else ""
    why_not_higher = f". {raised.reason}" if raised.reason else ""
    return (
        f"#{ticket.id} is at level {raised.level}: {raised.title} "
        f"({contact.name}{phone}){why_not_higher}"
    )


def _asked_twice(case: Case, ticket: Ticket) -> bool:
    """Level 1 was asked again already: a desk that never answers holds nobody up for good."""
    again = select(_audit.c.id).where(
        _audit.c.ticket_id == ticket.id,
        _audit.c.what == "escalation",
        _audit.c.was == "1",
        _audit.c.became == "1",
    )
    return case.connection.execute(again.limit(1)).first() is not None


def _history(case: Case, ticket: Ticket) -> str:
    """The last public words on a ticket, the oldest first, each shortened."""
    said = case.connection.execute(
        select(_comment.c.author, _comment.c.written_at, _comment.c.text)
        .where(
            _comment.c.ticket_id == ticket.id,
            _comment.c.visibility == Visibility.PUBLIC.value,
        )
        .order_by(_comment.c.id.desc())
        .limit(LATEST)
    ).all()
    return "\n\n".join(
        f"{row.written_at:%Y-%m-%d %H:%M} UTC, {row.author}:\n"
        f"{visible(row.text).text.strip()[:LONGEST_WORDS]}"
        for row in reversed(said)
    )


def _escalated(case: Case, ticket: Ticket, raised: Escalated, why: str) -> tuple[NoticeOrder, ...]:
    payload = EscalationPayload(
        level=raised.level,
        title=raised.title,
        name=raised.contact.name,
        phone=raised.contact.phone,
        by=case.hand.actor,
        why=" ".join((why, f"({raised.reason})" if raised.reason else "")).strip(),
        history=_history(case, ticket),
    )
    told = [raised.contact.address]
    if case.policy.success_manager.told_of_escalation and ticket.company is not None:
        manager = lookup.success_manager(case.connection, ticket.company)
        told += [manager] if manager else []
    return tuple(
        NoticeOrder(NoticeKind.ESCALATION, one, payload=payload)
        for one in dict.fromkeys(told)
        if one
    )
