"""A staff person's mail for a customer, written down: the request, the note, and who reads what."""

from __future__ import annotations

from dataclasses import replace

from rules.mail import Attachment, Body
from storage.ticket import read
from tests.rules.building import a_mail
from tests.rules.decision.test_on_behalf import INNER, forwarded
from tests.storage.shop import Shop, opened

GIL, SAM = "gil@globex.example", "sam@help.example"


def test_a_forwarded_mail_is_the_customers_request_and_the_words_above_a_note(shop: Shop) -> None:
    number = opened(shop.take(forwarded()))

    ticket = shop.database.read(lambda c: read.ticket_view(c, number))
    assert ticket is not None
    assert ticket.summary.requester == GIL
    assert [(c.author, c.visibility, c.text) for c in ticket.comments] == [
        (SAM, "public", "The cooling of rack 5 is broken."),
        (SAM, "note", f"Please take this over.\n\n{INNER.rpartition(chr(10) * 2)[0]}"),
    ]
    assert {m.address: m.part for m in ticket.members} == {GIL: "requester", SAM: "follower"}


def test_files_of_a_mail_that_is_forwarded_with_words_are_with_the_note(shop: Shop) -> None:
    mail = forwarded()
    assert isinstance(mail.body, Body)
    file = Attachment("2", "plan.pdf", "application/pdf", 10, "", inline=False)
    body = Body(mail.body.text, "", False, (file,))

    number = opened(shop.take(replace(mail, body=body)))

    ticket = shop.database.read(lambda c: read.ticket_view(c, number))
    assert ticket is not None
    assert [[a.name for a in c.attachments] for c in ticket.comments] == [[], ["plan.pdf"]]


def test_files_of_a_mail_that_is_forwarded_without_a_word_are_with_the_request(shop: Shop) -> None:
    file = Attachment("2", "plan.pdf", "application/pdf", 10, "", inline=False)

    number = opened(shop.take(replace(forwarded(), body=Body(INNER, "", False, (file,)))))

    ticket = shop.database.read(lambda c: read.ticket_view(c, number))
    assert ticket is not None
    assert [[a.name for a in c.attachments] for c in ticket.comments] == [["plan.pdf"], []]


def test_onbehalf_is_the_whole_of_the_request(shop: Shop) -> None:
    mail = a_mail(SAM, "Heating", f"#onbehalf {GIL}\n\nFrom Gil by phone: the heating is off.")

    number = opened(shop.take(mail))

    ticket = shop.database.read(lambda c: read.ticket_view(c, number))
    assert ticket is not None
    assert ticket.summary.requester == GIL
    assert [c.text for c in ticket.comments] == ["From Gil by phone: the heating is off."]
