"""The checks on whether a mail is let in at all: seen before, machines, who wrote it, proof."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from rules import replies
from rules.decision.case import Case, Finding
from rules.decision.entitlement import Right
from rules.decision.model import Bounced, Defer, Hold, Reason, Record, Refuse, Repeat
from rules.facts import Presence, Returned, Ticket
from rules.identity import ProofLevel, Sender, Standing
from rules.mail import Mail
from rules.mail.automatic import wants_no_answer
from rules.mail.bounces import Bounce, suspends_address
from rules.mail.header import Ambiguous
from rules.mail.language import author_language
from rules.policy import Policy
from rules.sender.authentication import Authentication, Result
from rules.sender.pointers import PointerKind
from rules.sender.signature_scope import is_addressed_to
from rules.service import notifications, sla_rules
from rules.ticket.notices import NoticeKind, NoticeOrder, may_be_invited

_MADE_BY_US = (PointerKind.REPLY_TOKEN, PointerKind.OUR_MESSAGE_ID)


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
    pointed = next((e.ticket for e in case.entitlements if e.kind in _MADE_BY_US), None)
    if who is None or who.proof_level < ProofLevel.TOKEN:
        if case.facts.envelope.mail_from:
            return Finding(sign, "automatic, but nothing proves its sender, who is asked for")
        return Finding(sign, _kept(pointed), Record(pointed, ""), Reason.AUTOMATIC)
    if who.person is not None and who.person.machine and who.proof_level >= ProofLevel.PROVEN:
        return Finding(sign, "automatic, but its sender is registered as a machine")
    known = next(
        (e.ticket for e in case.entitlements if e.right in (Right.COMMENT, Right.FLAG)), pointed
    )
    # Where the first mail enrols a colleague, a machine's is not that mail.
    may_write = who.standing.may_write or case.enrols
    if known is None and not may_write and case.facts.envelope.mail_from:
        return Finding(sign, "automatic, and points to no ticket: the sender decides")
    return Finding(sign, _kept(known), Record(known, who.address), Reason.AUTOMATIC)


def _kept(ticket: int | None) -> str:
    return f"kept on #{ticket}" if ticket is not None else "kept, triggers nothing"


def bounce(case: Case) -> Finding:
    """A report of a notice that did not arrive; believed only at that notice's own return path."""
    returned = case.facts.returned
    if returned is None:
        return Finding("the recipients", "no return path of ours")
    saw = f"the return path of notice {returned.notice}"
    report = _report_on(case.mail, returned)
    if report is None:
        if case.automatic is None:
            return Finding(saw, "but no report: a mail like any other")
        return Finding(saw, _kept(returned.ticket), Record(returned.ticket, ""), Reason.AUTOMATIC)
    suspended = not returned.counted and suspends_address(returned.hard_before, report.failure)
    bounced = Bounced(
        returned.notice, returned.address, report.failure, report.diagnostic, suspended
    )
    what = f"{returned.address} is written to no more: {report.diagnostic or report.status}"
    others = [s for s in case.facts.staff if s.address != returned.address]
    told = notifications.alert(what, others, case.policy) if suspended else ()
    outcome = f"{report.failure} for {returned.address}"
    record = Record(returned.ticket, "", bounced, told)
    return Finding(saw, outcome, record, Reason.BOUNCE)


def _report_on(mail: Mail, returned: Returned) -> Bounce | None:
    """What the mail reports of the notice's recipient; of anybody, where it names him not."""
    named = [b for b in mail.bounces if b.recipient in ("", returned.address)]
    return next(iter(named or mail.bounces), None)


def author(case: Case) -> Finding:
    if isinstance(case.mail.author, Ambiguous):
        return Finding("From", case.mail.author.why, Hold(), Reason.FROM_AMBIGUOUS)
    return Finding("From", case.mail.author.address)


def proof(case: Case) -> Finding:
    """What the author's domain asks for where nothing proves him; the same for every address.

    Below T2 nobody may learn whether an address is registered, so these answers hang on the
    domain alone.
    """
    who = case.who
    proven, policy = case.facts.authentication, case.policy
    saw = f"{who.proof_level} by {proven.by or ('reply token' if who.token else _unproven_by(proven))}"
    his = _ways_to_his_ticket(case)
    signed_alone = proven.signed_scope is not None and proven.signed_scope.alone
    if signed_alone and (case.facts.domain_known or his) and not _is_addressed(case):
        outcome = "signed, but not for this mailbox: anybody may have sent it on"
        return Finding(saw, outcome, Hold(), Reason.NOT_ADDRESSED)
    if who.proof_level >= ProofLevel.TOKEN:
        return Finding(saw, "good enough to go on")
    # A number in a subject can be guessed, and would tell by 451 who is on which ticket.
    if proven.temporary and (case.facts.domain_known or his - {PointerKind.SUBJECT_TAG}):
        return _unanswered(case, saw)
    if not case.facts.domain_known:
        # A guest must not stand out among all others of his domain, who are strangers.
        return Finding(saw, "not proven, and nobody of the domain is registered")
    wish = proven.dmarc_policy if proven.dmarc is Result.FAIL else "none"
    if wish == "reject":
        refusal = Refuse(replies.SENDER_FAILED_DMARC.text, dmarc=True)
        outcome = "DMARC fails, its domain asks to reject"
        return Finding(saw, outcome, refusal, Reason.DMARC_REJECT)
    if wish == "quarantine":
        outcome = "DMARC fails, its domain asks for quarantine"
        return Finding(saw, outcome, Hold(), Reason.DMARC_QUARANTINE)
    if policy.unauthenticated == "hold":
        return Finding(saw, "not proven", Hold(), Reason.UNPROVEN_HELD)
    return Finding(saw, "not proven", Refuse(policy.texts.sign_up), Reason.UNPROVEN)


