"""Where a letter of a person must land at a desk, by its book: who may write what, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from rules.decision.model import Decision, OpenTicket, Verdict
from rules.decision.receipt import Receipt
from tests.properties.conversation.book import ACTIVE, PENDING, REMOVED, Book, IsOver
from tests.properties.conversation.cast import MACHINE
from tests.properties.conversation.letters import Letter
from tests.properties.conversation.roll import Standing

THANKS, LEAVE = "Thanks a lot!", "#unsubscribe"
HOUR = timedelta(hours=1)
TICKETS_PER_HOUR = 10


class Right(Enum):
    DESK = auto()
    """A staff person's own address."""
    COMMENT = auto()
    FLAG = auto()
    FOREIGN = auto()
    NONE = auto()


@dataclass(frozen=True)
class Landing:
    verdicts: frozenset[Verdict]
    ticket: int | None = None
    """None for a new one, and for none."""
    follows: int | None = None

    def check(self, receipt: Receipt, decision: Decision) -> None:
        came = f"{receipt.verdict} {receipt.reason} #{receipt.ticket}"
        assert receipt.verdict in self.verdicts, f"{came}, and not {self}"
        if receipt.verdict is Verdict.OPENED:
            assert isinstance(decision.action, OpenTicket)
            assert decision.action.follows == self.follows, f"{came}, and not {self}"
        else:
            assert receipt.ticket == self.ticket, f"{came}, and not {self}"


REFUSED, HELD = Landing(frozenset({Verdict.REFUSED})), Landing(frozenset({Verdict.HELD}))
OPENED = Landing(frozenset({Verdict.OPENED}))


def landing(book: Book, letter: Letter, is_over: IsOver, now: datetime) -> Landing | None:
    """None where that is not certain: for a machine's mail the laws state only what it may not do."""
    if letter.is_automatic:
        return None
    if letter.claim_note:
        return HELD
    standing, proof = book.roll.standing(letter.author), _proof(book, letter)
    if proof == 0 and (screened := _unproven(book, letter)) is not None:
        return screened
    found = [
        (_right(book, letter, standing, proof, sign, goal, is_over), goal)
        for sign, goal in book.leads(letter, is_over)
    ]
    screened = _screened_by_author(book, letter, standing, proof, found)
    return screened or _filed(book, letter, standing, proof, found, is_over, now)


def _proof(book: Book, letter: Letter) -> int:
    """2 where the author is proven, 1 where they have only their own address."""
    if letter.proof == "proven":
        return 2
    return int(letter.proof == "nothing" and book.own_token(letter) is not None)


def _unproven(book: Book, letter: Letter) -> Landing | None:
    if book.roll.knows_domain(letter.author):
        wait = letter.proof == "doubtful" or book.terms.unauthenticated == "hold"
        return HELD if wait and letter.proof != "forged" else REFUSED
    return None  # registered or not, as a stranger: a guest must not stand out


def _right(
    book: Book,
    letter: Letter,
    standing: Standing,
    proof: int,
    sign: str,
    goal: int,
    is_over: IsOver,
) -> Right:
    own, presence = book.has_own_token(letter, goal, is_over), book.presence(goal, letter.author)
    if standing is Standing.STAFF:
        if proof < 2:
            return Right.NONE
        return Right.DESK if own else Right.FLAG
    if standing in (Standing.DEACTIVATED, Standing.SUSPENDED) or presence == REMOVED:
        return Right.NONE
    if presence == ACTIVE and proof and (own or proof == 2):
        return Right.COMMENT
    if proof < 2:
        return Right.NONE
    if presence == PENDING:
        return Right.FLAG
    if book.roll.is_of_nobody(letter.author) and sign == "token":
        return Right.FLAG  # somebody passed a notice on to them
    may_be_shown = standing in (Standing.USER, Standing.COLLEAGUE)
    if may_be_shown and book.is_colleague(letter.author, goal):
        return Right.FLAG if sign != "tag" else Right.NONE
    foreign = standing is Standing.USER and sign in ("token", "ours")
    return Right.FOREIGN if foreign else Right.NONE


def _screened_by_author(
    book: Book,
    letter: Letter,
    standing: Standing,
    proof: int,
    found: Sequence[tuple[Right, int]],
) -> Landing | None:
    """What becomes of the letter because of its author; None where they may write."""
    registered = book.roll.is_registered(letter.author)
    if not registered and any(
        right is not Right.NONE and book.presence(goal, letter.author) for right, goal in found
    ):
        return None  # a guest
    if standing in (Standing.USER, Standing.STAFF):
        return None
    if standing is Standing.STRANGER and any(right is Right.FLAG for right, _ in found):
        return None
    if standing is Standing.STRANGER:
        return HELD if book.terms.strangers == "hold" else REFUSED
    if proof < 2 or standing in (Standing.DEACTIVATED, Standing.SUSPENDED):
        return REFUSED
    may = any(r is Right.FLAG for r, _ in found) or book.terms.registration == "domain"
    return None if may else HELD


def _filed(
    book: Book,
    letter: Letter,
    standing: Standing,
    proof: int,
    found: Sequence[tuple[Right, int]],
    is_over: IsOver,
    now: datetime,
) -> Landing:
    for right, goal in found:
        match right:
            case Right.NONE:
                continue
            case Right.FOREIGN:
                return HELD
            case Right.FLAG:
                return Landing(frozenset({Verdict.FLAGGED}), goal)
            case Right.DESK:  # flagged where a command in it cannot be done
                return Landing(frozenset({Verdict.COMMENTED, Verdict.FLAGGED}), goal)
            case Right.COMMENT if letter.text.startswith(LEAVE):
                return Landing(frozenset({Verdict.RECORDED}), goal)
            case Right.COMMENT if letter.text.startswith(THANKS) or not is_over(goal):
                return Landing(frozenset({Verdict.COMMENTED}), goal)
            case _:
                return Landing(frozenset({Verdict.OPENED}), follows=goal)
    enrols = standing is Standing.COLLEAGUE and book.terms.registration == "domain"
    if proof < 2 or not (standing in (Standing.USER, Standing.STAFF) or enrols):
        return REFUSED
    lately = [one for one in book.opened_at.get(letter.author, ()) if now - one < HOUR]
    return HELD if len(lately) >= TICKETS_PER_HOUR else OPENED


def is_registered_machine(book: Book, author: str) -> bool:
    return author == MACHINE and book.roll.is_user(author)
