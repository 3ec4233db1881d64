"""The checks on whether a mail is accepted at all: copies, machines, author, proof, standing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

from rules.decision.author_checks import not_as_signed, too_many_mails, ways_to_own_ticket
from rules.decision.automation import UNPROVEN_BODY, kept
from rules.decision.case import Arrival, Case, Finding, Pass, Ruling
from rules.decision.content import reports
from rules.decision.entitlement import Right
from rules.decision.model import Bounced, Defer, Hold, Record, Refuse, Repeat
from rules.decision.reasons import Reason
from rules.facts import Returned
from rules.identity import ProofLevel, Sender, Standing
from rules.mail import Mail
from rules.mail.addresses import is_role
from rules.mail.bounces import Bounce, Failure, suspends_address
from rules.mail.header import Ambiguous, Author
from rules.mail.language import author_language
from rules.policy import Policy
from rules.sender.authentication import Authentication, DmarcPolicy, Result
from rules.sender.pointers import PointerKind
from rules.sentence import sentence
from rules.service import notifications, sla_rules
from rules.service.participants import is_ours
from rules.ticket.notice_timing import may_be_invited
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertTopic

REPEATED_REPORT_BODY = "body not kept: the notice was reported before, or was never sent"


def duplicate(arrival: Arrival) -> Finding:
    earlier = arrival.facts.earlier
    saw = f"identity {arrival.mail.identity[:16]}"
    if earlier is not None:
        repeat = Repeat(earlier.journal_id, earlier.answer, earlier.ticket)
        return Ruling(
            saw, repeat, Reason.SEEN_BEFORE, (f"received before as {earlier.journal_id}",)
        )
    if arrival.facts.id_seen:
        message_id = arrival.mail.message_id
        return Pass(saw, (f"id_collision: {message_id} was received before with other bytes",))
    return Pass(saw, ("new",))


def bounce(arrival: Arrival) -> Finding:
    """A report of a notice that did not arrive; believed only at that notice's own return path."""
    returned = arrival.facts.returned
    if returned is None:
        return Pass("the recipients", ("no return path of ours",))
    saw = f"the return path of notice {returned.notice}"
    report = _report_on(arrival.mail, returned)
    if report is None:
        if not arrival.is_answer_to_notice:
            return Pass(saw, ("no delivery report: the other checks decide",))
        # A sender who knows the return path has the notice; only its recipient is read.
        written = arrival.mail.author
        own = isinstance(written, Author) and written.address == returned.address
        record = Record(returned.ticket, author="", body_dropped="" if own else UNPROVEN_BODY)
        return Ruling(saw, record, Reason.AUTOMATIC, kept(record))
    failure = Failure.SOFT if _is_of_invitation(report, returned) else report.failure
    suspended = not returned.counted and suspends_address(returned.hard_before, failure)
    bounced = Bounced(returned.notice, returned.address, failure, report.diagnostic, suspended)
    why = report.diagnostic or report.status
    what = sentence(
        "{address} receives no more mail from here: {why}", address=returned.address, why=why
    )
    others = [s for s in arrival.facts.staff if s.address != returned.address]
    orders = (
        notifications.alert(AlertTopic.ADDRESS, (what,), others, arrival.policy)
        if suspended
        else ()
    )
    dropped = REPEATED_REPORT_BODY if returned.counted else ""
    record = Record(
        returned.ticket, author="", bounced=bounced, orders=orders, body_dropped=dropped
    )
    uncounted = INVITATION_BOUNCED if failure is not report.failure else ""
    notes = (f"{report.failure} for {returned.address}", uncounted, dropped)
    return Ruling(saw, record, Reason.BOUNCE, tuple(filter(None, notes)))


INVITATION_BOUNCED = "not counted against the address: anybody can ask for an invitation to it"


def _is_of_invitation(report: Bounce, returned: Returned) -> bool:
    """Whether an invitation failed for good: else a stranger who asks for links to addresses that
    do not exist could suppress those of later colleagues, with an alert to staff for each."""
    return returned.is_invitation and report.failure is Failure.HARD


def _report_on(mail: Mail, returned: Returned) -> Bounce | None:
    """What the mail reports of the notice's recipient; its first report where none names them."""
    bounces = reports(mail)
    named = [b for b in bounces if b.recipient in ("", returned.address)]
    return next(iter(named or bounces), None)


