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
from rules.identity import FORWARDED, ProofLevel, Standing, is_proven_enough
from rules.mail import Attachment, Body
from rules.mail.forwards import Forwarded
from rules.mail.header import Author
from rules.mail.internal import quotes_internal
from rules.mail.quoting import REPLY_MARK, is_forward, published
from rules.mail.subjects import unmarked_subject
from rules.people import ParticipantKind, Person, Presence, Role
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.limits import opened_lately
from rules.service.participants import Addition, additions
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.payloads import (
    NewCommentPayload,
    NewTicketPayload,
    ReceiptOutcome,
    ReceiptPayload,
)
from rules.ticket.severity import MailSeverity
from rules.ticket.visibility import Visibility

TOLD_AN_HOUR = 8
"""Requests of a staff person within an hour, of whatever customer, up to which a receipt says why
one is their own: more than they forward in a busy hour, and few enough if a machine sends them."""


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
    proof: str = ""
    """How the author of the forwarded mail is proven; empty if none is forwarded."""
    sent: str = ""
    people: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    """Of the forwarded mail."""

    @property
    def signed_by(self) -> str:
        """The domain whose signature proves the author of the forwarded mail; empty for none."""
        return self.proof.removeprefix(f"{FORWARDED}+dkim:") if "+" in self.proof else ""


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """The mail is meant for a customer, or has a command, and opens a ticket of the staff person's
    own: why."""

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
    forwards = forwarded is not None or attached or is_forward(mail.subject, body.text)
    if not forwards and not wants and not commands.lines:
        return None
    if not is_proven_enough(sender, policy.proof.command):
        return OwnRequest(sentence("commands require {proof}", proof=policy.proof.command))
    if commands.faults:
        return OwnRequest(commands.faults[0])
    if len(commands.given) > len(named):
        return OwnRequest(
            sentence(
                "In a mail that opens a request only {usage} is done. Give other commands in a "
                "reply to one of our emails about a ticket.",
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
    verified = forwarded.attached and forwarded.author == person.address
    inner = case.facts.authentication.attached if verified else ""
    return Behalf(
        person,
        subject or outer,
        forwarded.text,
        own_words,
        forwarded.above,
        proof=f"{FORWARDED}+{inner}" if inner else FORWARDED,
        sent=forwarded.sent,
        people=forwarded.people,
        files=forwarded.files,
    )


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
        additions=_additions(case, behalf, joining),
        door=Source.STAFF_MAIL,
    )
    colleagues = [each for each in facts.staff if each.address != sender.address]
    orders = notices_of_opening(case, request, colleagues, acknowledged=policy.acknowledgement.send)
    if behalf.sent:
        orders = tuple(_with_date(each, behalf.sent) for each in orders)
    done = (_done(behalf), *_where_files_are(case, behalf), *_provenance(case, behalf))
    orders = (*orders, *_receipt(case, ReceiptOutcome.DONE, *done))
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
    made = ForCustomer(behalf.text, behalf.note, notes, behalf.proof, behalf.files)
    return replace(opened, for_customer=made)


def _done(behalf: Behalf) -> Sentence:
    address = behalf.person.address
    if not behalf.note:
        return sentence("Opened as a request of {address}, in your words.", address=address)
    if behalf.own_words:
        return sentence(
            "Opened as a request of {address}; your own words are a note.", address=address
        )
    return sentence("Opened as a request of {address}.", address=address)


def _where_files_are(case: Case, behalf: Behalf) -> tuple[Sentence, ...]:
    """How many files everybody on the ticket reads, and how many staff alone, where it has a note:
    the latter with the attached mail as it came."""
    body = body_of(case.mail)
    if not behalf.note or not isinstance(body, Body):
        return ()
    others = [each for each in body.attachments if each not in behalf.files]
    found = []
    if behalf.files:
        found.append(
            sentence(
                "Files with the request, which everybody on the ticket can read: {count}.",
                count=len(behalf.files),
            )
        )
    if others:
        found.append(
            sentence("Files with the note, which only staff can read: {count}.", count=len(others))
        )
    return tuple(found)


def forwarding_note(case: Case, behalf: Behalf) -> tuple[str, ...]:
    """For the trace: what proves the author of the forwarded mail."""
    return tuple(str(each) for each in _provenance(case, behalf)[:1])


def _provenance(case: Case, behalf: Behalf) -> tuple[Sentence, ...]:
    """What proves the author of the forwarded mail, and when it was sent."""
    if not behalf.proof:
        return ()
    names = (each.name for each in case.facts.staff if each.address == case.sender.address)
    proven = (
        sentence("Forwarded, signature of {domain} valid.", domain=behalf.signed_by)
        if behalf.signed_by
        else sentence(
            "Forwarded by {name}, not verified.", name=next(names, "") or case.sender.address
        )
    )
    return (proven, sentence("Sent on {date}.", date=behalf.sent)) if behalf.sent else (proven,)


def _with_date(order: NoticeOrder, sent: str) -> NoticeOrder:
    if not isinstance(order.payload, NewTicketPayload):
        return order
    return replace(order, payload=replace(order.payload, sent=sent))


def _additions(case: Case, behalf: Behalf, joining: tuple[Addition, ...]) -> tuple[Addition, ...]:
    """The people of the staff person's mail, and those of the mail that they forward, as if the
    customer had written it here. Where no signature covers its header, somebody else may have
    written it: nobody but colleagues and staff joins before the requester agrees."""
    person, facts = behalf.person, case.facts
    customer = replace(
        case.sender,
        address=person.address,
        standing=Standing.USER,
        person=person,
        company=person.company,
        token=None,
    )
    written = replace(
        case.mail, author=Author(person.address), to=(facts.mailbox.address, *behalf.people), cc=()
    )
    found = additions(written, facts, customer, None, case.policy) if behalf.people else ()
    if not behalf.signed_by:
        found = tuple(_proposed(each) for each in found)
    known = {person.address, case.sender.address, *(each.address for each in joining)}
    kept = (each for each in joining if each.address != person.address)
    return (*kept, *(each for each in found if each.address not in known))


def _proposed(addition: Addition) -> Addition:
    """A guest waits for the requester's consent."""
    if addition.part is not ParticipantKind.GUEST:
        return addition
    return replace(addition, presence=Presence.PENDING)


def opened_as_own(
    case: Case, own: OwnRequest, opened: OpenTicket[MailSeverity]
) -> OpenTicket[MailSeverity]:
    """The staff person's own ticket, with a receipt in place of its acknowledgement that gives the
    reason and what to do.

    Who has opened many within the hour gets the acknowledgement, which has a pause, and so does
    who then forwards an email of ours: a rule in their mailbox that forwards all mail to us would
    answer each receipt with the next request.
    """
    most = 1 if quotes_internal(body_text(case.mail)) else TOLD_AN_HOUR
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
