"""What staff may decide about a held mail: where it goes, over every budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.decision.model import AddComment, OpenTicket
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.sender.authentication import Authentication
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    GIL,
    NOON,
    SAM,
    World,
    a_mail,
    notified,
    our_id,
    person,
)

BY_STAFF = Authentication.by_staff("sam")
FULL = (Recent(NOON, True, 1),) * 10


@pytest.mark.parametrize(
    "author",
    [BOB.address, GIL.address, "new@acme.example", "eve@evil.example", "gone@acme.example"],
)
def test_a_mail_goes_onto_the_ticket_that_staff_name_and_only_staff_read_it(author: str) -> None:
    world = World(onto=7, proof=BY_STAFF)
    world.people = (*world.people, person("gone@acme.example", active=False))

    decided = world.decide(a_mail(author))

    assert isinstance(decided.action, AddComment)
    assert (decided.action.ticket, decided.action.visibility) == (7, Visibility.PRIVATE)


def test_a_mail_of_a_participant_is_published_there() -> None:
    decided = World(onto=7, proof=BY_STAFF).decide(a_mail(ANN.address))

    assert isinstance(decided.action, AddComment)
    assert (decided.action.visibility, decided.reason) == (Visibility.PUBLIC, Reason.STATED)


def test_a_colleagues_own_mail_is_a_draft_there() -> None:
    decided = World(onto=7, proof=BY_STAFF).decide(a_mail(SAM.address))

    assert (decided.verdict, decided.reason) == (Verdict.FLAGGED, Reason.STAFF_WITHOUT_TOKEN)


def test_the_ticket_that_staff_name_takes_precedence_over_those_in_the_mail() -> None:
    world = World(onto=8, proof=BY_STAFF)

    decided = world.decide(a_mail(references=(our_id(7),)))

    assert (decided.verdict, decided.reason) == (Verdict.HELD, Reason.NO_SUCH_TICKET)


def test_a_release_is_over_the_budget_of_tickets_and_an_arrival_is_not() -> None:
    released = World(proof=BY_STAFF, recent=FULL).decide(a_mail())
    arriving = World(recent=FULL).decide(a_mail())

    assert released.verdict is Verdict.OPENED
    assert arriving.reason is Reason.TOO_MANY_TICKETS


def test_an_automatic_mail_opens_a_ticket_if_staff_release_it_and_nobody_is_answered() -> None:
    decided = World(proof=BY_STAFF).decide(a_mail(auto_submitted="auto-generated"))

    assert isinstance(decided.action, OpenTicket)
    assert ANN.address not in [order.address for order in decided.orders]


LOOPED = a_mail(
    SAM.address,
    in_reply_to=(our_id(7),),
    auto_submitted="auto-generated",
    x_postern_loop="of another Postern",
)
STORM = tuple(
    Recent(NOON - timedelta(minutes=minutes), False, 7)
    for minutes, mails in ((5, 2), (3, 4), (1, 8))
    for _ in range(mails)
)


@pytest.mark.parametrize("recent", [(), STORM])
@pytest.mark.parametrize("sent", [0, 20])
def test_the_only_staff_person_reads_that_their_released_mail_is_a_draft(
    recent: tuple[Recent, ...], sent: int
) -> None:
    """Marked as a notice that looped, in a storm or over a budget, too."""
    ticket = replace(ANNS, sent={SAM.address: sent})
    world = World(tickets=(ticket,), proof=BY_STAFF, recent=recent)

    decided = world.decide(LOOPED)

    assert (decided.verdict, decided.reason) == (Verdict.FLAGGED, Reason.STAFF_WITHOUT_TOKEN)
    assert notified(decided, NoticeKind.RECEIPT) == [SAM.address]
