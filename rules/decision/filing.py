"""The checks on where a mail goes: onto a ticket, into a follow-up, or into a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from rules.commands import Escalate
from rules.commands import Unsubscribe as Unsubscribed
from rules.decision.case import Case, Finding, Pass, Ruling
from rules.decision.content import body_text, has_files, requested_command
from rules.decision.entitlement import Entitlement, Right, is_over
from rules.decision.model import AddComment, Hold, Moved, OpenTicket, Reason, Refuse
from rules.decision.staff import by_staff
from rules.decision.unsubscribe import unsubscribe
from rules.facts import Presence, Ticket
from rules.identity import ProofLevel, Sender, Standing, is_proven_enough
from rules.mail.automatic import wants_no_answer
from rules.mail.language import author_language
from rules.mail.quoting import own_text, visible
from rules.mail.thanks import only_thanks
from rules.sender.pointers import PointerKind
from rules.sender.tokens import Purpose
from rules.service import notifications, sla_rules
from rules.service.completeness import lifted, newly_lifted, request_text
from rules.service.completeness import missing as missing_facts
from rules.service.limits import may_open, may_reopen
from rules.service.participants import Addition, additions
from rules.service.sla_rules import ClockChange
from rules.ticket import changes
from rules.ticket.changes import Change
from rules.ticket.lifecycle import NEXT, Event
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptText
from rules.ticket.severity import capped, claimed
from rules.ticket.visibility import Visibility

SUBJECT_LENGTH = 255
_VISIBILITY: Mapping[Right, Visibility] = {
    Right.COMMENT: Visibility.PUBLIC,
    Right.NOTE: Visibility.NOTE,
    Right.FLAG: Visibility.PRIVATE,
}


def known_ticket(case: Case) -> Finding:
    sender = case.sender
    if not case.entitlements:
        return Pass("no pointer to a ticket", ("none",))
    saw = "; ".join(dict.fromkeys(str(e) for e in case.entitlements))
    for entitled in case.entitlements:
        if entitled.right is Right.FOREIGN:
            return Ruling(saw, Hold(), Reason.FOREIGN_COMPANY, ("a ticket of another company",))
        if entitled.right is Right.NONE:
            continue
        ticket = case.facts.tickets[entitled.ticket]
        others = any(e.ticket != entitled.ticket for e in case.entitlements)
        if sender.standing is Standing.STAFF and entitled.right is not Right.FLAG:
            return by_staff(case, ticket, entitled, f"{saw}; conflict" if others else saw)
        return _on(case, ticket, entitled, saw, ("conflict",) if others else ())
    return Pass(saw, ("no right on any of them",))


def _on(
    case: Case, ticket: Ticket, entitled: Entitlement, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """What a mail of a customer does on a ticket that they may write on."""
    visibility = _VISIBILITY[entitled.right]
    filed = (f"{visibility} on #{ticket.id}", *conflict)
    if entitled.right is not Right.COMMENT:
        orders, calm = _notices(case, ticket, visibility, entitled, (), None)
        flagged = AddComment(ticket.id, visibility, (), orders)
        return Ruling(saw, flagged, entitled.reason, (*filed, *calm))
    sender = case.sender
    member, asked = ticket.participant(sender.address), requested_command(case.mail)
    if isinstance(asked, Unsubscribed) and member is not None:
        return unsubscribe(case, ticket, member, "; ".join((saw, *conflict)))
    if sender.token is not None and sender.token.purpose is Purpose.FEEDBACK:
        orders, calm = _notices(case, ticket, Visibility.NOTE, entitled, (), None)
        rated = AddComment(ticket.id, Visibility.NOTE, (), orders)
        return Ruling(saw, rated, Reason.FEEDBACK, (f"feedback on #{ticket.id}", *calm))
    thanks = not has_files(case.mail) and only_thanks(body_text(case.mail))
    if not thanks and case.automatic is None and is_over(ticket, case.facts, case.policy):
        return _follow_up(case, ticket, saw, conflict)
    joining = additions(case.mail, case.facts, sender, ticket, case.policy)
    moved, limits = _moved(case, ticket, thanks)
    orders, calm = _notices(case, ticket, visibility, entitled, joining, moved)
    missing = sla_rules.still_missing(case.policy, ticket, visible(body_text(case.mail)).text)
    escalation, refusal = _escalation(case, ticket, asked)
    action = AddComment(
        ticket.id,
        visibility,
        joining,
        (*orders, *refusal),
        moved,
        _ticking(case, ticket, moved, missing),
        missing=missing,
        fields=newly_lifted(own_text(body_text(case.mail)), case.policy.fields, ticket.fields),
        changes=escalation,
    )
    return Ruling(saw, action, entitled.reason, (*filed, *limits, *calm))


def _escalation(
    case: Case, ticket: Ticket, asked: Unsubscribed | Escalate | None
) -> tuple[tuple[Change, ...], tuple[NoticeOrder, ...]]:
    """The escalation that a participant asks for; or why it is refused, for them alone."""
    if not isinstance(asked, Escalate) or case.automatic is not None:
        return (), ()
    if case.facts.refused:
        return (), (_receipt(case, ticket, ("text", case.facts.refused)),)
    if not is_proven_enough(case.sender, case.policy.proof.command):
        return (), (_receipt(case, ticket, ("saying", ReceiptText.UNPROVEN.value)),)
    return (changes.Escalate(asked.reason),), ()


def _receipt(case: Case, ticket: Ticket, *detail: tuple[str, str]) -> NoticeOrder:
    address = case.sender.address
    language = ticket.language_of(address) or author_language(case.mail.header)
    return NoticeOrder(NoticeKind.RECEIPT, address, language, detail)


def _ticking(
    case: Case, ticket: Ticket, moved: Moved | None, lacks: tuple[str, ...] | None
) -> ClockChange | None:
    """What a comment does to the ticket's clock; None where it goes on as it was."""
    policy, now = case.policy, case.facts.decided_at
    if (begins := sla_rules.completed(policy, ticket, lacks, now)) is not None:
        return begins
    if moved is None:
        return None
    promised = sla_rules.target(policy, ticket.tier, ticket.targets, ticket.severity)
    return sla_rules.moved(policy, promised, ticket.clock, moved.was, moved.became, now)


