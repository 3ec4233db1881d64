"""The checks on where a mail goes: onto a ticket, into a follow-up, or into a new one."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.acknowledged import acknowledged, acknowledgement_note
from rules.decision.also_addressed import naming_others
from rules.decision.by_mail import taken_by_mail
from rules.decision.case import Case, Finding, Pass, Ruling
from rules.decision.comment import by_customer
from rules.decision.entitlement import Right
from rules.decision.model import Hold, Refuse
from rules.decision.on_behalf import (
    Behalf,
    OwnRequest,
    forwarding_note,
    on_behalf,
    opened_as_own,
    opened_for,
)
from rules.decision.opening import (
    opened_by_mail,
    opening_notes,
    terms_of,
    too_many_tickets,
)
from rules.decision.reasons import Reason
from rules.decision.staff import by_staff
from rules.identity import ProofLevel, Standing
from rules.sender.pointers import PointerKind
from rules.service.participants import additions


def known_ticket(case: Case) -> Finding:
    sender = case.sender
    if not case.entitlements and case.is_released_onto:
        return Ruling("the ticket that staff name", Hold(), Reason.NO_SUCH_TICKET, ("none",))
    if not case.entitlements:
        return Pass("pointers to tickets", ("none",))
    saw = "; ".join(dict.fromkeys(str(e) for e in case.entitlements))
    for entitled in case.entitlements:
        if entitled.right is Right.FOREIGN:
            return Ruling(
                saw, Hold(), Reason.FOREIGN_COMPANY, ("the ticket belongs to another company",)
            )
        if entitled.right in (Right.NONE, Right.MENTION):
            continue
        ticket = case.facts.tickets[entitled.ticket]
        others = any(e.ticket != entitled.ticket for e in case.entitlements)
        conflict = ("conflict",) if others else ()
        of_staff = sender.standing is Standing.STAFF and entitled.right is not Right.FLAG
        rule = by_staff if of_staff else by_customer
        return naming_others(case, ticket, rule(case, ticket, entitled, saw, conflict))
    led = dict.fromkeys(e.ticket for e in case.entitlements if e.right is Right.MENTION)
    if led:
        why = "not filed there: only ids that other companies brought to the ticket lead to"
        return Pass(saw, tuple(f"{why} #{number}" for number in led))
    return Pass(saw, ("no right on any of these tickets",))


def new_ticket(case: Case) -> Ruling:
    sender = case.sender
    if sender.proof_level < ProofLevel.PROVEN:
        # A token proves a place on its own ticket, and that ticket did not take the mail.
        refusal, notes = Refuse(case.policy.texts.sign_up), ("not proven for a new ticket",)
        return Ruling(str(sender.proof_level), refusal, Reason.UNPROVEN, notes)
    if not sender.standing.may_write and not case.enrols:
        refusal, notes = Refuse(case.policy.texts.sign_up), ("may not open a ticket",)
        return Ruling(sender.standing, refusal, Reason.STRANGER, notes)
    if (refused := taken_by_mail(case, sender.address)) is not None:
        return refused
    if (held := too_many_tickets(case, sender.address)) is not None:
        return held
    joining = additions(case.mail, case.facts, sender, None, case.policy)
    mentions = next(
        (
            e.ticket
            for e in case.entitlements
            if e.right is Right.MENTION or e.kind is PointerKind.SUBJECT_TAG
        ),
        None,
    )
    behalf = on_behalf(case)
    if isinstance(behalf, Behalf):
        for_customer = replace(opened_for(case, behalf, joining), mentions=mentions)
        filed: tuple[str, ...] = (f"opens at {for_customer.severity.name}",)
        filed += (*forwarding_note(case, behalf), "its sender gets a receipt")
        whose = f"by staff, for {behalf.person.address}"
        return Ruling(whose, for_customer, Reason.NEW_REQUEST, filed)
    action = opened_by_mail(case, terms_of(sender.company), joining, mentions)
    if isinstance(behalf, OwnRequest):
        own = opened_as_own(case, behalf, action)
        kept = (f"opens at {own.severity.name}", f"not for a customer: {behalf.why}")
        return Ruling("by staff, for a customer", own, Reason.NEW_REQUEST, kept)
    claim = action.severity.claim
    saw = f"claims {claim.level} in the {claim.where}" if claim else "claims no severity"
    timing = acknowledged(case, action.severity)
    opened = (
        f"opens at {action.severity.name}",
        *acknowledgement_note(timing, case.policy),
        *opening_notes(action),
    )
    return Ruling(saw, action, Reason.NEW_REQUEST, opened)
