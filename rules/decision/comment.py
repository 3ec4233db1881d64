"""A customer's mail on a ticket that they may write on."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.by_mail import taken_by_mail
from rules.decision.case import Case, Ruling
from rules.decision.claims import Heard, besides, heard_in_reply, with_claim
from rules.decision.content import (
    body_text,
    has_files,
    is_click,
    is_text_read_in_part,
    is_unreadable,
    mentions_escalation,
    requested_command,
    wants_digest,
)
from rules.decision.effects import ChangeRefused
from rules.decision.entitlement import WOULD_BE, Entitlement, Right
from rules.decision.follow_up import follow_up
from rules.decision.mail_commands import with_commands
from rules.decision.model import AddComment, Moved
from rules.decision.notices import approval_request, of_comment, receipt
from rules.decision.opening import too_many_tickets
from rules.decision.opening_escalation import MACHINE, escalation_notes
from rules.decision.reasons import Reason
from rules.decision.staff_effects import woken
from rules.decision.unsubscribe import is_by_subject, says_more, send_digest, unsubscribe
from rules.destination import destination, is_over, token_holder
from rules.identity import ProofLevel, Standing, is_proven_enough
from rules.mail.quoting import own_text
from rules.mail.subjects import bare_subject, subject_besides
from rules.mail.thanks import only_thanks
from rules.mail.trouble import says_trouble
from rules.sender.tokens import Purpose
from rules.sentence import sentence
from rules.service import asking, notifications, sla_rules
from rules.service.completeness import extract_new_fields
from rules.service.feedback_notices import as_feedback
from rules.service.limits import NoticeBudget, may_reopen
from rules.service.participants import (
    Addition,
    additions,
    is_full,
    proposals,
)
from rules.service.sla_rules import ClockChange
from rules.service.staff_notices import is_alone
from rules.ticket.changes import Escalate, Source, Unsubscribe
from rules.ticket.lifecycle import NEXT, Event
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertTopic, ReceiptOutcome, ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility


def by_customer(
    case: Case, ticket: Ticket, entitled: Entitlement, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """A comment, as public as the sender's right allows; or what the mail does instead."""
    visibility, sender = WOULD_BE[entitled.right], case.sender
    if entitled.right is not Right.COMMENT:
        return _withheld(case, ticket, visibility, entitled.reason, saw, conflict)
    member, command = ticket.participant(sender.address), requested_command(case.mail)
    if sender.proof_level < ProofLevel.PROVEN:
        return _unproven(case, ticket, entitled, saw, conflict)
    feedback = _is_feedback(case, ticket)
    if isinstance(command, Unsubscribe) and member is not None:
        if case.by_machine or not says_more(case.mail):
            return unsubscribe(case, ticket, member, saw, conflict)
        over = is_over(ticket, case.facts, case.policy)
        if feedback or over or is_by_subject(case.mail):
            others, _ = _notices(case, ticket, Visibility.NOTE)
            return unsubscribe(case, ticket, member, saw, conflict, others)
    if feedback:
        return _feedback(case, ticket, saw)
    if wants_digest(case.mail) and not case.by_machine and not says_more(case.mail):
        return send_digest(case, ticket, saw, conflict)
    more = has_files(case.mail) or is_text_read_in_part(case.mail) or is_unreadable(case.mail)
    thanks = is_click(case.mail) or (not more and only_thanks(_all_words(case, ticket)))
    if not thanks and not case.by_machine and is_over(ticket, case.facts, case.policy):
        refused = taken_by_mail(case, saw) or too_many_tickets(case, saw)
        return refused or follow_up(case, ticket, saw, conflict)
    action, notes = _public(case, ticket, command, thanks)
    full = (f"nobody joins: #{ticket.id} is full",) if is_full(ticket, case.policy) else ()
    raised = escalation_notes(action.command_effects.rows)
    filed = (f"{visibility} on #{ticket.id}", *conflict, *full, *notes, *raised)
    return Ruling(saw, action, entitled.reason, filed)


