"""Unsubscribing from a ticket: by a command, by a click, and by nobody else."""

from __future__ import annotations

import pytest

from rules.decision.content import requested_command
from rules.decision.model import Decision, EndSubscription, Reason, Verdict
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
    """What becomes of Bob's mail to their own token."""
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
def test_the_word_at_the_beginning_is_enough(text: str) -> None:
    assert wants_to_leave(a_mail(text=text))


@pytest.mark.parametrize("subject", ["#unsubscribe", " #UNSUBSCRIBE "])
def test_so_is_the_subject_that_a_click_sends(subject: str) -> None:
    assert wants_to_leave(a_mail(subject=subject, text=""))


@pytest.mark.parametrize(
    "text",
    [
        "Please #unsubscribe me",
        "#unsubscribed",
        "#unsubscribe-me",
        "unsubscribe",
        "> #unsubscribe",
        "It works.\n#unsubscribe",
    ],
)
def test_other_words_are_a_comment(text: str) -> None:
    assert not wants_to_leave(a_mail(text=text))


def test_the_word_in_a_longer_subject_is_a_comment() -> None:
    assert not wants_to_leave(a_mail(subject="Re: #unsubscribe does not work"))


def test_it_names_the_ticket_and_the_participant() -> None:
    decision = leave()

    assert (decision.verdict, decision.reason) == (Verdict.RECORDED, Reason.UNSUBSCRIBED)
    assert isinstance(decision.action, EndSubscription)
    assert (decision.action.ticket, decision.action.participant) == (7, 71)


def test_he_is_told_so_once_in_his_language_and_nobody_else_is() -> None:
    sent = [(o.kind, o.address, o.language) for o in orders_of(leave())]

    assert sent == [(NoticeKind.RECEIPT, BOB.address, "de")]


def test_his_own_token_is_enough() -> None:
    assert leave(proof=NOTHING).reason is Reason.UNSUBSCRIBED


def test_with_anothers_token_he_leaves_himself() -> None:
    decision = World(tickets=(WITH_BOB,)).decide(LEAVING, to=token_to(70))

    assert isinstance(decision.action, EndSubscription)
    assert decision.action.participant == 71


def test_nobody_leaves_in_another_persons_name() -> None:
    decision = World(tickets=(WITH_BOB,), proof=NOTHING).decide(LEAVING, to=token_to(70))

    assert decision.verdict is Verdict.REFUSED


def test_who_is_not_on_the_ticket_cannot_leave_it() -> None:
    decision = World().decide(LEAVING, to=token_to(70))

    assert decision.verdict is Verdict.FLAGGED


def test_who_is_pending_cannot_leave_what_he_is_not_sent() -> None:
    pending = a_ticket(7, *ANNS.participants, member(71, BOB.address, presence=Presence.PENDING))

    assert leave(tickets=(pending,)).verdict is Verdict.FLAGGED


def test_a_stranger_to_the_ticket_of_another_company_is_held_as_ever() -> None:
    decision = World().decide(a_mail(GIL.address, text="#unsubscribe"), to=token_to(70))

    assert decision.verdict is Verdict.HELD


@pytest.mark.parametrize("status", Status)
def test_it_moves_no_ticket_and_begins_no_follow_up(status: Status) -> None:
    ticket = a_ticket(7, *WITH_BOB.participants, status=status)

    assert leave(tickets=(ticket,)).reason is Reason.UNSUBSCRIBED


def test_the_requester_may_leave_as_well() -> None:
    decision = World().decide(a_mail(text="#unsubscribe", references=(our_id(),)))

    assert decision.reason is Reason.UNSUBSCRIBED


def test_staff_stop_following_by_their_own_token() -> None:
    ticket = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))

    decision = World(tickets=(ticket,)).decide(
        a_mail(SAM.address, text="#unsubscribe"), to=token_to(79)
    )

    assert decision.reason is Reason.UNSUBSCRIBED


def test_without_a_ticket_it_is_a_request_like_any_other() -> None:
    assert World().decide(a_mail(text="#unsubscribe")).verdict is Verdict.OPENED


def test_leaving_somebody_off_the_copies_unsubscribes_nobody() -> None:
    decision = World(tickets=(WITH_BOB,)).decide(a_mail(cc=()), to=token_to(70))

    assert BOB.address in [order.address for order in orders_of(decision)]
    assert ANN.address not in [order.address for order in orders_of(decision)]


def test_a_machine_leaves_without_a_word() -> None:
    monitor = person("monitor@acme.example", machine=True)
    ticket = a_ticket(7, *ANNS.participants, member(71, monitor.address))
    mail = a_mail(monitor.address, text="#unsubscribe", auto_submitted="auto-generated")

    decision = World((ANN, monitor), tickets=(ticket,)).decide(mail, to=token_to(71))

    assert decision.reason is Reason.UNSUBSCRIBED
    assert orders_of(decision) == ()


def test_who_has_left_before_is_not_told_again() -> None:
    left = a_ticket(7, *ANNS.participants, member(71, BOB.address, muted=True))

    assert orders_of(leave(tickets=(left,))) == ()