def sender(case: Case) -> Finding:
    who, policy = case.who, case.policy
    saw = f"{who.address}, {who.standing}"
    if any(e.guest for e in case.entitlements):
        return Finding(saw, "a guest on the ticket that the mail points to")
    if who.standing is not Standing.STRANGER and who.proof_level < ProofLevel.PROVEN:
        if who.standing.may_write:
            return Finding(saw, "may write where his token leads")
        return Finding(saw, "not proven", Refuse(policy.texts.sign_up), Reason.UNPROVEN)
    match who.standing:
        case Standing.STRANGER if any(e.right is Right.FLAG for e in case.entitlements):
            return Finding(saw, "not registered, but was given the thread")
        case Standing.STRANGER:
            return _stranger(case, saw)
        case Standing.DEACTIVATED:
            refusal = Refuse(policy.texts.deactivated)
            return Finding(saw, "deactivated", refusal, Reason.DEACTIVATED)
        case Standing.SUSPENDED:
            refusal = Refuse(policy.texts.suspended)
            return Finding(saw, "company suspended", refusal, Reason.SUSPENDED)
        case Standing.USER | Standing.COLLEAGUE if not _has_support(who, policy):
            refusal = Refuse(policy.texts.community)
            return Finding(saw, "the plan has no support", refusal, Reason.NO_SUPPORT)
        case Standing.COLLEAGUE if any(e.right is Right.FLAG for e in case.entitlements):
            return Finding(saw, "company known, not enrolled, but was given the thread")
        case Standing.COLLEAGUE if case.enrols:
            return Finding(saw, "company known; its people are enrolled by their first mail")
        case Standing.COLLEAGUE:
            held = Hold(_invitation(case, who))
            return Finding(saw, "company known, not enrolled", held, Reason.NOT_ENROLLED)
        case Standing.USER | Standing.STAFF:
            return Finding(saw, "may write")
        case _:
            assert_never(who.standing)


def _unproven_by(proven: Authentication) -> str:
    passed = [e.method for e in proven.evidence if e.aligned and e.result is Result.PASS]
    return "SPF alone, which the policy does not count" if "spf" in passed else "nothing"


def _stranger(case: Case, saw: str) -> Finding:
    """The listener's word goes before the policy's."""
    listener, policy = case.facts.envelope.strangers, case.policy
    if (listener or policy.strangers) == "refuse":
        return Finding(saw, "not registered", Refuse(policy.texts.sign_up), Reason.STRANGER)
    if listener is None:
        return Finding(saw, "not registered", Hold(), Reason.STRANGER_HELD)
    outcome = "not registered; its listener has strangers held"
    return Finding(saw, outcome, Hold(), Reason.STRANGER_RELAYED)


def _ways_to_his_ticket(case: Case) -> set[PointerKind]:
    """How the mail points to a ticket that its author is on. A guest's mail without that goes
    nowhere, so nothing need be found out for it, and nothing be told by it."""
    return {e.kind for e in case.entitlements if _is_on(case.facts.tickets[e.ticket], case.who)}


def _is_on(ticket: Ticket, who: Sender) -> bool:
    member = ticket.participant(who.address)
    return member is not None and member.presence is not Presence.REMOVED


def _is_addressed(case: Case) -> bool:
    names = {case.facts.mailbox.address, *case.policy.aliases}
    return is_addressed_to(case.mail, names)


def _unanswered(case: Case, saw: str) -> Finding:
    """Patience with a DNS that does not answer has an end: then the mail is held, not lost."""
    since = case.facts.deferred_since or case.facts.decided_at
    patience = timedelta(hours=case.policy.dns_patience_hours)
    if case.facts.decided_at - since < patience:
        return Finding(saw, "the DNS did not answer", Defer(), Reason.DNS_FAILURE)
    outcome = f"the DNS has not answered since {since:%Y-%m-%d %H:%M}"
    return Finding(saw, outcome, Hold(), Reason.DNS_FAILURE_HELD)


def _invitation(case: Case, who: Sender) -> tuple[NoticeOrder, ...]:
    """One sign-up notice a day, and none to a machine or to who wants no answer."""
    now = case.facts.decided_at
    if case.automatic is not None or wants_no_answer(case.mail):
        return ()
    if not may_be_invited(case.facts.invited_at, now):
        return ()
    return (NoticeOrder(NoticeKind.INVITATION, who.address, author_language(case.mail.header)),)


def _has_support(who: Sender, policy: Policy) -> bool:
    tier = sla_rules.tier_of(who.company, policy)
    return tier is None or tier.support
