"""Steps of staff: status, participants, merges, comments, flagged comments; and time passing."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.ticket.changes import (
    AddPerson,
    Change,
    Complete,
    Delete,
    Merge,
    PublishComment,
    RemovePerson,
    SetStatus,
    SettlePerson,
)
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from tests.properties.conversation import invariants
from tests.properties.conversation.expectations import ACTIVE, PENDING, Expectations, IssuedToken
from tests.properties.conversation.mail_steps import anybody, picks, proofs
from tests.properties.conversation.support_model import SupportModel


class StaffSteps(SupportModel):
    """Changes through the API, which staff make without a mail."""

    @precondition(lambda self: self.changeable_tickets)
    @rule(pick=picks, status=st.sampled_from(list(Status)))
    def the_status_is_set(self, pick: int, status: Status) -> None:
        self._change(self._nth_newest(self.changeable_tickets, pick), SetStatus(status))

    @precondition(lambda self: self.changeable_tickets)
    @rule(
        pick=picks,
        person=anybody,
        action=st.sampled_from(["add", "remove", "approve", "decline"]),
        comments=st.booleans(),
    )
    def a_participant_is_added_or_removed(
        self, pick: int, person: str, action: str, comments: bool
    ) -> None:
        ticket = self._nth_newest(self.changeable_tickets, pick)
        expected = self._expectations_of(ticket)
        pending = [a for a, p in expected.participants[ticket].items() if p.presence == PENDING]
        if action in ("approve", "decline") and pending:
            person = pending[0]
        elif action == "remove":
            person = self._nth_newest(list(expected.participants[ticket]), pick)
        was = expected.presence(ticket, person)
        change: Change
        match action:
            case "add":
                change = AddPerson(person)
            case "remove":
                change = RemovePerson(person)
            case _:
                change = SettlePerson(person, accept=action == "approve")
        if comments:  # a notice that is not yet sent must not reach a removed person
            self._comment_as_staff(ticket, self._staff_of(ticket), Visibility.PUBLIC)
        if not self._change(ticket, change):
            return
        if action in ("add", "approve"):
            expected.admit_participant(ticket, person)
        else:
            assert was in (ACTIVE, PENDING) or expected.registry.is_staff(person)
            expected.remove_participant(ticket, person)

    @precondition(lambda self: any(expected.tokens for expected in self.expectations.values()))
    @rule(pick=picks, author=anybody, by_holder=st.booleans(), proof=proofs)
    def a_removed_participant_s_address_is_used(
        self, pick: int, author: str, by_holder: bool, proof: str
    ) -> None:
        """By the removed participant or by somebody to whom a notice was forwarded."""
        found = [
            (address, token, expected)
            for expected in self.expectations.values()
            for address, token in expected.tokens.items()
            if self._is_removable(expected, token)
        ]
        if not found:
            return
        address, token, expected = self._nth_newest(found, pick)
        is_live = expected.is_live(token, self._is_over)
        if is_live and not self._remove(token.ticket, token.holder):
            return
        author = token.holder if by_holder else author
        mail = self._write_mail(author, self._new_marker(), proof=proof, recipients=(address,))
        self._deliver(mail, send_notices=True)

    def _is_removable(self, expected: Expectations, token: IssuedToken) -> bool:
        is_requester = token.holder == expected.requester[token.ticket]
        is_open = token.ticket in expected.changeable_tickets
        return is_open and not expected.registry.is_staff(token.holder) and not is_requester

    @precondition(lambda self: len(self.changeable_tickets) > 1)
    @rule(pick=picks, into=picks, removes_somebody=st.booleans())
    def two_tickets_are_merged(self, pick: int, into: int, removes_somebody: bool) -> None:
        ticket = self._nth_newest(self.changeable_tickets, pick)
        expected = self._expectations_of(ticket)
        company = expected.company[ticket]
        others = [
            t for t in expected.changeable_tickets if expected.company[t] == company and t != ticket
        ]
        targets = (others if into else expected.changeable_tickets) or [ticket]
        target = self._nth_newest(targets, into)
        if removes_somebody:
            self._remove(ticket, self._another_participant(ticket, into))
        if self._change(ticket, Merge(target)):
            expected.merge(ticket, target)
            self.performed["merged"] += 1
            participants = expected.participants[ticket].values()
            removed = [p for p in participants if p.presence not in (ACTIVE, PENDING)]
            self.performed["merged after somebody was removed"] += bool(removed)

    @precondition(lambda self: len(self.changeable_tickets) > 2)
    @rule(pick=picks)
    def a_ticket_is_deleted(self, pick: int) -> None:
        ticket = self._nth_newest(self.changeable_tickets, pick)
        if self._change(ticket, Delete("asked to")):
            self._expectations_of(ticket).deleted.add(ticket)

    @precondition(lambda self: self.changeable_tickets)
    @rule(
        pick=picks,
        actor=st.integers(0, 1),
        visibility=st.sampled_from([Visibility.PUBLIC, Visibility.NOTE]),
    )
    def staff_comment(self, pick: int, actor: int, visibility: Visibility) -> None:
        ticket = self._nth_newest(self.changeable_tickets, pick)
        staff = self._expectations_of(ticket).registry.people.staff
        self._comment_as_staff(ticket, staff[actor], visibility)

    @precondition(lambda self: self.tickets)
    @rule(pick=picks)
    def a_flagged_or_folded_comment_is_accepted(self, pick: int) -> None:
        flagged = self.pipeline.rows(
            "SELECT id, ticket_id, author, visibility, text,"
            " coalesce(folded_as, 'public') AS becomes FROM comment"
            " WHERE visibility = 'private' OR folded_as IS NOT NULL ORDER BY id"
        )
        if not flagged:
            return
        row = self._nth_newest(flagged, pick)
        if self._change(row.ticket_id, PublishComment(row.id)):
            expected = self._expectations_of(row.ticket_id)
            by_staff = row.author in expected.registry.people.staff
            is_note = row.visibility == "private" and by_staff and row.text.startswith("#note")
            for marker in invariants.markers_in(invariants.unquoted(row.text)):
                comment = expected.comments[marker]
                comment.visibility = Visibility.NOTE if is_note else row.becomes
                comment.ticket = expected.end_of_merges(row.ticket_id)
            self.performed["accepted on another ticket"] += row.ticket_id in expected.merged

    @precondition(lambda self: self.changeable_tickets)
    @rule(pick=picks)
    def a_request_is_declared_complete(self, pick: int) -> None:
        ticket = self._nth_newest(self.changeable_tickets, pick)
        self.performed["declared complete"] += self._change(ticket, Complete("we know enough"))

    @rule(span=st.sampled_from([timedelta(minutes=5), timedelta(hours=2), timedelta(days=15)]))
    def time_passes(self, span: timedelta) -> None:
        self.pipeline.advance_clock(span)

    @rule()
    def the_notices_are_sent(self) -> None:
        self._send_notices()
