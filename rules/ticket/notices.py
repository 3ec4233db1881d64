"""Outgoing mails as values: which kinds there are, and who reads them.

What each carries is in `rules.ticket.payloads`.

To add a kind, add a member of `NoticeKind` and its `Traits`, a payload if it needs one, and its
templates. Nothing else lists kinds. A kind without traits is refused at start; where one is met
nevertheless, it is treated as a mail to a customer who may not read anything private.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from rules.ticket.notice_payloads import Payload
from rules.ticket.notice_states import NoticeState as NoticeState
from rules.ticket.payloads import (
    NO_PAYLOAD,
    AcknowledgementPayload,
    AlertPayload,
    ApprovalPayload,
    AssignmentPayload,
    CompletedPayload,
    ConsoleLoginPayload,
    DigestPayload,
    EscalationPayload,
    KeptPayload,
    MorePayload,
    MyDigestPayload,
    NewCommentPayload,
    NewTicketPayload,
    NoPayload,
    QuestionsPayload,
    ReceiptPayload,
    SlaPayload,
    StatusPayload,
)


class NoticeKind(StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"
    """The request has arrived, with its number and the questions that it leaves open."""
    INVITATION = "invitation"
    """A sign-up link for somebody whose company is registered."""
    COMMENT = "comment"
    """A public comment, to the other customers on the ticket."""
    STATUS = "status"
    """The ticket's status or severity changed."""
    APPROVAL = "approval"
    """People were proposed: the requester may let them in or leave them out."""
    FOLLOW_UP = "follow_up"
    """When the next answer is due."""
    FEEDBACK = "feedback"
    """How was the help?"""
    NEW_TICKET = "new_ticket"
    NEW_COMMENT = "new_comment"
    """A comment on a ticket: public, flagged, or a note."""
    MORE = "more"
    """What a budget withheld from a customer: what was written since, once."""
    STAFF_MORE = "staff_more"
    """The same to staff."""
    ALERT = "alert"
    """Something that needs a person's attention: a storm, an address that bounces."""
    ASSIGNMENT = "assignment"
    """The ticket is assigned to somebody else: to them, and to the one before them."""
    SNOOZE_OVER = "snooze_over"
    """The time until which staff had set a ticket aside has come."""
    SLA_WARNING = "sla_warning"
    SLA_BREACH = "sla_breach"
    ESCALATION = "escalation"
    """The ticket reached an escalation level, to the person on duty there."""
    ACCOUNT_TEAM = "account_team"
    """A new ticket of the recipient's customer."""
    RECEIPT = "receipt"
    """What became of a command."""
    DIGEST = "digest"
    """What waits for staff and was not named to them before: held mail above all."""
    MY_DIGEST = "my_digest"
    """What waits for its reader, who prefers it to single notices."""
    KEPT = "kept"
    """A mail of the recipient's own is held: a person looks at it."""
    CRITICAL_CHANNEL = "critical_channel"
    """The channel for critical problems, to somebody who calls an open request critical."""
    QUESTIONS = "questions"
    """The request is still incomplete: it is asked once more."""
    COMPLETED = "completed"
    """The request is complete, or goes on without what is missing, and when an answer is due."""
    REVIEW = "review"
    """What went well, and what both sides could do better, on a resolved request."""
    NEXT_STEPS = "next_steps"
    """An answer, to the person through whom the customer gets updates."""
    MANAGER_MORE = "manager_more"
    """The answers that a budget withheld from that person, once."""
    CONSOLE_LOGIN = "console_login"
    """A new way to log in to the console as its recipient."""
    EMPTY_DESK = "empty_desk"
    """Mail reaches nobody of the mailbox's staff: to an administrator of the console."""

    @property
    def traits(self) -> Traits:
        """The traits of this kind; those of a customer's mail where the table has none."""
        return KINDS.get(self, CLOSED)


class Audience(StrEnum):
    """Who reads a kind of notice. Only staff are shown private comments and note addresses."""

    CUSTOMER = "customer"
    """People who write to the mailbox."""
    STAFF = "staff"
    """People who work on the mailbox's tickets."""
    OUTSIDE = "outside"
    """People who look after a customer without working on the ticket."""
    AUTHOR = "author"
    """The author of the mail that the notice answers, a customer or staff."""


