"""The search for words: what it finds, and that it is written with the comment."""

from __future__ import annotations

import pytest

from rules.mail import Mailbox
from rules.ticket.changes import WriteComment
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.registry import mailboxes
from storage.ticket import search
from storage.ticket.change import change_ticket
from tests.rules.building import ANN, a_mail
from tests.storage.shop import Shop


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """A desk with two tickets, and a note on the second."""
    burning = "The PRINTER (blue-7) burns. Größe?"
    shop.take(a_mail(ANN.address, subject="Fire in hall 7", text=burning))
    shop.take(a_mail(ANN.address, subject="Paper", text="Write to bob@acme.example, please."))
    shop.change(2, WriteComment("Her contract ends in May.", Visibility.NOTE))
    return shop


def found(desk: Shop, written: str, mailbox: Mailbox | None = None) -> list[int]:
    here = (mailbox or desk.mailbox).id
    words = search.words_of(written)
    return list(desk.database.read(lambda c: search.tickets_with(c, {here}, words)).tickets)


def test_words_of_subjects_texts_and_notes_are_found_in_any_case_and_order(desk: Shop) -> None:
    for written in ("printer", "burns fire", "blue 7", "größe", "Blue-7 (HALL)"):
        assert found(desk, written) == [1], written
    for written in ("contract", "bob acme", "paper may", "BOB@acme.example"):
        assert found(desk, written) == [2], written


def test_all_words_must_be_there_and_a_star_continues_one(desk: Shop) -> None:
    assert found(desk, "printer paper") == []
    assert found(desk, "print") == []
    assert found(desk, "print*") == [1]
    assert found(desk, "p*") == []


def test_a_beginning_of_many_words_finds_each_of_them(
    desk: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = ("p*", "P*"), 3  # printer, paper, please
    monkeypatch.setattr(search, "SHORTEST_BEGINNING", 1)
    for limit in (many, many - 1):
        monkeypatch.setattr(search, "SPELLED_OUT", limit)
        assert [found(desk, each) for each in few] == [[1, 2]] * 2
        assert found(desk, "p* burns fi*") == [1]
        assert found(desk, "GRÖ*") == found(desk, "größ* p*") == [1]
        assert found(desk, "pap* contract") == [2]
        assert found(desk, "zz*") == found(desk, "p* zz*") == []


def test_nobody_finds_a_reply_address_letter_by_letter(shop: Shop) -> None:
    sealed = "ae" * 18
    shop.take(a_mail(ANN.address, text=f"To support+{sealed}@help.example"))
    ends = [begin + "x*" for begin in (sealed[:12], sealed[:20], sealed[:35])]

    assert found(shop, sealed) == [1]
    assert [found(shop, end) for end in ends] == [[1]] * 3


def test_no_sign_of_a_query_is_one(desk: Shop) -> None:
    for written in ("", "()", '"', "printer OR", "NOT | !", "a'b:*", "words:printer", "-- ;", "*"):
        assert found(desk, written) == [], written
    assert found(desk, '"printer" & !') == [1]


def test_another_mailbox_has_none_of_it(desk: Shop) -> None:
    desk.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    sales = desk.write(lambda c: mailboxes.mailbox_named(c, "sales@help.example"))

    assert found(desk, "printer", sales) == []


class Undone(Exception):
    """Ends a transaction without a commit."""


def test_a_comment_that_is_rolled_back_is_not_found(desk: Shop) -> None:
    def job(connection: Connection) -> None:
        note = WriteComment("Unwritten.", Visibility.NOTE)
        change_ticket(connection, desk.context(), 2, [note], desk.policy, by_staff=True)
        raise Undone

    with pytest.raises(Undone):
        desk.write(job)

    assert found(desk, "unwritten") == []
