"""A claim names its node: others take it over only from a node that shows no life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from rules.ticket.notice_timing import GIVE_UP_AFTER
from rules.ticket.notices import NoticeState
from storage.db.tables import NodeRow, NoticeRow, table
from storage.notices import claims, outbox, overview
from storage.notices.outbox import Notice
from tests.rules.building import NOON, a_mail
from tests.storage.shop import Shop

ONE, OTHER = UUID(int=1), UUID(int=2)
_notice = table(NoticeRow)


@pytest.fixture
def held(shop: Shop) -> list[UUID]:
    """The notices about a few new tickets, claimed by one node."""
    for number in range(3):
        shop.take(a_mail(message_id=f"<{number}@client.example>"))
    return [notice.id for notice in claim(shop, ONE)]


def claim(shop: Shop, node: UUID) -> Sequence[Notice]:
    return tuple(shop.write(lambda c: outbox.claim(c, NOON, 50, node)))


def beats(shop: Shop, node: UUID = ONE) -> int:
    return shop.write(lambda c: claims.observe(c, OTHER))[node]


def test_what_one_node_holds_no_other_gets(shop: Shop, held: list[UUID]) -> None:
    assert len(held) > 1
    assert claim(shop, OTHER) == ()


def test_a_node_that_holds_nothing_is_not_observed(shop: Shop, held: list[UUID]) -> None:
    shop.write(lambda c: claims.arrive(c, UUID(int=3)))

    assert set(shop.write(lambda c: claims.observe(c, OTHER))) == {ONE}


def test_what_a_dead_node_held_is_taken_over(shop: Shop, held: list[UUID]) -> None:
    last = beats(shop)

    assert shop.write(lambda c: claims.take_over(c, ONE, last)) == len(held)
    assert [notice.attempts for notice in claim(shop, OTHER)] == [2] * len(held)


def test_a_node_that_has_shown_life_meanwhile_keeps_its_claims(
    shop: Shop, held: list[UUID]
) -> None:
    last = beats(shop)
    assert shop.write(lambda c: claims.beat(c, ONE))

    assert shop.write(lambda c: claims.take_over(c, ONE, last)) == 0
    assert claim(shop, OTHER) == ()


def test_a_node_that_was_taken_for_dead_is_told_so(shop: Shop, held: list[UUID]) -> None:
    last = beats(shop)
    shop.write(lambda c: claims.take_over(c, ONE, last))

    assert not shop.write(lambda c: claims.beat(c, ONE))


def test_two_nodes_take_over_once(shop: Shop, held: list[UUID]) -> None:
    last = beats(shop)
    shop.write(lambda c: claims.take_over(c, ONE, last))
    claim(shop, OTHER)

    assert shop.write(lambda c: claims.take_over(c, ONE, last)) == 0
    assert claim(shop, ONE) == ()


def test_what_is_put_back_is_due_at_once_and_was_not_tried(shop: Shop, held: list[UUID]) -> None:
    shop.write(lambda c: claims.put_back(c, ONE, held[:1]))

    assert [(notice.id, notice.attempts) for notice in claim(shop, OTHER)] == [(held[0], 1)]


def test_nobody_puts_back_what_another_holds(shop: Shop, held: list[UUID]) -> None:
    assert shop.write(lambda c: claims.put_back_all(c, OTHER)) == 0


def test_a_node_that_leaves_holds_nothing(shop: Shop, held: list[UUID]) -> None:
    shop.write(lambda c: claims.leave(c, ONE))

    assert len(claim(shop, OTHER)) == len(held)
    assert shop.count(NodeRow, id=ONE) == 0


@pytest.mark.parametrize("settle", ["sent", "put off", "given up"])
def test_a_settled_notice_is_held_by_nobody(shop: Shop, held: list[UUID], settle: str) -> None:
    for notice in held:
        if settle == "sent":
            shop.write(lambda c, n=notice: outbox.sent(c, [n], NOON))  # type: ignore[misc]
        elif settle == "put off":
            shop.write(lambda c, n=notice: outbox.put_off(c, n, NOON, "later"))  # type: ignore[misc]
        else:
            shop.write(lambda c, n=notice: outbox.give_up(c, n, "no", hard=False, now=NOON))  # type: ignore[misc]

    waiting = shop.database.read(lambda c: claims.waiting(c, OTHER))
    assert (waiting.left_over, waiting.elsewhere) == (False, False)


def test_an_idle_node_learns_what_waits_for_it(shop: Shop, held: list[UUID]) -> None:
    shop.take(a_mail(message_id="<later@client.example>"), at=NOON + timedelta(hours=1))

    mine = shop.database.read(lambda c: claims.waiting(c, ONE))
    others = shop.database.read(lambda c: claims.waiting(c, OTHER))

    assert (mine.left_over, mine.elsewhere) == (True, False)
    assert (others.left_over, others.elsewhere) == (False, True)
    late_acknowledgement = NOON + timedelta(minutes=10)
    assert mine.due_at == others.due_at == late_acknowledgement


class TestKindsOfANewerVersion:
    @pytest.fixture
    def unknown(self, shop: Shop) -> UUID:
        for number in range(2):
            shop.take(a_mail(message_id=f"<{number}@client.example>"))
        chosen = next(each.id for each in shop.notices() if each.due_at == NOON)
        shop.write(
            lambda c: c.execute(
                update(_notice).where(_notice.c.id == chosen).values(kind="telegram")
            )
        )
        return chosen

    def test_such_a_notice_does_not_hold_up_the_others(self, shop: Shop, unknown: UUID) -> None:
        claimed = claim(shop, ONE)

        assert len(claimed) > 1
        assert unknown not in {notice.id for notice in claimed}

    def test_it_stays_due_for_a_node_that_knows_it(self, shop: Shop, unknown: UUID) -> None:
        claim(shop, ONE)

        found = shop.database.read(lambda c: overview.find(c, unknown))
        assert found is not None
        assert found.state is NoticeState.DUE
        assert found.due_at > NOON
        assert "cannot read a notice of kind telegram" in found.last_error

    def test_it_is_given_up_in_the_end(self, shop: Shop, unknown: UUID) -> None:
        late = NOON + GIVE_UP_AFTER + timedelta(hours=1)
        shop.write(lambda c: outbox.claim(c, late, 50, ONE))

        found = shop.database.read(lambda c: overview.find(c, unknown))
        assert found is not None
        assert found.state is NoticeState.DEAD
