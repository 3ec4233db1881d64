"""The decision on one mail: an ordered tuple of checks; the first that answers wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from rules import replies
from rules.authentication import Result
from rules.automatic import sign_of_automation, wants_no_answer
from rules.decision import (
    Action,
    AddComment,
    Decision,
    Defer,
    Hold,
    OpenTicket,
    Reason,
    Record,
    Refuse,
    Repeat,
    Step,
    Visibility,
)
from rules.entitlement import Entitlement, Right, entitlement
from rules.facts import Facts
from rules.header import Ambiguous
from rules.identity import Sender, Standing, Tier, identify
from rules.mail import Body, Mail
from rules.notices import INVITATION_PAUSE
from rules.participants import additions
from rules.policy import Policy
from rules.sealed import names_one_of
from rules.severity import capped, claimed
from rules.threads import Via

SUBJECT_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Case:
    """What every check looks at."""

    mail: Mail
    facts: Facts
    policy: Policy
    sender: Sender | None
    """None where From is ambiguous: then nothing is known of the sender."""
    entitlements: tuple[Entitlement, ...]
    """What the sender may do on each ticket that the mail points to, strongest signal first."""
    automatic: str | None
    """The sign that a machine wrote it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw, and its answer if it has one."""

    saw: str
    outcome: str
    action: Action | None = None
    reason: Reason | None = None


Check = Callable[[Case], Finding]


def decide(mail: Mail, facts: Facts, policy: Policy) -> Decision:
    """What happens to a mail. The first check that answers wins; the last always answers."""
    sender = None if isinstance(mail.author, Ambiguous) else identify(mail.author, facts)
    sign = sign_of_automation(mail, facts.envelope)
    case = Case(mail, facts, policy, sender, entitlement(sender, facts), sign)
    trace: list[Step] = []
    for check in CHECKS:
        finding = check(case)
        trace.append(Step(check.__name__, finding.saw, finding.outcome))
        if finding.action is not None and finding.reason is not None:
            _assert_never_critical(finding.action, policy)
            return Decision(finding.action, finding.reason, tuple(trace))
    raise AssertionError("new_ticket answers every mail")


def duplicate(case: Case) -> Finding:
    earlier = case.facts.earlier
    saw = f"identity {case.mail.identity[:16]}"
    if earlier is not None:
        action = Repeat(earlier.journal_id, earlier.answer, earlier.ticket)
        return Finding(saw, f"came before as {earlier.journal_id}", action, Reason.SEEN_BEFORE)
    if case.facts.id_seen:
        return Finding(saw, f"id_collision: {case.mail.message_id} came before with other bytes")
    return Finding(saw, "new")


def automatic(case: Case) -> Finding:
    """Automatic mail triggers nothing; what proves nothing is kept under nobody's name.

    A bounce comes from machines that we know nothing of, with the null reverse-path, and to refuse
    it would help nobody. So every such mail is accepted, and no answer tells whether it pointed to
    a ticket. Other automatic mail has a sender who can be refused like any other.
    """
    sign, who = case.automatic, case.sender
    if sign is None:
        return Finding("headers and reverse-path", "a person's mail")
    pointed = next((e.ticket for e in case.entitlements if e.via in _MADE_BY_US), None)
    if who is None or who.tier < Tier.TOKEN:
        if case.facts.envelope.mail_from:
            return Finding(sign, "automatic, but nothing proves its sender, who is asked for")
        return Finding(sign, _kept(pointed), Record(pointed, ""), Reason.AUTOMATIC)
    if who.person is not None and who.person.machine and who.tier >= Tier.PROVEN:
        return Finding(sign, "automatic, but its sender is registered as a machine")
    known = next((e.ticket for e in case.entitlements if e.right is Right.COMMENT), pointed)
    if known is None and not who.standing.may_write and case.facts.envelope.mail_from:
        return Finding(sign, "automatic, and points to no ticket: the sender decides")
    return Finding(sign, _kept(known), Record(known, who.address), Reason.AUTOMATIC)


def _kept(ticket: int | None) -> str:
    return f"kept on #{ticket}" if ticket is not None else "kept, triggers nothing"


def author(case: Case) -> Finding:
    if isinstance(case.mail.author, Ambiguous):
        return Finding("From", case.mail.author.why, Hold(), Reason.FROM_AMBIGUOUS)
    return Finding("From", case.mail.author.address)


def proof(case: Case) -> Finding:
    """What the author's domain asks for where nothing proves him; the same for every address.

    Below T2 nobody may learn whether an address is registered, so these answers hang on the
    domain alone.
    """
    who = _known(case.sender)
    proven, policy = case.facts.authentication, case.policy
    saw = f"{who.tier} by {proven.by or ('reply token' if who.token else 'nothing')}"
    if proven.seal is not None and not _is_addressed(case):
        outcome = "signed, but not for this mailbox: anybody may have sent it on"
        return Finding(saw, outcome, Hold(), Reason.NOT_ADDRESSED)
    if who.tier >= Tier.TOKEN:
        return Finding(saw, "good enough to go on")
    if not case.facts.author_known:
        return Finding(saw, "of no domain that is known here")
    if proven.temporary:
        return _unanswered(case, saw)
    # Of a domain that only a guest makes known here, the guest must not stand out.
    wish = proven.dmarc_policy if proven.dmarc is Result.FAIL else "none"
    if case.facts.domain_known:
        if wish == "reject":
            refusal = Refuse(replies.SENDER_FAILED_DMARC.text, dmarc=True)
            outcome = "DMARC fails, its domain asks to reject"
            return Finding(saw, outcome, refusal, Reason.DMARC_REJECT)
        if wish == "quarantine":
            outcome = "DMARC fails, its domain asks for quarantine"
            return Finding(saw, outcome, Hold(), Reason.DMARC_QUARANTINE)
    if policy.unauthenticated == "hold" and case.facts.domain_known:
        return Finding(saw, "not proven", Hold(), Reason.UNPROVEN_HELD)
    return Finding(saw, "not proven", Refuse(policy.texts.sign_up), Reason.UNPROVEN)


def sender(case: Case) -> Finding:
    who, policy = _known(case.sender), case.policy
    saw = f"{who.address}, {who.standing}"
    if any(e.guest for e in case.entitlements):
        return Finding(saw, "a guest on the ticket that the mail points to")
    if who.standing is not Standing.STRANGER and who.tier < Tier.PROVEN:
        if who.standing.may_write:
            return Finding(saw, "may write where his token leads")
        return Finding(saw, "not proven", Refuse(policy.texts.sign_up), Reason.UNPROVEN)
    match who.standing:
        case Standing.STRANGER if policy.strangers == "hold":
            return Finding(saw, "not registered", Hold(), Reason.STRANGER_HELD)
        case Standing.STRANGER:
            return Finding(saw, "not registered", Refuse(policy.texts.sign_up), Reason.STRANGER)
        case Standing.DEACTIVATED:
            refusal = Refuse(policy.texts.deactivated)
            return Finding(saw, "deactivated", refusal, Reason.DEACTIVATED)
        case Standing.SUSPENDED:
            refusal = Refuse(policy.texts.suspended)
            return Finding(saw, "company suspended", refusal, Reason.SUSPENDED)
        case Standing.COLLEAGUE if any(e.right is Right.FLAG for e in case.entitlements):
            return Finding(saw, "company known, not enrolled, but was given the thread")
        case Standing.COLLEAGUE if policy.registration == "domain":
            return Finding(saw, "company known; its people are enrolled by their first mail")
        case Standing.COLLEAGUE:
            held = Hold(invite=who.address if _may_be_invited(case) else "")
            return Finding(saw, "company known, not enrolled", held, Reason.NOT_ENROLLED)
        case Standing.USER | Standing.STAFF:
            return Finding(saw, "may write")
        case _:
            assert_never(who.standing)


def known_ticket(case: Case) -> Finding:
    who = _known(case.sender)
    if not case.entitlements:
        return Finding("no pointer to a ticket", "none")
    saw = "; ".join(str(e) for e in case.entitlements)
    for entitled in case.entitlements:
        if entitled.right is Right.FOREIGN:
            return Finding(saw, "a ticket of another company", Hold(), Reason.FOREIGN_COMPANY)
        if entitled.right is Right.NONE:
            continue
        ticket = case.facts.tickets[entitled.ticket]
        visibility = _VISIBILITY[entitled.right]
        joining = (
            additions(case.mail, case.facts, who, ticket, case.policy)
            if entitled.right is Right.COMMENT
            else ()
        )
        conflict = any(e.ticket != entitled.ticket for e in case.entitlements)
        outcome = f"{visibility} on #{ticket.id}" + ("; conflict" if conflict else "")
        return Finding(saw, outcome, AddComment(ticket.id, visibility, joining), entitled.reason)
    return Finding(saw, "no right on any of them")


def new_ticket(case: Case) -> Finding:
    who = _known(case.sender)
    if who.tier < Tier.PROVEN:
        # A token proves a place on its own ticket, and that ticket did not take the mail.
        refusal = Refuse(case.policy.texts.sign_up)
        return Finding(str(who.tier), "not proven for a new ticket", refusal, Reason.UNPROVEN)
    enrol = who.standing is Standing.COLLEAGUE and case.policy.registration == "domain"
    if not who.standing.may_write and not enrol:
        refusal = Refuse(case.policy.texts.sign_up)
        return Finding(who.standing, "may not open a ticket", refusal, Reason.STRANGER)
    policy, mail = case.policy, case.mail
    text = mail.body.text if isinstance(mail.body, Body) else ""
    claim = claimed(policy.levels, mail.subject, text, mail.header, policy.severity.high_importance)
    severity = capped(
        policy.levels,
        policy.severity.default,
        policy.severity.ceiling,
        claim,
        policy.severity.customers_may_set,
    )
    tags = (e.ticket for e in case.entitlements if e.via is Via.SUBJECT_TAG)
    action = OpenTicket(
        subject=mail.subject[:SUBJECT_LENGTH] or "(no subject)",
        requester=who.address,
        requester_id=who.person.id if who.person is not None else None,
        company=who.company.id if who.company is not None else None,
        severity=severity,
        additions=additions(mail, case.facts, who, None, policy),
        acknowledge=_acknowledged(case),
        enrol=enrol,
        mentions=next(tags, None),
    )
    said = f"claims {claim.level} in the {claim.where}" if claim else "claims no severity"
    return Finding(said, f"opens at {severity.name}", action, Reason.NEW_REQUEST)


CHECKS: tuple[Check, ...] = (
    duplicate,
    automatic,
    author,
    proof,
    sender,
    known_ticket,
    new_ticket,
)

_MADE_BY_US = (Via.REPLY_TOKEN, Via.OUR_MESSAGE_ID)
_VISIBILITY: Mapping[Right, Visibility] = {
    Right.COMMENT: Visibility.PUBLIC,
    Right.NOTE: Visibility.NOTE,
    Right.FLAG: Visibility.PRIVATE,
}


def _is_addressed(case: Case) -> bool:
    names = {case.facts.mailbox.address, *case.policy.aliases}
    return names_one_of(case.mail, names)


def _unanswered(case: Case, saw: str) -> Finding:
    """Patience with a DNS that does not answer has an end: then the mail is held, not lost."""
    since = case.facts.deferred_since or case.facts.received_at
    patience = timedelta(hours=case.policy.dns_patience_hours)
    if case.facts.received_at - since < patience:
        return Finding(saw, "the DNS did not answer", Defer(), Reason.DNS_FAILURE)
    outcome = f"the DNS has not answered since {since:%Y-%m-%d %H:%M}"
    return Finding(saw, outcome, Hold(), Reason.DNS_FAILURE_HELD)


def _may_be_invited(case: Case) -> bool:
    """One sign-up notice a day, and none to a machine."""
    if case.automatic is not None:
        return False
    last = case.facts.invited_at
    return last is None or case.facts.received_at - last >= INVITATION_PAUSE


def _acknowledged(case: Case) -> bool:
    """Whether the opening is acknowledged; never to a machine, and once in the policy's pause."""
    policy = case.policy.acknowledgement
    if not policy.send or wants_no_answer(case.mail):
        return False
    if case.automatic is not None:
        return False
    last = case.facts.acknowledged_at
    pause = timedelta(minutes=policy.pause_minutes)
    return last is None or case.facts.received_at - last >= pause


def _known(sender: Sender | None) -> Sender:
    assert sender is not None, "the author check answers every mail without a sender"
    return sender


def _assert_never_critical(action: Action, policy: Policy) -> None:
    """The second barrier: the type cannot say critical, and what it says is looked at again."""
    if isinstance(action, OpenTicket):
        critical = {level.name for level in policy.levels if level.critical}
        if action.severity.name in critical:
            raise AssertionError(f"a mail would open at {action.severity.name}")
