"""The late mails of a full hour: one summary, and one acknowledgement for several tickets."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.outgoing.compose import Composer
from rules.people import ParticipantKind
from rules.ticket.notices import AcknowledgementPayload, NoticeKind, NoticeState
from storage.notices import more, outbox
from storage.notices.outbox import Claimed, Notice
from tests.gateway.outgoing.notices import read, text_of
from tests.rules.building import ANN, BOB, KEYS, NOON, SAM, a_mail
from tests.storage.shop import Shop, opened

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def claim(shop: Shop, at: datetime) -> Claimed:
    """What is sent by then, as the dispatcher takes it."""
    claimed = shop.write(lambda c: more.complete(c, outbox.claim(c, at, 1000), at))
    for notice in claimed:
        shop.write(lambda c, one=notice: outbox.sent(c, one.id, at))  # type: ignore[misc]
    return claimed


def conversation(shop: Shop, mails: int, author: str = ANN.address) -> int:
    """A ticket of Ann's with Bob on it, and as many comments, one a minute."""
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    for minute in range(1, mails + 1):
        at = NOON + minute * MINUTE
        shop.take(a_mail(author, text=f"word {minute}"), shop.token(number, author), at=at)
    return number


def summary_of(claimed: Claimed, address: str) -> list[Notice]:
    kinds = (NoticeKind.MORE, NoticeKind.STAFF_MORE)
    return [n for n in claimed if n.kind in kinds and n.address == address]


def text(shop: Shop, notice: Notice) -> str:
    return text_of(read(Composer(KEYS, "https://postern.example").write(notice, shop.policy)))


def test_everybody_is_sent_once_what_a_full_hour_withheld(shop: Shop) -> None:
    number = conversation(shop, 24)
    claim(shop, NOON + 30 * MINUTE)

    late = claim(shop, NOON + HOUR + MINUTE)

    (to_bob,) = summary_of(late, BOB.address)
    (to_sam,) = summary_of(late, SAM.address)
    assert (to_bob.ticket, to_bob.more.number) == (number, 4)
    shown = text(shop, to_bob)
    assert "4 comments, since " in shown
    assert [f"word {n}\n" in shown for n in (20, 21, 24)] == [False, True, True]
    assert to_sam.more.number >= 4
    assert "word 24" in text(shop, to_sam)
    assert not summary_of(claim(shop, NOON + 5 * HOUR), BOB.address)


def test_a_customer_is_not_shown_what_only_staff_may_read(shop: Shop) -> None:
    number = conversation(shop, 21)
    stranger = "pat@acme.example"
    shop.set_participant(number, BOB.address, part=ParticipantKind.USER.value)
    at = NOON + 22 * MINUTE
    shop.take(a_mail(stranger, text="a secret"), shop.token(number, ANN.address), at=at)
    shop.take(a_mail(SAM.address, text="a note"), shop.token(number, ANN.address), at=at)

    (summary,) = summary_of(claim(shop, NOON + 2 * HOUR), BOB.address)

    assert [each.text for each in summary.more.latest] == ["word 21"]


def test_somebody_who_writes_like_a_machine_gets_none_and_it_is_said(shop: Shop) -> None:
    number = conversation(shop, 15)
    for minute in range(16, 31):
        at = NOON + minute * MINUTE
        shop.take(a_mail(BOB.address, text=f"b {minute}"), shop.token(number, BOB.address), at=at)
    for minute in range(31, 39):
        at = NOON + minute * MINUTE
        shop.take(a_mail(text=f"a {minute}"), shop.token(number, ANN.address), at=at)

    late = claim(shop, NOON + 2 * HOUR)

    assert not summary_of(late, BOB.address)
    assert (BOB.address, more.LIKE_A_MACHINE) in [(d.address, d.why) for d in late.dropped]


def test_two_more_tickets_within_the_pause_get_one_acknowledgement_after_it(shop: Shop) -> None:
    first, second, third = (
        opened(shop.take(a_mail(subject=f"Matter {n}"), at=NOON + n * MINUTE)) for n in range(3)
    )
    at_once = [n.ticket for n in claim(shop, NOON + 3 * MINUTE) if n.address == ANN.address]

    (late,) = [n for n in claim(shop, NOON + 10 * MINUTE) if n.address == ANN.address]

    assert at_once == [first]
    assert late.ticket == second
    assert late.payload == AcknowledgementPayload(late.payload.questions, (f"#{third}: Matter 2",))  # type: ignore[attr-defined]
    assert f"* #{third}: Matter 2" in text(shop, late)
    waiting = [n for n in shop.notices(ANN.address) if n.state is NoticeState.DUE]
    assert waiting == []


def test_the_receipt_of_a_refused_reply_has_its_text_to_be_sent_again(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    claim(shop, NOON)
    mine = "#stauts open\n\nPlease restart it.\n\n> It does not print."

    shop.take(a_mail(SAM.address, text=mine), shop.token(number, SAM.address), at=NOON + MINUTE)

    (receipt,) = [n for n in claim(shop, NOON + MINUTE) if n.kind is NoticeKind.RECEIPT]
    shown = text(shop, receipt)
    assert receipt.address == SAM.address
    assert "Nothing was done, and nothing was published:" in shown
    assert "kept as a private draft, which your colleagues see" in shown
    assert "#stauts open\n\nPlease restart it." in shown


def test_the_receipt_of_a_reply_to_the_plain_address_says_how_to_publish_it(shop: Shop) -> None:
    number = opened(shop.take(a_mail(message_id="<first@acme.example>")))
    claim(shop, NOON)

    reply = a_mail(SAM.address, text="Restart it.", in_reply_to=("<first@acme.example>",))
    shop.take(reply, at=NOON + MINUTE)

    (receipt,) = [n for n in claim(shop, NOON + MINUTE) if n.kind is NoticeKind.RECEIPT]
    shown = text(shop, receipt)
    assert receipt.comment is not None
    assert f"postern tickets set {number} --publish {receipt.comment.number}" in shown
    assert "Restart it." in shown
