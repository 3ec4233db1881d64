"""What changes in the registry meanwhile: accounts, companies, and who enrols."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import rule

from rules.people import Role
from rules.ticket.visibility import Visibility
from storage.notices import invitations
from storage.notices.invitations import Enrolled
from storage.registry import people
from storage.registry.companies import set_company_active
from tests.properties.conversation.book import Book
from tests.properties.conversation.cast import CASTS, EVERYBODY
from tests.properties.conversation.desk import Desk
from tests.properties.conversation.roll import Standing
from tests.properties.conversation.writers import picks

accounts = st.sampled_from(
    [
        (cast.mailbox, address)
        for cast in CASTS
        for address in (*cast.users, *cast.staff[1:])  # one person of each desk can always act
    ]
)
companies = st.sampled_from(
    [(cast.mailbox, company) for cast in CASTS for company in cast.users.values()]
)


class Accounts(Desk):
    @rule(who=accounts, pick=picks, writes=st.booleans())
    def an_account_is_closed_or_opened(self, who: tuple[str, str], pick: int, writes: bool) -> None:
        """Those that are closed are opened first. Its owner may answer what he got before."""
        mailbox, address = who
        book = self.books[mailbox]
        closed = sorted(book.roll.deactivated)
        back = bool(closed) and pick % 3 > 0
        address = self._newest(closed, pick) if back else address
        role = Role.STAFF if book.roll.is_staff(address) else Role.USER
        ours = self.gate.mailboxes[mailbox]
        self.gate.transact(lambda c: people.set_person_active(c, ours, role, address, back))
        note(f"{address} is {'active' if back else 'deactivated'} at {mailbox}")
        self.acted[f"account {'opened again' if back else 'closed'}"] += 1
        (book.roll.deactivated.discard if back else book.roll.deactivated.add)(address)
        if writes:
            self._write_as(book, [address], pick)

    @rule(which=companies, pick=picks, told=st.booleans())
    def a_company_is_suspended_or_resumed(
        self, which: tuple[str, str], pick: int, told: bool
    ) -> None:
        """Those that are suspended are resumed first. Its people may write something then."""
        mailbox, company = which
        book = self.books[mailbox]
        suspended = sorted(book.roll.suspended)
        back = bool(suspended) and pick % 3 > 0
        company = self._newest(suspended, pick) if back else company
        self._say_to(book, company, pick)  # what is on its way to its people must not arrive
        self._set_active(book, company, back)
        self._post()
        self._say_to(book, company, pick)
        if told:
            its_own = [a for a in EVERYBODY if book.roll.is_user(a)]
            self._write_as(book, [a for a in its_own if book.roll.company_of(a) == company], pick)

    def _write_as(self, book: Book, authors: Sequence[str], pick: int) -> None:
        """One of them answers what he got, or writes anew."""
        its = [p for p in self.inbox if p.mailbox == book.mailbox and p.reply_address]
        got = [p for p in its if p.comes_to in authors]
        if got and pick % 4:
            posted = self._newest(got, pick)
            letter = self._letter(posted.comes_to, self._word(), rcpts=(posted.reply_address,))
        else:
            letter = self._letter(self._newest(authors, pick), self._word(), rcpts=(book.mailbox,))
        closed = book.roll.standing(letter.author)
        self._send(letter, post=True)
        self.acted[f"wrote then as one {closed.name.lower()}"] += 1

    def _say_to(self, book: Book, company: str, pick: int) -> None:
        """The desk says something to people of a company, where they are on a ticket."""
        tickets = [
            ticket
            for ticket in book.open_numbers
            if any(book.roll.company_of(one) == company for one in self._customers(ticket))
        ]
        if tickets:
            ticket = self._newest(tickets, pick)
            self._say_at_the_desk(ticket, self._staff_of(ticket), Visibility.PUBLIC)

    def _set_active(self, book: Book, company: str, active: bool) -> None:
        ours = self.gate.mailboxes[book.mailbox]
        self.gate.transact(lambda c: set_company_active(c, ours, company, active))
        note(f"{company} is {'active' if active else 'suspended'} at {book.mailbox}")
        suspended = book.roll.suspended
        self.acted[f"company {'resumed' if active else 'suspended'}"] += 1
        (suspended.discard if active else suspended.add)(company)

    def _enrol(self, book: Book, address: str) -> None:
        may = book.roll.standing(address) is Standing.COLLEAGUE
        ours = self.gate.mailboxes[book.mailbox]
        done = self.gate.transact(lambda c: invitations.accept(c, ours, address, "New"))
        note(f"{address} enrols at {book.mailbox}: {done}")
        assert (done is Enrolled.NOW) == may
        if may:
            book.roll.enrolled[address] = str(book.roll.company_by_domain(address))
            self.acted["enrolled"] += 1
