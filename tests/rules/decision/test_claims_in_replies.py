"""Claims of severity in replies, and critical claims that nothing may silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.after import after
from rules.decision.effects import ClaimMade, Notified
from rules.decision.model import AddComment, Decision, OpenTicket
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.people import ParticipantKind, Person
from rules.sender.tokens import Purpose
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import KeptPayload, NewCommentPayload, ReceiptPayload, ReceiptText
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    GIL,
    NOON,
    NOTHING,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    member,
    notified,
    orders_of,
    policy_with,
    token_to,
)

CRITICAL = "P1: nobody can log in."
CHANNEL = NoticeKind.CRITICAL_CHANNEL


def answered(text: str = CRITICAL, to: str | None = None, **world: Any) -> Decision:
    """A reply on Ann's ticket."""
    header = world.pop("header", {})
    mail = a_mail(world.pop("author", ANN.address), subject="Re: [#7] Printer", text=text, **header)
    return World(**world).decide(mail, to=to or token_to(70))


def on(ticket: Ticket, **changes: Any) -> tuple[Ticket, ...]:
    return (replace(ticket, **changes),)


def claim_of(decision: Decision) -> ClaimMade | None:
    assert isinstance(decision.action, AddComment)
    return decision.action.claim


def claims_said(decision: Decision) -> set[str]:
    payloads = (order.payload for order in orders_of(decision))
    return {p.claims for p in payloads if isinstance(p, NewCommentPayload)}


def test_a_critical_claim_is_kept_answered_and_told_to_staff() -> None:
    decision = answered()

    assert claim_of(decision) == ClaimMade(ANN.address, "", "Critical", True)
    assert notified(decision, CHANNEL) == [ANN.address]
    assert notified(decision, NoticeKind.ALERT) == [SAM.address]
    assert claims_said(decision) == {"Critical"}
    assert "it claims Critical" in decision.trace[-1].outcome


def test_a_lesser_claim_is_kept_and_told_to_staff_alone() -> None:
    decision = answered("Severity: High")

    assert claim_of(decision) == ClaimMade(ANN.address, "", "High", False)
    assert claims_said(decision) == {"High"}
    assert notified(decision, CHANNEL) == notified(decision, NoticeKind.ALERT) == []


def test_a_lesser_claim_does_not_take_back_a_critical_one() -> None:
    claimed = on(ANNS, severity_claimed="Critical", critical_claimed=True)

    decision = answered("Severity: High", tickets=claimed)

    assert claim_of(decision) == ClaimMade(ANN.address, "Critical", "High", True)


def test_a_claim_that_is_kept_already_changes_nothing() -> None:
    claimed = on(ANNS, severity_claimed="Critical", critical_claimed=True)

    decision = answered(tickets=claimed)

    assert claim_of(decision) is None
    assert notified(decision, CHANNEL) == [ANN.address]


def test_a_claim_in_the_ticket_own_subject_is_not_made_again() -> None:
    ticket = on(ANNS, subject="P1: the printer burns")
    mail = a_mail(subject="Re: [#7] P1: the printer burns", text="Here is the log.")

    decision = World(tickets=ticket).decide(mail, to=token_to(70))

    assert claim_of(decision) is None
    assert notified(decision, CHANNEL) == []


def test_a_subject_that_was_changed_claims() -> None:
    mail = a_mail(subject="Re: [#7] URGENT: Printer room on fire", text="Help.")

    decision = World().decide(mail, to=token_to(70))

    assert notified(decision, CHANNEL) == [ANN.address]


@pytest.mark.parametrize(("minutes", "told"), [(59, []), (60, [ANN.address])])
def test_the_channel_is_sent_to_its_author_at_most_once_an_hour_on_a_ticket(
    minutes: int, told: list[str]
) -> None:
    told_at = {ANN.address: NOON - timedelta(minutes=minutes)}

    decision = answered(tickets=on(ANNS, critical_told_at=told_at))

    assert notified(decision, CHANNEL) == told
    assert claims_said(decision) == {"Critical"}


def test_the_claim_of_somebody_else_withholds_neither_channel_nor_alert_of_the_requester() -> None:
    lately = NOON - timedelta(minutes=5)
    tickets = on(ANNS, critical_told_at={BOB.address: lately}, critical_alerted_at=lately)

    decision = answered(tickets=tickets)

    assert notified(decision, CHANNEL) == [ANN.address]
    assert notified(decision, NoticeKind.ALERT) == [SAM.address]


def test_a_claim_from_outside_alerts_nobody_within_the_hour_of_any_other() -> None:
    lately = NOON - timedelta(minutes=5)

    decision = answered(author=BOB.address, tickets=on(ANNS, critical_alerted_at=lately))

    assert notified(decision, CHANNEL) == [BOB.address]
    assert notified(decision, NoticeKind.ALERT) == []
    assert "nobody is alerted: a claim alerted within the hour" in decision.trace[-1].outcome