def author(arrival: Arrival) -> Finding:
    """A mail without one author is kept only if something stands behind it; else anybody could fill
    the store with such mails, and it is answered like any other mail of a stranger."""
    written = arrival.mail.author
    if not isinstance(written, Ambiguous):
        return Pass("From", (written.address,))
    proven = arrival.facts.authentication
    listener = arrival.facts.envelope.strangers
    match proven.vouched_by.partition(":")[0]:
        case "":
            handling = listener or arrival.policy.strangers
        case "relay":
            handling = listener or "hold"  # a refusal would make the relay bounce
        case _:
            handling = "hold"
    if handling == "hold":
        behind = proven.vouched_by or "nothing, and the mail of strangers is held"
        notes = (written.why, f"behind it: {behind}")
        return Ruling("From", Hold(), Reason.FROM_AMBIGUOUS, notes)
    if proven.temporary and _is_patient(arrival):
        notes = (written.why, "the DNS did not answer for the company that may have signed it")
        return Ruling("From", Defer(), Reason.DNS_FAILURE, notes)
    refusal = Refuse(arrival.policy.texts.sign_up)
    notes = (written.why, "no company that is registered signed it")
    return Ruling("From", refusal, Reason.FROM_AMBIGUOUS_REFUSED, notes)


def proof(case: Case) -> Finding:
    """Whether the author is proven; if not, the same answer for every address and every domain.

    Below T2 nobody may learn whether an address or a domain is registered. Except while the DNS
    does not answer: a mail of a domain that is known here is then asked for again.
    """
    sender, proven = case.sender, case.facts.authentication
    by = proven.by or ("reply token" if sender.token else _unproven_by(proven))
    saw = f"{sender.proof_level} by {by}"
    if (held := not_as_signed(case, sender, saw)) is not None:
        return held
    own = ways_to_own_ticket(case, sender)
    if sender.proof_level >= ProofLevel.TOKEN:
        return Pass(saw, ("proven well enough to continue",))
    # A number in a subject can be guessed, and 451 would then disclose who is on which ticket.
    if proven.temporary and (case.facts.domain_known or own - {PointerKind.SUBJECT_TAG}):
        return _unanswered(case, saw)
    if not case.facts.domain_known:
        # A guest must not be distinguishable from the strangers of their domain.
        return Pass(saw, ("not proven, and nobody at this domain is registered",))
    return _unproven(case, saw)


def _unproven(case: Case, saw: str) -> Finding:
    """The reply that a stranger gets, whatever the author's domain asks for: else it would show
    that the domain is a customer's. The reason and the trace have the difference."""
    policy, proven = case.policy, case.facts.authentication
    strangers = case.facts.envelope.strangers or policy.strangers
    requested = proven.dmarc_policy if proven.dmarc is Result.FAIL else "none"
    note = "not proven"
    if requested != "none":
        note = f"DMARC failed, and the domain asks for {requested}"
    if strangers == "hold" or (policy.unauthenticated == "hold" and requested != "reject"):
        held: Mapping[DmarcPolicy, Reason] = {
            "reject": Reason.DMARC_REJECT_HELD,
            "quarantine": Reason.DMARC_QUARANTINE,
            "none": Reason.UNPROVEN_HELD,
        }
        return Ruling(saw, Hold(), held[requested], (note,))
    refused: Mapping[DmarcPolicy, Reason] = {
        "reject": Reason.DMARC_REJECT,
        "quarantine": Reason.DMARC_QUARANTINE_REFUSED,
        "none": Reason.UNPROVEN,
    }
    return Ruling(saw, Refuse(policy.texts.sign_up), refused[requested], (note,))


def sender(case: Case) -> Finding:
    sender, policy = case.sender, case.policy
    saw = f"{sender.address}, {sender.standing}"
    if case.is_released_onto:
        return Pass(saw, ("staff file it on a ticket",))
    if any(e.guest for e in case.entitlements):
        return Pass(saw, ("a guest on the ticket that the mail points to",))
    if sender.standing is not Standing.STRANGER and sender.proof_level < ProofLevel.PROVEN:
        if sender.standing.may_write:
            return Pass(saw, ("may write where their token leads",))
        return Ruling(saw, Refuse(policy.texts.sign_up), Reason.UNPROVEN, ("not proven",))
    may_flag = any(e.right is Right.FLAG for e in case.entitlements)
    if not sender.standing.may_write and not may_flag and _is_address_of_ours(case):
        note = "From is an address of ours: a list replaced the author, whom nothing proves"
        return Ruling(saw, Hold(), Reason.LIST_MAIL, (note,))
    match sender.standing:
        case Standing.STRANGER if may_flag:
            return Pass(saw, ("not registered, but has the thread",))
        case Standing.STRANGER:
            return _stranger(case, saw)
        case Standing.DEACTIVATED:
            refusal = Refuse(policy.texts.deactivated)
            return Ruling(saw, refusal, Reason.DEACTIVATED, ("deactivated",))
        case Standing.SUSPENDED:
            refusal = Refuse(policy.texts.suspended)
            return Ruling(saw, refusal, Reason.SUSPENDED, ("company suspended",))
        case Standing.USER | Standing.COLLEAGUE if not _has_support(sender, policy):
            refusal = Refuse(policy.texts.community)
            return Ruling(saw, refusal, Reason.NO_SUPPORT, ("their plan includes no support",))
        case Standing.COLLEAGUE if may_flag:
            return Pass(saw, ("company known, not enrolled, but has the thread",))
        case Standing.COLLEAGUE if case.enrols:
            return Pass(saw, ("company known; its people are enrolled by their first mail",))
        case Standing.COLLEAGUE:
            orders, why_none = _invitation(case)
            notes = ("company known, not enrolled", *why_none)
            return Ruling(saw, Hold(orders), Reason.NOT_ENROLLED, notes)
        case Standing.USER | Standing.STAFF:
            return Pass(saw, ("may write",))
        case _:
            assert_never(sender.standing)


