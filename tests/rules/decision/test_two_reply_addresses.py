"""A mail to the reply addresses of two tickets is filed on one of them, and says so."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.decide import decide
from rules.decision.model import AddComment, Decision, OpenTicket
from rules.mail import Envelope, Mail
from rules.mail.header import Author
from rules.people import ParticipantKind
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import NewCommentPayload, ReceiptPayload
from tests.rules.building import (
    ANN,
    ANNS,
    GIL,
    NOTHING,
    SAM,
    World,
    a_mail,
    a_ticket,
    member,
    notified,
    orders_of,
    token_to,
)

FOLLOWER = member(79, SAM.address, ParticipantKind.FOLLOWER)
FIRST = a_ticket(7, *ANNS.participants, FOLLOWER)
ANNS_OTHER = a_ticket(
    8, member(80, ANN.address, ParticipantKind.REQUESTER), replace(FOLLOWER, id=89)
)
GILS = a_ticket(8, member(80, GIL.address, ParticipantKind.REQUESTER), company=GIL.company)


def decided(mail: Mail, *to: str, world: World) -> Decision:
    assert isinstance(mail.author, Author)
    author = mail.author.address
    envelope = Envelope("127.0.0.1", "", False, author, to)
    return decide(mail, world.facts(mail, envelope, author), world.policy)


def to_staff(decision: Decision) -> tuple[str, ...]:
    """What the notice of the comment says of other tickets."""
    (payload,) = {
        order.payload
        for order in orders_of(decision)
        if isinstance(order.payload, NewCommentPayload)
    }
    return payload.not_on


def to_author(decision: Decision) -> list[str]:
    receipts = [o.payload for o in orders_of(decision) if o.kind is NoticeKind.RECEIPT]
    assert all(isinstance(each, ReceiptPayload) for each in receipts)
    return [str(s) for each in receipts if isinstance(each, ReceiptPayload) for s in each.sentences]


BY_ANN = (token_to(70), token_to(80, 8))


def test_staff_and_its_author_learn_on_which_ticket_it_is_not() -> None:
    decision = decided(a_mail(), *BY_ANN, world=World(tickets=(FIRST, ANNS_OTHER)))

    assert isinstance(decision.action, AddComment)
    assert decision.action.ticket == 7
    assert to_staff(decision) == ("#8",)
    assert to_author(decision) == [
        (
            "Your email is on #7 alone. It was sent to the reply address of #8 as well: to write "
            "there, send it to that address by itself."
        )
    ]
    assert notified(decision, NoticeKind.RECEIPT) == [ANN.address]
    assert "not filed on #8, whose reply address it has as well" in decision.trace[-1].outcome


def test_so_does_a_staff_person_with_two_of_their_own() -> None:
    world = World(tickets=(FIRST, ANNS_OTHER))

    decision = decided(a_mail(SAM.address), token_to(79), token_to(89, 8), world=world)

    assert isinstance(decision.action, AddComment)
    assert decision.action.ticket == 7
    assert notified(decision, NoticeKind.RECEIPT).count(SAM.address) >= 1
    assert any(said.startswith("Your email is on #7 alone.") for said in to_author(decision))


def test_an_author_learns_nothing_of_a_ticket_on_which_they_may_not_write() -> None:
    """Gil has given away the address of his: staff read it alone."""
    decision = decided(a_mail(), *BY_ANN, world=World(tickets=(FIRST, GILS)))

    assert to_staff(decision) == ("#8",)
    assert to_author(decision) == []


def test_nor_does_an_unproven_one() -> None:
    world = World(tickets=(FIRST, ANNS_OTHER), proof=NOTHING)

    decision = decided(a_mail(), *BY_ANN, world=world)

    assert to_staff(decision) == ("#8",)
    assert to_author(decision) == []


def test_a_machine_is_not_answered() -> None:
    mail = a_mail(precedence="list")

    decision = decided(mail, *BY_ANN, world=World(tickets=(FIRST, ANNS_OTHER)))

    assert notified(decision, NoticeKind.RECEIPT) == []


def test_two_addresses_of_one_ticket_are_one() -> None:
    merged = replace(ANNS_OTHER, merged_into=7)
    world = World(tickets=(FIRST, merged))

    for to in ((token_to(70), token_to(79)), BY_ANN):
        decision = decided(a_mail(), *to, world=world)

        assert to_staff(decision) == ()
        assert to_author(decision) == []


def test_a_follow_up_mentions_the_other() -> None:
    over = replace(FIRST, status=Status.CLOSED)
    decision = decided(a_mail(), *BY_ANN, world=World(tickets=(over, ANNS_OTHER)))

    assert isinstance(decision.action, OpenTicket)
    assert (decision.action.follows, decision.action.mentions) == (7, 8)
