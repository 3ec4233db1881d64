"""The base of the state machine: delivers mails, checks results, updates the expectations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from rules.decision.model import OpenTicket
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.policy import (
    CompletenessSection,
    EscalationLevel,
    EscalationSection,
    FactSection,
    OnCallSection,
    Policy,
    TierSection,
)
from rules.ticket.changes import AddPerson, Change, RemovePerson, SetStatus, WriteComment
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from tests.properties.conversation import invariants
from tests.properties.conversation.expectations import (
    ACTIVE,
    PENDING,
    Expectations,
    ExpectedComment,
    ExpectedHeldMail,
    ExpectedParticipant,
    IssuedToken,
    PolicyChoices,
)
from tests.properties.conversation.mails import PROOFS, WrittenMail
from tests.properties.conversation.outcomes import ExpectedOutcome, expected_outcome
from tests.properties.conversation.people import BOTH_MAILBOXES, CONTACTS, OUTSIDERS
from tests.properties.conversation.pipeline import Pipeline, ProcessedMail, SentNotice
from tests.properties.conversation.registry import ExpectedRegistry
from tests.properties.conversation.seen import DeskView
from tests.rules.building import default_policy

T = TypeVar("T")
ANY_LEVEL = {level.name: "8 hours" for level in default_policy().levels}
DUTY, ONCALL = CONTACTS
PROMISES: dict[str, Any] = {
    "default_tier": "all",
    "tiers": (TierSection(name="all", title="All", first=ANY_LEVEL, ongoing=ANY_LEVEL),),
    "completeness": CompletenessSection(
        facts=(
            FactSection(name="floor", ask="On which floor?", patterns=(r"floor \d",)),
            FactSection(name="since", ask="Since when?", patterns=("since",)),
        )
    ),
    "escalation": EscalationSection(levels=(EscalationLevel(title="Duty", contact=DUTY),)),
    "on_call": OnCallSection(contact=ONCALL),
}
"""Everybody is promised an answer, and somebody is on duty."""
OpenPipeline = Callable[[Policy], Pipeline]


class SupportModel(RuleBasedStateMachine):
    """Two mailboxes in one store, and the people who write to them.

    `open_pipeline` makes an empty store under a policy; `performed` counts what really happened.
    """

    def __init__(self, open_pipeline: OpenPipeline, performed: Counter[str]) -> None:
        super().__init__()
        self.open_pipeline = open_pipeline
        self.performed = performed
        self.last_number = 0
        self.accepted_mails: list[tuple[WrittenMail, list[ProcessedMail]]] = []
        self.late_parents: list[WrittenMail] = []
        """Mails that were answered before they arrived."""
        self.sent_notices: list[SentNotice] = []
        self.bounced_ids: set[str] = set()
        self.is_up_to_date = True
        """Whether the expectations include every step; False while a step is being checked."""

    @initialize(
        choices=st.builds(
            PolicyChoices,
            guests=st.sampled_from(["add", "propose", "ignore"]),
            registration=st.sampled_from(["user", "user", "domain"]),
            strangers=st.sampled_from(["refuse", "hold"]),
            unauthenticated=st.sampled_from(["refuse", "hold"]),
        ),
        notify=st.sampled_from(["all", "followers"]),
        starts=st.sampled_from(["arrival", "complete"]),
    )
    def begin(
        self, choices: PolicyChoices, notify: str, starts: Literal["arrival", "complete"]
    ) -> None:
        default = default_policy()
        policy = default.model_copy(
            update={
                "registration": choices.registration,
                "strangers": choices.strangers,
                "unauthenticated": choices.unauthenticated,
                "cc": default.cc.model_copy(update={"guests": choices.guests}),
                "staff": default.staff.model_copy(update={"notify": notify}),
                "clock": default.clock.model_copy(update={"starts": starts}),
                **PROMISES,
            }
        )
        self.pipeline = self.open_pipeline(policy)
        self.expectations = {
            people.mailbox: Expectations(ExpectedRegistry(people), choices)
            for people in BOTH_MAILBOXES
        }
        self.desks = {name: DeskView(expected) for name, expected in self.expectations.items()}

    # ---- after every step ---------------------------------------------------------------------

    @invariant()
    def the_store_is_as_expected(self) -> None:
        if hasattr(self, "pipeline"):
            invariants.participants_are_as_expected(self.pipeline, self.expectations.values())
            invariants.quarantine_is_as_expected(self.pipeline, self.expectations.values())
            for desk in self.desks.values():
                desk.held_mail_is_named(self.pipeline)
                desk.folded_mail_is_named(self.pipeline)
            invariants.no_ticket_is_critical(self.pipeline)
            invariants.no_promise_is_lost(self.pipeline)
            invariants.nobody_is_notified_twice(self.pipeline)
            self.pipeline.advance_clock(timedelta(seconds=20))

    def teardown(self) -> None:
        if hasattr(self, "pipeline"):
            if self.is_up_to_date:  # else this would hide the first failure
                self._send_notices()
            self.pipeline.database.close()

    # ---- lookups and builders -----------------------------------------------------------------

    def _new_marker(self) -> str:
        """A text that no other mail or comment contains."""
        self.last_number += 1
        return f"zq{self.last_number:05d}qz"

    def _write_mail(self, author: str, text: str, **more: Any) -> WrittenMail:
        self.last_number += 1
        return WrittenMail(author, self.last_number, text, **more)

    def _nth_newest(self, found: Sequence[T], pick: int) -> T:
        """An item counted from the end; `pick` wraps around."""
        return found[-1 - pick % len(found)]

    def _expectations_of(self, ticket: int) -> Expectations:
        return next(
            expected for expected in self.expectations.values() if ticket in expected.participants
        )

    @property
    def tickets(self) -> list[int]:
        """The tickets of both mailboxes, newest last."""
        return sorted(t for expected in self.expectations.values() for t in expected.participants)

    @property
    def changeable_tickets(self) -> list[int]:
        return sorted(
            t for expected in self.expectations.values() for t in expected.changeable_tickets
        )

    def _notices_to_staff(self) -> list[SentNotice]:
        return [p for p in self.sent_notices if p.reply_address and self._is_to_staff(p)]

    def _is_to_staff(self, sent: SentNotice) -> bool:
        return self.expectations[sent.mailbox].registry.is_staff(sent.recipient)

    def _staff_of(self, ticket: int) -> str:
        """The staff person who acts on a ticket."""
        return self._expectations_of(ticket).registry.people.staff[0]

    def _customers(self, ticket: int) -> list[str]:
        """The active participants of a ticket, without staff."""
        expected = self._expectations_of(ticket)
        return [
            address
            for address, participant in expected.participants[ticket].items()
            if participant.presence == ACTIVE and not expected.registry.is_staff(address)
        ]

    def _is_over(self, ticket: int) -> bool:
        return invariants.is_over(self.pipeline, ticket)

    def _first_pointed_ticket(self, expected: Expectations, mail: WrittenMail) -> int | None:
        return next((t for _, t in expected.pointed_tickets(mail, self._is_over)), None)

    # ---- steps and their checks ---------------------------------------------------------------

    def _process(self, mail: WrittenMail) -> list[ProcessedMail]:
        proof = PROOFS[mail.proof]
        return self.pipeline.process(mail.raw, mail.mail_from, mail.recipients, proof)

    def _deliver(self, mail: WrittenMail, send_notices: bool) -> Receipt:
        """Deliver a mail to its mailboxes and check the results; returns the first receipt."""
        outcomes = {
            mailbox: expected_outcome(expected, mail, self._is_over, self.pipeline.now)
            for mailbox, expected in self.expectations.items()
        }
        over = {t: self._is_over(t) for t in self.tickets}
        self.is_up_to_date = False
        results = self._process(mail)
        for result in results:
            invariants.mail_is_filed_once(self.pipeline, result.receipt)
        for result in results:
            self._check_result(mail, result, outcomes[result.mailbox], over)
        self.is_up_to_date = True
        if any(result.receipt.reply.accepted for result in results):
            self.accepted_mails.append((mail, results))
        if send_notices:
            self._send_notices()
        return results[0].receipt

    def _check_result(
        self,
        mail: WrittenMail,
        result: ProcessedMail,
        outcome: ExpectedOutcome | None,
        over: dict[int, bool],
    ) -> None:
        """Check what one mailbox did with a mail, then update the expectations."""
        receipt, decision = result.receipt, result.decision
        expected = self.expectations[result.mailbox]
        note(f"{mail} -> {result.mailbox}: {receipt.verdict} {receipt.reason} #{receipt.ticket}")
        if mail.is_automatic:
            invariants.nothing_answers_it(self.pipeline, expected, mail, receipt)
        invariants.author_was_entitled(self.pipeline, expected, mail, receipt, decision, over)
        if outcome is not None:
            outcome.check(receipt, decision)
        invariants.participants_were_notified(self.pipeline, expected, mail, receipt, decision)
        self.desks[result.mailbox].mail_was_announced(self.pipeline, mail, result)
        self._update_expectations(expected, mail, result)

    def _update_expectations(
        self, expected: Expectations, mail: WrittenMail, result: ProcessedMail
    ) -> None:
        """Record in the expectations what the mail has done."""
        receipt, action, ticket = result.receipt, result.decision.action, result.receipt.ticket
        self.performed[f"{receipt.verdict} {receipt.reason}"] += 1
        if receipt.verdict is Verdict.HELD:
            expected.held[receipt.journal_id] = ExpectedHeldMail(
                mail, self.pipeline.now, receipt.reason
            )
        if ticket is None:
            return
        expected.ticket_by_message_id[mail.message_id] = ticket
        led = receipt.reason is Reason.FOREIGN_POINTER
        expected.introducers.setdefault(mail.message_id, "" if led else mail.author)
        if receipt.verdict is Verdict.OPENED:
            expected.opened_at.setdefault(mail.author, []).append(self.pipeline.now)
            for one in mail.references:
                expected.opening_references.setdefault(one, []).append((ticket, mail.author))
        visibility = invariants.visibility_of(self.pipeline, receipt)
        for marker in invariants.markers_in(invariants.unquoted(mail.text)):
            expected.comments[marker] = ExpectedComment(ticket, mail.author, visibility)
        if isinstance(action, OpenTicket) and action.follows is not None:
            old = action.follows
            settled = [a for a, p in expected.participants[old].items() if p.presence != PENDING]
            added = expected.added_by(mail, expected.company[old], settled)
            expected.open_follow_up(old, ticket)
            for address, participant in added.items():
                expected.participants[ticket].setdefault(address, participant)
        elif receipt.verdict is Verdict.OPENED:
            company = expected.registry.company_of(mail.author)
            if not expected.registry.is_registered(mail.author):
                expected.registry.enrolled[mail.author] = str(company)
            expected.open_ticket(ticket, mail.author, company)
            expected.participants[ticket].update(expected.added_by(mail, company, ()))
        elif receipt.verdict is Verdict.COMMENTED and visibility == "public":
            participants = expected.participants[ticket]
            participants.update(expected.added_by(mail, expected.company[ticket], participants))
        elif receipt.reason is Reason.TOKEN_ONLY and mail.may_be_a_persons:
            participants = expected.participants[ticket]
            for address in expected.added_by(mail, expected.company[ticket], participants):
                participants[address] = ExpectedParticipant(PENDING)
        elif receipt.reason is Reason.UNSUBSCRIBED:
            expected.participants[ticket][mail.author].unsubscribed = True

    def _comment_as_staff(self, ticket: int, actor: str, visibility: Visibility) -> None:
        marker = self._new_marker()
        if self._change(ticket, WriteComment(marker, visibility), actor):
            expected = self._expectations_of(ticket)
            expected.comments[marker] = ExpectedComment(ticket, actor, visibility.value)
            if visibility is Visibility.PUBLIC:
                invariants.staff_comment_was_notified(
                    self.pipeline, expected, ticket, actor, marker
                )

    def _change(self, ticket: int, change: Change, actor: str = "") -> bool:
        actor = actor or self._staff_of(ticket)
        done = self.pipeline.change(self._expectations_of(ticket).mailbox, actor, ticket, change)
        note(f"#{ticket}: {change} {'done' if done else 'refused'}")
        return done

    def _remove(self, ticket: int, address: str) -> bool:
        if not self._change(ticket, RemovePerson(address)):
            return False
        self._expectations_of(ticket).remove_participant(ticket, address)
        return True

    def _another_participant(self, ticket: int, pick: int) -> str:
        """An active participant who is not the requester; an outsider is added if there is none."""
        expected = self._expectations_of(ticket)
        others = [a for a in self._customers(ticket) if a != expected.requester[ticket]]
        if others:
            return self._nth_newest(others, pick)
        outsider = OUTSIDERS[pick % len(OUTSIDERS)]
        if self._change(ticket, AddPerson(outsider)):
            expected.admit_participant(ticket, outsider)
        return outsider

    def _close(self, ticket: int) -> None:
        self._change(ticket, SetStatus(Status.CLOSED))

    def _send_notices(self) -> None:
        self.pipeline.report_clocks()
        for desk in self.desks.values():
            desk.order_digest(self.pipeline)
        for sent in self.pipeline.send_notices():
            note(f"sent {sent.notice.kind} #{sent.ticket} to {sent.recipient}")
            expected = self.expectations[sent.mailbox]
            invariants.recipient_may_read(expected, sent)
            invariants.holds_only_own_tokens(self.pipeline, sent)
            self.desks[sent.mailbox].was_sent(sent)
            self.sent_notices.append(sent)
            self.performed[f"sent {sent.notice.kind}"] += 1
            if sent.recipient in CONTACTS and sent.notice.kind.traits.to_contacts:
                expected.contacts.setdefault(sent.recipient, set()).add(sent.ticket)
            if sent.ticket:
                expected.ticket_by_message_id[sent.message_id] = sent.ticket
                expected.own_message_ids.add(sent.message_id)
            for address, is_note in ((sent.reply_address, False), (sent.note_address, True)):
                if address:
                    expected.tokens[address] = IssuedToken(sent.recipient, sent.ticket, is_note)
        for desk in self.desks.values():
            desk.nothing_is_left()
