"""Unsubscribing from a ticket: by a command or by a click, and only for oneself."""

from __future__ import annotations

import pytest

from rules.decision.content import requested_command
from rules.decision.effects import Unsubscribed
from rules.decision.model import AddComment, Decision, EndSubscription
from rules.decision.reasons import Reason, Verdict
from rules.mail import Mail
from rules.people import ParticipantKind, Presence
from rules.ticket.changes import Unsubscribe
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    GIL,
    NOTHING,
    SAM,
    World,
    a_mail,
    a_ticket,
    member,
    notified,
    orders_of,
    our_id,
    person,
    token_to,
)

WITH_BOB = a_ticket(7, *ANNS.participants, member(71, BOB.address, language="de"))
LEAVING = a_mail(BOB.address, text="#unsubscribe")


def wants_to_leave(mail: Mail) -> bool:
    return isinstance(requested_command(mail), Unsubscribe)


def leave(mail: Mail = LEAVING, **world: object) -> Decision:
    """The decision on Bob's mail to their own token."""
    changes = {"tickets": (WITH_BOB,)} | world
    return World(**changes).decide(mail, to=token_to(71))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "#unsubscribe",
        "#Unsubscribe\r\n\r\nBob",
        "\n\n  #unsubscribe\nthank you",
        "#unsubscribe\n\nOn Monday, Sam wrote:\n> It prints.",
    ],
)
def test_the_command_on_the_first_line_is_enough(text: str) -> None:
    assert wants_to_leave(a_mail(text=text))


@pytest.mark.parametrize("subject", ["#unsubscribe", " #UNSUBSCRIBE "])
def test_the_subject_that_a_click_sends_is_enough(subject: str) -> None:
    assert wants_to_leave(a_mail(subject=subject, text=""))


@pytest.mark.parametrize(
    "text",
    [
        "Please #unsubscribe me",
        "#unsubscribe me from the newsletter, but not from this",
        "#unsubscribed",
        "#unsubscribe-me",
        "unsubscribe",
        "> #unsubscribe",
        "It works.\n#unsubscribe",
    ],
)
def test_any_other_text_is_a_comment(text: str) -> None:
    assert not wants_to_leave(a_mail(text=text))


def test_the_command_in_a_longer_subject_is_a_comment() -> None:
    assert not wants_to_leave(a_mail(subject="Re: #unsubscribe does not work"))


def test_the_decision_names_the_ticket_and_the_participant() -> None:
    decision = leave()

    assert (decision.verdict, decision.reason) == (Verdict.RECORDED, Reason.UNSUBSCRIBED)
    assert isinstance(decision.action, EndSubscription)
    assert (decision.action.ticket, decision.action.participant) == (7, 71)


class TestBesidesOtherWords:
    """`#unsubscribe`, and below it something that somebody must read."""

    MORE = a_mail(BOB.address, text="#unsubscribe\n\nThe pump is still leaking.\n\nBob")

    def test_the_words_are_a_public_comment_and_they_are_unsubscribed(self) -> None:
        decision = leave(self.MORE)

        assert decision.verdict is Verdict.COMMENTED
        assert isinstance(decision.action, AddComment)
        assert Unsubscribed(71, BOB.address) in decision.action.command_effects.rows
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]
        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]

    def test_they_reopen_a_ticket_that_was_resolved(self) -> None:
        resolved = a_ticket(7, *WITH_BOB.participants, status=Status.RESOLVED)

        action = leave(self.MORE, tickets=(resolved,)).action

        assert isinstance(action, AddComment)
        assert action.moved is not None

    def test_on_a_closed_ticket_they_are_folded_and_staff_are_notified(self) -> None:
        closed = a_ticket(7, *WITH_BOB.participants, status=Status.CLOSED)

        decision = leave(self.MORE, tickets=(closed,))

        assert decision.reason is Reason.UNSUBSCRIBED
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]
        assert notified(decision, NoticeKind.RECEIPT) == [BOB.address]

    @pytest.mark.parametrize("below", ["thank you", "Bob", "Many thanks!\n\nBob", "-- \nBob Bell"])
    def test_thanks_a_name_and_a_signature_are_no_words(self, below: str) -> None:
        decision = leave(a_mail(BOB.address, text=f"#unsubscribe\n\n{below}"))

        assert decision.reason is Reason.UNSUBSCRIBED
        assert notified(decision, NoticeKind.NEW_COMMENT) == []

    def test_nor_is_what_a_click_sends_below_its_subject(self) -> None:
        clicked = a_mail(BOB.address, subject="#unsubscribe", text="This is an automatic message.")
        decision = leave(clicked)

        assert decision.reason is Reason.UNSUBSCRIBED
        assert notified(decision, NoticeKind.NEW_COMMENT) == []

    def test_what_a_person_adds_below_that_subject_is_for_staff(self) -> None:
        text = "Please stop these.\n\nThe pump is still leaking."
        decision = leave(a_mail(BOB.address, subject="#unsubscribe", text=text))

        assert decision.reason is Reason.UNSUBSCRIBED
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]
        assert notified(decision, NoticeKind.COMMENT) == []


