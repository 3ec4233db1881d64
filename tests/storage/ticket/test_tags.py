"""Tags of a ticket: by command and by request, found again, and in the audit trail."""

from __future__ import annotations

from rules.decision.effects import ChangeRefused
from rules.ticket.changes import AddTag, RemoveTag
from rules.ticket.tags import MOST_TAGS
from storage.ticket import lists
from storage.ticket.lists import All
from storage.ticket.read import newest, ticket_view
from tests.rules.building import SAM, a_mail
from tests.storage.shop import Shop, opened


def tags_of(shop: Shop, number: int) -> tuple[str, ...]:
    return shop.ticket(number).tags


def listed(shop: Shop, tag: str) -> list[int]:
    found = shop.database.read(
        lambda c: lists.page(c, shop.mailbox, All(), status=None, limit=9, before=None, tag=tag)
    )
    everywhere = shop.database.read(lambda c: newest(c, 9, tag=tag))
    assert [t.number for t in everywhere] == [t.number for t in found.tickets]
    return [t.number for t in found.tickets]


def test_tags_are_given_found_and_taken(shop: Shop) -> None:
    one, other = opened(shop.take(a_mail())), opened(shop.take(a_mail()))

    shop.change(one, AddTag("Billing"), AddTag("#refund"), AddTag("billing"))
    shop.change(other, AddTag("refund"))
    shop.change(one, RemoveTag("REFUND"))

    assert (tags_of(shop, one), tags_of(shop, other)) == (("billing",), ("refund",))
    assert (listed(shop, "billing"), listed(shop, "refund")) == ([one], [other])
    view = shop.database.read(lambda c: ticket_view(c, one))
    assert view is not None
    assert view.summary.tags == ("billing",)
    events = [str(each.text) for each in view.history if each.actor == SAM.address]
    assert events == ["tag billing added", "tag refund added", "tag refund removed"]


def test_what_cannot_be_done_is_refused(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    many = shop.change(number, *(AddTag(f"t{n}") for n in range(MOST_TAGS + 1)))

    assert isinstance(many, ChangeRefused)
    assert "20 tags" in str(many.why)
    assert isinstance(shop.change(number, RemoveTag("none")), ChangeRefused)
    assert isinstance(shop.change(number, AddTag("two words")), ChangeRefused)
    assert tags_of(shop, number) == ()