class PolicyText(StrEnum):
    """A text of the policy that opens a notice."""

    ACKNOWLEDGEMENT = "acknowledgement"
    INVITATION = "invitation"
    FEEDBACK = "feedback"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What holds for all notices of a kind. The defaults are the careful ones."""

    audience: Audience
    payload: type[Payload] = NoPayload
    participants_only: bool = True
    """Sent only to somebody who is an active participant, and not muted, when it is sent."""
    to_contacts: bool = False
    """Also sent to contacts: people who are on no ticket, and may be no staff. They can answer."""
    to_console_users: bool = False
    """Sent to a user of the console, whatever became of their account at the mailbox."""
    unsubscribable: bool = False
    """Carries List-Unsubscribe (RFC 8058) for a recipient on the ticket."""
    answers_mail: bool = False
    """`auto-replied` with the null reverse-path (RFC 3834 §3.1.7), not `auto-generated`."""
    in_authors_name: bool = False
    """From shows the comment's author, and a comment by staff is not marked as automatic."""
    shows_forwarded: bool = False
    """The comment is the request itself: what it forwards is shown, not hidden as a quote."""
    asks_for_feedback: bool = False
    """Carries the feedback link, and a reply to it is feedback."""
    opens_with: PolicyText | None = None
    urgent: bool = False
    """Sent before the others that are due, and tried again every few minutes."""

    @property
    def for_staff(self) -> bool:
        """Whether private comments and the recipient's note address may appear."""
        return self.audience is Audience.STAFF

    @property
    def calls_somebody(self) -> bool:
        """Whether somebody learns by it that something is to be done. If it is sent to nobody, a
        digest names it, whatever the cause."""
        return self.urgent or self.audience in (Audience.STAFF, Audience.OUTSIDE)


CLOSED = Traits(audience=Audience.CUSTOMER)
"""The traits of a kind that nobody described."""

