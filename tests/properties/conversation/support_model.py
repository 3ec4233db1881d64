"""The desks and the books beside them: how a mail is sent, judged by the laws, and written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from rules.decision.model import OpenTicket, Reason, Verdict
from rules.decision.receipt import Receipt
from rules.policy import Policy
from rules.ticket.changes import AddPerson, Change, RemovePerson, Say, SetStatus
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from tests.properties.conversation import invariants
from tests.properties.conversation.expectations import ACTIVE, Book, Said, Terms, Token, Waiting
from tests.properties.conversation.mails import PROOFS, Letter
from tests.properties.conversation.outcomes import Landing, landing
from tests.properties.conversation.people import CASTS, OUTSIDERS
from tests.properties.conversation.pipeline import Gate, Posted, Taken
from tests.properties.conversation.registry import Roll
from tests.rules.building import default_policy

T = TypeVar("T")
Opened = Callable[[Policy], Gate]


class Desk(RuleBasedStateMachine):
    """Two desks in one store, and everybody around them.

    `open_gate` makes an empty store under a policy; `acted` counts what was really done.
    """

    def __init__(self, open_gate: Opened, acted: Counter[str]) -> None:
        super().__init__()
        self.open_gate = open_gate
        self.acted = acted
        self.numbers = 0
        self.letters: list[tuple[Letter, list[Taken]]] = []
        self.unsent: list[Letter] = []
        """Letters that were answered before they arrive."""
        self.inbox: list[Posted] = []
        self.reported: set[str] = set()
        self.is_written_down = True

    @initialize(
        terms=st.builds(
            Terms,
            guests=st.sampled_from(["add", "propose"]),
            registration=st.sampled_from(["user", "user", "domain"]),
            strangers=st.sampled_from(["refuse", "hold"]),
            unauthenticated=st.sampled_from(["refuse", "hold"]),
        ),
        notify=st.sampled_from(["all", "followers"]),
    )
    def begin(self, terms: Terms, notify: str) -> None:
        plain = default_policy()
        policy = plain.model_copy(
            update={
                "registration": terms.registration,
                "strangers": terms.strangers,
                "unauthenticated": terms.unauthenticated,
                "cc": plain.cc.model_copy(update={"guests": terms.guests}),
                "staff": plain.staff.model_copy(update={"notify": notify}),
            }
        )
        self.gate = self.open_gate(policy)
        self.books = {cast.mailbox: Book(Roll(cast), terms) for cast in CASTS}

    # ---- after every step ---------------------------------------------------------------------

    @invariant()
    def the_store_is_as_it_must_be(self) -> None:
        if hasattr(self, "gate"):
            invariants.nobody_is_elsewhere(self.gate, self.books.values())
            invariants.the_quarantine_holds(self.gate, self.books.values())
            invariants.nothing_is_critical(self.gate)
            invariants.nobody_is_told_twice(self.gate)
            self.gate.wait(timedelta(seconds=20))

    def teardown(self) -> None:
        if hasattr(self, "gate"):
            if self.is_written_down:  # or what failed would be hidden by what follows from it
                self._post()
            self.gate.database.close()

    # ---- where things are ---------------------------------------------------------------------

    def _word(self) -> str:
        self.numbers += 1
        return f"zq{self.numbers:05d}qz"

    def _letter(self, author: str, text: str, **more: Any) -> Letter:
        self.numbers += 1
        return Letter(author, self.numbers, text, **more)

    def _newest(self, found: Sequence[T], pick: int) -> T:
        return found[-1 - pick % len(found)]

    def _book_of(self, ticket: int) -> Book:
        return next(book for book in self.books.values() if ticket in book.seats)

    @property
    def tickets(self) -> list[int]:
        """Of both desks, the newest last."""
        return sorted(t for book in self.books.values() for t in book.seats)

    @property
    def open_numbers(self) -> list[int]:
        return sorted(t for book in self.books.values() for t in book.open_numbers)

    def _at_the_desk(self) -> list[Posted]:
        return [p for p in self.inbox if p.reply_address and self._is_staffs(p)]

    def _is_staffs(self, posted: Posted) -> bool:
        return self.books[posted.mailbox].roll.is_staff(posted.comes_to)

    def _staff_of(self, ticket: int) -> str:
        """Who acts at the desk of a ticket."""
        return self._book_of(ticket).roll.cast.staff[0]

    def _customers(self, ticket: int) -> list[str]:
        """Who is active on a ticket, the desk left out."""
        book = self._book_of(ticket)
        return [
            address
            for address, seat in book.seats[ticket].items()
            if seat.presence == ACTIVE and not book.roll.is_staff(address)
        ]

    def _is_over(self, ticket: int) -> bool:
        return invariants.is_over(self.gate, ticket)

    def _lead_of(self, book: Book, letter: Letter) -> int | None:
        return next((t for _, t in book.leads(letter, self._is_over)), None)

    # ---- how ----------------------------------------------------------------------------------

    def _take(self, letter: Letter) -> list[Taken]:
        proof = PROOFS[letter.proof]
        return self.gate.take(letter.raw, letter.mail_from, letter.rcpts, proof)

    def _send(self, letter: Letter, post: bool) -> Receipt:
        """Let a letter come to its desks; returns the answer of the first."""
        landings = {
            mailbox: landing(book, letter, self._is_over, self.gate.now)
            for mailbox, book in self.books.items()
        }
        over = {t: self._is_over(t) for t in self.tickets}
        self.is_written_down = False
        all_taken = self._take(letter)
        for taken in all_taken:
            invariants.was_filed_once(self.gate, taken.receipt)
        for taken in all_taken:
            self._judge(letter, taken, landings[taken.mailbox], over)
        self.is_written_down = True
        if any(taken.receipt.reply.accepted for taken in all_taken):
            self.letters.append((letter, all_taken))
        if post:
            self._post()
        return all_taken[0].receipt

    def _judge(
        self, letter: Letter, taken: Taken, landing: Landing | None, over: dict[int, bool]
    ) -> None:
        """What became of a letter at one desk, by the laws; then it is written down."""
        receipt, decision, book = taken.receipt, taken.decision, self.books[taken.mailbox]
        note(f"{letter} -> {taken.mailbox}: {receipt.verdict} {receipt.reason} #{receipt.ticket}")
        if letter.is_automatic:
            invariants.nothing_was_caused(self.gate, receipt)
        invariants.was_entitled(self.gate, book, letter, receipt, decision, over)
        if landing is not None:
            landing.check(receipt, decision)
        invariants.everybody_was_told(self.gate, book, letter, receipt, decision)
        self._write_down(book, letter, taken)

    def _write_down(self, book: Book, letter: Letter, taken: Taken) -> None:
        """What the letter did, in the book."""
        receipt, action, ticket = taken.receipt, taken.decision.action, taken.receipt.ticket
        self.acted[f"{receipt.verdict} {receipt.reason}"] += 1
        if receipt.verdict is Verdict.HELD:
            for_enrolment = receipt.reason is Reason.NOT_ENROLLED
            book.held[receipt.journal_id] = Waiting(letter, self.gate.now, for_enrolment)
        if ticket is None:
            return
        book.ids[letter.message_id] = ticket
        if receipt.verdict is Verdict.OPENED:
            book.opened_at.setdefault(letter.author, []).append(self.gate.now)
            for one in letter.references:
                book.named.setdefault(one, []).append(ticket)
        visibility = invariants.visibility_of(self.gate, receipt)
        for word in invariants.words_in(invariants.own_words(letter.text)):
            book.said[word] = Said(ticket, letter.author, visibility)
        if isinstance(action, OpenTicket) and action.follows is not None:
            old = action.follows
            joining = book.joins(letter, book.company[old], book.seats[old])
            book.followed(old, ticket)
            for address, seat in joining.items():
                book.seats[ticket].setdefault(address, seat)
        elif receipt.verdict is Verdict.OPENED:
            company = book.roll.company_of(letter.author)
            book.opened(ticket, letter.author, company)
            book.seats[ticket].update(book.joins(letter, company, ()))
            if not book.roll.is_registered(letter.author):  # he named others as a guest would
                book.roll.enrolled[letter.author] = str(company)
        elif receipt.verdict is Verdict.COMMENTED and visibility == "public":
            seats = book.seats[ticket]
            seats.update(book.joins(letter, book.company[ticket], seats))
        elif receipt.reason is Reason.UNSUBSCRIBED:
            book.seats[ticket][letter.author].muted = True

    def _say_at_the_desk(self, ticket: int, who: str, visibility: Visibility) -> None:
        word = self._word()
        if self._change(ticket, Say(word, visibility), who):
            book = self._book_of(ticket)
            book.said[word] = Said(ticket, who, visibility.value)
            if visibility is Visibility.PUBLIC:
                invariants.was_heard(self.gate, book, ticket, who, word)

    def _change(self, ticket: int, change: Change, who: str = "") -> bool:
        actor = who or self._staff_of(ticket)
        done = self.gate.change(self._book_of(ticket).mailbox, actor, ticket, change)
        note(f"#{ticket}: {change} {'done' if done else 'refused'}")
        return done

    def _remove(self, ticket: int, address: str) -> bool:
        if not self._change(ticket, RemovePerson(address)):
            return False
        self._book_of(ticket).leave_out(ticket, address)
        return True

    def _another_of(self, ticket: int, pick: int) -> str:
        """Somebody active on a ticket who is not its requester; he comes now if there is none."""
        book = self._book_of(ticket)
        there = [a for a in self._customers(ticket) if a != book.requester[ticket]]
        if there:
            return self._newest(there, pick)
        comes = OUTSIDERS[pick % len(OUTSIDERS)]
        if self._change(ticket, AddPerson(comes)):
            book.take_in(ticket, comes)
        return comes

    def _close(self, ticket: int) -> None:
        self._change(ticket, SetStatus(Status.CLOSED))

    def _post(self) -> None:
        for posted in self.gate.post():
            note(f"sent {posted.notice.kind} #{posted.ticket} to {posted.comes_to}")
            book = self.books[posted.mailbox]
            invariants.may_be_read(book, posted)
            invariants.holds_no_token_of_others(self.gate, posted)
            self.inbox.append(posted)
            if posted.ticket:
                book.ids[posted.message_id] = posted.ticket
                book.ours.add(posted.message_id)
            for address, is_note in ((posted.reply_address, False), (posted.note_address, True)):
                if address:
                    book.tokens[address] = Token(posted.comes_to, posted.ticket, is_note)
