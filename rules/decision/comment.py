"""A customer's mail on a ticket that they may write on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rules.decision.case import Case, Ruling
from rules.decision.content import body_text, has_files, requested_command
from rules.decision.effects import ChangeRefused
from rules.decision.entitlement import Entitlement, Right, is_over
from rules.decision.follow_up import follow_up
from rules.decision.mail_commands import with_commands
from rules.decision.model import AddComment, Moved, Reason
from rules.decision.notices import approval_request, receipt
from rules.decision.unsubscribe import unsubscribe
from rules.identity import is_proven_enough
from rules.mail.quoting import own_text, visible
from rules.mail.thanks import only_thanks
from rules.sender.tokens import Purpose
from rules.service import notifications, sla_rules
from rules.service.completeness import extract_new_fields
from rules.service.limits import may_reopen
from rules.service.participants import Addition, additions
from rules.service.sla_rules import ClockChange
from rules.ticket.changes import Escalate, Source, Unsubscribe
from rules.ticket.lifecycle import NEXT, Event
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder, ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility

_VISIBILITY: Mapping[Right, Visibility] = {
    Right.COMMENT: Visibility.PUBLIC,
    Right.NOTE: Visibility.NOTE,
    Right.FLAG: Visibility.PRIVATE,
}


def by_customer(
    case: Case, ticket: Ticket, entitled: Entitlement, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """A comment, as public as the sender's right allows; or what the mail does instead."""
    visibility, sender = _VISIBILITY[entitled.right], case.sender
    if entitled.right is not Right.COMMENT:
        orders, calm = _notices(case, ticket, visibility, entitled)
        flagged = AddComment(ticket.id, visibility, additions=(), orders=orders)
        notes = (f"{visibility} on #{ticket.id}", *conflict, *calm)
        return Ruling(saw, flagged, entitled.reason, notes)
    member, command = ticket.participant(sender.address), requested_command(case.mail)
    if isinstance(command, Unsubscribe) and member is not None:
        return unsubscribe(case, ticket, member, saw, conflict)
    if sender.token is not None and sender.token.purpose is Purpose.FEEDBACK:
        orders, calm = _notices(case, ticket, Visibility.NOTE, entitled)
        feedback = AddComment(ticket.id, Visibility.NOTE, additions=(), orders=orders)
        return Ruling(saw, feedback, Reason.FEEDBACK, (f"feedback on #{ticket.id}", *calm))
    thanks = not has_files(case.mail) and only_thanks(body_text(case.mail))
    if not thanks and case.automatic is None and is_over(ticket, case.facts, case.policy):
        return follow_up(case, ticket, saw, conflict)
    action, notes = _public(case, ticket, entitled, command, thanks)
    filed = (f"{visibility} on #{ticket.id}", *conflict, *notes)
    return Ruling(saw, action, entitled.reason, filed)


def _public(
    case: Case,
    ticket: Ticket,
    entitled: Entitlement,
    command: Unsubscribe | Escalate | None,
    thanks: bool,
) -> tuple[AddComment, tuple[str, ...]]:
    """A public comment with all that it changes, and the notes on that for the trace."""
    text, policy = body_text(case.mail), case.policy
    joining = additions(case.mail, case.facts, case.sender, ticket, policy)
    moved, limits = _moved(case, ticket, thanks)
    orders, calm = _notices(case, ticket, Visibility.PUBLIC, entitled, joining, moved)
    missing = sla_rules.still_missing(policy, ticket, visible(text).text)
    action = AddComment(
        ticket=ticket.id,
        visibility=Visibility.PUBLIC,
        additions=joining,
        orders=orders,
        moved=moved,
        clock_change=_clock_change(case, ticket, moved, missing),
        missing=missing,
        fields=extract_new_fields(own_text(text), policy.fields, ticket.fields),
    )
    return _with_escalation(case, ticket, action, command), (*limits, *calm)


def _with_escalation(
    case: Case, ticket: Ticket, comment: AddComment, command: Unsubscribe | Escalate | None
) -> AddComment:
    """The comment with the escalation that its author requests, or with the reason against it."""
    if not isinstance(command, Escalate) or case.automatic is not None:
        return comment
    if not is_proven_enough(case.sender, case.policy.proof.command):
        unproven = receipt(case, ticket, ReceiptPayload(ReceiptText.UNPROVEN))
        return replace(comment, orders=(*comment.orders, unproven))
    decided = with_commands(case, ticket, comment, (command,), Source.MAIL)
    if isinstance(decided, ChangeRefused):
        refused = receipt(case, ticket, ReceiptPayload(sentences=(decided.why,)))
        return replace(comment, orders=(*comment.orders, refused))
    return decided


def _clock_change(
    case: Case, ticket: Ticket, moved: Moved | None, missing: tuple[str, ...] | None
) -> ClockChange | None:
    """What a comment does to the ticket's clock; None if it is unchanged."""
    policy, now = case.policy, case.facts.decided_at
    if (begins := sla_rules.completed(policy, ticket, missing, now)) is not None:
        return begins
    if moved is None:
        return None
    promised = sla_rules.target(policy, ticket.tier, ticket.targets, ticket.severity)
    return sla_rules.status_changed(
        policy, promised, ticket.clock, was=moved.was, became=moved.became, at=now
    )


def _moved(case: Case, ticket: Ticket, thanks: bool) -> tuple[Moved | None, tuple[str, ...]]:
    """Where a customer's comment moves its ticket, and the notes on that for the trace."""
    if case.automatic is not None:
        return None, ("automatic: the status stays",)
    event = Event.THANKED if thanks else Event.CUSTOMER_WROTE
    became = NEXT[ticket.status, event]
    if became is ticket.status:
        return None, ("thanks only",) if thanks and ticket.status.is_over else ()
    if ticket.status.is_over and not may_reopen(
        ticket.reopened, case.policy.budgets.reopens_per_hour
    ):
        return None, ("not reopened: reopened too often within the hour",)
    return Moved(ticket.status, became), (f"{ticket.status} → {became}",)


def _notices(
    case: Case,
    ticket: Ticket,
    visibility: Visibility,
    entitled: Entitlement,
    joining: tuple[Addition, ...] = (),
    moved: Moved | None = None,
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The notices that a comment causes; none for staff who write without their own token."""
    if entitled.reason is Reason.STAFF_WITHOUT_TOKEN or case.automatic is not None:
        return (), ()
    author = case.sender.address
    status = f"{moved.was} → {moved.became}" if moved is not None else ""
    orders = (
        *notifications.for_mailed_comment(
            case.mail,
            case.facts,
            ticket,
            author=author,
            visibility=visibility,
            policy=case.policy,
            status=status,
        ),
        *approval_request(case, ticket, joining),
    )
    return notifications.apply_storm_breaker(
        orders, mail=case.mail, facts=case.facts, ticket=ticket, author=author, policy=case.policy
    )