KINDS: Mapping[NoticeKind, Traits] = MappingProxyType(
    {
        NoticeKind.ACKNOWLEDGEMENT: Traits(
            audience=Audience.CUSTOMER,
            payload=AcknowledgementPayload,
            answers_mail=True,
            opens_with=PolicyText.ACKNOWLEDGEMENT,
        ),
        NoticeKind.INVITATION: Traits(
            audience=Audience.CUSTOMER,
            participants_only=False,
            answers_mail=True,
            opens_with=PolicyText.INVITATION,
        ),
        NoticeKind.COMMENT: Traits(
            audience=Audience.CUSTOMER, unsubscribable=True, in_authors_name=True
        ),
        NoticeKind.STATUS: Traits(
            audience=Audience.CUSTOMER, payload=StatusPayload, unsubscribable=True
        ),
        NoticeKind.APPROVAL: Traits(
            audience=Audience.CUSTOMER, payload=ApprovalPayload, unsubscribable=True
        ),
        NoticeKind.FOLLOW_UP: Traits(audience=Audience.CUSTOMER, unsubscribable=True),
        NoticeKind.FEEDBACK: Traits(
            audience=Audience.CUSTOMER,
            unsubscribable=True,
            asks_for_feedback=True,
            opens_with=PolicyText.FEEDBACK,
        ),
        NoticeKind.NEW_TICKET: Traits(
            audience=Audience.STAFF,
            payload=NewTicketPayload,
            participants_only=False,
            shows_forwarded=True,
        ),
        NoticeKind.NEW_COMMENT: Traits(
            audience=Audience.STAFF, payload=NewCommentPayload, participants_only=False
        ),
        NoticeKind.MORE: Traits(
            audience=Audience.CUSTOMER, payload=MorePayload, unsubscribable=True
        ),
        NoticeKind.STAFF_MORE: Traits(
            audience=Audience.STAFF, payload=MorePayload, participants_only=False
        ),
        NoticeKind.ALERT: Traits(
            audience=Audience.STAFF,
            payload=AlertPayload,
            participants_only=False,
            to_contacts=True,
            urgent=True,
        ),
        NoticeKind.ASSIGNMENT: Traits(
            audience=Audience.STAFF, payload=AssignmentPayload, participants_only=False
        ),
        NoticeKind.SNOOZE_OVER: Traits(audience=Audience.STAFF, participants_only=False),
        NoticeKind.SLA_WARNING: Traits(
            audience=Audience.STAFF,
            payload=SlaPayload,
            participants_only=False,
            to_contacts=True,
            urgent=True,
        ),
        NoticeKind.SLA_BREACH: Traits(
            audience=Audience.STAFF,
            payload=SlaPayload,
            participants_only=False,
            to_contacts=True,
            urgent=True,
        ),
        NoticeKind.ESCALATION: Traits(
            audience=Audience.OUTSIDE,
            payload=EscalationPayload,
            participants_only=False,
            to_contacts=True,
            shows_forwarded=True,
            urgent=True,
        ),
        NoticeKind.ACCOUNT_TEAM: Traits(
            audience=Audience.OUTSIDE,
            participants_only=False,
            to_contacts=True,
            shows_forwarded=True,
        ),
        NoticeKind.RECEIPT: Traits(
            audience=Audience.AUTHOR,
            payload=ReceiptPayload,
            participants_only=False,
            to_contacts=True,
            answers_mail=True,
        ),
        NoticeKind.DIGEST: Traits(
            audience=Audience.STAFF, payload=DigestPayload, participants_only=False
        ),
        NoticeKind.MY_DIGEST: Traits(
            audience=Audience.STAFF, payload=MyDigestPayload, participants_only=False
        ),
        NoticeKind.KEPT: Traits(
            audience=Audience.AUTHOR,
            payload=KeptPayload,
            participants_only=False,
            answers_mail=True,
        ),
        NoticeKind.CRITICAL_CHANNEL: Traits(
            audience=Audience.CUSTOMER, participants_only=False, answers_mail=True, urgent=True
        ),
        NoticeKind.QUESTIONS: Traits(
            audience=Audience.CUSTOMER, payload=QuestionsPayload, unsubscribable=True
        ),
        NoticeKind.COMPLETED: Traits(
            audience=Audience.CUSTOMER, payload=CompletedPayload, unsubscribable=True
        ),
        NoticeKind.REVIEW: Traits(
            audience=Audience.CUSTOMER,
            unsubscribable=True,
            asks_for_feedback=True,
            opens_with=PolicyText.REVIEW,
        ),
        NoticeKind.NEXT_STEPS: Traits(
            audience=Audience.OUTSIDE, participants_only=False, to_contacts=True
        ),
        NoticeKind.MANAGER_MORE: Traits(
            audience=Audience.OUTSIDE,
            payload=MorePayload,
            participants_only=False,
            to_contacts=True,
        ),
        NoticeKind.CONSOLE_LOGIN: Traits(
            audience=Audience.STAFF,
            payload=ConsoleLoginPayload,
            participants_only=False,
            to_contacts=True,
            to_console_users=True,
        ),
        NoticeKind.EMPTY_DESK: Traits(
            audience=Audience.STAFF,
            participants_only=False,
            to_contacts=True,
            to_console_users=True,
        ),
    }
)


def require_traits(kinds: Mapping[NoticeKind, Traits] = KINDS) -> None:
    """Raises ValueError with the kinds that the table does not describe."""
    if missing := [kind.name for kind in NoticeKind if kind not in kinds]:
        raise ValueError(f"notice kinds without traits: {', '.join(missing)}")


require_traits()


def require_payload(kind: NoticeKind, payload: Payload) -> None:
    """Raises ValueError for a payload that is not of the kind's own class."""
    wanted = kind.traits.payload
    if type(payload) is not wanted:
        raise ValueError(
            f"a notice of kind {kind} takes {wanted.__name__}, not {type(payload).__name__}"
        )


class StaffSubscription(StrEnum):
    """How a staff person who is notified is put on the ticket: it gives them a reply address."""

    FOLLOWER = "follower"
    ONLOOKER = "onlooker"
    """Notified this once; they follow from their first reply on."""


@dataclass(frozen=True, slots=True)
class NoticeOrder:
    """One outgoing mail, as a decision causes it: a row that the dispatcher sends."""

    kind: NoticeKind
    address: str
    language: str = ""
    """Empty for the policy's."""
    payload: Payload = NO_PAYLOAD
    quotes: bool = False
    """It carries the comment that causes it."""
    subscription: StaffSubscription | None = None
    """None for everybody who is not staff of the mailbox."""
    due_at: datetime | None = None
    """When it is sent; None for at once."""
    withheld: bool = False
    """Left out, since its reader was sent enough about the ticket: it is said, and not queued."""

    def __post_init__(self) -> None:
        require_payload(self.kind, self.payload)
