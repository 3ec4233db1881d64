"""A staff person's mail that opens a ticket for a customer: a mail that they forward, or one that
begins with `#onbehalf`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rules.commands import OnBehalf, names_command, parse_commands, without_commands
from rules.commands.table import BY_NAME
from rules.decision.acknowledged import mail_severity
from rules.decision.case import Case
from rules.decision.content import body_of, body_text
from rules.decision.model import ForCustomer, OpenTicket
from rules.decision.notices import receipt
from rules.decision.opening import (
    TicketRequest,
    notices_of_opening,
    open_ticket,
    terms_of,
)
from rules.facts import Facts
from rules.identity import ProofLevel, Standing, is_proven_enough
from rules.mail import Body
from rules.mail.forwards import Forwarded
from rules.mail.internal import quotes_internal
from rules.mail.quoting import REPLY_MARK, is_forward, published
from rules.mail.subjects import unmarked_subject
from rules.people import Person, Role
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.acknowledging import FEW
from rules.service.limits import opened_lately
from rules.service.participants import Addition
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.payloads import NewCommentPayload, ReceiptOutcome, ReceiptPayload
from rules.ticket.severity import MailSeverity
from rules.ticket.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Behalf:
    """For whom a staff person's mail opens a ticket, and with which words."""

    person: Person
    subject: str
    text: str
    """Of the customer's request, which everybody on the ticket reads; empty if what was forwarded
    has none: the staff person's words are never taken for it."""
    own_words: str = ""
    """Of the staff person who forwards it; empty if they wrote none."""
    note: str = ""
    """What only staff read: `own_words` with the header of the forwarded mail; empty if the whole
    mail is the request."""


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """The mail is meant for a customer, and opens a ticket of the staff person's own: why."""

    why: Sentence


def on_behalf(case: Case) -> Behalf | OwnRequest | None:
    """Whose ticket the mail of a staff person opens; None if it is their own request.

    A machine's mail is nobody else's: a rule may forward it without a person's will.
    """
    sender, mail, policy = case.sender, case.mail, case.policy
    body = body_of(mail)
    is_by_person = case.automatic is None or case.released
    if sender.standing is not Standing.STAFF or sender.proof_level < ProofLevel.PROVEN:
        return None
    if not is_by_person or not isinstance(body, Body):
        return None
    forwarded = case.facts.forwarded
    commands = parse_commands(
        published(body_text(mail), REPLY_MARK), policy.levels, policy.severity.ceiling
    )
    named = [each.address for each in commands.given if isinstance(each, OnBehalf)]
    written = (*commands.lines, *commands.misplaced)
    wants = any(names_command(line, "onbehalf") for line in written)
    attached = any(each.content_type == "message/rfc822" for each in body.attachments)
    if forwarded is None and not wants and not attached and not is_forward(mail.subject):
        return None
    if not is_proven_enough(sender, policy.proof.command):
        return OwnRequest(sentence("commands require {proof}", proof=policy.proof.command))
    if commands.faults:
        return OwnRequest(commands.faults[0])
    if len(commands.given) > len(named):
        return OwnRequest(
            sentence(
                "In a mail that opens a request only {usage} is done.",
                usage=BY_NAME["onbehalf"].usage,
            )
        )
    address = named[0] if named else forwarded.author if forwarded is not None else ""
    return _for(address, case, forwarded, commands.text)


def _for(address: str, case: Case, forwarded: Forwarded | None, stated: str) -> Behalf | OwnRequest:
    if not address:
        return OwnRequest(
            sentence("The forwarded mail does not show exactly one address as its author.")
        )
    person = _customer(address, case.facts)
    if person is None:
        return OwnRequest(
            sentence("{address} is not a registered customer of this mailbox.", address=address)
        )
    outer = unmarked_subject(case.mail.subject, case.policy.subject_tag.format)
    if forwarded is None:
        return Behalf(person, outer, stated.strip())
    if quotes_internal(forwarded.text):
        return OwnRequest(sentence("What you forward is or quotes an email to staff."))
    subject = unmarked_subject(forwarded.subject, case.policy.subject_tag.format)
    own_words = without_commands(forwarded.own_words).strip()
    return Behalf(person, subject or outer, forwarded.text, own_words, forwarded.above)


