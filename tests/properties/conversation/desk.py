"""A desk and the book beside it: how a mail is sent, judged by the laws, and written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from rules.decision import Decision, OpenTicket, Reason, Verdict
from rules.policy import Policy
from rules.receipt import Receipt
from rules.ticket.changes import Change, Say
from rules.ticket.visibility import Visibility
from tests.properties.conversation import laws
from tests.properties.conversation.book import Book, Said, Token
from tests.properties.conversation.cast import STAFF, UNENROLLED
from tests.properties.conversation.gate import Gate, Posted
from tests.properties.conversation.letters import PROOFS, Letter
from tests.rules.building import default_policy

T = TypeVar("T")
Opened = Callable[[Policy], Gate]


class Desk(RuleBasedStateMachine):
    """One desk, and everybody around it. `open_gate` makes an empty one under a policy."""

    def __init__(self, open_gate: Opened) -> None:
        super().__init__()
        self.open_gate = open_gate
        self.numbers = 0
        self.letters: list[tuple[Letter, Receipt]] = []
        self.inbox: list[Posted] = []
        self.reported: set[str] = set()
        self.is_written_down = True

    @initialize(
        guests=st.sampled_from(["add", "propose"]),
        notify=st.sampled_from(["all", "followers"]),
        registration=st.sampled_from(["user", "domain"]),
    )
    def begin(self, guests: str, notify: str, registration: str) -> None:
        plain = default_policy()
        policy = plain.model_copy(
            update={
                "registration": registration,
                "cc": plain.cc.model_copy(update={"guests": guests}),
                "staff": plain.staff.model_copy(update={"notify": notify}),
            }
        )
        self.gate = self.open_gate(policy)
        self.book = Book(guests)

    # ---- after every step ---------------------------------------------------------------------

    @invariant()
    def the_store_is_as_it_must_be(self) -> None:
        if hasattr(self, "gate"):
            laws.nobody_is_elsewhere(self.gate, self.book)
            laws.nothing_is_critical(self.gate)
            laws.nobody_is_told_twice(self.gate)
            self.gate.wait(timedelta(seconds=20))

    def teardown(self) -> None:
        if hasattr(self, "gate"):
            if self.is_written_down:  # or what failed would be hidden by what follows from it
                self._post()
            self.gate.database.close()

    # ---- how ----------------------------------------------------------------------------------

    def _word(self) -> str:
        self.numbers += 1
        return f"zq{self.numbers:05d}qz"

    def _letter(self, author: str, text: str, **more: Any) -> Letter:
        self.numbers += 1
        return Letter(author, self.numbers, text, **more)

    def _newest(self, found: Sequence[T], pick: int) -> T:
        return found[-1 - pick % len(found)]

    def _at_the_desk(self) -> list[Posted]:
        return [p for p in self.inbox if p.comes_to in STAFF and p.reply_address]

    def _is_over(self, ticket: int) -> bool:
        return laws.is_over(self.gate, ticket)

    def _lead_of(self, letter: Letter) -> int | None:
        return next((t for _, t in self.book.leads(letter, self._is_over)), None)

    def _take(self, letter: Letter) -> tuple[Receipt, Decision]:
        return self.gate.take(letter.raw, letter.mail_from, letter.rcpt, PROOFS[letter.proof])

    def _send(self, letter: Letter, post: bool) -> Receipt:
        expected = laws.expected(self.book, letter, self._is_over)
        over = {t: self._is_over(t) for t in self.book.seats}
        self.is_written_down = False
        receipt, decision = self._take(letter)
        note(f"{letter} -> {receipt.verdict} {receipt.reason} #{receipt.ticket}")
        laws.was_filed_once(self.gate, receipt)
        if letter.is_automatic:
            laws.nothing_was_caused(self.gate, receipt)
        laws.was_entitled(self.gate, self.book, letter, receipt, decision, over)
        laws.landed(expected, receipt)
        laws.everybody_was_told(self.gate, self.book, letter, receipt, decision)
        self._write_down(letter, receipt, decision)
        self.is_written_down = True
        if receipt.reply.accepted:
            self.letters.append((letter, receipt))
        if post:
            self._post()
        return receipt

    def _write_down(self, letter: Letter, receipt: Receipt, decision: Decision) -> None:
        """What the letter did, in the book."""
        book, ticket = self.book, receipt.ticket
        if ticket is None:
            return
        book.ids[letter.message_id] = ticket
        if receipt.verdict is Verdict.OPENED:
            for one in letter.references:
                book.named.setdefault(one, []).append(ticket)
        visibility = laws.visibility_of(self.gate, receipt)
        for word in laws.words_in(laws.own_words(letter.text)):
            book.said[word] = Said(ticket, letter.author, visibility)
        if isinstance(decision.action, OpenTicket) and decision.action.follows is not None:
            old = decision.action.follows
            joining = book.joins(letter, book.company[old], book.seats[old])
            book.followed(old, ticket)
            for address, seat in joining.items():
                book.seats[ticket].setdefault(address, seat)
        elif receipt.verdict is Verdict.OPENED:
            company = "Acme" if letter.author == UNENROLLED else book.company_of(letter.author)
            book.opened(ticket, letter.author, company)
            book.seats[ticket].update(book.joins(letter, company, ()))
            if letter.author == UNENROLLED:  # who names others in this mail as a guest would
                book.enrolled.add(UNENROLLED)
        elif receipt.verdict is Verdict.COMMENTED and visibility == "public":
            seats = book.seats[ticket]
            seats.update(book.joins(letter, book.company[ticket], seats))
        elif receipt.reason is Reason.UNSUBSCRIBED:
            book.seats[ticket][letter.author].muted = True

    def _say_at_the_desk(self, ticket: int, who: str, visibility: Visibility) -> None:
        word = self._word()
        if self._change(ticket, Say(word, visibility), who):
            self.book.said[word] = Said(ticket, who, visibility.value)

    def _change(self, ticket: int, change: Change, who: str = STAFF[0]) -> bool:
        done = self.gate.change(who, ticket, change)
        note(f"#{ticket}: {change} {'done' if done else 'refused'}")
        return done

    def _post(self) -> None:
        for posted in self.gate.post():
            note(f"sent {posted.notice.kind} #{posted.ticket} to {posted.comes_to}")
            laws.may_be_read(self.book, posted)
            laws.holds_no_token_of_others(self.gate, posted)
            self.inbox.append(posted)
            self.book.ids[posted.message_id] = posted.ticket
            self.book.ours.add(posted.message_id)
            for address, is_note in ((posted.reply_address, False), (posted.note_address, True)):
                if address:
                    token = Token(posted.comes_to, posted.ticket, is_note)
                    self.book.tokens[address] = token
