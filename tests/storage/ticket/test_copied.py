"""The tickets to which a person is copied, who may be on few or on many of them."""

from __future__ import annotations

from functools import partial

from storage.ticket import lists
from storage.ticket.lists import LARGE_COPIES, CopiedTo, LargeCopies
from tests.rules.building import BOB, a_mail
from tests.storage.shop import Shop, opened


def copied(shop: Shop, copies: LargeCopies) -> list[list[int]]:
    """Bob's tickets, in pages of two."""
    bobs = CopiedTo(BOB.address)
    found: list[list[int]] = []
    before = None
    while True:
        read = partial(lists.page, mailbox=shop.mailbox, which=bobs, status=None, limit=2)
        page = shop.database.read(partial(read, before=before, copies=copies))
        found.append([ticket.number for ticket in page.tickets])
        before = page.ends_at
        if before is None:
            return found


def test_somebody_who_is_copied_to_many_tickets_gets_the_same_list(shop: Shop) -> None:
    numbers = [opened(shop.take(a_mail(cc=(BOB.address,)))) for _ in range(5)]
    opened(shop.take(a_mail()))
    opened(shop.take(a_mail(BOB.address)))

    sorted_all = copied(shop, LARGE_COPIES)

    assert sorted_all == [numbers[:2:-1], numbers[2:0:-1], numbers[:1]]
    for examined in (0, 1, 3, 100):
        assert copied(shop, LargeCopies(many=1, examined=examined)) == sorted_all
