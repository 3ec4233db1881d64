"""Of which tickets an address was notified as a contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.decision.model import Bounced
from rules.decision.reasons import Reason, Verdict
from rules.mail.bounces import Failure
from rules.sender.authentication import SignedScope
from rules.ticket.notices import NoticeKind
from storage.db.database import Connection
from storage.mail.contacts import notified_of
from storage.notices import outbox, overview, suppression
from storage.notices.overview import NoticeFilter
from tests.rules.building import ANN, BOB, GIL, NOON, PROVEN, SAM, a_mail
from tests.storage.notices.test_more import order_directly
from tests.storage.shop import Shop, opened

LATER, SECOND = NOON + timedelta(hours=1), timedelta(seconds=1)
DIRECTOR = "director@directors.example"


def of_which(shop: Shop, address: str, *tickets: int, until: datetime = LATER) -> frozenset[int]:
    mailbox = shop.mailbox.id
    return shop.database.read(lambda c: notified_of(c, mailbox, address, tickets, until)())


def test_a_contact_was_notified_of_the_tickets_whose_mails_were_sent(shop: Shop) -> None:
    first, second, third = (opened(shop.take(a_mail())) for _ in range(3))
    order_directly(shop, first, NoticeKind.ESCALATION, DIRECTOR, state="sent")
    order_directly(shop, first, NoticeKind.ALERT, DIRECTOR, state="sent")
    order_directly(shop, second, NoticeKind.ESCALATION, DIRECTOR, state="dead")

    assert of_which(shop, DIRECTOR, first, second, third) == {first}
    assert of_which(shop, DIRECTOR, second, third) == set()
    assert of_which(shop, "eve@directors.example", first) == set()
    assert of_which(shop, DIRECTOR) == set()
    assert of_which(shop, DIRECTOR, first, until=NOON - SECOND) == set()


def test_a_contact_whose_notice_bounced_after_it_was_sent_may_answer_it(shop: Shop) -> None:
    """One of the addresses to which they forward it may have refused it."""
    number = opened(shop.take(a_mail()))
    order_directly(shop, number, NoticeKind.ALERT, DIRECTOR)
    (notice,) = shop.database.read(lambda c: overview.listing(c, NoticeFilter(address=DIRECTOR)))
    bounced = Bounced(notice.id, DIRECTOR, Failure.HARD, "550 5.1.1", suspends=False)

    def send_and_bounce(connection: Connection) -> None:
        outbox.sent(connection, [notice.id], NOON)
        suppression.record_bounce(connection, shop.context(), bounced)

    shop.write(send_and_bounce)

    assert of_which(shop, DIRECTOR, number) == {number}


def test_only_the_kinds_for_contacts_count(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    for kind in NoticeKind:
        order_directly(shop, number, kind, f"{kind}@directors.example", state="sent")

    contacts = [k for k in NoticeKind if of_which(shop, f"{k}@directors.example", number)]

    assert contacts == [kind for kind in NoticeKind if kind.traits.to_contacts]


@pytest.mark.parametrize("contact", [DIRECTOR, GIL.address, BOB.address])
def test_a_contact_answers_by_the_tag_alone_whatever_company_they_are_of(
    shop: Shop, contact: str
) -> None:
    number, other = opened(shop.take(a_mail())), opened(shop.take(a_mail()))
    order_directly(shop, number, NoticeKind.ESCALATION, contact, state="sent")

    answer = shop.take(a_mail(contact, subject=f"Re: [#{number}] is escalated"), at=LATER)
    elsewhere = shop.take(a_mail(contact, subject=f"Re: [#{other}] is escalated"), at=LATER)

    assert (answer.verdict, answer.reason) == (Verdict.FLAGGED, Reason.OUTSIDE_CONTACT)
    assert answer.ticket == number
    assert elsewhere.ticket != other


def test_what_a_contact_wrote_to_somebody_else_is_held(shop: Shop) -> None:
    """Nobody of their domain is registered. Whoever got the mail can send it to us."""
    number = opened(shop.take(a_mail()))
    order_directly(shop, number, NoticeKind.ESCALATION, DIRECTOR, state="sent")
    written = a_mail(DIRECTOR, subject=f"Re: [#{number}] is escalated", to=("eve@evil.example",))
    scope = SignedScope("f" * 64, ("from", "to", "subject", "date", "message-id"))
    signed = replace(PROVEN, by="dkim:directors.example", signed_scope=scope)

    held = shop.take(written, at=LATER, proof=signed)

    assert (held.verdict, held.reason) == (Verdict.HELD, Reason.NOT_ADDRESSED)


def test_a_contact_answers_the_receipt_about_the_follow_up(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    order_directly(shop, number, NoticeKind.RECEIPT, GIL.address, state="sent")

    answer = shop.take(a_mail(GIL.address, subject=f"Re: [#{number}] Your reply"), at=LATER)

    assert (answer.reason, answer.ticket) == (Reason.OUTSIDE_CONTACT, number)


@pytest.mark.parametrize("author", [ANN.address, SAM.address])
def test_people_on_the_ticket_and_staff_are_not_asked_for(shop: Shop, author: str) -> None:
    number = opened(shop.take(a_mail()))
    order_directly(shop, number, NoticeKind.ALERT, author, state="sent")

    assert shop.known_of(a_mail(author, subject=f"[#{number}]"), at=LATER).notified_of == set()
