"""The check on automatic mail: what its sign does depends on who is proven to have sent it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from rules.decision.author_checks import not_as_signed, too_many_mails
from rules.decision.case import Arrival, Case, Finding, Pass, Ruling
from rules.decision.entitlement import WOULD_BE, Right
from rules.decision.filing import known_ticket
from rules.decision.model import AddComment, EndSubscription, Hold, OpenTicket, Record
from rules.decision.notices import receipt
from rules.decision.reasons import Reason
from rules.identity import ProofLevel, Sender, Standing, is_machine
from rules.mail.automatic import AutomaticClass, AutomationSign, wants_no_answer
from rules.mail.lists import id_of_list, list_id_of
from rules.sender.pointers import PointerKind
from rules.ticket.notices import NoticeOrder
from rules.ticket.payloads import ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility

_MADE_BY_US = (PointerKind.REPLY_TOKEN, PointerKind.OUR_MESSAGE_ID)
UNPROVEN_BODY = "body not kept: unproven automatic mail"
UNREGISTERED_BODY = "body not kept: automatic mail of a sender who is not registered"
RECEIPT_PAUSE = timedelta(hours=1)
"""At most one receipt for folded mail goes to a staff person in this time: a machine may answer
it."""


def automatic(arrival: Arrival) -> Finding:
    """What the sign of automatic mail does, by its class and by who is proven to have sent it.

    A bounce comes from machines that we know nothing of, with the null reverse-path, and to refuse
    it would help nobody. So every such mail is accepted, and no answer discloses whether it pointed
    to a ticket. Other automatic mail has a sender who can be refused like any other. A registered
    person's is deferred beyond their budget, whatever it points to.
    """
    sign, sender = arrival.automatic, arrival.sender
    if sign is None:
        return Pass("headers and reverse-path", ("a person's mail",))
    saw = f"{sign} ({sign.kind})"
    if arrival.released:
        return Pass(saw, ("automatic, but released by staff",))
    pointed = next((e.ticket for e in arrival.entitlements if e.kind in _MADE_BY_US), None)
    if sender is None or sender.proof_level < ProofLevel.TOKEN or _is_passed_on(arrival, sign):
        if arrival.facts.envelope.mail_from:
            return Pass(saw, ("automatic, but not proven to be meant for us: other checks decide",))
        record = Record(pointed, author="", body_dropped=UNPROVEN_BODY)
        return Ruling(saw, record, Reason.AUTOMATIC, kept(record))
    if (finding := _of_known_sender(arrival, sign, sender)) is not None:
        return finding
    known = next((e for e in arrival.entitlements if e.right in WOULD_BE), None)
    on = pointed if known is None else known.ticket
    return _certainly_automatic(arrival, sign, sender, on)


def _is_passed_on(arrival: Arrival, sign: AutomationSign) -> bool:
    """Whether somebody may have sent us a signed mail that its author, or their machine, wrote to
    others: it would be on a ticket in its author's name and wait for nobody.

    The last sender chooses the null reverse-path, and whom a machine answers has chosen the subject
    and the ids of its answer. What comes back from here, or copies other mail, is no such mail.
    """
    sender = arrival.sender
    is_copy = arrival.facts.looped or sign.is_journal_report
    if sender is None or is_copy or is_machine(sender):
        return False
    if sign.kind is not AutomaticClass.CERTAIN:
        return False
    return not_as_signed(arrival, sender, str(sign)) is not None


def _of_known_sender(arrival: Arrival, sign: AutomationSign, sender: Sender) -> Finding | None:
    """What a sign that is not certain does in a proven person's mail; None if it counts as certain.

    Nothing of theirs is kept without anybody seeing it: a digest names what is folded or held.
    """
    saw, proven = f"{sign} ({sign.kind})", sender.proof_level >= ProofLevel.PROVEN
    declared = sign.kind is not AutomaticClass.CERTAIN or sign.is_null_path
    if is_machine(sender) and proven and declared:
        return Pass(saw, ("automatic, but its sender is registered as a machine",))
    # The first mail of a colleague may enrol them, but not if it is automatic.
    registered = proven and (sender.standing.may_write or arrival.enrols)
    match sign.kind:
        case AutomaticClass.CERTAIN:
            return None
        case AutomaticClass.UNCLEAR:
            if sign.is_foreign_notice:
                return None  # two desks would name each other's digests in their own, for ever
            if proven and (held := not_as_signed(arrival, sender, saw)) is not None:
                return held
            as_person = _as_of_person(arrival, sender) if proven else None
            if as_person is not None:
                return _folded(arrival, sign, sender, *as_person)
            if not registered:
                return None
            note = "a registered person's, but declared as a machine's"
            return Ruling(saw, Hold(), Reason.AUTOMATIC_UNCLEAR, (note,))
        case AutomaticClass.BULK:
            return _bulk(arrival, saw, sender, registered=registered)
        case _:
            assert_never(sign.kind)


def _folded(
    arrival: Arrival, sign: AutomationSign, sender: Sender, ticket: int, would_be: Visibility
) -> Ruling:
    """A proven author's mail that a machine may have written: folded on its ticket, and named by a
    digest, whose link makes it the comment that it would have been."""
    saw = f"{sign} ({sign.kind})"
    if (deferred := too_many_mails(arrival, saw, automatic=True)) is not None:
        return deferred
    orders, notes = _receipt(arrival, sign, sender)
    new = not sender.standing.may_write
    record = Record(ticket, sender.address, orders=orders, would_be=would_be, unregistered=new)
    notes = (*kept(record), f"else {would_be}; a digest names it", *notes)
    return Ruling(saw, record, Reason.AUTOMATIC_FOLDED, notes)


def _as_of_person(arrival: Arrival, sender: Sender) -> tuple[int, Visibility] | None:
    """The ticket that the mail would be filed on without its sign, and as what; None if on none.

    The check on the mail of persons decides it, so that to accept a folded mail never publishes
    more: it knows what a refused command, a foreign ticket or the answer to feedback makes of it.
    """
    mail, facts, policy = arrival.mail, arrival.facts, arrival.policy
    entitled = next((e for e in arrival.entitlements if e.right in WOULD_BE), None)
    if entitled is None:
        return None
    case = Case(
        mail, facts, policy, sender=sender, entitlements=arrival.entitlements, automatic=None
    )
    match known_ticket(case):
        case Ruling(action=AddComment(ticket=ticket, visibility=visibility)):
            return ticket, visibility
        case Ruling(action=EndSubscription(ticket=ticket)):
            return ticket, Visibility.NOTE
        case Ruling(action=OpenTicket(follows=int())):
            return entitled.ticket, WOULD_BE[entitled.right]
        case Ruling(reason=Reason.TOO_MANY_TICKETS):
            return entitled.ticket, Visibility.PRIVATE
        case _:
            return None


def _receipt(
    arrival: Arrival, sign: AutomationSign, sender: Sender
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """Tells a staff person that their mail went to nobody; and the notes on that for the trace."""
    if sender.standing is not Standing.STAFF or is_machine(sender):
        return (), ()
    if sign.is_subject or wants_no_answer(arrival.mail):
        return (), ("no receipt: it says that it is an answer, or wants none",)
    before, now = arrival.facts.folded_at, arrival.facts.decided_at
    if before is not None and now - before < RECEIPT_PAUSE:
        return (), ("no receipt: another mail of theirs was folded within the hour",)
    order = receipt(arrival.mail, sender, None, ReceiptPayload(ReceiptText.FOLDED))
    return (replace(order, quotes=True),), ("its author gets a receipt",)


def _bulk(arrival: Arrival, saw: str, sender: Sender, *, registered: bool) -> Finding | None:
    """A proven person's mail with the marks of bulk mail: theirs, if it is addressed to us."""
    proven = sender.proof_level >= ProofLevel.PROVEN
    participant = proven and any(e.right is Right.COMMENT for e in arrival.entitlements)
    if sender.token is not None or participant or (registered and not arrival.enrols):
        if sender.token is not None or arrival.is_addressed:
            return Pass(saw, ("a person's mail with marks of bulk mail: nothing answers it",))
        note = "a person's mail to a list, not addressed to this mailbox"
        return Ruling(saw, Hold(), Reason.LIST_MAIL, (note,))
    if arrival.enrols:
        return Ruling(saw, Hold(), Reason.LIST_MAIL, ("a mail with such marks enrols nobody",))
    if proven and sender.standing is Standing.COLLEAGUE and _is_the_list(arrival, sender):
        note = "the list is in the place of the author"
        return Ruling(saw, Hold(), Reason.LIST_MAIL, (note,))
    return None