def test_only_they_are_notified_once_in_their_language() -> None:
    sent = [(o.kind, o.address, o.language) for o in orders_of(leave())]

    assert sent == [(NoticeKind.RECEIPT, BOB.address, "de")]


def test_the_senders_own_token_alone_is_not_enough() -> None:
    assert leave(proof=NOTHING).reason is Reason.TOKEN_ONLY


def test_with_anothers_token_the_sender_is_unsubscribed() -> None:
    decision = World(tickets=(WITH_BOB,)).decide(LEAVING, to=token_to(70))

    assert isinstance(decision.action, EndSubscription)
    assert decision.action.participant == 71


def test_nobody_is_unsubscribed_in_another_persons_name() -> None:
    decision = World(tickets=(WITH_BOB,), proof=NOTHING).decide(LEAVING, to=token_to(70))

    assert decision.verdict is Verdict.REFUSED


def test_a_sender_who_is_not_on_the_ticket_cannot_unsubscribe_from_it() -> None:
    decision = World().decide(LEAVING, to=token_to(70))

    assert decision.verdict is Verdict.FLAGGED


def test_a_pending_sender_cannot_unsubscribe() -> None:
    pending = a_ticket(7, *ANNS.participants, member(71, BOB.address, presence=Presence.PENDING))

    assert leave(tickets=(pending,)).verdict is Verdict.FLAGGED


def test_a_user_of_another_company_is_held_as_usual() -> None:
    decision = World().decide(a_mail(GIL.address, text="#unsubscribe"), to=token_to(70))

    assert decision.verdict is Verdict.HELD


@pytest.mark.parametrize("status", Status)
def test_unsubscribing_changes_no_status_and_opens_no_follow_up(status: Status) -> None:
    ticket = a_ticket(7, *WITH_BOB.participants, status=status)

    assert leave(tickets=(ticket,)).reason is Reason.UNSUBSCRIBED


def test_the_requester_may_unsubscribe_as_well() -> None:
    decision = World().decide(a_mail(text="#unsubscribe", references=(our_id(),)))

    assert decision.reason is Reason.UNSUBSCRIBED


def test_staff_unsubscribe_by_their_own_token() -> None:
    ticket = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))

    decision = World(tickets=(ticket,)).decide(
        a_mail(SAM.address, text="#unsubscribe"), to=token_to(79)
    )

    assert decision.reason is Reason.UNSUBSCRIBED


def test_without_a_ticket_it_opens_a_ticket_like_any_other_mail() -> None:
    assert World().decide(a_mail(text="#unsubscribe")).verdict is Verdict.OPENED


def test_leaving_somebody_out_of_cc_unsubscribes_nobody() -> None:
    decision = World(tickets=(WITH_BOB,)).decide(a_mail(cc=()), to=token_to(70))

    assert BOB.address in [order.address for order in orders_of(decision)]
    assert ANN.address not in [order.address for order in orders_of(decision)]


def test_an_automatic_mail_unsubscribes_without_a_receipt() -> None:
    monitor = person("monitor@acme.example", machine=True)
    ticket = a_ticket(7, *ANNS.participants, member(71, monitor.address))
    mail = a_mail(monitor.address, text="#unsubscribe", auto_submitted="auto-generated")

    decision = World((ANN, monitor), tickets=(ticket,)).decide(mail, to=token_to(71))

    assert decision.reason is Reason.UNSUBSCRIBED
    assert orders_of(decision) == ()


def test_a_person_who_has_unsubscribed_before_gets_no_second_receipt() -> None:
    left = a_ticket(7, *ANNS.participants, member(71, BOB.address, muted=True))

    assert orders_of(leave(tickets=(left,))) == ()
