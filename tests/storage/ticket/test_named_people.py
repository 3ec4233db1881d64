"""People who join from To or Cc: the history names who brought them, and the mail."""

from __future__ import annotations

from uuid import UUID

from rules.decision.reasons import Verdict
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import SetStatus, Source
from rules.ticket.lifecycle import Status
from storage.ticket.read import ticket_view
from tests.rules.building import ANN, BOB, a_mail, our_id
from tests.storage.shop import Shop, opened

Line = tuple[str, str, str, str, UUID | None]


def joined(shop: Shop, number: int) -> list[Line]:
    """Who joined, as what, brought by whom, through which door and by which mail."""
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    return [
        (each.subject, each.became, each.actor, each.source, each.journal_id)
        for each in view.history
        if each.event is AuditEvent.PERSON_ADDED
    ]


def test_the_history_names_who_joined_and_the_mail_that_named_them(shop: Shop) -> None:
    opening = shop.take(a_mail(cc=(BOB.address,)))
    number = opened(opening)
    reply = a_mail(cc=("pat@partner.example",), in_reply_to=(our_id(number),))

    commented = shop.take(reply)

    assert joined(shop, number) == [
        (BOB.address, "active", ANN.address, Source.MAIL, opening.journal_id),
        ("pat@partner.example", "pending", ANN.address, Source.MAIL, commented.journal_id),
    ]


def test_who_comes_along_to_a_follow_up_was_brought_by_nobody(shop: Shop) -> None:
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    shop.change(number, SetStatus(Status.CLOSED))

    reply = shop.take(a_mail(cc=("pat@partner.example",), in_reply_to=(our_id(number),)))

    assert reply.verdict is Verdict.OPENED
    assert reply.ticket is not None
    assert [each[0] for each in joined(shop, reply.ticket)] == ["pat@partner.example"]