def rate(case: Case) -> Finding:
    """How much a proven sender and their domain may write. Nothing unproven counts, so nobody can
    use up another's budget; and nobody unproven gets here, so the answer reveals nothing."""
    facts = case.facts
    saw = f"{sum(r.proven for r in facts.recent)} mails of the sender within the hour"
    if facts.of_domain:
        saw += f", {facts.of_domain} of their domain"
    released = facts.came_at is not None and facts.came_at < facts.decided_at
    if case.sender.proof_level < ProofLevel.PROVEN or released:
        return Pass(saw, ("not limited",))
    return too_many_mails(case, saw) or Pass(saw, ("not too many",))


def _unproven_by(proven: Authentication) -> str:
    passed = [e.method for e in proven.evidence if e.aligned and e.result is Result.PASS]
    by_spf = "spf" in passed or proven.by_spf_alone
    return "SPF alone, which the policy does not count" if by_spf else "nothing"


def _is_address_of_ours(case: Case) -> bool:
    """Whether the proven author is a mailbox, an alias or a list of ours, with or without a
    `+detail`. To refuse such a mail would make the list send bounces, or stop sending here; to
    enrol its author would send what we write to it to ourselves."""
    facts = case.facts
    return is_ours(case.sender.address, facts.own_addresses, facts.mailbox.address, case.policy)


def _stranger(case: Case, saw: str) -> Finding:
    """The listener's setting for strangers takes precedence over the policy."""
    listener, policy = case.facts.envelope.strangers, case.policy
    if (listener or policy.strangers) == "refuse":
        return Ruling(saw, Refuse(policy.texts.sign_up), Reason.STRANGER, ("not registered",))
    if listener is None:
        return Ruling(saw, Hold(), Reason.STRANGER_HELD, ("not registered",))
    notes = ("not registered", "its listener holds the mail of strangers")
    return Ruling(saw, Hold(), Reason.STRANGER_RELAYED, notes)


def _unanswered(case: Case, saw: str) -> Finding:
    """A mail waits for the DNS only so long; then it is held, not lost."""
    if _is_patient(case):
        return Ruling(saw, Defer(), Reason.DNS_FAILURE, ("the DNS did not answer",))
    since = case.facts.deferred_since
    note = f"the DNS has not answered since {since or case.facts.decided_at:%Y-%m-%d %H:%M}"
    return Ruling(saw, Hold(), Reason.DNS_FAILURE_HELD, (note,))


def _is_patient(arrival: Arrival) -> bool:
    """Whether a mail may still wait for the DNS."""
    since = arrival.facts.deferred_since or arrival.facts.decided_at
    patience = timedelta(hours=arrival.policy.dns_patience_hours)
    return arrival.facts.decided_at - since < patience


def _invitation(case: Case) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """One sign-up notice a day, and none to a machine, to a role address or to a sender who wants
    no answer; and for the trace why there is none."""
    now = case.facts.decided_at
    if not case.takes_answers:
        return (), ("no sign-up notice: its sender wants no answer",)
    if is_role(case.sender.address):
        return (), ("no sign-up notice: nobody may read a role address",)
    if not may_be_invited(case.facts.invited_at, now):
        return (), ("no sign-up notice: one was sent within a day",)
    language = author_language(case.mail.header)
    return (NoticeOrder(NoticeKind.INVITATION, case.sender.address, language),), ()


def _has_support(sender: Sender, policy: Policy) -> bool:
    tier = sla_rules.tier_of(sender.company, policy)
    return tier is None or tier.support
