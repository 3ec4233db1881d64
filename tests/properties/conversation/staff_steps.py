"""What is done at the desk itself: states, people, merges, words, and what was flagged."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.ticket.changes import (
    AddPerson,
    Change,
    Delete,
    Merge,
    Publish,
    RemovePerson,
    SetStatus,
    SettlePerson,
)
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from tests.properties.conversation import invariants
from tests.properties.conversation.expectations import ACTIVE, PENDING, Book, Token
from tests.properties.conversation.mail_steps import people, picks, proofs
from tests.properties.conversation.support_model import Desk


class Office(Desk):
    @precondition(lambda self: self.open_numbers)
    @rule(pick=picks, status=st.sampled_from(list(Status)))
    def the_status_is_set(self, pick: int, status: Status) -> None:
        self._change(self._newest(self.open_numbers, pick), SetStatus(status))

    @precondition(lambda self: self.open_numbers)
    @rule(
        pick=picks,
        who=people,
        act=st.sampled_from(["add", "remove", "approve", "decline"]),
        spoken=st.booleans(),
    )
    def somebody_comes_or_goes(self, pick: int, who: str, act: str, spoken: bool) -> None:
        ticket = self._newest(self.open_numbers, pick)
        book = self._book_of(ticket)
        waiting = [a for a, s in book.seats[ticket].items() if s.presence == PENDING]
        if act in ("approve", "decline") and waiting:
            who = waiting[0]
        elif act == "remove":
            who = self._newest(list(book.seats[ticket]), pick)
        was = book.presence(ticket, who)
        change: Change
        match act:
            case "add":
                change = AddPerson(who)
            case "remove":
                change = RemovePerson(who)
            case _:
                change = SettlePerson(who, take_in=act == "approve")
        if spoken:  # what is on its way to him must not arrive
            self._say_at_the_desk(ticket, self._staff_of(ticket), Visibility.PUBLIC)
        if not self._change(ticket, change):
            return
        if act in ("add", "approve"):
            book.take_in(ticket, who)
        else:
            assert was in (ACTIVE, PENDING) or book.roll.is_staff(who)
            book.leave_out(ticket, who)

    @precondition(lambda self: any(book.tokens for book in self.books.values()))
    @rule(pick=picks, author=people, himself=st.booleans(), proof=proofs)
    def somebody_goes_and_his_address_is_used(
        self, pick: int, author: str, himself: bool, proof: str
    ) -> None:
        """By himself or by whoever has a mail that names it."""
        found = [
            (address, token, book)
            for book in self.books.values()
            for address, token in book.tokens.items()
            if self._may_go(book, token)
        ]
        if not found:
            return
        address, token, book = self._newest(found, pick)
        if book.is_live(token) and not self._remove(token.ticket, token.holder):
            return
        author = token.holder if himself else author
        self._send(self._letter(author, self._word(), proof=proof, rcpts=(address,)), post=True)

    def _may_go(self, book: Book, token: Token) -> bool:
        is_his = token.holder == book.requester[token.ticket]
        is_open = token.ticket in book.open_numbers
        return is_open and not book.roll.is_staff(token.holder) and not is_his

    @precondition(lambda self: len(self.open_numbers) > 1)
    @rule(pick=picks, into=picks, somebody_goes=st.booleans())
    def two_are_merged(self, pick: int, into: int, somebody_goes: bool) -> None:
        ticket = self._newest(self.open_numbers, pick)
        book = self._book_of(ticket)
        company = book.company[ticket]
        others = [t for t in book.open_numbers if book.company[t] == company and t != ticket]
        goal = self._newest((others if into else book.open_numbers) or [ticket], into)
        if somebody_goes:
            self._remove(ticket, self._another_of(ticket, into))
        if self._change(ticket, Merge(goal)):
            book.merge(ticket, goal)
            self.acted["merged"] += 1
            there = book.seats[ticket].items()
            gone = [a for a, s in there if s.presence not in (ACTIVE, PENDING)]
            self.acted["merged with somebody removed before"] += bool(gone)

    @precondition(lambda self: len(self.open_numbers) > 2)
    @rule(pick=picks)
    def one_is_deleted(self, pick: int) -> None:
        ticket = self._newest(self.open_numbers, pick)
        if self._change(ticket, Delete("asked to")):
            self._book_of(ticket).deleted.add(ticket)

    @precondition(lambda self: self.open_numbers)
    @rule(
        pick=picks,
        who=st.integers(0, 1),
        visibility=st.sampled_from([Visibility.PUBLIC, Visibility.NOTE]),
    )
    def staff_say_at_the_desk(self, pick: int, who: int, visibility: Visibility) -> None:
        ticket = self._newest(self.open_numbers, pick)
        staff = self._book_of(ticket).roll.cast.staff
        self._say_at_the_desk(ticket, staff[who], visibility)

    @precondition(lambda self: self.tickets)
    @rule(pick=picks)
    def a_flagged_comment_is_accepted(self, pick: int) -> None:
        flagged = self.gate.rows(
            "SELECT id, ticket_id, text FROM comment WHERE visibility = 'private'"
        )
        if not flagged:
            return
        row = self._newest(flagged, pick)
        if self._change(row.ticket_id, Publish(row.id)):
            for word in invariants.words_in(invariants.own_words(row.text)):
                self._book_of(row.ticket_id).said[word].visibility = "public"

    @rule(span=st.sampled_from([timedelta(minutes=5), timedelta(hours=2), timedelta(days=15)]))
    def time_passes(self, span: timedelta) -> None:
        self.gate.wait(span)

    @rule()
    def the_notices_go_out(self) -> None:
        self._post()
