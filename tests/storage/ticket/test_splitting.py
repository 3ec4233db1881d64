"""A ticket is split off: out of a comment, or out of a staff person's text."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from rules.decision.effects import Effects
from rules.decision.reasons import Reason
from rules.identity import FORWARDED, TOKEN_ALONE
from rules.sender.tokens import Purpose
from rules.ticket.changes import PublishComment, Split, WriteComment
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.db.tables import PersonRow, table
from storage.ticket.read import ticket_view
from storage.ticket.views import TicketView
from tests.rules.building import ANN, NOTHING, SAM, a_mail, our_id
from tests.rules.decision.test_on_behalf import forwarded
from tests.storage.shop import Shop, opened


def view_of(shop: Shop, number: int) -> TicketView:
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    return view


def answered(shop: Shop, number: int, text: str, purpose: Purpose = Purpose.REPLY) -> Reason:
    to = shop.token(number, SAM.address, purpose)
    return shop.take(a_mail(SAM.address, text=text), to=to).reason


def test_a_comment_becomes_a_ticket_of_the_same_requester_linked_both_ways(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    shop.take(a_mail(text="The scanner, too.", in_reply_to=(our_id(number),)))
    comment = view_of(shop, number).comments[-1]

    answered(shop, number, f"#split {comment.id}\n\nI have split this off.")

    new = view_of(shop, number + 1)
    assert (new.summary.requester, new.summary.company) == (ANN.address, "Acme")
    assert [(c.author, c.text) for c in new.comments] == [(ANN.address, "The scanner, too.")]
    assert new.details.split_from == number
    assert str(new.history[-1].text) == f"split off from #{number}"
    old = view_of(shop, number)
    assert [str(e.text) for e in old.history] == [f"#{number + 1} was split off"]
    assert [c.visibility for c in old.comments] == [Visibility.PUBLIC] * 3
    sent = [(n.kind, n.address) for n in shop.notices() if n.ticket == number + 1]
    assert sorted(sent) == [
        (NoticeKind.ACKNOWLEDGEMENT, ANN.address),
        (NoticeKind.NEW_TICKET, SAM.address),
    ]


def test_a_text_becomes_a_ticket_and_is_a_note_on_the_old_one(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))

    answered(shop, number, "#split\n\nYour second question: the scanner.")

    new, old = view_of(shop, number + 1), view_of(shop, number)
    assert [c.text for c in new.comments] == ["Your second question: the scanner."]
    assert [c.visibility for c in old.comments] == [Visibility.PUBLIC, Visibility.NOTE]
    sent = {n.kind for n in shop.notices(ANN.address) if n.ticket == number + 1}
    assert sent == {NoticeKind.ACKNOWLEDGEMENT, NoticeKind.COMMENT}
    assert new.summary.severity == old.summary.severity
    assert new.details.split_from == number


def test_what_cannot_be_split_off_is_refused_and_opens_nothing(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    shop.change(number, WriteComment("A secret.", Visibility.NOTE))
    note = view_of(shop, number).comments[-1]

    assert "no public comment" in shop.refusal(number, Split(note.id))
    assert "no public comment" in shop.refusal(number, Split(99))
    assert answered(shop, number, "#split") is Reason.COMMAND_REFUSED
    assert answered(shop, number, "#split\n\nHello", Purpose.NOTE) is Reason.COMMAND_REFUSED
    assert shop.database.read(lambda c: ticket_view(c, number + 1)) is None


def test_a_critical_ticket_gives_off_one_that_is_not(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    shop.set(number, severity="Critical", severity_source="api", critical=True)

    made = shop.change(number, Split(view_of(shop, number).comments[0].id))

    assert isinstance(made, Effects)
    new = shop.ticket(number + 1)
    assert (new.critical, new.severity) == (False, "High")


def test_what_nothing_proves_keeps_its_mark_on_the_new_ticket(shop: Shop) -> None:
    """Whoever has Ann's reply address wrote it, and staff have published it."""
    number = opened(shop.take(a_mail()))
    shop.take(a_mail(text="Close it."), to=shop.token(number, ANN.address), proof=NOTHING)
    comment = view_of(shop, number).comments[-1]
    shop.change(number, PublishComment(comment.id))

    shop.change(number, Split(comment.id))

    (copied,) = view_of(shop, number + 1).comments
    assert (copied.author, copied.proof) == (ANN.address, TOKEN_ALONE)


def test_what_staff_forwarded_keeps_its_mark_as_well(shop: Shop) -> None:
    """Nobody has verified that the customer wrote it."""
    number = opened(shop.take(forwarded()))
    comment, _ = view_of(shop, number).comments

    shop.change(number, Split(comment.id))

    (copied,) = view_of(shop, number + 1).comments
    assert (comment.proof, copied.proof) == (FORWARDED, FORWARDED)


@pytest.mark.parametrize("active", [True, False])
def test_a_comment_of_staff_is_split_off_as_customers_read_it(shop: Shop, active: bool) -> None:
    number = opened(shop.take(a_mail()))
    text = (
        "#severity high they have not paid\n\nWe look into the scanner.\n\n"
        "From: Support <support@help.example>\nSent: Monday, 30 November 2026 09:00\n"
        "To: Sam <sam@help.example>\nSubject: New comment\n\nA note: they are leaving us."
    )
    subject = f"Re: Acme claims Critical: {view_of(shop, number).summary.subject}"
    shop.take(a_mail(SAM.address, text=text, subject=subject), to=shop.token(number, SAM.address))
    answer = view_of(shop, number).comments[-1]
    person = table(PersonRow)
    of_sam = update(person).where(person.c.address == SAM.address)
    shop.write(lambda c: c.execute(of_sam.values(active=active)))

    shop.change(number, Split(answer.id))

    new = view_of(shop, number + 1)
    assert [each.text for each in new.comments] == ["We look into the scanner."]
    assert new.summary.subject == view_of(shop, number).summary.subject