def _customer(address: str, facts: Facts) -> Person | None:
    """The active user of an active company with this address; nobody else gets a ticket by staff's
    mail."""
    person = facts.people.get(address)
    if person is None or not person.active or person.role is Role.STAFF:
        return None
    return person if person.company is not None and person.company.active else None


def opened_for(
    case: Case, behalf: Behalf, joining: tuple[Addition, ...]
) -> OpenTicket[MailSeverity]:
    """The customer's ticket that a staff person's mail opens. The customer is acknowledged as over
    the API; the staff person gets a receipt, and their colleagues read the note."""
    sender, facts, policy, person = case.sender, case.facts, case.policy, behalf.person
    request = TicketRequest(
        requester=person.address,
        author=sender.address,
        person=person,
        company=person.company,
        language=person.language,
        subject=behalf.subject,
        text=behalf.text,
        severity=mail_severity(case, behalf.subject, behalf.text),
        terms=terms_of(person.company),
        additions=tuple(each for each in joining if each.address != person.address),
        door=Source.STAFF_MAIL,
    )
    colleagues = [each for each in facts.staff if each.address != sender.address]
    orders = notices_of_opening(case, request, colleagues, acknowledged=policy.acknowledgement.send)
    done = (
        sentence(
            "Opened as a request of {address}; your own words are a note.", address=person.address
        )
        if behalf.note
        else sentence("Opened as a request of {address}, in your words.", address=person.address)
    )
    orders = (*orders, *_receipt(case, ReceiptOutcome.DONE, done))
    opened = open_ticket(request, facts.opens_at, orders, facts.staff, policy)
    notes = (
        notifications.to_staff(
            NoticeKind.NEW_COMMENT,
            NewCommentPayload(Visibility.NOTE),
            staff=colleagues if policy.staff.notify != "none" else (),
            policy=policy,
            quotes=True,
        )
        if behalf.own_words
        else ()
    )
    return replace(opened, for_customer=ForCustomer(behalf.text, behalf.note, notes))


def opened_as_own(
    case: Case, own: OwnRequest, opened: OpenTicket[MailSeverity]
) -> OpenTicket[MailSeverity]:
    """The staff person's own ticket, with a receipt in place of its acknowledgement that gives the
    reason and what to do.

    Who has opened a few within the hour gets the acknowledgement, which has a pause, and so does
    who then forwards an email of ours: a rule in their mailbox that forwards all mail to us would
    answer each receipt with the next request.
    """
    most = 1 if quotes_internal(body_text(case.mail)) else FEW
    if opened_lately(case.facts.recent, case.facts.decided_at) >= most:
        return opened
    again = sentence(
        "It is a request of your own now. To open it for a customer, send it again with "
        "{usage} on its first line.",
        usage=BY_NAME["onbehalf"].usage,
    )
    others = tuple(o for o in opened.orders if o.kind is not NoticeKind.ACKNOWLEDGEMENT)
    return replace(
        opened,
        orders=(*others, *_receipt(case, ReceiptOutcome.NOT_DONE, own.why, again)),
        named_with=None,
    )


def _receipt(case: Case, outcome: ReceiptOutcome, *lines: Sentence) -> tuple[NoticeOrder, ...]:
    """To the staff person, who follows the ticket from then on; none to a machine."""
    if not case.takes_answers:
        return ()
    order = receipt(case.mail, case.sender, None, ReceiptPayload(sentences=lines, outcome=outcome))
    return (replace(order, subscription=StaffSubscription.FOLLOWER),)
