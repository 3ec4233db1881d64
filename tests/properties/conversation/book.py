"""What a careful person would keep in his head: who is on which ticket, and who said what there.

Written from the description of the behaviour and from nothing of the program: it is what the
program is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tests.properties.conversation.cast import (
    COMPANY_OF,
    STAFF,
    SUPPORT,
    USERS,
    colleagues,
)
from tests.properties.conversation.letters import Letter

ACTIVE, PENDING, REMOVED = "active", "pending", "removed"


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
class Book:
    guests: str
    """The policy's `cc.guests`."""
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
    deactivated: set[str] = field(default_factory=set)
    enrolled: set[str] = field(default_factory=set)
    """Users by their first mail."""
    hard: dict[str, int] = field(default_factory=dict)
    """Notices that failed for good, by address."""

    def presence(self, ticket: int, address: str) -> str:
        seat = self.seats[ticket].get(address)
        return seat.presence if seat is not None else ""

    def company_of(self, address: str) -> str | None:
        if address in self.enrolled:
            return "Acme"
        return COMPANY_OF.get(address)

    def is_user(self, address: str) -> bool:
        return address in USERS or address in self.enrolled

    def is_reached(self, address: str) -> bool:
        return address not in self.deactivated and self.hard.get(address, 0) < 2

    def may_read(self, ticket: int, address: str) -> bool:
        """Whether a mail about a ticket may go to somebody now."""
        if address not in STAFF and self.presence(ticket, address) != ACTIVE:
            return False
        return self.is_reached(address)

    # ---- where a mail leads -------------------------------------------------------------------

    def lead(self, ticket: int, is_over: Callable[[int], bool]) -> int | None:
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

    def leads(self, letter: Letter, is_over: Callable[[int], bool]) -> Iterator[tuple[str, int]]:
        """What the letter points to: by which sign, and the ticket behind it."""
        token = self.tokens.get(letter.rcpt)
        pointed = [("token", token.ticket)] if token and self.is_live(token) else []
        pointed += [
            ("ours" if one in self.ours else "theirs", self.ids[one])
            for one in letter.references
            if one in self.ids
        ]
        for one in (letter.message_id, *letter.references):
            pointed += [("late", t) for t in self.named.get(one, ())]
        pointed += [("tag", t) for t in self.seats if f"[#{t}]" in letter.subject]
        for sign, ticket in pointed:
            goal = self.lead(ticket, is_over)
            if goal is not None:
                yield sign, goal

    def is_live(self, token: Token) -> bool:
        return self.presence(token.ticket, token.holder) != REMOVED

    # ---- who may do what ----------------------------------------------------------------------

    def has_own_token(
        self, letter: Letter, ticket: int, is_over: Callable[[int], bool], note: bool | None = None
    ) -> bool:
        token = self.tokens.get(letter.rcpt)
        return (
            token is not None
            and token.holder == letter.author
            and self.is_live(token)
            and self.lead(token.ticket, is_over) == ticket
            and (note is None or token.note == note)
        )

    def may_publish(self, letter: Letter, ticket: int, is_over: Callable[[int], bool]) -> bool:
        """Whether the letter may be read by everybody on the ticket."""
        author = letter.author
        own = self.has_own_token(letter, ticket, is_over)
        if author in self.deactivated or letter.proof == "forged":
            return False
        if all(goal != ticket for _, goal in self.leads(letter, is_over)):
            return False
        if author in STAFF:
            with_reply = self.has_own_token(letter, ticket, is_over, note=False)
            return letter.proof == "proven" and with_reply
        if self.presence(ticket, author) != ACTIVE:
            return False
        return own or letter.proof == "proven"

    def may_flag(self, letter: Letter, ticket: int, is_over: Callable[[int], bool]) -> bool:
        """Whether the letter may lie on the ticket for staff to accept."""
        author, signs = letter.author, {s for s, t in self.leads(letter, is_over) if t == ticket}
        if letter.proof != "proven" or author in self.deactivated or not signs:
            return False
        if author in STAFF or self.presence(ticket, author) == PENDING:
            return True
        if self.presence(ticket, author) == REMOVED:
            return False
        return colleagues(author, self.company[ticket]) and signs != {"tag"}

    # ---- who comes onto a ticket --------------------------------------------------------------

    def joins(self, letter: Letter, company: str | None, there: Iterable[str]) -> dict[str, Seat]:
        """Whom a letter brings onto a ticket of this company, beside those who are there."""
        if letter.blind or letter.sign == "list":
            return {}
        there = {*there, letter.author, SUPPORT}
        found: dict[str, Seat] = {}
        for address in letter.cc:
            if address in there or self.hard.get(address, 0) >= 2 or address in self.deactivated:
                continue
            presence = self._joins_as(letter, company, address)
            if presence:
                found[address] = Seat(presence)
        return found

    def _joins_as(self, letter: Letter, company: str | None, address: str) -> str:
        registered = self.is_user(address)
        if address in STAFF:
            return ACTIVE
        if letter.proof != "proven":
            return PENDING
        if letter.author in STAFF:
            return ACTIVE
        same = registered and self.company_of(address) == company
        if self.is_user(letter.author):
            if same:
                return ACTIVE
            wish = "propose" if registered else self.guests
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
                self.seats[new].setdefault(address, Seat(ACTIVE, seat.muted))

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
