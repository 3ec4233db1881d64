"""Tags of a ticket: by command and by request, found again, and in the audit trail."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from rules.decision.effects import ChangeRefused, Effects
from rules.ticket.changes import AddTag, Merge, RemoveTag, Split
from rules.ticket.tags import MOST_TAGS
from storage.ticket import pages, summaries
from storage.ticket.pages import TicketFilter
from storage.ticket.read import ticket_view
from storage.ticket.summaries import newest
from tests.rules.building import NOON, SAM, a_mail
from tests.storage.shop import Shop, opened


def tags_of(shop: Shop, number: int) -> tuple[str, ...]:
    return shop.ticket(number).tags


def listed(shop: Shop, tag: str) -> list[int]:
    wanted = TicketFilter(mailboxes=frozenset({shop.mailbox.id}), tag=tag)
    found = shop.database.read(lambda c: pages.page(c, wanted, None, 9))
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


def test_tickets_with_a_tag_are_found_behind_the_latest(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "LATEST", 2)
    latest_first = [opened(shop.take(a_mail())) for _ in range(5)]
    tagged = [latest_first[n] for n in (0, 3, 4)]
    for number in tagged:
        shop.change(number, AddTag("billing"))
    for hours, number in enumerate(latest_first):
        shop.set(number, updated_at=NOON - timedelta(hours=hours))

    found = [shop.database.read(partial(newest, limit=n, tag="billing")) for n in (1, 2, 9)]

    assert [[t.number for t in each] for each in found] == [tagged[:1], tagged[:2], tagged]


def test_a_merge_carries_the_tags_with_lines_in_the_history(shop: Shop) -> None:
    one, other = opened(shop.take(a_mail())), opened(shop.take(a_mail()))
    shop.change(one, AddTag("billing"), AddTag("refund"), AddTag("sso"))
    shop.change(other, AddTag("sso"))

    done = shop.change(one, Merge(other))

    assert isinstance(done, Effects)
    assert "#2 has the tags billing, refund" in [str(each) for each in done.done]
    assert tags_of(shop, other) == ("billing", "refund", "sso")
    view = shop.database.read(lambda c: ticket_view(c, other))
    assert view is not None
    events = [str(each.text) for each in view.history if each.actor == SAM.address]
    assert events[-2:] == ["tag billing added", "tag refund added"]


def test_a_merge_names_the_tags_for_which_the_other_ticket_has_no_room(shop: Shop) -> None:
    one, other = opened(shop.take(a_mail())), opened(shop.take(a_mail()))
    shop.change(one, AddTag("a"), AddTag("b"))
    shop.change(other, *(AddTag(f"t{n}") for n in range(MOST_TAGS - 1)))

    done = shop.change(one, Merge(other))

    assert isinstance(done, Effects)
    left = "#2 has 20 tags; not carried over from #1: b"
    assert left in [str(each) for each in done.done]
    assert (len(tags_of(shop, other)), "a" in tags_of(shop, other)) == (MOST_TAGS, True)


def test_a_ticket_that_is_split_off_has_no_tags(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    shop.change(number, AddTag("billing"))

    shop.change(number, Split(view.comments[0].id))

    assert (tags_of(shop, number), tags_of(shop, number + 1)) == (("billing",), ())


def test_what_cannot_be_done_is_refused(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    many = shop.change(number, *(AddTag(f"t{n}") for n in range(MOST_TAGS + 1)))

    assert isinstance(many, ChangeRefused)
    assert "20 tags" in str(many.why)
    assert isinstance(shop.change(number, RemoveTag("none")), ChangeRefused)
    assert isinstance(shop.change(number, AddTag("two words")), ChangeRefused)
    assert tags_of(shop, number) == ()
