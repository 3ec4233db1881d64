"""The outcome that a person's mail must have in one mailbox, worked out from the expectations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from rules.decision.model import Decision, OpenTicket
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from tests.properties.conversation.expectations import (
    ACTIVE,
    PENDING,
    REMOVED,
    Expectations,
    IsOver,
)
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.people import MACHINE, SUPPORT
from tests.properties.conversation.registry import AccountState

THANKS, UNSUBSCRIBE = "Thanks a lot!", "#unsubscribe"
HOUR = timedelta(hours=1)
TICKETS_PER_HOUR = 10


class Right(Enum):
    """What an author may do to a ticket that their mail points to."""

    COMMENT_AS_STAFF = auto()
    """By mail to the staff person's own reply address."""
    COMMENT = auto()
    FLAG = auto()
    FOREIGN = auto()
    NONE = auto()


@dataclass(frozen=True)
class ExpectedOutcome:
    """The verdicts that are allowed, and the ticket that the mail must reach."""

    verdicts: frozenset[Verdict]
    ticket: int | None = None
    """None for a new ticket and for a mail that reaches no ticket."""
    follows: int | None = None
    """The closed ticket that a new one must follow up."""

    def check(self, receipt: Receipt, decision: Decision) -> None:
        found = f"{receipt.verdict} {receipt.reason} #{receipt.ticket}"
        assert receipt.verdict in self.verdicts, f"{found}, expected {self}"
        if receipt.verdict is Verdict.OPENED:
            assert isinstance(decision.action, OpenTicket)
            assert decision.action.follows == self.follows, f"{found}, expected {self}"
        else:
            assert receipt.ticket == self.ticket, f"{found}, expected {self}"


REFUSED = ExpectedOutcome(frozenset({Verdict.REFUSED}))
HELD = ExpectedOutcome(frozenset({Verdict.HELD}))
OPENED = ExpectedOutcome(frozenset({Verdict.OPENED}))


def expected_outcome(
    expected: Expectations, mail: WrittenMail, is_over: IsOver, now: datetime
) -> ExpectedOutcome | None:
    """None for automatic mail: only the invariants limit what it may do."""
    if mail.is_automatic:
        return None
    if mail.second_author:
        return HELD
    account_state = expected.registry.account_state(mail.author)
    proof = _proof(expected, mail, is_over)
    if proof == 0 and (screened := _unproven(expected, mail)) is not None:
        return screened
    found = [
        (_right(expected, mail, account_state, proof, pointer, target, is_over), target)
        for pointer, target in expected.pointed_tickets(mail, is_over)
    ]
    screened = _screen_sender(expected, mail, account_state, proof, found)
    return screened or _filed(expected, mail, account_state, proof, found, is_over, now)


def _proof(expected: Expectations, mail: WrittenMail, is_over: IsOver) -> int:
    """2 if the author is proven, 1 if only their own reply address vouches for them, else 0."""
    if mail.proof == "proven":
        return 2
    return int(mail.proof == "nothing" and expected.own_token(mail, is_over) is not None)


def _unproven(expected: Expectations, mail: WrittenMail) -> ExpectedOutcome | None:
    if expected.registry.knows_domain(mail.author):
        choices = expected.choices
        hold = choices.unauthenticated == "hold" and mail.proof != "forged"
        return HELD if hold or choices.strangers == "hold" else REFUSED
    return None  # treated as a stranger: the answer must not reveal a guest


def _right(
    expected: Expectations,
    mail: WrittenMail,
    account_state: AccountState,
    proof: int,
    pointer: str,
    target: int,
    is_over: IsOver,
) -> Right:
    right = _right_on(expected, mail, account_state, proof, pointer, target, is_over)
    if pointer != "foreign" or right not in (Right.COMMENT, Right.FLAG):
        return right
    return Right.NONE if account_state is AccountState.USER else Right.FLAG


