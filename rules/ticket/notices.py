"""Outgoing mails as values and rows: what kinds there are, and when the next attempt is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

GIVE_UP_AFTER = timedelta(days=4)
"""RFC 5321 §4.5.4.1: at least 4–5 days before a mail is given up."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)


class NoticeKind(StrEnum):
    # To customers
    ACKNOWLEDGEMENT = "acknowledgement"
    INVITATION = "invitation"
    """A sign-up link for somebody whose company is registered."""
    COMMENT = "comment"
    """Somebody's public words, to the others on the ticket."""
    STATUS = "status"
    """The ticket's status or severity changed."""
    APPROVAL = "approval"
    """People were proposed: the requester may take them in or leave them out."""
    FOLLOW_UP = "follow_up"
    """When the next answer is due."""
    FEEDBACK = "feedback"
    """How was the help?"""
    # To staff, and to others who look after a customer
    NEW_TICKET = "new_ticket"
    NEW_COMMENT = "new_comment"
    """Somebody wrote on a ticket: in public, flagged, or a note."""
    ALERT = "alert"
    """Something that wants a person's eye: a storm, an address that bounces."""
    SLA_WARNING = "sla_warning"
    SLA_BREACH = "sla_breach"
    ESCALATION = "escalation"
    ACCOUNT_TEAM = "account_team"
    """A new ticket of their customer, to people who are not at the desk."""
    # To whoever gave a command
    RECEIPT = "receipt"

    @property
    def is_for_staff(self) -> bool:
        """Carries a reply address and a note address, each the recipient's own."""
        return self in _FOR_STAFF

    @property
    def is_for_participants(self) -> bool:
        """Goes only to people who are on the ticket when it is sent."""
        return self in _FOR_PARTICIPANTS

    @property
    def answers_a_mail(self) -> bool:
        """`auto-replied` and without a return path (RFC 3834 §3.1.7), not `auto-generated`."""
        return self in (NoticeKind.ACKNOWLEDGEMENT, NoticeKind.INVITATION, NoticeKind.RECEIPT)


class ReceiptText(StrEnum):
    """What a receipt tells a customer; the templates have the words for it."""

    LEFT = "left"
    """No more mail about the ticket."""
    UNPROVEN = "unproven"
    """It is not escalated: nothing proves that he asked for it."""
    BEGINS_ANEW = "begins_anew"
    """Neither is this one: the request that was escalated is over."""


_FOR_PARTICIPANTS = (
    NoticeKind.ACKNOWLEDGEMENT,
    NoticeKind.COMMENT,
    NoticeKind.STATUS,
    NoticeKind.APPROVAL,
    NoticeKind.FOLLOW_UP,
    NoticeKind.FEEDBACK,
)
_FOR_STAFF = (
    NoticeKind.NEW_TICKET,
    NoticeKind.NEW_COMMENT,
    NoticeKind.ALERT,
    NoticeKind.SLA_WARNING,
    NoticeKind.SLA_BREACH,
)


class StaffSubscription(StrEnum):
    """A staff person's place on the ticket that he is told of: it gives him a reply address."""

    FOLLOWER = "follower"
    ONLOOKER = "onlooker"
    """Told this once; he follows from his first reply on."""


@dataclass(frozen=True, slots=True)
class NoticeOrder:
    """One outgoing mail, as a decision causes it: a row that the dispatcher sends."""

    kind: NoticeKind
    address: str
    language: str = ""
    """Empty for the policy's."""
    detail: tuple[tuple[str, str], ...] = ()
    """What the template needs besides the ticket and the words, by name."""
    quotes: bool = False
    """It carries the words of the comment that causes it."""
    subscription: StaffSubscription | None = None
    """None for everybody who is no staff of the mailbox."""


INVITATION_PAUSE = timedelta(days=1)
"""At most one sign-up notice to one address in so long."""
INVITATION_LASTS = timedelta(days=14)


def may_be_invited(last: datetime | None, now: datetime) -> bool:
    """One sign-up notice a day to an address, whoever asks for it."""
    return last is None or now - last >= INVITATION_PAUSE


class NoticeState(StrEnum):
    DUE = "due"
    SENT = "sent"
    DEAD = "dead"
    """Given up; or not sent, since the recipient may not have it any more."""


def next_attempt(
    created_at: datetime, attempts: int, now: datetime, jitter: float
) -> datetime | None:
    """When to try again after `attempts` temporary failures; None when it is time to give up.

    The pause doubles from a minute to four hours; `jitter` in [0, 1) spreads it by up to a half.
    """
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), LONGEST_PAUSE)
    due = now + pause * (1 + jitter / 2)
    return due if due - created_at < GIVE_UP_AFTER else None
