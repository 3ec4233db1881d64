"""Nobody can use up what others need to be heard: notices about a ticket, and calm in a storm."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.decision.reasons import Reason, Verdict
from rules.ticket.changes import WriteComment
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.notices.outbox import give_up
from tests.rules.building import ANN, BOB, NOON, SAM, a_mail, unproven
from tests.storage.shop import Shop, opened

EVE = "eve@mallory.example"
DOUBLING_S = (0, 10, *range(130, 135), *range(250, 262))
"""Two mails, five and twelve, in three windows: a storm."""


def forged(shop: Shop, ticket: int, second: int) -> None:
    """Of somebody who has Ann's reply address, and writes in her name."""
    mail = a_mail(message_id=f"<forged-{second}@robot.example>", text="Never mind.")
    token, at = shop.token(ticket, ANN.address), NOON + timedelta(seconds=second)
    assert shop.take(mail, to=token, at=at, proof=unproven()).verdict is Verdict.FLAGGED


def told(shop: Shop, address: str, kind: NoticeKind, since: datetime) -> int:
    notices = shop.notices(address)
    return sum(n.kind == kind.value and n.created_at >= since for n in notices)


def test_mails_in_anns_name_do_not_mute_ann(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    for second in DOUBLING_S:
        forged(shop, number, second)

    later = NOON + timedelta(minutes=5)
    mail = a_mail(message_id="<2@client.example>", text="The fire is real.")
    assert shop.take(mail, to=shop.token(number, ANN.address), at=later).verdict is (
        Verdict.COMMENTED
    )

    assert told(shop, SAM.address, NoticeKind.NEW_COMMENT, later) == 1


def test_receipts_of_mails_in_anns_name_leave_her_the_answer_of_staff(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    for n in range(30):
        forged(shop, number, n)

    shop.change(number, WriteComment("It is mended.", Visibility.PUBLIC))

    assert told(shop, ANN.address, NoticeKind.COMMENT, NOON) == 1


def test_an_alert_that_did_not_arrive_leaves_room_for_that_of_the_next_claim(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    token = shop.token(number, ANN.address)

    def claim(minute: int) -> int:
        at = NOON + timedelta(minutes=minute)
        shop.take(a_mail(text=f"This is critical! {minute}"), to=token, at=at)
        return told(shop, SAM.address, NoticeKind.ALERT, at)

    assert [claim(1), claim(10)] == [1, 0]
    (alert,) = (n.id for n in shop.notices(SAM.address) if n.kind == NoticeKind.ALERT)
    shop.write(lambda c: give_up(c, alert, "550 no such user", hard=False, now=NOON))

    assert [claim(20), claim(30)] == [1, 0]


@pytest.mark.parametrize("author", [BOB.address, EVE])
def test_flagged_mails_leave_staff_the_notice_of_anns(shop: Shop, author: str) -> None:
    number = opened(shop.take(a_mail()))
    for n in range(30):
        mail = a_mail(author, message_id=f"<{n}@robot.example>")
        at = NOON + timedelta(seconds=n)
        receipt = shop.take(mail, to=shop.token(number, ANN.address), at=at)
        assert receipt.verdict is Verdict.FLAGGED

    later = NOON + timedelta(minutes=1)
    mail = a_mail(message_id="<2@client.example>", text="The fire is real.")
    shop.take(mail, to=shop.token(number, ANN.address), at=later)

    assert told(shop, SAM.address, NoticeKind.NEW_COMMENT, later) == 1


def test_comments_of_one_customer_leave_the_others_the_answer_of_staff(shop: Shop) -> None:
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    for n in range(30):
        mail = a_mail(BOB.address, message_id=f"<{n}@robot.example>", text=f"Line {n}.")
        at = NOON + timedelta(seconds=n)
        receipt = shop.take(mail, to=shop.token(number, BOB.address), at=at)
        assert receipt.verdict is Verdict.COMMENTED
    before = told(shop, ANN.address, NoticeKind.COMMENT, NOON)

    shop.change(number, WriteComment("It is mended.", Visibility.PUBLIC))

    assert told(shop, ANN.address, NoticeKind.COMMENT, NOON) == before + 1


def test_strangers_of_whom_each_makes_a_storm_leave_staff_the_notice_of_anns(shop: Shop) -> None:
    """A reply address that was passed on is enough: each author has a storm, and so an alert."""
    number = opened(shop.take(a_mail()))
    to = shop.token(number, ANN.address)
    for stranger in range(11):
        for second in (0, 10, *range(130, 134), *range(250, 258)):
            author = f"eve{stranger}@mallory.example"
            mail = a_mail(author, message_id=f"<{stranger}-{second}@robot.example>")
            receipt = shop.take(mail, to=to, at=NOON + timedelta(seconds=second))
            assert receipt.verdict is Verdict.FLAGGED

    later = NOON + timedelta(minutes=5)
    mail = a_mail(message_id="<2@client.example>", text="The fire is real.")
    shop.take(mail, to=to, at=later)

    assert told(shop, SAM.address, NoticeKind.NEW_COMMENT, later) == 1


def test_comments_of_a_customer_leave_staff_the_receipt_of_what_was_not_done(shop: Shop) -> None:
    """A mail of commands alone is no news for colleagues: nobody else would know."""
    number = opened(shop.take(a_mail()))
    shop.change(number, WriteComment("We look into it.", Visibility.PUBLIC))
    for n in range(30):
        at = NOON + timedelta(seconds=20 * n)
        mail = a_mail(message_id=f"<{n}@client.example>", text=f"Line {n}.")
        shop.take(mail, to=shop.token(number, ANN.address), at=at)

    later = NOON + timedelta(minutes=11)
    refused = a_mail(SAM.address, text="#explode")
    receipt = shop.take(refused, to=shop.token(number, SAM.address), at=later)

    assert receipt.reason is Reason.COMMAND_REFUSED
    assert told(shop, SAM.address, NoticeKind.RECEIPT, later) == 1
