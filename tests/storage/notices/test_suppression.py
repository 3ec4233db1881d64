"""Bouncing addresses: each notice counts once, and the second suspends the address."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail.bounces import Bounce, Failure
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.tables import BouncedRow, CommentRow, table
from storage.notices import invitations, outbox, suppression
from tests.rules.building import ANN, BOB, NOON, NOTHING, SAM, a_mail
from tests.storage.shop import Shop, opened

DAEMON = "mailer-daemon@mx.elsewhere.example"
_bounced = table(BouncedRow)


@pytest.fixture
def number(shop: Shop) -> int:
    """A ticket of Ann's with Bob on it; two of Ann's comments were sent to Bob."""
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    for _ in range(2):
        shop.take(a_mail(), to=shop.token(number, ANN.address))
    for notice in shop.notices():
        shop.write(lambda c, notice=notice: outbox.sent(c, [notice.id], NOON))  # type: ignore[misc]
    return number


def report(shop: Shop, notice: UUID, failure: Failure = Failure.HARD) -> Receipt:
    """A report at the return path of a notice."""
    failed = Bounce("", failure, "5.1.1", "550 no such user", "")
    return shop.take(
        a_mail(DAEMON, bounces=(failed,)),
        to=shop.return_path(notice),
        proof=NOTHING,
        mail_from="",
    )


def hard(shop: Shop) -> tuple[int, bool] | None:
    """The permanent failures of mail to Bob, and whether the address is suspended."""
    rows = shop.database.read(
        lambda c: c.execute(select(_bounced.c.hard, _bounced.c.suspended_at)).all()
    )
    return (rows[0].hard, rows[0].suspended_at is not None) if rows else None


def test_a_bounce_counts_against_the_address_of_its_notice(shop: Shop, number: int) -> None:
    receipt = report(shop, shop.notices(BOB.address)[0].id)

    assert (receipt.verdict, receipt.reason) == (Verdict.RECORDED, Reason.BOUNCE)
    assert hard(shop) == (1, False)


def test_a_bounce_is_folded_on_the_ticket_and_its_notice_is_dead(shop: Shop, number: int) -> None:
    notice = shop.notices(BOB.address)[0].id
    report(shop, notice)

    dead = next(each for each in shop.notices(BOB.address) if each.id == notice)
    assert shop.count(CommentRow, ticket_id=number, visibility="folded") == 1
    assert dead.state is NoticeState.DEAD
    assert "550 no such user" in dead.last_error


def test_a_notice_that_is_reported_twice_counts_once(shop: Shop, number: int) -> None:
    for _ in range(2):
        report(shop, shop.notices(BOB.address)[0].id)

    assert hard(shop) == (1, False)


def test_the_second_notice_suspends_the_address_and_alerts_staff(shop: Shop, number: int) -> None:
    for notice in shop.notices(BOB.address):
        report(shop, notice.id)

    assert hard(shop) == (2, True)
    alerts = [n.address for n in shop.notices() if n.kind == NoticeKind.ALERT]
    assert alerts == [SAM.address]


def test_no_notice_is_queued_to_a_suspended_address(shop: Shop, number: int) -> None:
    for notice in shop.notices(BOB.address):
        report(shop, notice.id)
    before = len(shop.notices(BOB.address))

    shop.take(a_mail(), to=shop.token(number, ANN.address))

    assert len(shop.notices(BOB.address)) == before


def test_a_notice_that_is_reported_twice_does_not_suspend_the_address(
    shop: Shop, number: int
) -> None:
    for _ in range(2):
        report(shop, shop.notices(BOB.address)[0].id)

    assert [n for n in shop.notices() if n.kind == NoticeKind.ALERT] == []


def test_a_notice_that_is_given_up_twice_counts_once(shop: Shop, number: int) -> None:
    shop.take(a_mail(), to=shop.token(number, ANN.address))
    notice = next(o for o in shop.notices(BOB.address) if o.state is NoticeState.DUE)
    for _ in range(2):
        shop.write(lambda c: outbox.give_up(c, notice.id, "550 no", hard=True, now=NOON))

    assert hard(shop) == (1, False)


@pytest.mark.parametrize("failure", [Failure.SOFT, Failure.DELAYED])
def test_a_temporary_failure_does_not_count(shop: Shop, number: int, failure: Failure) -> None:
    for notice in shop.notices(BOB.address):
        report(shop, notice.id, failure)

    assert hard(shop) is None


def test_a_delayed_notice_may_still_arrive(shop: Shop, number: int) -> None:
    notice = shop.notices(BOB.address)[0]
    report(shop, notice.id, Failure.DELAYED)

    assert next(o for o in shop.notices() if o.id == notice.id).state is NoticeState.SENT


def test_a_return_path_without_a_notice_counts_nothing(shop: Shop, number: int) -> None:
    report(shop, UUID(int=999_999))

    assert hard(shop) is None


def test_an_address_removed_from_suppression_starts_at_zero(shop: Shop, number: int) -> None:
    for notice in shop.notices(BOB.address):
        report(shop, notice.id)

    forgiven = [
        shop.write(lambda c: suppression.remove(c, shop.mailbox.id, BOB.address)) for _ in range(2)
    ]

    assert forgiven == [True, False]
    assert shop.member(number, BOB.address).reachable


def test_a_permanent_refusal_by_the_relay_counts_as_a_bounce(shop: Shop, number: int) -> None:
    shop.take(a_mail(), to=shop.token(number, ANN.address))
    notice = next(o for o in shop.notices(BOB.address) if o.state is NoticeState.DUE)

    shop.write(lambda c: outbox.give_up(c, notice.id, "550 no such user", hard=True, now=NOON))

    assert hard(shop) == (1, False)


def test_a_notice_given_up_after_temporary_failures_does_not_count(shop: Shop, number: int) -> None:
    shop.take(a_mail(), to=shop.token(number, ANN.address))
    notice = next(o for o in shop.notices(BOB.address) if o.state is NoticeState.DUE)

    shop.write(lambda c: outbox.give_up(c, notice.id, "timeout", hard=False, now=NOON))

    assert hard(shop) is None


def test_a_refusal_and_its_report_count_once(shop: Shop, number: int) -> None:
    shop.take(a_mail(), to=shop.token(number, ANN.address))
    notice = next(o for o in shop.notices(BOB.address) if o.state is NoticeState.DUE)
    shop.write(lambda c: outbox.give_up(c, notice.id, "550 no such user", hard=True, now=NOON))

    report(shop, notice.id)

    assert hard(shop) == (1, False)


def invited(shop: Shop, number: int) -> UUID:
    """An invitation to somebody who is not registered, one for each number."""
    notice, at = UUID(int=900 + number), NOON + timedelta(days=2 * number)
    address = "nobody@acme.example"
    found = shop.write(
        lambda c: invitations.invite(c, shop.mailbox, address, notice, at, client="192.0.2.1")
    )
    assert found is invitations.Invited.QUEUED
    return notice


def test_a_bounced_invitation_leaves_no_count(shop: Shop) -> None:
    for number in range(2):
        notice = invited(shop, number)
        shop.write(lambda c, notice=notice: outbox.sent(c, [notice], NOON))  # type: ignore[misc]
        assert report(shop, notice).reason is Reason.BOUNCE

    assert hard(shop) is None
    assert [each.state for each in shop.notices("nobody@acme.example")] == [NoticeState.DEAD] * 2


def test_an_invitation_that_the_relay_refuses_counts_against_no_address(shop: Shop) -> None:
    notice = invited(shop, 0)
    shop.write(lambda c: outbox.give_up(c, notice, "550 no such user", hard=True, now=NOON))

    assert hard(shop) is None
    assert [each.state for each in shop.notices("nobody@acme.example")] == [NoticeState.DEAD]
