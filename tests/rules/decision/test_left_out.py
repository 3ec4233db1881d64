"""More people in To or Cc than a mail or a ticket takes: somebody hears who does not join."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.model import AddComment, OpenTicket
from rules.decision.reasons import Reason
from rules.mail import Mail
from rules.people import ParticipantKind, Presence, Staff
from rules.service.participants import most_people
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import AlertPayload, AlertTopic
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    EVERYBODY,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    default_policy,
    member,
    orders_of,
    person,
    policy_with,
    token_to,
    unproven,
)

CROWD = tuple(f"p{number}@x.example" for number in range(24))
SAMS = member(72, SAM.address, ParticipantKind.FOLLOWER)
FULL = a_ticket(
    7,
    *ANNS.participants,
    SAMS,
    *(
        member(100 + n, f"q{n}@x.example", ParticipantKind.GUEST, Presence.REMOVED)
        for n in range(most_people(default_policy()))
    ),
)


def alerts(world: World, mail: Mail, to: str = SUPPORT) -> list[tuple[str, str]]:
    """Each reader of an alert about people, and what it says."""
    return [
        (order.address, str(order.payload.sentences[0]))
        for order in orders_of(world.decide(mail, to))
        if order.kind is NoticeKind.ALERT
        and isinstance(order.payload, AlertPayload)
        and order.payload.topic is AlertTopic.PEOPLE
    ]


@pytest.mark.parametrize("more", [("over@x.example", BOB.address), (BOB.address,)])
def test_staff_are_alerted_of_who_does_not_join_a_new_request(more: tuple[str, ...]) -> None:
    mail = a_mail(cc=(*CROWD, "last@x.example", *more))

    ((reader, said),) = alerts(World(), mail)

    assert reader == SAM.address
    assert f"{ANN.address} named {', '.join(more)} in To or Cc. They do not join" in said


def test_nobody_is_where_everybody_joins() -> None:
    assert alerts(World(), a_mail(cc=(*CROWD, BOB.address))) == []


def test_so_they_are_where_the_ticket_is_full() -> None:
    decision = World(tickets=(FULL,)).decide(a_mail(cc=(BOB.address,)), to=token_to(70))

    ((reader, said),) = alerts(World(tickets=(FULL,)), a_mail(cc=(BOB.address,)), token_to(70))

    assert (reader, BOB.address in said) == (SAM.address, True)
    assert "1 in To or Cc do not join: too many people" in decision.trace[-1].outcome


def test_of_very_many_the_first_are_named() -> None:
    crowd = (*CROWD, *(f"r{number}@x.example" for number in range(20)))

    ((_, said),) = alerts(World(), a_mail(cc=crowd))

    assert ("r1@x.example" in said, "r19@x.example" in said, "(+9)" in said) == (True, False, True)


def test_a_staff_person_hears_of_whom_they_named() -> None:
    ticket = a_ticket(7, *ANNS.participants, SAMS)
    mail = a_mail(SAM.address, cc=(*CROWD, "last@x.example", BOB.address))

    ((reader, said),) = alerts(World(tickets=(ticket,)), mail, token_to(72))

    assert (reader, BOB.address in said) == (SAM.address, True)


def test_so_they_do_of_a_request_that_they_open_for_a_customer() -> None:
    order = "#onbehalf ann@acme.example\n\nAnn called: the printer jams."
    cc = (*CROWD, "last@x.example", BOB.address, ANN.address)
    mail = a_mail(SAM.address, text=order, cc=cc)
    decision = World().decide(mail)

    ((reader, said),) = alerts(World(), mail)

    assert isinstance(decision.action, OpenTicket)
    assert decision.action.requester == ANN.address
    assert BOB.address not in {each.address for each in decision.action.additions}
    assert (reader, BOB.address in said) == (SAM.address, True)
    assert ANN.address not in said  # it is their request


def test_who_waited_on_a_closed_ticket_takes_no_room_on_its_follow_up() -> None:
    waiting = (
        member(100 + n, f"q{n}@x.example", ParticipantKind.GUEST, Presence.PENDING)
        for n in range(most_people(default_policy()))
    )
    closed = a_ticket(7, *ANNS.participants, *waiting, status=Status.CLOSED)
    world, mail = World(tickets=(closed,)), a_mail(cc=(BOB.address,))
    decision = world.decide(mail, token_to(70))

    assert isinstance(decision.action, OpenTicket)
    assert decision.action.follows == 7
    assert [each.address for each in decision.action.additions] == [BOB.address]
    assert alerts(world, mail, token_to(70)) == []


def test_where_staff_get_no_mail_the_trace_says_it() -> None:
    world = World(tickets=(FULL,), policy=policy_with("staff", notify="none"))
    decision = world.decide(a_mail(cc=(BOB.address,)), to=token_to(70))

    assert alerts(world, a_mail(cc=(BOB.address,)), token_to(70)) == []
    assert "1 in To or Cc do not join" in decision.trace[-1].outcome


UNPROVEN = "nothing but a reply address proves"


def test_of_unproven_words_staff_read_who_is_not_proposed_on_a_full_ticket() -> None:
    world, mail = World(tickets=(FULL,), proof=unproven()), a_mail(cc=(BOB.address,))
    decision = world.decide(mail, token_to(70))

    ((reader, said),) = alerts(world, mail, token_to(70))

    assert decision.reason is Reason.TOKEN_ONLY
    assert (reader, BOB.address in said, UNPROVEN in said) == (SAM.address, True, True)
    assert "1 in To or Cc do not join: too many people" in decision.trace[-1].outcome


def test_so_they_do_where_the_policy_publishes_the_words() -> None:
    publishing = policy_with("proof", comment="token")
    world = World(tickets=(FULL,), proof=unproven(), policy=publishing)

    ((_, said),) = alerts(world, a_mail(cc=(BOB.address,)), token_to(70))

    assert (BOB.address in said, UNPROVEN in said) == (True, True)


def test_so_they_do_of_those_beyond_what_such_a_mail_proposes() -> None:
    crowd = (*CROWD, "last@x.example", BOB.address)
    world = World(tickets=(ANNS,), proof=unproven())
    decision = world.decide(a_mail(cc=crowd), token_to(70))

    ((_, said),) = alerts(world, a_mail(cc=crowd), token_to(70))

    assert isinstance(decision.action, AddComment)
    proposed = [each.address for each in decision.action.additions]
    assert proposed == list(crowd[:10])
    assert (crowd[9] in said, crowd[10] in said, "(+6)" in said) == (False, True, True)
    assert "16 in To or Cc do not join: too many people" in decision.trace[-1].outcome


def test_the_staff_person_in_whose_name_it_is_is_not_the_only_reader() -> None:
    sue = person("sue@help.example", None, SAM.role)
    world = World(
        people=(*EVERYBODY, sue),
        tickets=(FULL,),
        staff=(Staff(SAM.address, ""), Staff(sue.address, "")),
        proof=unproven(),
        policy=policy_with("staff", notify="all"),
    )

    mail = a_mail(SAM.address, cc=(*CROWD, "last@x.example", BOB.address))
    found = alerts(world, mail, token_to(72))

    assert [reader for reader, _ in found] == [SAM.address, sue.address]


def test_within_the_budget_of_what_waits_nobody_is_alerted_again_and_again() -> None:
    ticket = replace(FULL, sent={SAM.address: 10})
    world = World(tickets=(ticket,), proof=unproven())
    decision = world.decide(a_mail(cc=(BOB.address,)), token_to(70))

    assert NoticeKind.ALERT in {order.kind for order in decision.withheld}


def test_a_mail_that_proposes_nobody_by_its_right_leaves_nobody_out() -> None:
    world = World(tickets=(FULL,))

    decision = world.decide(a_mail("new@acme.example", cc=(BOB.address,)), token_to(70))

    assert decision.reason is Reason.NOT_A_PARTICIPANT
    assert alerts(world, a_mail("new@acme.example", cc=(BOB.address,)), token_to(70)) == []