@pytest.mark.parametrize(
    ("first", "then", "alerted"),
    [(BOB, ANN, True), (ANN, BOB, False), (BOB, BOB, False), (ANN, ANN, False)],
    ids=["outside, requester", "requester, outside", "outside twice", "requester twice"],
)
def test_the_next_claim_is_decided_on_the_ticket_as_the_first_leaves_it(
    first: Person, then: Person, alerted: bool
) -> None:
    orders = orders_of(answered(author=first.address))

    left = after(ANNS, [Notified(orders)], NOON)
    decision = answered(author=then.address, tickets=(left,))

    assert bool(notified(decision, NoticeKind.ALERT)) is alerted
    assert bool(notified(decision, CHANNEL)) is (first is not then)


def test_no_budget_withholds_the_channel() -> None:
    decision = answered(tickets=on(ANNS, sent={ANN.address: 100, SAM.address: 100}))

    assert [o.withheld for o in orders_of(decision) if o.kind is CHANNEL] == [False]
    assert [o.withheld for o in orders_of(decision) if o.kind is NoticeKind.ALERT] == [False]


def test_a_person_who_asks_for_no_automatic_answers_is_sent_the_channel_all_the_same() -> None:
    decision = answered(header={"x_auto_response_suppress": "All"})

    assert notified(decision, CHANNEL) == [ANN.address]


@pytest.mark.parametrize(
    "header", [{"list_id": "<x.acme.example>"}, {"auto_submitted": "auto-generated"}]
)
def test_a_list_and_a_machine_are_not_answered(header: dict[str, str]) -> None:
    assert notified(answered(header=header), CHANNEL) == []


@pytest.mark.parametrize(("minutes", "alerted"), [(59, []), (60, [SAM.address])])
def test_a_claim_through_a_list_alerts_once_an_hour_and_silences_no_person(
    minutes: int, alerted: list[str]
) -> None:
    at = NOON - timedelta(minutes=minutes)
    tickets = on(ANNS, critical_alerted_at=at, alerted_from_within_at=at)

    by_list = answered(tickets=tickets, header={"list_id": "<x.acme.example>"})
    by_person = answered(tickets=tickets)

    assert notified(by_list, NoticeKind.ALERT) == notified(by_person, NoticeKind.ALERT) == alerted
    assert notified(by_person, CHANNEL) == [ANN.address]


def test_on_a_critical_ticket_the_author_is_answered_and_nobody_is_alerted_again() -> None:
    decision = answered(tickets=on(ANNS, critical=True, severity="High", severity_claimed=""))

    assert claim_of(decision) == ClaimMade(ANN.address, "", "Critical", False)
    assert notified(decision, CHANNEL) == [ANN.address]
    assert notified(decision, NoticeKind.ALERT) == []


def test_a_colleague_whose_comment_waits_is_answered_and_changes_nothing() -> None:
    decision = answered(author=BOB.address)

    assert decision.verdict is Verdict.FLAGGED
    assert claim_of(decision) is None
    assert notified(decision, CHANNEL) == [BOB.address]
    assert notified(decision, NoticeKind.ALERT) == [SAM.address]


def test_an_unproven_author_finds_the_channel_in_their_receipt() -> None:
    decision = answered(proof=NOTHING)

    (receipt,) = [o for o in orders_of(decision) if o.kind is NoticeKind.RECEIPT]
    assert receipt.payload == ReceiptPayload(ReceiptText.WAITS, critical=True)
    assert claim_of(decision) is None
    assert notified(decision, CHANNEL) == notified(decision, NoticeKind.ALERT) == []


def test_so_does_one_whose_unproven_words_are_published() -> None:
    decision = answered(proof=NOTHING, policy=policy_with("proof", comment="token"))

    (receipt,) = [o for o in orders_of(decision) if o.kind is NoticeKind.RECEIPT]
    assert isinstance(receipt.payload, ReceiptPayload)
    assert receipt.payload.critical
    assert notified(decision, NoticeKind.ALERT) == []


def test_staff_and_contacts_claim_nothing() -> None:
    follower = member(79, SAM.address, ParticipantKind.FOLLOWER)
    ticket = a_ticket(7, *ANNS.participants, follower)
    by_staff = answered(author=SAM.address, to=SUPPORT, tickets=(ticket,))
    by_contact = answered(author="boss@help.example", notified_of=frozenset({7}))

    assert notified(by_staff, CHANNEL) == notified(by_contact, CHANNEL) == []
    assert by_contact.reason is Reason.OUTSIDE_CONTACT


def test_a_contact_of_another_company_claims_nothing_and_one_of_the_company_does() -> None:
    notified_of = frozenset({7})

    of_another = answered(author=GIL.address, to=SUPPORT, notified_of=notified_of)
    of_the_same = answered(author=BOB.address, to=SUPPORT, notified_of=notified_of)
    released = answered(author=GIL.address, onto=7)

    assert of_another.reason is of_the_same.reason is Reason.OUTSIDE_CONTACT
    assert notified(of_another, CHANNEL) == notified(of_another, NoticeKind.ALERT) == []
    assert claims_said(of_another) == {""}
    assert notified(of_the_same, CHANNEL) == [BOB.address]
    assert notified(released, CHANNEL) == [GIL.address]


