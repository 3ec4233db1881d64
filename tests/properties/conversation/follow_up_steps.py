"""Tickets that are over, and go on in another: with whom, and without whom."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.model import Verdict
from tests.properties.conversation.expectations import Book
from tests.properties.conversation.mail_steps import copied, picks
from tests.properties.conversation.outcomes import LEAVE
from tests.properties.conversation.support_model import Desk


class FollowUps(Desk):
    @precondition(lambda self: self._given())
    @rule(
        pick=picks,
        whom=picks,
        goes=st.sampled_from(["removed", "removed", "unsubscribed", "unsubscribed", "nobody"]),
        cc=copied,
        by=st.sampled_from(["token", "ours", "both"]),
        late=st.booleans(),
    )
    def a_closed_ticket_is_answered(
        self, pick: int, whom: int, goes: str, cc: tuple[str, ...], by: str, late: bool
    ) -> None:
        """Somebody goes before, or leaves; then one of those who are left answers, and then
        whoever has gone."""
        ticket = self._newest(self._given(), pick)
        book = self._book_of(ticket)
        gone = self._another_of(ticket, whom) if goes != "nobody" else ""
        if goes == "removed" and not self._remove(ticket, gone):
            return
        if goes == "unsubscribed" and not self._unsubscribed(book, ticket, gone):
            return
        self._close(ticket)
        left = [a for a in self._customers(ticket) if a != gone]
        if not left:
            return
        follows = self._answer(book, ticket, self._newest(left, whom), by, cc)
        if follows and goes != "nobody":
            self.acted[f"followed with somebody {goes} before"] += 1
        if late and gone:
            self._answer(book, ticket, gone, by, ())
        # Whoever goes on has something to say there, and it reaches those who are there.
        self._answer(book, ticket, self._newest(left, whom + 1), by, ())
        self._post()

    def _given(self) -> list[int]:
        """Open tickets with somebody who got a reply address."""
        return [
            ticket
            for ticket in self.open_numbers
            if not self._is_over(ticket) and self._customers(ticket)
        ]

    def _unsubscribed(self, book: Book, ticket: int, address: str) -> bool:
        """By his own mail."""
        letter = self._letter(
            address,
            LEAVE,
            rcpts=(book.mailbox,),
            references=self._marks(book, ticket),
        )
        return self._send(letter, post=False).verdict is Verdict.RECORDED

    def _answer(self, book: Book, ticket: int, author: str, by: str, cc: tuple[str, ...]) -> bool:
        """Whether it began a follow-up."""
        mine = [a for a, t in book.tokens.items() if (t.ticket, t.holder) == (ticket, author)]
        letter = self._letter(
            author,
            self._word(),
            rcpts=(mine[-1] if mine and by != "ours" else book.mailbox,),
            references=self._marks(book, ticket) if by != "token" or not mine else (),
            cc=cc,
        )
        return self._send(letter, post=False).verdict is Verdict.OPENED

    def _marks(self, book: Book, ticket: int) -> tuple[str, ...]:
        ours = [one for one, its in book.ids.items() if its == ticket and one in book.ours]
        return tuple(ours[-1:])
