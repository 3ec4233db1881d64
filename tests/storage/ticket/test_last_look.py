"""A notice is checked once more before it is sent: its recipient may have left meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.people import Presence, Role
from rules.ticket.notices import NoticeKind, NoticeState
from storage.notices import by_hand, outbox, overview, suppression
from storage.notices.outbox import Claimed, Notice
from storage.notices.overview import NoticeFilter
from storage.registry import companies, people
from storage.ticket.read import ticket_view
from tests.rules.building import ANN, BOB, NOON, a_mail
from tests.storage.shop import Shop, opened


@pytest.fixture
def number(shop: Shop) -> int:
    """A ticket of Ann's with Bob on it; the notice of one comment to Bob is due."""
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    shop.take(a_mail(text="Second."), to=shop.token(number, ANN.address))
    return number


def claim(shop: Shop) -> Claimed:
    return shop.write(lambda c: outbox.claim(c, NOON, 100))


def claimed(shop: Shop) -> list[Notice]:
    return list(claim(shop))


def left(shop: Shop, number: int) -> None:
    shop.set_participant(number, BOB.address, presence=Presence.REMOVED.value)


def is_pending(shop: Shop, number: int) -> None:
    shop.set_participant(number, BOB.address, presence=Presence.PENDING.value)


def unsubscribed(shop: Shop, number: int) -> None:
    shop.set_participant(number, BOB.address, muted=True)


def was_deactivated(shop: Shop, number: int) -> None:
    shop.write(lambda c: people.set_person_active(c, shop.mailbox, Role.USER, BOB.address, False))


def lost_the_contract(shop: Shop, number: int) -> None:
    shop.write(lambda c: companies.set_company_active(c, shop.mailbox, "Acme", False))


def bounced_twice(shop: Shop, number: int) -> None:
    for _ in range(2):
        shop.write(
            lambda c: suppression.record_hard_failure(c, shop.mailbox.id, BOB.address, "gone", NOON)
        )


EVENTS = [left, is_pending, unsubscribed, was_deactivated, lost_the_contract, bounced_twice]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.__name__))
def test_a_notice_is_dropped_for_good_if_the_recipient(
    shop: Shop, number: int, event: Callable[[Shop, int], None]
) -> None:
    event(shop, number)

    due = claim(shop)

    assert BOB.address not in [notice.address for notice in due]
    (dropped,) = shop.notices(BOB.address)
    assert (dropped.id, dropped.last_error) in [(each.id, each.why) for each in due.dropped]
    assert dropped.state is NoticeState.DEAD
    assert dropped.last_error


def test_otherwise_it_comes_with_the_comment_and_the_recipients_participant_id(
    shop: Shop, number: int
) -> None:
    (notice,) = [n for n in claimed(shop) if n.address == BOB.address]

    assert notice.comment is not None
    assert (notice.comment.text, notice.comment.author) == ("Second.", ANN.address)
    assert notice.comment.by_mail
    assert notice.about is not None
    assert notice.about.participant == shop.member(number, BOB.address).id


def test_the_receipt_of_an_unsubscription_is_still_sent(shop: Shop, number: int) -> None:
    shop.take(a_mail(BOB.address, text="#unsubscribe"), to=shop.token(number, BOB.address))

    assert [n.kind for n in claimed(shop) if n.address == BOB.address] == [NoticeKind.RECEIPT]


def test_a_dead_notice_is_listed_with_its_reason(shop: Shop, number: int) -> None:
    left(shop, number)
    claimed(shop)

    dead = shop.database.read(lambda c: overview.listing(c, NoticeFilter(NoticeState.DEAD)))

    assert [(notice.address, notice.kind, notice.ticket) for notice in dead] == [
        (BOB.address, "comment", number)
    ]
    assert "not on the ticket" in dead[0].last_error


def test_the_list_has_at_most_the_given_number_of_notices(shop: Shop, number: int) -> None:
    assert len(shop.database.read(lambda c: overview.listing(c, limit=2))) == 2


def test_a_requeued_notice_starts_again_from_the_first_attempt(shop: Shop, number: int) -> None:
    left(shop, number)
    claimed(shop)
    shop.set_participant(number, BOB.address, presence=Presence.ACTIVE.value)

    assert shop.write(lambda c: by_hand.retry(c, None, NOON, "console:op")) == 1
    assert [(n.address, n.attempts) for n in claimed(shop)] == [(BOB.address, 1)]


def test_only_the_named_notices_are_requeued(shop: Shop, number: int) -> None:
    for notice in shop.notices():
        shop.write(lambda c, due=notice.id: outbox.give_up(c, due, "no", hard=False, now=NOON))  # type: ignore[misc]
    chosen = shop.notices(BOB.address)[0].id

    assert shop.write(lambda c: by_hand.retry(c, [chosen], NOON, "console:op")) == 1
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    (entry,) = [each for each in view.history if "tried again" in str(each.text)]
    assert (entry.actor, entry.source) == ("console:op", "console")
    assert [notice.id for notice in claimed(shop)] == [chosen]


def test_a_sent_notice_is_never_requeued(shop: Shop, number: int) -> None:
    for notice in shop.notices():
        shop.write(lambda c, due=notice.id: outbox.sent(c, [due], NOON))  # type: ignore[misc]

    assert shop.write(lambda c: by_hand.retry(c, None, NOON, "console:op")) == 0
