"""The tickets to which a person is copied, who may be on few or on many of them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from storage.ticket import lists
from storage.ticket.lists import PAGE_LIMITS, CopiedTo, Page, PageLimits, RequestedBy, Which
from tests.rules.building import ANN, BOB, NOON, a_mail
from tests.storage.shop import Shop, opened


def every_page(
    shop: Shop, which: Which, limits: PageLimits, status: str | None = None
) -> list[Page]:
    """A list in pages of two."""
    read = partial(lists.page, mailbox=shop.mailbox, which=which, status=status, limit=2)
    found: list[Page] = []
    before = None
    while not found or before is not None:
        found.append(shop.database.read(partial(read, before=before, limits=limits)))
        before = found[-1].ends_at
    return found


def numbers(pages: list[Page]) -> list[list[int]]:
    return [[ticket.number for ticket in page.tickets] for page in pages]


def all_numbers(pages: list[Page]) -> list[int]:
    return [number for page in numbers(pages) for number in page]


def apart(shop: Shop, tickets: int) -> None:
    """Each ticket has changed a minute after the one before."""
    for number in range(1, tickets + 1):
        shop.set(number, updated_at=NOON + timedelta(minutes=number))


def test_somebody_who_is_copied_to_many_tickets_gets_the_same_list(shop: Shop) -> None:
    copied = [opened(shop.take(a_mail(cc=(BOB.address,)))) for _ in range(5)]
    opened(shop.take(a_mail()))
    opened(shop.take(a_mail(BOB.address)))
    bobs = CopiedTo(BOB.address)

    sorted_all = every_page(shop, bobs, PAGE_LIMITS)

    assert numbers(sorted_all) == [copied[:2:-1], copied[2:0:-1], copied[:1]]
    for examined in (0, 1, 3):  # of one time, which is examined as a whole
        pages = every_page(shop, bobs, PageLimits(copied=1, examined=examined))
        assert all_numbers(pages) == all_numbers(sorted_all)
    assert every_page(shop, bobs, PageLimits(copied=1)) == sorted_all
    apart(shop, tickets=7)
    for examined in (0, 1, 3):
        pages = every_page(shop, bobs, PageLimits(copied=1, examined=examined))
        assert all_numbers(pages) == all_numbers(sorted_all)
        # Two of the latest tickets are not his: the first page says that it was cut.
        assert pages[0].is_cut


def test_a_search_for_a_rare_status_ends_and_goes_on(shop: Shop) -> None:
    for _ in range(5):
        opened(shop.take(a_mail(ANN.address)))
    shop.set(1, status="closed")
    apart(shop, tickets=5)

    pages = every_page(shop, RequestedBy(ANN.address), PageLimits(examined=1), "closed")

    assert all_numbers(pages) == [1]
    assert [page.is_cut for page in pages] == [True, True, False]