def _is_feedback(case: Case, ticket: Ticket) -> bool:
    """Whether the mail answers a request for feedback: at the sender's own address, or, where it
    has none of these, at that of somebody else on the ticket."""
    if case.sender.token is not None:
        return case.sender.token.purpose is Purpose.FEEDBACK
    facts, policy = case.facts, case.policy
    tokens = (p.token for p in facts.pointers if p.token is not None)
    here = [
        token.purpose
        for token in tokens
        if destination(token.ticket, facts, policy) is ticket
        and token_holder(token, facts, policy) is not None
    ]
    return Purpose.FEEDBACK in here and Purpose.REPLY not in here


def _feedback(case: Case, ticket: Ticket, saw: str) -> Ruling:
    """Feedback moves nothing. If it says that the problem is back, staff are alerted, and a link
    lets them reopen the ticket."""
    heard = heard_in_reply(case, ticket, Visibility.NOTE)
    orders, calm = _notices(case, ticket, Visibility.NOTE, heard=heard)
    notes = (f"feedback on #{ticket.id}", *calm, *heard.notes)
    broken = ticket.status.is_over and says_trouble(_all_words(case, ticket))
    if broken and case.automatic is None and not calm:
        what = sentence(
            "{author} answered the request for feedback: the problem is not solved",
            author=case.sender.address,
        )
        staff = notifications.notified_staff(ticket, case.facts.staff, case.policy)
        alerts = notifications.alert(AlertTopic.UNSOLVED, (what,), staff, case.policy, reopens=True)
        orders = (*orders, *notifications.within_budget(alerts, ticket, case.policy))
        notes = (*notes, "it says that the problem is not solved: staff are alerted")
    orders = tuple(as_feedback(each) for each in besides(orders, heard))
    feedback = AddComment(ticket.id, Visibility.NOTE, additions=(), orders=orders)
    return Ruling(saw, feedback, Reason.FEEDBACK, notes)


def _all_words(case: Case, ticket: Ticket) -> str:
    """The text of the mail below what its subject says besides the ticket's."""
    bare = bare_subject(case.mail.subject, case.policy.subject_tag.format)
    return f"{subject_besides(bare, ticket.subject)}\n{body_text(case.mail)}"


def _withheld(
    case: Case,
    ticket: Ticket,
    visibility: Visibility,
    reason: Reason,
    saw: str,
    conflict: tuple[str, ...],
) -> Ruling:
    """A comment that waits for staff, as do the people it would add. Staff are notified, and so is
    its author where only their token or their address stands between them and the ticket."""
    heard = heard_in_reply(case, ticket, visibility)
    receipts = _receipt(case, ticket, reason, critical=heard.receipt_has_channel)
    orders, calm = _notices(case, ticket, visibility, receipts=receipts, heard=heard)
    joining: tuple[Addition, ...] = ()
    unproven: tuple[str, ...] = ()
    if reason is Reason.TOKEN_ONLY:
        joining, unproven = _proposed(case, ticket)
    known = case.sender.person is not None
    flagged = AddComment(
        ticket.id,
        visibility,
        additions=joining,
        orders=besides(orders, heard),
        by_registered=known,
        meant_as_note=case.is_meant_as_note,
    )
    notes = (f"{visibility} on #{ticket.id}", *unproven, *conflict, *calm, *heard.notes)
    return Ruling(saw, flagged, reason, notes)


def _proposed(case: Case, ticket: Ticket) -> tuple[tuple[Addition, ...], tuple[str, ...]]:
    """The people in To and Cc of an unproven mail, for staff to decide on, and the notes on it."""
    notes: tuple[str, ...] = ("unproven: nothing but the reply address",)
    if case.by_machine:
        return (), notes
    joining, _ = proposals(case.mail, case.facts, case.sender, ticket, case.policy)
    if joining:
        notes += (f"{len(joining)} in To or Cc proposed to staff",)
    if is_full(ticket, case.policy):
        notes += (f"nobody joins: #{ticket.id} is full",)
    return joining, notes