def test_an_answer_to_the_request_for_feedback_is_heard() -> None:
    resolved = on(ANNS, status=Status.RESOLVED, status_at=NOON)

    decision = answered(to=token_to(70, purpose=Purpose.FEEDBACK), tickets=resolved)

    assert notified(decision, CHANNEL) == [ANN.address]
    assert claim_of(decision) is None


def test_nobody_is_alerted_twice_of_one_mail() -> None:
    resolved = on(ANNS, status=Status.RESOLVED, status_at=NOON)
    flooded = on(resolved[0], sent={SAM.address: 100})

    for tickets in (resolved, flooded):
        decision = answered(
            "It is broken again, this is critical.",
            to=token_to(70, purpose=Purpose.FEEDBACK),
            tickets=tickets,
        )

        alerts = [o for o in orders_of(decision) if o.kind is NoticeKind.ALERT]
        assert [(o.address, o.withheld) for o in alerts] == [(SAM.address, False)]


def opened(subject: str = "URGENT!!! nobody can log in", **world: Any) -> Decision:
    header = world.pop("header", {})
    return World(**world).decide(a_mail(subject=subject, **header))


@pytest.mark.parametrize(
    "world",
    [
        {"acknowledged_at": NOON - timedelta(minutes=1)},
        {"acknowledged_at": NOON, "acknowledged_later": NOON + timedelta(minutes=9)},
        {"header": {"x_auto_response_suppress": "All"}},
        {"policy": policy_with("acknowledgement", send=False)},
        {"recent": (Recent(NOON, True, 1),) * 3, "acknowledged_at": NOON},
    ],
    ids=["within the pause", "one waits", "suppressed", "none are sent", "answers at once"],
)
def test_a_request_that_claims_to_be_critical_is_acknowledged_at_once(
    world: dict[str, Any],
) -> None:
    decision = opened(**world)

    (order,) = [o for o in orders_of(decision) if o.kind is NoticeKind.ACKNOWLEDGEMENT]
    assert (order.address, order.due_at) == (ANN.address, None)


@pytest.mark.parametrize("header", [{"list_id": "<x.acme.example>"}, {"list_post": "<x>"}])
def test_the_request_through_a_list_is_not_acknowledged_and_alerts(header: dict[str, str]) -> None:
    decision = opened(header=header)

    assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == []
    assert notified(decision, NoticeKind.ALERT) == [SAM.address]


def test_a_follow_up_does_not_inherit_the_claim_of_the_subject() -> None:
    closed = on(ANNS, subject="P1: printer burns", status=Status.CLOSED, status_at=NOON)

    def follow_up(text: str) -> OpenTicket[Any]:
        mail = a_mail(subject="Re: [#7] P1: printer burns", text=text, importance="high")
        action = World(tickets=closed).decide(mail, to=token_to(70)).action
        assert isinstance(action, OpenTicket)
        return action

    assert follow_up("One more question about the toner.").severity.claim is None
    assert follow_up("It burns again. This is critical.").severity.critical_claimed


HELD = (Recent(NOON, True, 1),) * 10


@pytest.mark.parametrize(
    ("minutes", "told"), [(None, [ANN.address]), (59, []), (60, [ANN.address])]
)
def test_the_author_of_held_mail_gets_the_channel_once_an_hour(
    minutes: int | None, told: list[str]
) -> None:
    at = NOON - timedelta(minutes=minutes) if minutes is not None else None

    decision = opened(recent=HELD, kept_at=at, header={"x_auto_response_suppress": "All"})

    assert decision.verdict is Verdict.HELD
    kept = [o for o in orders_of(decision) if o.kind is NoticeKind.KEPT]
    assert [o.address for o in kept] == told
    assert all(isinstance(o.payload, KeptPayload) and o.payload.critical for o in kept)


def test_other_held_mail_of_the_day_is_still_not_answered() -> None:
    decision = opened("Printer", recent=HELD, kept_at=NOON - timedelta(hours=2))

    assert notified(decision, NoticeKind.KEPT) == []


def test_nobody_learns_anything_by_a_claim_below_the_proof() -> None:
    decision = opened(proof=NOTHING)

    assert decision.verdict is Verdict.REFUSED
    assert orders_of(decision) == ()


def test_a_guest_who_is_on_the_ticket_is_heard() -> None:
    guest = member(71, "gus@other.example", ParticipantKind.GUEST)
    ticket = a_ticket(7, *ANNS.participants, guest)

    decision = answered(author=guest.address, to=token_to(71), tickets=(ticket,))

    assert notified(decision, CHANNEL) == [guest.address]