def _right_on(
    expected: Expectations,
    mail: WrittenMail,
    account_state: AccountState,
    proof: int,
    pointer: str,
    target: int,
    is_over: IsOver,
) -> Right:
    own = expected.has_own_token(mail, target, is_over)
    presence = expected.presence(target, mail.author)
    if account_state is AccountState.STAFF:
        if proof < 2:
            return Right.FLAG if own else Right.NONE
        return Right.COMMENT_AS_STAFF if own else Right.FLAG
    if account_state in (AccountState.DEACTIVATED, AccountState.SUSPENDED) or presence == REMOVED:
        return Right.NONE
    if presence == ACTIVE and proof == 2:
        return Right.COMMENT
    if presence == ACTIVE and proof and own:
        return Right.FLAG  # nothing but a token proves it
    if proof < 2:
        return Right.NONE
    if presence == PENDING:
        return Right.FLAG
    if expected.registry.is_outsider(mail.author) and pointer == "token":
        return Right.FLAG  # a participant forwarded a notice to them
    if expected.is_contact(target, mail.author, is_over):
        return Right.FLAG
    of_company = account_state in (AccountState.USER, AccountState.COLLEAGUE)
    if of_company and expected.is_colleague(mail.author, target):
        return Right.FLAG if pointer != "tag" else Right.NONE
    foreign = account_state is AccountState.USER and pointer in ("token", "our_message_id")
    return Right.FOREIGN if foreign else Right.NONE


def _screen_sender(
    expected: Expectations,
    mail: WrittenMail,
    account_state: AccountState,
    proof: int,
    found: Sequence[tuple[Right, int]],
) -> ExpectedOutcome | None:
    """The outcome if the author may not write at all; None if they may."""
    registered = expected.registry.is_registered(mail.author)
    if not registered and any(
        right is not Right.NONE and expected.presence(target, mail.author)
        for right, target in found
    ):
        return None  # a guest
    if account_state in (AccountState.USER, AccountState.STAFF):
        return None
    if account_state is AccountState.STRANGER and any(right is Right.FLAG for right, _ in found):
        return None
    if account_state is AccountState.STRANGER:
        return HELD if expected.choices.strangers == "hold" else REFUSED
    if proof < 2 or account_state in (AccountState.DEACTIVATED, AccountState.SUSPENDED):
        return REFUSED
    allowed = any(r is Right.FLAG for r, _ in found) or expected.choices.registration == "domain"
    return None if allowed else HELD


def _filed(
    expected: Expectations,
    mail: WrittenMail,
    account_state: AccountState,
    proof: int,
    found: Sequence[tuple[Right, int]],
    is_over: IsOver,
    now: datetime,
) -> ExpectedOutcome:
    recent = [one for one in expected.opened_at.get(mail.author, ()) if now - one < HOUR]
    for right, target in found:
        match right:
            case Right.NONE:
                continue
            case Right.FOREIGN:
                return HELD
            case Right.FLAG:
                return ExpectedOutcome(frozenset({Verdict.FLAGGED}), target)
            case Right.COMMENT_AS_STAFF:  # flagged if a command in it cannot be done
                return ExpectedOutcome(frozenset({Verdict.COMMENTED, Verdict.FLAGGED}), target)
            case Right.COMMENT if mail.text.startswith(UNSUBSCRIBE):
                return ExpectedOutcome(frozenset({Verdict.RECORDED}), target)
            case Right.COMMENT if mail.text.startswith(THANKS) or not is_over(target):
                return ExpectedOutcome(frozenset({Verdict.COMMENTED}), target)
            case _ if len(recent) >= TICKETS_PER_HOUR:
                return HELD
            case _:
                return ExpectedOutcome(frozenset({Verdict.OPENED}), follows=target)
    enrols = account_state is AccountState.COLLEAGUE and expected.choices.registration == "domain"
    if proof < 2 or not (account_state in (AccountState.USER, AccountState.STAFF) or enrols):
        return REFUSED
    return HELD if len(recent) >= TICKETS_PER_HOUR else OPENED


def is_registered_machine(expected: Expectations, author: str) -> bool:
    """In the other mailbox somebody may sign up with its address, as a person."""
    known = expected.registry.is_user(author)
    return author == MACHINE and known and expected.mailbox == SUPPORT