def _moved(case: Case, ticket: Ticket, thanks: bool) -> tuple[Moved | None, tuple[str, ...]]:
    """Where a customer's comment moves its ticket, and the notes on that for the trace."""
    if case.automatic is not None:
        return None, ("a machine moves nothing",)
    event = Event.THANKED if thanks else Event.CUSTOMER_WROTE
    became = NEXT[ticket.status, event]
    if became is ticket.status:
        return None, ("thanks only",) if thanks and ticket.status.is_over else ()
    if ticket.status.is_over and not may_reopen(
        ticket.reopened, case.policy.budgets.reopens_per_hour
    ):
        return None, ("reopened too often to be reopened again",)
    return Moved(ticket.status, became), (f"{ticket.status} → {became}",)


def _notices(
    case: Case,
    ticket: Ticket,
    visibility: Visibility,
    entitled: Entitlement,
    joining: tuple[Addition, ...],
    moved: Moved | None,
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The mails that a comment causes. Less than a staff person's own token sends nothing."""
    if entitled.reason is Reason.STAFF_WITHOUT_TOKEN or case.automatic is not None:
        return (), ()
    author = case.sender.address
    detail = (("status", f"{moved.was} → {moved.became}"),) if moved is not None else ()
    orders = (
        *notifications.for_mailed_comment(
            case.mail,
            case.facts,
            ticket,
            author,
            visibility,
            case.policy,
            detail,
        ),
        *_asked_of_requester(case, ticket, joining),
    )
    return notifications.apply_storm_breaker(
        case.mail, orders, case.facts, ticket, author, case.policy
    )


def _asked_of_requester(
    case: Case, ticket: Ticket, joining: tuple[Addition, ...]
) -> tuple[NoticeOrder, ...]:
    """Those who were proposed are the requester's to take in, while he can be asked."""
    requester = ticket.participant(ticket.requester)
    if requester is None or not requester.is_notified:
        return ()
    asked = notifications.approval_requests(requester.address, requester.language, joining)
    return notifications.within_budget(asked, ticket, case.policy)


def _follow_up(case: Case, ticket: Ticket, saw: str, conflict: tuple[str, ...]) -> Ruling:
    """A reply to a ticket that is over goes on in a new one, with the same people."""
    sender = case.sender
    own = case.policy.tier(sender.company.tier) if sender.company is not None else None
    tier, agreed = (ticket.tier, ticket.targets) if own is None else _promised_to(sender)
    joining = additions(case.mail, case.facts, sender, ticket, case.policy)
    opening = _opening(case, tier, agreed, joining)
    carried = tuple(
        Addition(p.address, None, p.part, p.presence, p.language, p.muted)
        for p in ticket.participants
        if p.presence is Presence.ACTIVE and p.address != ticket.requester
    )
    requester = ticket.participant(ticket.requester)
    there = {ticket.requester, *(a.address for a in carried)}
    told = notifications.for_mailed_comment(
        case.mail, case.facts, ticket, sender.address, Visibility.PUBLIC, case.policy, ()
    )
    hear = {o.address for o in told if o.kind is NoticeKind.COMMENT}
    action = replace(
        opening,
        subject=ticket.subject[:SUBJECT_LENGTH] or opening.subject,
        requester=ticket.requester,
        requester_id=None,
        company=ticket.company,
        enrol=False,
        muted=requester is not None and requester.muted,
        additions=(*carried, *(a for a in joining if a.address not in there)),
        orders=(
            *(o for o in told if o.kind is NoticeKind.COMMENT),
            *(
                o
                for o in opening.orders
                if o.kind is not NoticeKind.APPROVAL and o.address not in hear
            ),
            *_asked_of_requester(case, ticket, joining),
        ),
        language=ticket.language_of(ticket.requester),
        follows=ticket.id,
    )
    if isinstance(requested_command(case.mail), Escalate):
        saying = (("saying", ReceiptText.BEGINS_ANEW.value), ("was", str(ticket.id)))
        action = replace(action, orders=(*action.orders, _receipt(case, ticket, *saying)))
    return Ruling(saw, action, Reason.FOLLOW_UP, (f"follow-up of #{ticket.id}", *conflict))


def new_ticket(case: Case) -> Ruling:
    sender = case.sender
    if sender.proof_level < ProofLevel.PROVEN:
        # A token proves a place on its own ticket, and that ticket did not take the mail.
        refusal, notes = Refuse(case.policy.texts.sign_up), ("not proven for a new ticket",)
        return Ruling(str(sender.proof_level), refusal, Reason.UNPROVEN, notes)
    if not sender.standing.may_write and not case.enrols:
        refusal, notes = Refuse(case.policy.texts.sign_up), ("may not open a ticket",)
        return Ruling(sender.standing, refusal, Reason.STRANGER, notes)
    facts, budget = case.facts, case.policy.budgets.tickets_per_hour
    if not may_open(facts.recent, facts.decided_at, budget):
        notes = (f"more than {budget} new tickets within the hour",)
        return Ruling(sender.address, Hold(), Reason.TOO_MANY_TICKETS, notes)
    joining = additions(case.mail, facts, sender, None, case.policy)
    mentions = next(
        (e.ticket for e in case.entitlements if e.kind is PointerKind.SUBJECT_TAG), None
    )
    action = _opening(case, *_promised_to(sender), joining, mentions)
    claim = action.severity.claim
    saw = f"claims {claim.level} in the {claim.where}" if claim else "claims no severity"
    return Ruling(saw, action, Reason.NEW_REQUEST, (f"opens at {action.severity.name}",))


def _promised_to(sender: Sender) -> tuple[str, sla_rules.AgreedTargets]:
    """The tier of the sender's company, and what its contract says beside it."""
    return (sender.company.tier, sender.company.targets) if sender.company is not None else ("", {})


def _opening(
    case: Case,
    tier_name: str,
    agreed: sla_rules.AgreedTargets,
    joining: tuple[Addition, ...],
    mentions: int | None = None,
) -> OpenTicket:
    """The ticket that a mail opens, under what is promised to its company."""
    policy, mail, facts, sender = case.policy, case.mail, case.facts, case.sender
    claim = claimed(
        policy.levels,
        mail.subject,
        body_text(mail),
        mail.header,
        policy.severity.high_importance,
        policy.claim_patterns,
    )
    severity = capped(
        policy.levels,
        policy.severity.default,
        policy.severity.ceiling,
        claim,
        policy.severity.customers_may_set,
    )
    language = (sender.person.language if sender.person is not None else "") or author_language(
        mail.header
    )
    said = request_text(mail.subject, body_text(mail))
    acknowledgement = (
        (notifications.acknowledgement(sender.address, language, said, policy),)
        if _acknowledged(case)
        else ()
    )
    tier = policy.tier(tier_name or None)
    team = notifications.account_team(sender.company, tier, policy)
    detail = (("mentions", str(mentions)),) if mentions is not None else ()
    told = notifications.for_opening(
        sender.address, facts.staff, team, joining, policy, language, detail
    )
    if severity.critical_claimed:
        what = f"{sender.address} claims by mail to have a critical problem"
        told = (*told, *notifications.on_call(policy, facts.decided_at, what))
    lacks = missing_facts(said, policy.completeness.facts)
    promised = sla_rules.target(policy, tier.name if tier else "", agreed, severity.name)
    return OpenTicket(
        subject=mail.subject[:SUBJECT_LENGTH] or "(no subject)",
        requester=sender.address,
        requester_id=sender.person.id if sender.person is not None else None,
        company=sender.company.id if sender.company is not None else None,
        severity=severity,
        additions=joining,
        orders=(*acknowledgement, *told) if case.automatic is None else (),
        enrol=case.enrols,
        mentions=mentions,
        author=sender.address,
        tier=tier.name if tier is not None else "",
        targets=agreed,
        language=language,
        fields=lifted(said, policy.fields),
        missing=lacks,
        clock=sla_rules.opened(policy, promised, lacks, facts.opens_at),
    )


def _acknowledged(case: Case) -> bool:
    """Whether the opening is acknowledged; never to a machine, and once in the policy's pause."""
    policy = case.policy.acknowledgement
    if not policy.send or wants_no_answer(case.mail):
        return False
    if case.automatic is not None:
        return False
    last = case.facts.acknowledged_at
    pause = timedelta(minutes=policy.pause_minutes)
    return last is None or case.facts.decided_at - last >= pause
