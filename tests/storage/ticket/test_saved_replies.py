"""Saved replies: what may be saved, and what a staff person's mail sends of them."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from rules.decision.effects import ChangeRefused
from rules.decision.reasons import Reason
from rules.sender.tokens import Purpose
from rules.ticket.changes import WriteComment
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.registry import saved_replies
from storage.registry.errors import InvalidValue, NotFound
from storage.ticket.read import ticket_view
from tests.rules.building import NOON, SAM, a_mail
from tests.storage.shop import Shop, opened

TEXT = "Hello {name},\n\nthank you for {ticket}. {company} is important to us.\n\n{me}"


def save(shop: Shop, name: str, text: str, language: str = "") -> None:
    def job(c: Connection) -> None:
        saved_replies.set_reply(c, shop.mailbox, name, language, text, by="sam", now=NOON)

    shop.write(job)


def comments(shop: Shop, number: int) -> list[tuple[str, str]]:
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    return [(each.visibility, each.text) for each in view.comments[1:]]


def answer(shop: Shop, number: int, text: str, purpose: Purpose = Purpose.REPLY) -> Reason:
    to = shop.token(number, SAM.address, purpose)
    return shop.take(a_mail(SAM.address, text=text), to=to).reason


def test_a_saved_reply_goes_before_the_text_with_its_placeholders_filled(shop: Shop) -> None:
    save(shop, "Welcome", TEXT)
    number = opened(shop.take(a_mail()))

    answer(shop, number, "#macro welcome\n\nP.S. It prints.")

    ((visibility, text),) = comments(shop, number)
    assert visibility == Visibility.PUBLIC
    assert text.startswith("Hello ")
    assert f"thank you for #{number}. Acme is important to us." in text
    assert text.endswith("P.S. It prints.")
    assert "{" not in text


def test_the_reply_in_the_requesters_language_comes_first(shop: Shop) -> None:
    save(shop, "hi", "Hello")
    save(shop, "hi", "Guten Tag", "de")
    number = opened(shop.take(a_mail(content_language="de")))

    answer(shop, number, "#vorlage hi")
    shop.change(number, WriteComment("and bye", Visibility.NOTE, "hi"))

    texts = [text for _, text in comments(shop, number)]
    language = shop.ticket(number).language_of(shop.ticket(number).requester)
    greeting = "Guten Tag" if language == "de" else "Hello"
    assert texts == [greeting, f"{greeting}\n\nand bye"]


@pytest.mark.parametrize(("saved", "line"), [("{nmae}!", "#macro odd"), ("", "#macro nothing")])
def test_what_cannot_be_sent_is_a_draft(shop: Shop, saved: str, line: str) -> None:
    if saved:
        with pytest.raises(InvalidValue, match="unknown placeholder"):
            save(shop, "odd", saved)
    number = opened(shop.take(a_mail()))

    assert answer(shop, number, f"{line}\n\nHello") is Reason.COMMAND_REFUSED
    assert [visibility for visibility, _ in comments(shop, number)] == [Visibility.PRIVATE]
    refused = shop.change(number, WriteComment("", Visibility.PUBLIC, "nothing"))
    assert isinstance(refused, ChangeRefused)


def test_macro_alone_lists_the_names_in_a_receipt(shop: Shop) -> None:
    save(shop, "welcome", "Hello")
    save(shop, "bye", "Bye")
    number = opened(shop.take(a_mail()))

    answer(shop, number, "#macro")

    receipts = [n for n in shop.notices() if n.kind == NoticeKind.RECEIPT]
    assert [n.address for n in receipts] == [SAM.address]
    known = shop.database.read(lambda c: saved_replies.list_replies(c, shop.mailbox))
    assert [each.name for each in known] == ["bye", "welcome"]


def test_a_note_with_a_saved_reply_is_a_note(shop: Shop) -> None:
    save(shop, "hi", "Hello")
    number = opened(shop.take(a_mail()))

    answer(shop, number, "#macro hi", Purpose.NOTE)

    assert comments(shop, number) == [(Visibility.NOTE, "Hello")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("two words", "Hello"), ("x", " "), ("x", "#note\nHello"), ("x", "Hello {you}"),
        ("x", "Hello\n\n-- \nSam"), ("x", "y" * 20_001),
    ],
)  # fmt: skip
def test_what_would_not_reach_its_readers_is_not_saved(shop: Shop, name: str, text: str) -> None:
    with pytest.raises(InvalidValue):
        save(shop, name, text)


def test_a_saved_reply_is_replaced_and_removed(shop: Shop) -> None:
    save(shop, "hi", "Hello")
    save(shop, "HI", "Good day")
    known = shop.database.read(lambda c: saved_replies.list_replies(c, shop.mailbox))

    assert [(each.name, each.text) for each in known] == [("hi", "Good day")]
    assert shop.write(lambda c: saved_replies.remove_reply(c, shop.mailbox, "hi")) == 1
    with pytest.raises(NotFound):
        shop.write(lambda c: saved_replies.remove_reply(c, shop.mailbox, "hi"))
