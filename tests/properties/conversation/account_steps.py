"""Steps that change the registry: accounts, companies and enrolments."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import rule

from rules.people import Role
from rules.ticket.visibility import Visibility
from storage.notices import invitations
from storage.notices.invitations import Enrolled
from storage.registry.companies import set_company_active
from storage.registry.people import set_person_active
from tests.properties.conversation.expectations import Expectations
from tests.properties.conversation.mail_steps import picks
from tests.properties.conversation.people import BOTH_MAILBOXES, EVERYBODY
from tests.properties.conversation.registry import AccountState
from tests.properties.conversation.support_model import SupportModel

accounts = st.sampled_from(
    [
        (people.mailbox, address)
        for people in BOTH_MAILBOXES
        for address in (*people.users, *people.staff[1:])  # one of the staff can always act
    ]
)
companies = st.sampled_from(
    [(people.mailbox, company) for people in BOTH_MAILBOXES for company in people.users.values()]
)


class AccountSteps(SupportModel):
    """Mixed into QuarantineSteps, because an enrolment releases held mail."""

    @rule(account=accounts, pick=picks, writes=st.booleans())
    def an_account_is_closed_or_reopened(
        self, account: tuple[str, str], pick: int, writes: bool
    ) -> None:
        """Closed accounts are reopened first. The owner may then answer an earlier notice."""
        mailbox, address = account
        expected = self.expectations[mailbox]
        closed = sorted(expected.registry.deactivated)
        reopens = bool(closed) and pick % 3 > 0
        address = self._nth_newest(closed, pick) if reopens else address
        role = Role.STAFF if expected.registry.is_staff(address) else Role.USER
        stored = self.pipeline.mailboxes[mailbox]
        self.pipeline.transact(lambda c: set_person_active(c, stored, role, address, reopens))
        note(f"{address} is {'active' if reopens else 'deactivated'} at {mailbox}")
        self.performed[f"account {'reopened' if reopens else 'closed'}"] += 1
        deactivated = expected.registry.deactivated
        (deactivated.discard if reopens else deactivated.add)(address)
        if writes:
            self._write_as(expected, [address], pick)

    @rule(account=companies, pick=picks, writes=st.booleans())
    def a_company_is_suspended_or_resumed(
        self, account: tuple[str, str], pick: int, writes: bool
    ) -> None:
        """Suspended companies are resumed first. Its people may then write a mail."""
        mailbox, company = account
        expected = self.expectations[mailbox]
        suspended = sorted(expected.registry.suspended)
        resumes = bool(suspended) and pick % 3 > 0
        company = self._nth_newest(suspended, pick) if resumes else company
        # A notice that is not yet sent must not reach the people of a suspended company.
        self._comment_to_company(expected, company, pick)
        self._set_active(expected, company, resumes)
        self._send_notices()
        self._comment_to_company(expected, company, pick)
        if writes:
            users = [a for a in EVERYBODY if expected.registry.is_user(a)]
            of_company = [a for a in users if expected.registry.company_of(a) == company]
            self._write_as(expected, of_company, pick)

    def _write_as(self, expected: Expectations, authors: Sequence[str], pick: int) -> None:
        """One of the authors answers a notice that they received, or sends a new request."""
        notices = [
            sent
            for sent in self.sent_notices
            if sent.mailbox == expected.mailbox and sent.reply_address and sent.recipient in authors
        ]
        if notices and pick % 4:
            sent = self._nth_newest(notices, pick)
            author, recipient = sent.recipient, sent.reply_address
        else:
            author, recipient = self._nth_newest(authors, pick), expected.mailbox
        mail = self._write_mail(author, self._new_marker(), recipients=(recipient,))
        state = expected.registry.account_state(mail.author)
        self._deliver(mail, send_notices=True)
        self.performed[f"wrote while {state.name.lower()}"] += 1

    def _comment_to_company(self, expected: Expectations, company: str, pick: int) -> None:
        """Staff comment on a ticket with participants from a company, if there is one."""
        tickets = [
            ticket
            for ticket in expected.changeable_tickets
            if any(expected.registry.company_of(one) == company for one in self._customers(ticket))
        ]
        if tickets:
            ticket = self._nth_newest(tickets, pick)
            self._comment_as_staff(ticket, self._staff_of(ticket), Visibility.PUBLIC)

    def _set_active(self, expected: Expectations, company: str, active: bool) -> None:
        mailbox = self.pipeline.mailboxes[expected.mailbox]
        self.pipeline.transact(lambda c: set_company_active(c, mailbox, company, active))
        note(f"{company} is {'active' if active else 'suspended'} at {expected.mailbox}")
        suspended = expected.registry.suspended
        self.performed[f"company {'resumed' if active else 'suspended'}"] += 1
        (suspended.discard if active else suspended.add)(company)

    def _enrol(self, expected: Expectations, address: str) -> None:
        allowed = expected.registry.account_state(address) is AccountState.COLLEAGUE
        mailbox = self.pipeline.mailboxes[expected.mailbox]
        done = self.pipeline.transact(lambda c: invitations.accept(c, mailbox, address, "New"))
        note(f"{address} enrols at {expected.mailbox}: {done}")
        assert (done is Enrolled.NOW) == allowed
        if allowed:
            expected.registry.enrolled[address] = str(expected.registry.company_by_domain(address))
            self.performed["enrolled"] += 1
