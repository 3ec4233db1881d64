"""What a careful person would keep in his head of one desk: who is on which ticket, and who said
what there.

Written from the description of the behaviour and from nothing of the program: it is what the
program is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tests.properties.conversation.letters import Letter
from tests.properties.conversation.roll import Roll, Standing

ACTIVE, PENDING, REMOVED = "active", "pending", "removed"
IsOver = Callable[[int], bool]


@dataclass(frozen=True)
class Terms:
    """What the policy says where it leaves a choice."""

    guests: str = "propose"
    """`cc.guests`"""
    registration: str = "user"
    strangers: str = "refuse"
    unauthenticated: str = "refuse"


@dataclass
class Seat:
    presence: str
    muted: bool = False


@dataclass
class Said:
    """A word that stands in one comment alone."""

    ticket: int
    author: str
    visibility: str


@dataclass
class Token:
    """A reply address that somebody was given."""

    holder: str
    ticket: int
    note: bool


@dataclass
class Waiting:
    """A letter in quarantine."""

    letter: Letter
    since: datetime
    for_enrolment: bool
    tried: datetime | None = None
    """When it was decided again last, and stayed."""


@dataclass
class Book:
    roll: Roll
    terms: Terms
    seats: dict[int, dict[str, Seat]] = field(default_factory=dict)
    company: dict[int, str | None] = field(default_factory=dict)
    requester: dict[int, str] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    follow_up: dict[int, int] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    said: dict[str, Said] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    """By address."""
    ids: dict[str, int] = field(default_factory=dict)
    """Message-IDs of mails that we sent or filed, and the ticket of each."""
    ours: set[str] = field(default_factory=set)
    """Those of them that we made."""
    named: dict[str, list[int]] = field(default_factory=dict)
    """Message-IDs that the first mail of a ticket referred to."""
    held: dict[UUID, Waiting] = field(default_factory=dict)
    """What is in quarantine, by its line in the journal."""
    opened_at: dict[str, list[datetime]] = field(default_factory=dict)
    """When each author opened tickets."""

    @property
    def mailbox(self) -> str:
        return self.roll.cast.mailbox

    def presence(self, ticket: int, address: str) -> str:
        seat = self.seats[ticket].get(address)
        return seat.presence if seat is not None else ""

    def is_notified(self, ticket: int, address: str) -> bool:
        """Whether what is said on a ticket goes to somebody."""
        seat = self.seats[ticket].get(address)
        there = seat is not None and seat.presence == ACTIVE and not seat.muted
        return there and self.roll.is_reached(address)

    def may_read(self, ticket: int, address: str) -> bool:
        """Whether a mail about a ticket may go to somebody now."""
        if not self.roll.is_staff(address) and self.presence(ticket, address) != ACTIVE:
            return False
        return self.roll.is_reached(address)

    # ---- where a mail leads -------------------------------------------------------------------

    def lead(self, ticket: int, is_over: IsOver) -> int | None:
        """The ticket that mail for another goes to now."""
        for _ in range(20):
            if ticket in self.deleted:
                return None
            if ticket in self.merged:
                ticket = self.merged[ticket]
            elif ticket in self.follow_up and is_over(ticket):
                ticket = self.follow_up[ticket]
            else:
                return ticket
        return None

    def leads(self, letter: Letter, is_over: IsOver) -> Iterator[tuple[str, int]]:
        """What the letter points to, strongest first: by which sign, and the ticket behind it."""
        if letter.as_new:
            return
        nearest = tuple(reversed(letter.references))
        pointed = [("token", token.ticket) for token in self._tokens_of(letter)]
        pointed += [("ours", self.ids[one]) for one in nearest if one in self.ours]
        pointed += [
            ("theirs", self.ids[one]) for one in nearest if one in self.ids and one not in self.ours
        ]
        for one in (letter.message_id, *nearest):
            pointed += [("late", t) for t in self.named.get(one, ())]
        pointed += [("tag", t) for t in self.seats if f"[#{t}]" in letter.subject]
        for sign, ticket in pointed:
            goal = self.lead(ticket, is_over)
            if goal is not None:
                yield sign, goal

    def is_live(self, token: Token) -> bool:
        return self.presence(token.ticket, token.holder) != REMOVED

    def _tokens_of(self, letter: Letter) -> list[Token]:
        """Those in the letter's addresses that still count."""
        found = (self.tokens[one] for one in letter.rcpts if one in self.tokens)
        return [] if letter.as_new else [token for token in found if self.is_live(token)]

    # ---- who may do what ----------------------------------------------------------------------

    def own_token(self, letter: Letter) -> Token | None:
        return next((t for t in self._tokens_of(letter) if t.holder == letter.author), None)

    def has_own_token(
        self, letter: Letter, ticket: int, is_over: IsOver, note: bool | None = None
    ) -> bool:
        token = self.own_token(letter)
        return (
            token is not None
            and self.lead(token.ticket, is_over) == ticket
            and (note is None or token.note == note)
        )

    def may_publish(self, letter: Letter, ticket: int, is_over: IsOver) -> bool:
        """Whether the letter may be read by everybody on the ticket."""
        author, proven = letter.author, letter.proof == "proven"
        own = self.has_own_token(letter, ticket, is_over)
        if self._is_shut_out(letter) or letter.proof in ("forged", "doubtful"):
            return False
        if all(goal != ticket for _, goal in self.leads(letter, is_over)):
            return False
        if self.roll.is_staff(author):
            return proven and self.has_own_token(letter, ticket, is_over, note=False)
        if self.presence(ticket, author) != ACTIVE:
            return False
        return own or proven

    def may_flag(self, letter: Letter, ticket: int, is_over: IsOver) -> bool:
        """Whether the letter may lie on the ticket for staff to accept."""
        author, signs = letter.author, {s for s, t in self.leads(letter, is_over) if t == ticket}
        if letter.proof != "proven" or self._is_shut_out(letter) or not signs:
            return False
        if self.roll.is_staff(author) or self.presence(ticket, author) == PENDING:
            return True
        if self.presence(ticket, author) == REMOVED:
            return False
        if self.roll.is_of_nobody(author) and "token" in signs:
            return True  # somebody passed a notice on to him
        return self.is_colleague(author, ticket) and signs != {"tag"}

    def is_colleague(self, author: str, ticket: int) -> bool:
        company = self.company[ticket]
        return company is not None and self.roll.company_of(author) == company

    def _is_shut_out(self, letter: Letter) -> bool:
        closed = (Standing.DEACTIVATED, Standing.SUSPENDED)
        return bool(letter.claim_note) or self.roll.standing(letter.author) in closed

    # ---- who comes onto a ticket --------------------------------------------------------------

    def joins(self, letter: Letter, company: str | None, there: Iterable[str]) -> dict[str, Seat]:
        """Whom a letter brings onto a ticket of this company, beside those who are there."""
        if not letter.names(self.mailbox) or letter.sign == "list":
            return {}
        there = {*there, letter.author}
        found: dict[str, Seat] = {}
        for address in letter.cc:
            if address in there or address.partition("@")[0].partition("+")[0] in (
                "support",
                "sales",
            ):
                continue
            if self.roll.bounces(address) or address in self.roll.deactivated:
                continue
            presence = self._joins_as(letter, company, address)
            if presence:
                found[address] = Seat(presence)
        return found

    def _joins_as(self, letter: Letter, company: str | None, address: str) -> str:
        registered = self.roll.is_registered(address)
        if self.roll.is_staff(address):
            return ACTIVE
        if letter.proof != "proven":
            return PENDING
        if self.roll.is_staff(letter.author):
            return ACTIVE
        if self.roll.is_user(letter.author):
            if registered and self.roll.company_of(address) == company:
                return ACTIVE
            wish = "propose" if registered else self.terms.guests
            return {"add": ACTIVE, "propose": PENDING, "ignore": ""}[wish]
        return PENDING

    # ---- what happens -------------------------------------------------------------------------

    def opened(self, ticket: int, requester: str, company: str | None) -> None:
        self.seats[ticket] = {requester: Seat(ACTIVE)}
        self.company[ticket], self.requester[ticket] = company, requester

    def followed(self, old: int, new: int) -> None:
        """The same active people go on in another ticket."""
        self.opened(new, self.requester[old], self.company[old])
        self.follow_up[old] = new
        for address, seat in self.seats[old].items():
            if seat.presence == ACTIVE:
                self.seats[new][address] = Seat(ACTIVE, seat.muted)

    def merge(self, ticket: int, into: int) -> None:
        self.merged[ticket] = into
        for address, seat in self.seats[ticket].items():
            if seat.presence != REMOVED:
                there = self.seats[into].setdefault(address, Seat(seat.presence, seat.muted))
                if seat.presence == ACTIVE and not seat.muted and there.presence == PENDING:
                    self.seats[into][address] = Seat(ACTIVE)

    def take_in(self, ticket: int, address: str) -> None:
        seat = self.seats[ticket].get(address)
        if seat is None or seat.presence != ACTIVE:
            self.seats[ticket][address] = Seat(ACTIVE)

    def leave_out(self, ticket: int, address: str) -> None:
        self.seats[ticket].setdefault(address, Seat(ACTIVE)).presence = REMOVED

    @property
    def open_numbers(self) -> list[int]:
        """Tickets that something can still be done to."""
        return [t for t in self.seats if t not in self.deleted and t not in self.merged]
