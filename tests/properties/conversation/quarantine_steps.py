"""Steps around held mail, which waits for a decision by staff or for its author's enrolment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.reasons import Verdict
from rules.sender.authentication import Authentication
from storage.mail import quarantine, retention
from storage.mail.quarantine import HeldMail
from tests.properties.conversation import invariants
from tests.properties.conversation.account_steps import AccountSteps
from tests.properties.conversation.expectations import Expectations
from tests.properties.conversation.mail_steps import anybody, authors, copied, picks
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.outcomes import expected_outcome

BY_STAFF = Authentication.by_staff("sam")
HELD_FOR = timedelta(days=14)


class QuarantineSteps(AccountSteps):
    """Held mail comes in, is released, discarded, or expires."""

    # ---- into quarantine ----------------------------------------------------------------------

    @rule(
        author=authors,
        second_author=anybody,
        reason=st.sampled_from(["two authors", "doubtful", "nothing"]),
        pick=picks,
        cc=copied,
    )
    def a_mail_with_an_unproven_author_arrives(
        self, author: str, second_author: str, reason: str, pick: int, cc: tuple[str, ...]
    ) -> None:
        """Half of these mails answer an existing ticket."""
        answers = bool(self.sent_notices) and pick % 2
        received = self._nth_newest(self.sent_notices, pick) if answers else None
        mailbox = received.mailbox if received else self._nth_newest(list(self.expectations), pick)
        mail = self._write_mail(
            author,
            self._new_marker(),
            second_author=second_author if reason == "two authors" else "",
            proof=reason if reason != "two authors" else "proven",
            references=(received.message_id,) if received else (),
            recipients=(mailbox,),
            cc=cc,
        )
        self._deliver(mail, send_notices=False)

    @precondition(lambda self: self.sent_notices)
    @rule(pick=picks, author=picks)
    def somebody_of_another_company_answers(self, pick: int, author: int) -> None:
        received = self._nth_newest(
            [p for p in self.sent_notices if p.ticket] or self.sent_notices, pick
        )
        expected = self.expectations[received.mailbox]
        if not received.ticket or not received.reply_address:
            return
        others = [
            a
            for a in expected.registry.people.users
            if not expected.presence(received.ticket, a)
            and not expected.is_colleague(a, received.ticket)
        ]
        if others:
            recipients = (received.reply_address,)
            mail = self._write_mail(
                self._nth_newest(others, author), self._new_marker(), recipients=recipients
            )
            self._deliver(mail, send_notices=False)

    # ---- out of quarantine --------------------------------------------------------------------

    @precondition(lambda self: self._all_held())
    @rule(pick=picks, author=anybody, as_new=st.booleans(), send_notices=st.booleans())
    def a_held_mail_is_released(
        self, pick: int, author: str, as_new: bool, send_notices: bool
    ) -> None:
        """Staff vouch for the author, or name the author if From is ambiguous."""
        expected, journal_id = self._nth_newest(self._all_held(), pick)
        mail, held = expected.held[journal_id].mail, self.pipeline.held(journal_id)
        assert held is not None
        mail = replace(
            mail,
            author=author if mail.second_author else mail.author,
            second_author="",
            proof="proven",
            released=True,
        )
        if self._release(expected, held, mail, BY_STAFF, as_new):
            self.performed["released by staff"] += 1
        if send_notices:
            self._send_notices()

    @precondition(lambda self: self._all_held())
    @rule(pick=picks)
    def a_held_mail_is_discarded(self, pick: int) -> None:
        """A later release has no effect: another staff person may still see the mail."""
        expected, journal_id = self._nth_newest(self._all_held(), pick)
        held = self.pipeline.held(journal_id)
        assert held is not None
        assert self.pipeline.transact(lambda c: quarantine.discard(c, journal_id))
        mail = expected.held.pop(journal_id).mail
        self.is_up_to_date = False
        again = self.pipeline.release(held, BY_STAFF, mail.author)
        assert again is None or again.receipt.verdict in (Verdict.HELD, Verdict.REFUSED)
        self.is_up_to_date = True
        self.performed["discarded"] += 1

    @precondition(
        lambda self: any(expected.registry.enrollable for expected in self.expectations.values())
    )
    @rule(pick=picks, writes_before=st.booleans(), scheduler_runs=st.booleans())
    def somebody_enrols(self, pick: int, writes_before: bool, scheduler_runs: bool) -> None:
        """By the link from the invitation, perhaps after a first mail."""
        found = [(e, a) for e in self.expectations.values() for a in e.registry.enrollable]
        expected, address = self._nth_newest(found, pick)
        if writes_before:
            mail = self._write_mail(address, self._new_marker(), recipients=(expected.mailbox,))
            self._deliver(mail, send_notices=False)
            if expected.registry.is_registered(address):
                return
        self._enrol(expected, address)
        if scheduler_runs:
            self._release_enrolled()

    @precondition(lambda self: self._all_held())
    @rule(discards=st.booleans(), enrols=st.booleans())
    def the_scheduler_runs(self, discards: bool, enrols: bool) -> None:
        """It releases mail whose author has enrolled, and discards mail that was held too long."""
        if enrols:
            self._enrol_one_waiting_author()
        self._release_enrolled()
        if discards:
            self._discard_expired()
        for desk in self.desks.values():
            desk.order_digest(self.pipeline, every_queue=True)
        self._send_notices()

    def _release_enrolled(self) -> None:
        """What the scheduler does in each run."""
        now = self.pipeline.now
        found = self.pipeline.transact(lambda c: quarantine.enrolled_meanwhile(c, now))
        assert {held.journal_id for held in found} == {
            journal_id
            for expected, journal_id in self._all_held()
            if self._is_releasable(expected, journal_id)
        }
        for held in found:
            expected = self.expectations[held.mailbox.address]
            mail = expected.held[held.journal_id].mail
            if self._release(expected, held, mail, held.authentication):
                self.performed["released by enrolment"] += 1

    def _all_held(self) -> list[tuple[Expectations, UUID]]:
        return [(expected, one) for expected in self.expectations.values() for one in expected.held]

    def _is_releasable(self, expected: Expectations, journal_id: UUID) -> bool:
        held, registry = expected.held[journal_id], expected.registry
        author = held.mail.author
        enrolled = (
            registry.is_registered(author) and registry.company_of(author) not in registry.suspended
        )
        rested = held.tried is None or held.tried <= self.pipeline.now - timedelta(days=1)
        return held.for_enrolment and enrolled and author not in registry.deactivated and rested

    def _enrol_one_waiting_author(self) -> None:
        for expected, journal_id in self._all_held():
            held = expected.held[journal_id]
            author = held.mail.author
            if held.for_enrolment and not expected.registry.is_registered(author):
                self._enrol(expected, author)
                return

    def _discard_expired(self) -> None:
        expired_before = self.pipeline.now - HELD_FOR
        for expected in self.expectations.values():
            expired = [one for one, held in expected.held.items() if held.since < expired_before]
            mailbox = self.pipeline.mailboxes[expected.mailbox]
            count = self.pipeline.transact(
                lambda c, m=mailbox: retention.discard_before(c, m, expired_before)  # type: ignore[misc]
            )
            assert count == len(expired)
            self.performed["discarded as expired"] += count
            for one in expired:
                del expected.held[one]

    def _release(
        self,
        expected: Expectations,
        held: HeldMail,
        mail: WrittenMail,
        proof: Authentication,
        as_new: bool = False,
    ) -> bool:
        """Release a held mail and check the result; whether it has left the quarantine."""
        mail = replace(mail, as_new=as_new)
        over = {t: self._is_over(t) for t in self.tickets}
        outcome = expected_outcome(expected, mail, self._is_over, self.pipeline.now)
        waiting = expected.held[held.journal_id]
        self.is_up_to_date = False
        result = self.pipeline.release(held, proof, mail.author, as_new)
        assert result is not None
        has_left = invariants.has_left_quarantine(self.pipeline, held.journal_id, result.receipt)
        self._check_result(mail, result, outcome, over)
        self.is_up_to_date = True
        # A mail that stays held keeps its first journal id.
        expected.held.pop(result.receipt.journal_id, None)
        if has_left:
            del expected.held[held.journal_id]
            again = self.pipeline.release(held, proof, mail.author, as_new)
            assert again is not None
            assert again.receipt.verdict is Verdict.DUPLICATE
        else:
            assert expected.held[held.journal_id] is waiting
            waiting.tried = self.pipeline.now
        return has_left
