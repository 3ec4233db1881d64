"""What is held: letters that wait for a person of the desk, or for their author's enrolment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.model import Verdict
from rules.sender.authentication import Authentication
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from tests.properties.conversation import laws
from tests.properties.conversation.accounts import Accounts
from tests.properties.conversation.book import Book
from tests.properties.conversation.landing import landing
from tests.properties.conversation.letters import Letter
from tests.properties.conversation.writers import authors, copied, people, picks

BY_STAFF = Authentication.by_staff("sam")
HOLD = timedelta(days=14)


class Quarantine(Accounts):
    # ---- what comes in ------------------------------------------------------------------------

    @rule(
        author=authors,
        claim_note=people,
        why=st.sampled_from(["two authors", "doubtful", "nothing"]),
        pick=picks,
        cc=copied,
    )
    def a_letter_comes_that_nobody_can_vouch_for(
        self, author: str, beside: str, why: str, pick: int, cc: tuple[str, ...]
    ) -> None:
        """Half of them to a ticket that there is."""
        got = self._newest(self.inbox, pick) if self.inbox and pick % 2 else None
        letter = self._letter(
            author,
            self._word(),
            claim_note=beside if why == "two authors" else "",
            proof=why if why != "two authors" else "proven",
            references=(got.message_id,) if got else (),
            rcpts=(got.mailbox,) if got else (self._newest(list(self.books), pick),),
            cc=cc,
        )
        self._send(letter, post=False)

    @precondition(lambda self: self.inbox)
    @rule(pick=picks, author=picks)
    def somebody_of_another_company_answers(self, pick: int, author: int) -> None:
        got = self._newest([p for p in self.inbox if p.ticket] or self.inbox, pick)
        book = self.books[got.mailbox]
        if not got.ticket or not got.reply_address:
            return
        others = [
            a
            for a in book.roll.cast.users
            if not book.presence(got.ticket, a) and not book.is_colleague(a, got.ticket)
        ]
        if others:
            rcpts = (got.reply_address,)
            letter = self._letter(self._newest(others, author), self._word(), rcpts=rcpts)
            self._send(letter, post=False)

    # ---- what goes out ------------------------------------------------------------------------

    @precondition(lambda self: self._waiting())
    @rule(pick=picks, author=people, as_new=st.booleans(), post=st.booleans())
    def one_is_released(self, pick: int, author: str, as_new: bool, post: bool) -> None:
        """Somebody of the desk vouches for its author, or says who that is."""
        book, journal_id = self._newest(self._waiting(), pick)
        letter, held = book.held[journal_id].letter, self.gate.held(journal_id)
        assert held is not None
        letter = replace(
            letter,
            author=author if letter.claim_note else letter.author,
            claim_note="",
            proof="proven",
        )
        if self._release(book, held, letter, BY_STAFF, as_new):
            self.acted["released by staff"] += 1
        if post:
            self._post()

    @precondition(lambda self: self._waiting())
    @rule(pick=picks)
    def one_is_thrown_away(self, pick: int) -> None:
        """And after that released: somebody else had it on his screen."""
        book, journal_id = self._newest(self._waiting(), pick)
        held = self.gate.held(journal_id)
        assert held is not None
        assert self.gate.transact(lambda c: quarantine.discard(c, journal_id))
        letter = book.held.pop(journal_id).letter
        self.is_written_down = False
        again = self.gate.release(held, BY_STAFF, letter.author)
        assert again is None or again.receipt.verdict in (Verdict.HELD, Verdict.REFUSED)
        self.is_written_down = True
        self.acted["thrown away"] += 1

    @precondition(lambda self: any(book.roll.enrollable for book in self.books.values()))
    @rule(pick=picks, first_writes=st.booleans(), is_seen=st.booleans())
    def somebody_enrols(self, pick: int, first_writes: bool, is_seen: bool) -> None:
        """By the link that he was mailed; perhaps after he has written."""
        found = [(b, a) for b in self.books.values() for a in b.roll.enrollable]
        book, address = self._newest(found, pick)
        if first_writes:
            letter = self._letter(address, self._word(), rcpts=(book.mailbox,))
            self._send(letter, post=False)
            if book.roll.is_registered(address):
                return
        self._enrol(book, address)
        if is_seen:
            self._keep()

    @precondition(lambda self: self._waiting())
    @rule(also_old=st.booleans(), enrols=st.booleans())
    def the_keeper_looks_around(self, also_old: bool, enrols: bool) -> None:
        """He releases what waited for an enrolment, and throws away what waited too long."""
        if enrols:
            self._one_enrols_who_waits()
        self._keep()
        if also_old:
            self._throw_away_old()
        self._post()

    def _keep(self) -> None:
        """What the keeper does in each of his rounds."""
        now = self.gate.now
        found = self.gate.transact(lambda c: quarantine.enrolled_meanwhile(c, now))
        assert {held.journal_id for held in found} == {
            journal_id for book, journal_id in self._waiting() if self._may_leave(book, journal_id)
        }
        for held in found:
            book = self.books[held.mailbox.address]
            letter = book.held[held.journal_id].letter
            if self._release(book, held, letter, held.authentication):
                self.acted["released by enrolment"] += 1

    def _waiting(self) -> list[tuple[Book, UUID]]:
        return [(book, one) for book in self.books.values() for one in book.held]

    def _may_leave(self, book: Book, journal_id: UUID) -> bool:
        waiting, roll = book.held[journal_id], book.roll
        author = waiting.letter.author
        enrolled = roll.is_registered(author) and roll.company_of(author) not in roll.suspended
        rested = waiting.tried is None or waiting.tried <= self.gate.now - timedelta(days=1)
        return waiting.for_enrolment and enrolled and author not in roll.deactivated and rested

    def _one_enrols_who_waits(self) -> None:
        for book, journal_id in self._waiting():
            author = book.held[journal_id].letter.author
            if book.held[journal_id].for_enrolment and not book.roll.is_registered(author):
                self._enrol(book, author)
                return

    def _throw_away_old(self) -> None:
        moment = self.gate.now - HOLD
        for book in self.books.values():
            old = [one for one, waiting in book.held.items() if waiting.since < moment]
            mailbox = self.gate.mailboxes[book.mailbox]
            count = self.gate.transact(
                lambda c, m=mailbox: quarantine.discard_before(c, m, moment)  # type: ignore[misc]
            )
            assert count == len(old)
            self.acted["thrown away as old"] += count
            for one in old:
                del book.held[one]

    def _release(
        self,
        book: Book,
        held: HeldMail,
        letter: Letter,
        proof: Authentication,
        as_new: bool = False,
    ) -> bool:
        """Whether it has left the quarantine."""
        letter = replace(letter, as_new=as_new)
        over = {t: self._is_over(t) for t in self.tickets}
        goal = landing(book, letter, self._is_over, self.gate.now)
        waiting = book.held[held.journal_id]
        self.is_written_down = False
        taken = self.gate.release(held, proof, letter.author, as_new)
        assert taken is not None
        has_left = laws.has_left_quarantine(self.gate, held.journal_id, taken.receipt)
        self._judge(letter, taken, goal, over)
        self.is_written_down = True
        # What is held again is held under its first line.
        book.held.pop(taken.receipt.journal_id, None)
        if has_left:
            del book.held[held.journal_id]
            again = self.gate.release(held, proof, letter.author, as_new)
            assert again is not None
            assert again.receipt.verdict is Verdict.DUPLICATE
        else:
            assert book.held[held.journal_id] is waiting
            waiting.tried = self.gate.now
        return has_left
