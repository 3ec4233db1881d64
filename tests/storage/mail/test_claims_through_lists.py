"""Critical claims in replies: of whom the store knows that they were answered and alerted."""

from __future__ import annotations

from datetime import timedelta

from rules.ticket.notices import NoticeKind
from storage.notices import outbox, overview
from tests.rules.building import ANN, BOB, NOON, a_mail
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


def test_a_colleague_who_is_not_on_the_ticket_silences_no_claim_of_the_requester(
    shop: Shop,
) -> None:
    number = opened(shop.take(a_mail(ANN.address)))
    to = shop.token(number, ANN.address)

    def claim(author: str, minutes: int) -> None:
        mail = a_mail(author, subject=f"Re: [#{number}] Printer", text="P1: nobody can log in.")
        shop.take(mail, to, at=NOON + timedelta(minutes=minutes))

    def sent(kind: NoticeKind) -> list[str]:
        listed = shop.database.read(overview.listing)
        return sorted(each.address for each in listed if each.kind == kind)

    claim(BOB.address, 1)
    claim(BOB.address, 2)
    assert sent(NoticeKind.CRITICAL_CHANNEL) == [BOB.address]
    assert len(sent(NoticeKind.ALERT)) == 1

    claim(ANN.address, 3)
    claim(ANN.address, 4)
    claim(BOB.address, 5)
    assert sent(NoticeKind.CRITICAL_CHANNEL) == [ANN.address, BOB.address]
    assert len(sent(NoticeKind.ALERT)) == 2


def test_the_answer_to_a_claim_knows_whether_its_author_is_a_registered_colleague(
    shop: Shop,
) -> None:
    number = opened(shop.take(a_mail(ANN.address)))
    to = shop.token(number, ANN.address)
    for author in (BOB.address, "new@acme.example"):
        mail = a_mail(author, subject=f"Re: [#{number}] Printer", text="P1: nobody can log in.")
        shop.take(mail, to)

    due = shop.write(lambda c: outbox.claim(c, NOON, 50))

    answers = [n for n in due if n.kind is NoticeKind.CRITICAL_CHANNEL]
    assert {n.address: n.about.is_colleague for n in answers if n.about is not None} == {
        BOB.address: True,
        "new@acme.example": False,
    }
