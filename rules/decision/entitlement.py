"""What a sender may do on each ticket that their mail points to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from rules.decision.reasons import Reason
from rules.destination import destination, token_holder
from rules.facts import Facts, ThreadTicket
from rules.identity import ProofLevel, Sender, Standing
from rules.mail import Mail
from rules.mail.subjects import subject_besides
from rules.people import Participant, ParticipantKind, Presence, Role
from rules.policy import Policy
from rules.sender.pointers import Pointer, PointerKind
from rules.sender.tokens import Purpose
from rules.service.participants import named_addresses
from rules.ticket.model import Ticket
from rules.ticket.visibility import Visibility


class Right(StrEnum):
    COMMENT = "comment"
    """In public."""
    NOTE = "note"
    """Among staff."""
    FLAG = "flag"
    """A private comment that staff may accept."""
    FOREIGN = "foreign"
    """The ticket is another company's: the mail is held."""
    MENTION = "mention"
    """None: others brought the id to the ticket. A new ticket mentions this one to staff."""
    NONE = "none"
    """None: as if the ticket did not exist."""


WOULD_BE: Mapping[Right, Visibility] = {
    Right.COMMENT: Visibility.PUBLIC,
    Right.NOTE: Visibility.NOTE,
    Right.FLAG: Visibility.PRIVATE,
}
"""What a mail is on a ticket, by the right that its author has there."""


@dataclass(frozen=True, slots=True)
class Entitlement:
    kind: PointerKind
    ticket: int
    right: Right
    reason: Reason
    guest: bool
    """The sender is on this ticket without being a registered user."""

    def __str__(self) -> str:
        return f"{self.kind} → #{self.ticket}: {self.right}"


def entitlement(
    mail: Mail, sender: Sender | None, facts: Facts, policy: Policy
) -> tuple[Entitlement, ...]:
    """One entry for each ticket that a pointer leads to, the strongest pointer first."""
    found: list[Entitlement] = []
    named = named_addresses(mail)
    for pointer in facts.pointers:
        for lead in _tickets_of(pointer, facts, policy):
            ticket = destination(lead.number, facts, policy)
            if ticket is None:
                continue
            entitled = _entitlement(sender, pointer, ticket, facts, policy)
            if sender is not None and not _is_own_lead(lead, pointer, sender, named, facts):
                entitled = _led_by_others(entitled, sender)
            found.append(entitled)
    return tuple(found)


def _is_own_lead(
    lead: ThreadTicket,
    pointer: Pointer,
    sender: Sender,
    named: Collection[str],
    facts: Facts,
) -> bool:
    """Whether the sender, their company or staff brought the id to the ticket, or somebody to whom
    this mail is addressed as well.

    Anybody knows the ids of the mails that they sent or got, and can name them on a ticket: an
    answer to such a mail is not meant for the people on that ticket.
    """
    if pointer.kind not in (PointerKind.KNOWN_MESSAGE_ID, PointerKind.LATE_PARENT):
        return True
    return any(
        author == sender.address or author in named or _is_trusted(author, sender, facts)
        for author in lead.authors
        if author
    )


def _is_trusted(author: str, sender: Sender, facts: Facts) -> bool:
    """Whether they are staff or of the sender's company."""
    person = facts.introducers.get(author) or facts.people.get(author)
    if person is None:
        return False
    if person.role is Role.STAFF:
        return True
    company = person.company
    return company is not None and sender.company is not None and company.id == sender.company.id


def _led_by_others(entitled: Entitlement, sender: Sender) -> Entitlement:
    """Nothing is published. A sender who may open a ticket opens one; the mail of others waits
    here for staff."""
    if entitled.right not in (Right.COMMENT, Right.FLAG) or sender.standing is Standing.STAFF:
        return entitled
    if sender.standing.may_write:
        return replace(entitled, right=Right.MENTION)
    return replace(entitled, right=Right.FLAG, reason=Reason.FOREIGN_POINTER)


def _tickets_of(pointer: Pointer, facts: Facts, policy: Policy) -> tuple[ThreadTicket, ...]:
    if pointer.token is not None and token_holder(pointer.token, facts, policy) is None:
        return ()  # removed meanwhile: their tokens are dead, even for other senders
    if pointer.kind is PointerKind.LATE_PARENT:
        return facts.named_before.get(pointer.message_id, ())
    if pointer.ticket is not None:
        return (ThreadTicket(pointer.ticket, frozenset()),)
    return facts.known_ids.get(pointer.message_id, ())


def _entitlement(
    sender: Sender | None, pointer: Pointer, ticket: Ticket, facts: Facts, policy: Policy
) -> Entitlement:
    member = ticket.participant(sender.address) if sender is not None else None
    right, reason = _right(
        sender,
        pointer,
        ticket,
        member,
        _has_own_token(sender, ticket, facts, policy),
        notified=not facts.notified_of.isdisjoint({ticket.id, pointer.ticket}),
    )
    if sender is not None and sender.proof_level < ProofLevel.PROVEN:
        right, reason = _unproven_right(right, reason, sender, policy)
    guest = (
        member is not None
        and member.part is ParticipantKind.GUEST
        and member.presence is not Presence.REMOVED
        and right is not Right.NONE
    )
    return Entitlement(pointer.kind, ticket.id, right, reason, guest)


