"""Steps in which a closed ticket is answered: who takes part in its follow-up, and who does not."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.reasons import Verdict
from tests.properties.conversation.expectations import Expectations
from tests.properties.conversation.mail_steps import copied, picks
from tests.properties.conversation.outcomes import UNSUBSCRIBE
from tests.properties.conversation.support_model import SupportModel


class FollowUpSteps(SupportModel):
    """Answers to a closed ticket, which open its follow-up."""

    @precondition(lambda self: self._answerable_tickets())
    @rule(
        pick=picks,
        other=picks,
        leaving=st.sampled_from(["removed", "removed", "unsubscribed", "unsubscribed", "nobody"]),
        cc=copied,
        pointer=st.sampled_from(["token", "our_message_id", "both"]),
        leaver_answers=st.booleans(),
    )
    def a_closed_ticket_is_answered(
        self,
        pick: int,
        other: int,
        leaving: str,
        cc: tuple[str, ...],
        pointer: str,
        leaver_answers: bool,
    ) -> None:
        """Somebody may leave; then a remaining participant answers, then perhaps the leaver."""
        ticket = self._nth_newest(self._answerable_tickets(), pick)
        expected = self._expectations_of(ticket)
        leaver = self._another_participant(ticket, other) if leaving != "nobody" else ""
        if leaving == "removed" and not self._remove(ticket, leaver):
            return
        if leaving == "unsubscribed" and not self._unsubscribe(expected, ticket, leaver):
            return
        self._close(ticket)
        remaining = [a for a in self._customers(ticket) if a != leaver]
        if not remaining:
            return
        follows = self._answer(expected, ticket, self._nth_newest(remaining, other), pointer, cc)
        if follows and leaving != "nobody":
            self.performed[f"followed up after somebody {leaving}"] += 1
        if leaver_answers and leaver:
            self._answer(expected, ticket, leaver, pointer, ())
        # A comment in the follow-up must reach its participants.
        self._answer(expected, ticket, self._nth_newest(remaining, other + 1), pointer, ())
        self._send_notices()

    def _answerable_tickets(self) -> list[int]:
        """Open tickets with active customers."""
        return [
            ticket
            for ticket in self.changeable_tickets
            if not self._is_over(ticket) and self._customers(ticket)
        ]

    def _unsubscribe(self, expected: Expectations, ticket: int, address: str) -> bool:
        """Send the participant's own command; whether it took effect."""
        mail = self._write_mail(
            address,
            UNSUBSCRIBE,
            recipients=(expected.mailbox,),
            references=self._last_own_message_id(expected, ticket),
        )
        return self._deliver(mail, send_notices=False).verdict is Verdict.RECORDED

    def _answer(
        self, expected: Expectations, ticket: int, author: str, pointer: str, cc: tuple[str, ...]
    ) -> bool:
        """Send an answer to a ticket; whether it opened a follow-up."""
        own_addresses = [
            a for a, t in expected.tokens.items() if (t.ticket, t.holder) == (ticket, author)
        ]
        mail = self._write_mail(
            author,
            self._new_marker(),
            recipients=(
                own_addresses[-1]
                if own_addresses and pointer != "our_message_id"
                else expected.mailbox,
            ),
            references=self._last_own_message_id(expected, ticket)
            if pointer != "token" or not own_addresses
            else (),
            cc=cc,
        )
        return self._deliver(mail, send_notices=False).verdict is Verdict.OPENED

    def _last_own_message_id(self, expected: Expectations, ticket: int) -> tuple[str, ...]:
        own = [
            message_id
            for message_id, its_ticket in expected.ticket_by_message_id.items()
            if its_ticket == ticket and message_id in expected.own_message_ids
        ]
        return tuple(own[-1:])
