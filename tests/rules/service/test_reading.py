"""Which comments on a ticket a customer reads: those that came since they joined it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.people import Person
from rules.policy import Policy
from rules.service.reading import Filed, TicketReader, reader_of
from rules.ticket.model import Ticket
from tests.rules.building import ANN, BOB, GIL, NOON, SAM, default_policy

PRIVATE, OPEN = default_policy(), default_policy(visibility="company")
TICKET = Ticket(7, company=1, participants=(), requester=ANN.address)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("person", "policy", "since"),
    [
        (SAM, PRIVATE, None),
        (ANN, PRIVATE, None),
        (BOB, PRIVATE, NOON),
        (GIL, PRIVATE, NOON),
        (BOB, OPEN, None),
        (GIL, OPEN, NOON),
    ],
    ids=["staff", "requester", "colleague", "guest", "colleague, open", "guest, open"],
)
def test_since_when_each_person_reads_a_ticket(
    person: Person, policy: Policy, since: datetime | None
) -> None:
    assert reader_of(person, TICKET, NOON, policy) == TicketReader(person.address, since)


@pytest.mark.parametrize(
    ("comment", "is_withheld"),
    [
        (Filed(ANN.address, NOON - HOUR), True),
        (Filed(ANN.address, NOON), False),
        (Filed(ANN.address, NOON + HOUR), False),
        (Filed(ANN.address, NOON - HOUR, published_at=NOON + HOUR), False),
        (Filed(ANN.address, NOON - 2 * HOUR, published_at=NOON - HOUR), True),
        (Filed(GIL.address, NOON - HOUR), False),
    ],
    ids=[
        "before",
        "by which they joined",
        "since",
        "published since",
        "published before",
        "their own",
    ],
)
def test_what_came_before_somebody_joined_is_withheld_from_them(
    comment: Filed, is_withheld: bool
) -> None:
    assert TicketReader(GIL.address, NOON).withholds(comment) is is_withheld
    assert not TicketReader(GIL.address).withholds(comment)
