"""An escalation that the mail asks for by which a ticket is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rules.decision.case import Case
from rules.decision.change.escalation import escalate
from rules.decision.change.facts import ChangeFacts
from rules.decision.content import body_text, requested_command
from rules.decision.effects import NOT_STORED, ChangeRefused, Effect, Escalated
from rules.decision.model import OpenTicket
from rules.decision.notices import receipt
from rules.facts import EscalationFacts, KnownComment
from rules.identity import Standing, is_proven_enough
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.ticket.changes import Escalate, Source
from rules.ticket.model import Ticket
from rules.ticket.payloads import AlertTopic, ReceiptOutcome, ReceiptPayload, ReceiptText
from rules.ticket.severity import MailSeverity
from rules.ticket.visibility import Visibility

MACHINE = "a machine escalates nothing"
STAFF = "staff escalate a request of their own by a reply"


def with_escalation(case: Case, opening: OpenTicket[MailSeverity]) -> OpenTicket[MailSeverity]:
    """The opening with the escalation that its mail asks for, or with the receipt of a refusal."""
    command, required = requested_command(case.mail), case.policy.proof.command
    if not isinstance(command, Escalate):
        return opening
    if case.sender.standing is Standing.STAFF:  # their commands are read in replies
        return replace(opening, not_escalated=STAFF)
    if case.by_machine:
        return replace(opening, not_escalated=MACHINE)
    if not is_proven_enough(case.sender, required):
        why = sentence("commands require {proof}", proof=required)
        unproven = ReceiptPayload(ReceiptText.UNPROVEN)
        return _refused(case, opening, why, unproven)
    policy = case.policy.in_language(opening.language)
    decided = escalate(_ticket(case, opening), command, _facts(case), policy)
    if isinstance(decided, ChangeRefused):
        refused = ReceiptPayload(sentences=(decided.why,), outcome=ReceiptOutcome.NOT_DONE)
        return _refused(case, opening, decided.why, refused)
    (escalated,) = (row for row in decided.rows if isinstance(row, Escalated))
    opening = replace(opening, escalated=escalated, orders=(*opening.orders, *decided.notices))
    return _with_receipt(
        case, opening, ReceiptPayload(sentences=decided.done, outcome=ReceiptOutcome.DONE)
    )


def escalation_notes(effects: Iterable[Effect | None], refused: str = "") -> tuple[str, ...]:
    """For the trace: who is notified of an escalation, and who was passed over; or why it is
    `refused`."""
    notes: tuple[str, ...] = (f"not escalated: {refused}",) if refused else ()
    for each in effects:
        if isinstance(each, Escalated):
            notes += (f"escalated to level {each.became}: {each.notified} is notified",)
            notes += tuple(f"passed over, no mail reaches it: {address}" for address in each.passed)
    return notes


def _ticket(case: Case, opening: OpenTicket[MailSeverity]) -> Ticket:
    """The ticket as it will be, as far as an escalation depends on it."""
    company = case.sender.company
    return Ticket(
        NOT_STORED,
        opening.company,
        participants=(),
        requester=opening.requester,
        severity=opening.severity.name,
        # Of a follow-up that a guest opens, the tier is not theirs.
        tier=opening.tier if opening.company is not None else "",
        critical_claimed=opening.severity.critical_claimed,
        success_manager=company.success_manager if company is not None else "",
    )


def _facts(case: Case) -> ChangeFacts:
    facts, author = case.facts, case.sender.address
    request = KnownComment(author, Visibility.PUBLIC, body_text(case.mail), facts.opens_at)
    return ChangeFacts(
        at=facts.decided_at,
        actor=author,
        source=Source.MAIL,
        by_staff=False,
        mailbox=facts.mailbox.address,
        staff=facts.staff,
        escalation=EscalationFacts(history=(request,)),
        escalated_lately=facts.escalated_lately,
        unreachable=facts.unreachable,
    )


def _refused(
    case: Case, opening: OpenTicket[MailSeverity], why: Sentence, payload: ReceiptPayload
) -> OpenTicket[MailSeverity]:
    """The opening with the receipt of a refusal; staff are alerted in place of an author whose mail
    must not be answered."""
    opening = replace(opening, not_escalated=str(why))
    if case.takes_answers:
        return _with_receipt(case, opening, payload)
    author = case.sender.address
    what = (
        sentence("{author} asks to escalate this request. It was not escalated:", author=author),
        why,
        sentence("Their mail must not be answered automatically, so they get no email about it."),
    )
    others = (each for each in case.facts.staff if each.address != author)
    alerts = notifications.alert(AlertTopic.NOT_ESCALATED, what, others, case.policy)
    return replace(opening, orders=(*opening.orders, *alerts))


def _with_receipt(
    case: Case, opening: OpenTicket[MailSeverity], payload: ReceiptPayload
) -> OpenTicket[MailSeverity]:
    """The opening with a receipt to its author, if their mail may be answered automatically."""
    if not case.takes_answers:
        return opening
    answer = receipt(case.mail, case.sender, None, payload)
    return replace(opening, orders=(*opening.orders, answer))