def _unproven_right(
    right: Right, reason: Reason, sender: Sender, policy: Policy
) -> tuple[Right, Reason]:
    """The right of a sender of whom nothing but their own token is known: anybody who saw a copy of
    their mail may have it."""
    if right is not Right.COMMENT:
        return right, reason
    match policy.proof.comment:
        case "token" if sender.standing is not Standing.STAFF:
            return right, reason
        case "T2":
            return Right.NONE, reason
        case _:
            return Right.FLAG, Reason.TOKEN_ONLY


def _has_own_token(sender: Sender | None, ticket: Ticket, facts: Facts, policy: Policy) -> bool:
    """Whether the sender's token was given for this ticket, or for one that leads to it."""
    if sender is None or sender.token is None:
        return False
    return destination(sender.token.ticket, facts, policy) is ticket


def _right(
    sender: Sender | None,
    pointer: Pointer,
    ticket: Ticket,
    member: Participant | None,
    own_token: bool,
    *,
    notified: bool,
) -> tuple[Right, Reason]:
    """The table of rights. `notified`: the sender was notified of the ticket as a contact."""
    reason = Reason(pointer.kind.value)
    if sender is None:
        return Right.NONE, reason
    if pointer.kind is PointerKind.STATED:
        return _stated_right(sender, member, reason)
    if sender.proof_level is ProofLevel.NOTHING:
        return Right.NONE, reason  # also with their own token, if their domain disowns the mail
    if sender.standing is Standing.STAFF:
        return _staff_right(sender, own_token, reason)
    if sender.standing in (Standing.DEACTIVATED, Standing.SUSPENDED):
        return Right.NONE, reason
    if member is not None and member.presence is Presence.REMOVED:
        return Right.NONE, reason
    if member is not None and sender.proof_level < ProofLevel.PROVEN:
        trusted = own_token and member.presence is Presence.ACTIVE
        return (Right.COMMENT if trusted else Right.NONE), reason
    if sender.proof_level < ProofLevel.PROVEN:
        return Right.NONE, reason
    if member is not None and member.presence is Presence.ACTIVE:
        if _is_of_another_desk(pointer, ticket, member):
            return Right.NONE, reason
        return Right.COMMENT, reason
    if member is not None:
        return Right.FLAG, Reason.PENDING_PARTICIPANT
    return _outsider_right(sender, pointer, ticket, reason, notified=notified)


def _is_of_another_desk(pointer: Pointer, ticket: Ticket, member: Participant) -> bool:
    """Whether a tag in the subject may be that of another desk, which counts its tickets too: the
    subject says something else than the ticket's, and nothing else shows what the mail replies to.

    Guests may open no ticket, so their mail would be lost.
    """
    if pointer.kind is not PointerKind.SUBJECT_TAG or not pointer.beside:
        return False
    guest = member.part is ParticipantKind.GUEST
    return not guest and subject_besides(pointer.beside, ticket.subject) != ""


def _staff_right(sender: Sender, own_token: bool, reason: Reason) -> tuple[Right, Reason]:
    if sender.proof_level is ProofLevel.STAFF and own_token and sender.token is not None:
        return (Right.NOTE if sender.token.purpose is Purpose.NOTE else Right.COMMENT), reason
    if sender.proof_level >= ProofLevel.PROVEN:
        return Right.FLAG, Reason.STAFF_WITHOUT_TOKEN
    return (Right.COMMENT if own_token else Right.NONE), reason


def _stated_right(
    sender: Sender, member: Participant | None, reason: Reason
) -> tuple[Right, Reason]:
    """The right on a ticket that staff release a mail onto: it is filed in any case, and only staff
    read it unless its author is on the ticket anyway."""
    if sender.standing is Standing.STAFF:
        return Right.FLAG, Reason.STAFF_WITHOUT_TOKEN
    is_on_it = member is not None and member.presence is Presence.ACTIVE
    return (Right.COMMENT if is_on_it else Right.FLAG), reason


def _outsider_right(
    sender: Sender, pointer: Pointer, ticket: Ticket, reason: Reason, *, notified: bool
) -> tuple[Right, Reason]:
    """A proven sender who is not on the ticket: a colleague, a stranger, another company's user."""
    if notified:
        # A subject tag suffices: they were notified of this very ticket.
        return Right.FLAG, Reason.OUTSIDE_CONTACT
    same_company = sender.company is not None and sender.company.id == ticket.company
    has_our_id = pointer.kind in (PointerKind.REPLY_TOKEN, PointerKind.OUR_MESSAGE_ID)
    if same_company and sender.standing in (Standing.USER, Standing.COLLEAGUE):
        # A number in a subject can be guessed; having the thread cannot.
        flagged = pointer.kind is not PointerKind.SUBJECT_TAG
        return (Right.FLAG if flagged else Right.NONE), Reason.NOT_A_PARTICIPANT
    if sender.standing is Standing.USER and has_our_id:
        return Right.FOREIGN, Reason.FOREIGN_COMPANY
    if sender.company is None and pointer.token is not None:
        return Right.FLAG, Reason.NOT_A_PARTICIPANT  # a participant passed the token on to them
    return Right.NONE, reason
