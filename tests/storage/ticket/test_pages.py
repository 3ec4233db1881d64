"""Pages of a desk's tickets: each ticket is on one of them, however far a page searches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.ticket.changes import AddTag, SetAnySeverity
from storage.ticket import pages, waiting_tickets
from storage.ticket.pages import TicketFilter, TicketPage
from storage.ticket.waiting_tickets import WaitingTickets
from tests.rules.building import ANN, NOON, SAM, a_mail
from tests.storage.shop import Shop

TICKETS = 7


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """A desk with tickets, two of them at a time; the first and the last are of a kind."""
    for number in range(1, TICKETS + 1):
        shop.take(a_mail(ANN.address, subject=f"Number {number}"))
        shop.set(number, updated_at=NOON + timedelta(hours=number // 2))
    for number in (1, TICKETS):
        shop.change(number, AddTag("ink"), SetAnySeverity("Low", "it is"))
        shop.set(number, updated_at=NOON + timedelta(hours=number // 2))
    return shop


def every_page(
    desk: Shop, limit: int = 2, examined: int = 100, **conditions: Any
) -> list[TicketPage]:
    wanted = TicketFilter(mailboxes=frozenset({desk.mailbox.id}), **conditions)
    found, after = list[TicketPage](), None
    while not found or after is not None:
        found.append(
            desk.database.read(lambda c: pages.page(c, wanted, after, limit, examined))  # noqa: B023
        )
        after = found[-1].following
    return found


def numbers(found: list[TicketPage]) -> list[int]:
    return [ticket.number for page in found for ticket in page.tickets]


def test_every_ticket_is_on_exactly_one_page(desk: Shop) -> None:
    found = every_page(desk)

    assert [len(page.tickets) for page in found] == [2, 2, 2, 1]
    assert numbers(found) == list(range(TICKETS, 0, -1))


def test_a_search_for_what_is_rare_goes_on_where_it_ended(desk: Shop) -> None:
    found = every_page(desk, examined=3, severity="Low")

    assert numbers(found) == [TICKETS, 1]
    assert [page.is_cut for page in found] == [True, False]


def test_no_ticket_is_lost_where_those_of_one_time_are_cut(desk: Shop) -> None:
    for number in range(1, TICKETS + 1):
        desk.set(number, updated_at=NOON, due_at=NOON, severity="Low")
    late = NOON + timedelta(hours=1)
    for examined in (1, 2, 3, TICKETS):
        latest = numbers(every_page(desk, examined=examined, severity="Low"))
        longest = numbers(every_page(desk, examined=examined, severity="Low", overdue_at=late))
        assert latest == longest[::-1] == list(range(TICKETS, 0, -1)), examined


def test_tags_are_found_whole(desk: Shop) -> None:
    assert numbers(every_page(desk, examined=1, tag="ink")) == [TICKETS, 1]


def test_claims_are_listed_by_the_status_that_is_asked_for(shop: Shop) -> None:
    shop.take(a_mail(ANN.address, subject="[Critical] Lift"))
    shop.set(1, status="closed")

    assert numbers(every_page(shop, claimed=True, statuses=frozenset({"closed"}))) == [1]
    assert numbers(every_page(shop, claimed=True)) == []


def test_tickets_of_nobody_are_counted_up_to_a_limit(desk: Shop) -> None:
    desk.set(1, assignee=SAM.address)
    desk.set(2, status="closed")
    oldest = NOON + timedelta(hours=1)

    def counted(most: int = 100) -> WaitingTickets:
        return desk.database.read(
            lambda connection: waiting_tickets.unassigned(connection, desk.mailbox.id, most)
        )

    assert counted() == counted(most=TICKETS - 2) == (TICKETS - 2, oldest, False)
    assert counted(most=2) == (2, oldest, True)


def test_tickets_of_a_person_are_counted_up_to_a_limit_and_the_oldest_is_among_them(
    desk: Shop,
) -> None:
    for number in range(1, TICKETS + 1):
        desk.set(number, assignee=SAM.address, status="pending" if number == 1 else "open")

    def counted(most: int) -> WaitingTickets:
        return desk.database.read(
            lambda connection: waiting_tickets.assigned(
                connection, desk.mailbox.id, SAM.address, most
            )
        )

    assert counted(TICKETS) == (TICKETS, NOON, False)
    assert counted(TICKETS - 1) == (TICKETS - 1, NOON, True)
    assert counted(2) == (2, NOON, True)