def _is_the_list(arrival: Arrival, sender: Sender) -> bool:
    """Whether a list has put itself in the place of the author."""
    return list_id_of(arrival.mail.header) == id_of_list(sender.address)


def _certainly_automatic(
    arrival: Arrival, sign: AutomationSign, sender: Sender, ticket: int | None
) -> Finding:
    """Automatic mail triggers nothing. Since anybody can send it, no more than the header is stored
    of what no registered sender is behind.

    A journal report is of a server, whose address nobody could register: it waits for nobody.
    """
    saw = f"{sign} ({sign.kind})"
    may_write = sender.standing.may_write or arrival.enrols
    is_copy = sign.is_journal_report and sender.standing is Standing.COLLEAGUE
    if ticket is None and not may_write and not is_copy and arrival.facts.envelope.mail_from:
        return Pass(saw, ("automatic, and points to no ticket: the other checks decide",))
    if sender.proof_level >= ProofLevel.PROVEN and sender.standing.may_write:
        # Anybody else's counts against their network.
        deferred = too_many_mails(arrival, saw, automatic=True)
        if deferred is not None:
            return deferred
    dropped = UNREGISTERED_BODY if ticket is None and not may_write else ""
    new = not sender.standing.may_write
    record = Record(ticket, sender.address, body_dropped=dropped, unregistered=new)
    return Ruling(saw, record, Reason.AUTOMATIC, kept(record))


def kept(record: Record) -> tuple[str, ...]:
    """The notes on a mail that triggers nothing."""
    where = f"kept on #{record.ticket}" if record.ticket is not None else "kept, triggers nothing"
    return (where, record.body_dropped) if record.body_dropped else (where,)
