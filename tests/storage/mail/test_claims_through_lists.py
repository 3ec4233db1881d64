"""Critical claims in replies that a list passes on, whose author is not answered."""

from __future__ import annotations

from datetime import timedelta

from rules.ticket.notices import NoticeKind
from storage.notices import overview
from tests.rules.building import ANN, NOON, a_mail
from tests.storage.shop import Shop, opened

LIST = "<ops.acme.example>"


def test_replies_through_a_list_that_claim_to_be_critical_alert_once_an_hour(shop: Shop) -> None:
    number = opened(shop.take(a_mail(ANN.address)))
    claims = a_mail(
        ANN.address, subject=f"Re: [#{number}] Printer", text="P1: nobody can log in.", list_id=LIST
    )
    to = shop.token(number, ANN.address)

    def alerts() -> int:
        listed = shop.database.read(overview.listing)
        return sum(each.kind == NoticeKind.ALERT for each in listed)

    counts = []
    for minutes in (1, 2, 30, 62):
        shop.take(claims, to, at=NOON + timedelta(minutes=minutes))
        counts.append(alerts())

    assert counts == [1, 1, 1, 2]