def _unproven(
    case: Case, ticket: Ticket, entitled: Entitlement, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """The words of an unproven author, which the policy publishes; and nothing more than words.

    They do not move the ticket, complete the request or unsubscribe anybody. What asks for more, or
    comes when the ticket is over, waits for staff.
    """
    feedback = case.sender.token is not None and case.sender.token.purpose is Purpose.FEEDBACK
    over = is_over(ticket, case.facts, case.policy)
    if requested_command(case.mail) is not None or feedback or over:
        return _withheld(case, ticket, Visibility.PRIVATE, Reason.TOKEN_ONLY, saw, conflict)
    joining = additions(case.mail, case.facts, case.sender, ticket, case.policy)
    heard = heard_in_reply(case, ticket, Visibility.PUBLIC)
    receipts = _published(case, ticket) if heard.receipt_has_channel else ()
    orders, calm = _notices(
        case, ticket, Visibility.PUBLIC, joining, receipts=receipts, heard=heard
    )
    words = AddComment(ticket.id, Visibility.PUBLIC, additions=joining, orders=orders)
    notes = ("unproven: only the words are taken", *conflict, *calm, *heard.notes)
    return Ruling(saw, words, entitled.reason, (f"public on #{ticket.id}", *notes))


_WITHHELD = {
    Reason.TOKEN_ONLY: ReceiptText.WAITS,
    Reason.STAFF_WITHOUT_TOKEN: ReceiptText.NOT_PUBLISHED,
    Reason.OUTSIDE_CONTACT: ReceiptText.WITH_STAFF,
}
"""What the author of a comment that is not published is sent."""


def _receipt(
    case: Case, ticket: Ticket, reason: Reason, *, critical: bool
) -> tuple[NoticeOrder, ...]:
    """Tells the author that their mail waits for staff, below the critical channel if it claims to
    be `critical`; within the budget of their address."""
    by_staff = case.sender.standing is Standing.STAFF
    # What staff have released was read by a person: a machine that answers is stopped there.
    answered = case.takes_answers or (by_staff and case.released)
    answered = answered or (critical and case.is_of_a_person)
    answered = answered or (by_staff and _is_heard_by_no_colleague(case))
    said = _WITHHELD.get(reason)
    if said is None or not answered:
        return ()
    said = ReceiptText.NOT_PUBLISHED if by_staff else said
    order = receipt(case.mail, case.sender, ticket, ReceiptPayload(said, critical=critical))
    if by_staff and case.sender.proof_level >= ProofLevel.PROVEN:
        order = replace(order, quotes=True)  # else somebody could send their own text there
    budget = NoticeBudget.STAFF if by_staff and case.released else NoticeBudget.WAITING
    return notifications.within_budget((order,), ticket, case.policy, budget)


def _is_heard_by_no_colleague(case: Case) -> bool:
    """Whether no other staff person is notified of a staff person's mail. Its author is then
    answered even through a list, and where their client wants no answers."""
    alone = is_alone(case.facts.staff, case.sender.address)
    return alone or case.policy.staff.notify == "none"


def _published(case: Case, ticket: Ticket) -> tuple[NoticeOrder, ...]:
    """The critical channel for an unproven author whose words are published."""
    said = sentence("Your email is on #{ticket}.", ticket=ticket.id)
    payload = ReceiptPayload(sentences=(said,), critical=True)
    if not case.is_of_a_person:
        return ()
    order = receipt(case.mail, case.sender, ticket, payload)
    return notifications.within_budget((order,), ticket, case.policy, NoticeBudget.WAITING)


def _public(
    case: Case,
    ticket: Ticket,
    command: Unsubscribe | Escalate | None,
    thanks: bool,
) -> tuple[AddComment, tuple[str, ...]]:
    """A public comment with all that it changes, and the notes on that for the trace."""
    text, policy = body_text(case.mail), case.policy
    joining = additions(case.mail, case.facts, case.sender, ticket, policy)
    moved, limits = _moved(case, ticket, thanks)
    missing = sla_rules.still_missing(policy, ticket, text)
    heard = heard_in_reply(case, ticket, Visibility.PUBLIC)
    complete = asking.once_answered(ticket, missing, policy) if case.takes_answers else ()
    orders, calm = _notices(case, ticket, Visibility.PUBLIC, joining, moved, complete, heard)
    action = AddComment(
        ticket=ticket.id,
        visibility=Visibility.PUBLIC,
        additions=joining,
        orders=besides(orders, heard),
        claim=heard.effect,
        moved=moved,
        clock_change=_clock_change(case, ticket, moved, missing),
        missing=missing,
        woken=() if case.by_machine else woken(ticket),
        fields=extract_new_fields(own_text(text), policy.fields, ticket.fields),
    )
    action, refused = _with_command(case, ticket, action, command)
    return action, (*limits, *calm, *heard.notes, *refused)


def _with_command(
    case: Case, ticket: Ticket, comment: AddComment, command: Unsubscribe | Escalate | None
) -> tuple[AddComment, tuple[str, ...]]:
    """The comment with what its author requests besides; or with a receipt that gives the reason
    against it, which is noted in the trace as well."""
    escalates, required = isinstance(command, Escalate), case.policy.proof.command
    if case.by_machine:
        return comment, escalation_notes((), MACHINE) if escalates else ()
    if command is None:
        return _asking_what_is_meant(case, ticket, comment), ()
    if escalates and not is_proven_enough(case.sender, required):
        receipts = _refusal(case, ticket, ReceiptPayload(ReceiptText.UNPROVEN))
        why = f"commands require {required}"
    else:
        decided = with_commands(case, ticket, comment, (command,), Source.MAIL)
        if not isinstance(decided, ChangeRefused):
            return decided, ()
        receipts = _refusal(
            case, ticket, ReceiptPayload(sentences=(decided.why,), outcome=ReceiptOutcome.NOT_DONE)
        )
        why = str(decided.why)
    notes = escalation_notes((), why) if escalates else ()
    return replace(comment, orders=(*comment.orders, *receipts)), notes


def _asking_what_is_meant(case: Case, ticket: Ticket, comment: AddComment) -> AddComment:
    """The comment; with a receipt where its author may have wanted an escalation."""
    if not mentions_escalation(case.mail):
        return comment
    said = sentence(
        "Your email is filed, and nothing was escalated. To escalate #{ticket}, reply with "
        "#escalate alone on the first line.",
        ticket=ticket.id,
    )
    payload = ReceiptPayload(sentences=(said,), outcome=ReceiptOutcome.NOT_DONE)
    asked = _refusal(case, ticket, payload)
    return replace(comment, orders=(*comment.orders, *asked))


def _refusal(case: Case, ticket: Ticket, payload: ReceiptPayload) -> tuple[NoticeOrder, ...]:
    """The receipt of a refused command, within the budget of its author."""
    order = receipt(case.mail, case.sender, ticket, payload)
    return notifications.within_budget((order,), ticket, case.policy)


def _clock_change(
    case: Case, ticket: Ticket, moved: Moved | None, missing: tuple[str, ...] | None
) -> ClockChange | None:
    """What a comment does to the ticket's clock; None if it is unchanged."""
    policy, now = case.policy, case.facts.decided_at
    became = moved.became if moved is not None else None
    if (begins := sla_rules.completed(policy, ticket, missing, now, became)) is not None:
        return begins
    if moved is None:
        return None
    return sla_rules.status_changed(policy, ticket, moved.became, now)


def _moved(case: Case, ticket: Ticket, thanks: bool) -> tuple[Moved | None, tuple[str, ...]]:
    """Where a customer's comment moves its ticket, and the notes on that for the trace."""
    if case.by_machine:
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
    joining: tuple[Addition, ...] = (),
    moved: Moved | None = None,
    receipts: tuple[NoticeOrder, ...] = (),
    heard: Heard | None = None,
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The notices that a comment causes; in a storm no receipt, since a machine would answer it."""
    author, proven = case.sender.address, case.sender.proof_level >= ProofLevel.PROVEN
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
            budget=NoticeBudget.CUSTOMERS if proven else NoticeBudget.WAITING,
            proven=proven,
        ),
        *approval_request(case, ticket, joining),
    )
    if case.by_machine:
        orders = tuple(o for o in orders if o.kind is NoticeKind.NEW_COMMENT)
    if heard is not None:
        orders = with_claim(orders, heard)
    if not case.takes_answers:
        orders = tuple(o for o in orders if o.address != author)
    certain = proven and visibility is not Visibility.PRIVATE
    orders, calm, quiet = of_comment(case, ticket, orders, visibility, certain=certain)
    by_machine = ("a machine's: only staff are notified",) if case.by_machine else ()
    # Nobody else may be notified of the mail of a staff person that a colleague has released.
    answered = not calm or (case.released and case.sender.standing is Standing.STAFF)
    return ((*receipts, *orders) if answered else orders), (*calm, *by_machine, *quiet)
