"""Snoozed tickets wake once: at their time, or with a customer's reply."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from rules.decision.effects import ChangeRefused, Effects
from rules.people import Role
from rules.ticket.changes import Assign, Merge, SetStatus, Snooze, WriteComment
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.notices.suppression import record_hard_failure
from storage.registry import people
from storage.registry.people import NewPerson
from storage.ticket import snoozed
from storage.ticket.read import ticket_view
from tests.rules.building import NOON, SAM, a_mail, our_id
from tests.storage.shop import Shop, opened


def history(shop: Shop, number: int) -> list[str]:
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    return [str(each.text) for each in view.history]


def woken(shop: Shop, at: datetime) -> int:
    def job(connection: Connection) -> int:
        found = snoozed.due(connection, at, 10)
        known = {"default": shop.policy}
        return sum(snoozed.wake(connection, t, known, at, shop.new_id) for t in found)

    return shop.write(job)


def test_a_ticket_wakes_once_and_its_assignee_is_notified(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    shop.change(number, SetStatus(Status.PENDING), Assign("sam"), Snooze("3d"))
    until = shop.ticket(number).snooze_until

    assert until is not None
    assert woken(shop, until - timedelta(seconds=1)) == 0
    assert woken(shop, until) == 1
    assert woken(shop, until + timedelta(days=1)) == 0
    assert shop.ticket(number).snooze_until is None
    assert shop.ticket(number).status is Status.PENDING
    sent = [n.address for n in shop.notices() if n.kind == NoticeKind.SNOOZE_OVER]
    assert sent == [SAM.address]
    assert history(shop, number)[-2:] == [
        f"snoozed until {until:%Y-%m-%d %H:%M} UTC",
        f"snooze until {until:%Y-%m-%d %H:%M} UTC ended",
    ]


def test_an_assignee_whose_mail_bounces_is_passed_over(shop: Shop) -> None:
    """Else a ticket that was set aside comes back before nobody's eyes."""
    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))
    number = opened(shop.take(a_mail()))
    shop.change(number, Assign("sam"), Snooze("3d"))
    for _ in range(2):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, SAM.address, "unknown", NOON))

    woken(shop, NOON + timedelta(days=4))

    sent = [n.address for n in shop.notices() if n.kind == NoticeKind.SNOOZE_OVER]
    assert sent == [tom.address]


def test_a_customers_reply_ends_it(shop: Shop) -> None:
    by_mail, by_portal = opened(shop.take(a_mail())), opened(shop.take(a_mail()))
    for number in (by_mail, by_portal):
        shop.change(number, Snooze("monday"))

    shop.take(a_mail(text="Any news?", in_reply_to=(our_id(by_mail),)))
    answer = WriteComment("Any news?", Visibility.PUBLIC)
    shop.change(by_portal, answer, by_staff=False)

    assert shop.ticket(by_mail).snooze_until is None
    assert shop.ticket(by_portal).snooze_until is None
    assert woken(shop, NOON + timedelta(days=30)) == 0


def test_an_answer_of_staff_does_not_end_it_but_the_end_of_the_ticket_does(shop: Shop) -> None:
    number, other = opened(shop.take(a_mail())), opened(shop.take(a_mail()))
    shop.change(number, Snooze("2w"), WriteComment("We wait.", Visibility.PUBLIC))
    assert shop.ticket(number).snooze_until is not None

    shop.change(number, SetStatus(Status.RESOLVED))
    shop.change(other, Snooze("2w"))
    shop.change(opened(shop.take(a_mail())), Merge(other))
    shop.change(other, Snooze("off"))

    assert shop.ticket(number).snooze_until is None
    assert shop.ticket(other).snooze_until is None


def test_what_cannot_be_snoozed_is_refused(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    for until in ("2020-01-01", "2099-01-01", "9999w", "soon", ""):
        assert isinstance(shop.change(number, Snooze(until)), ChangeRefused)
    shop.change(number, SetStatus(Status.CLOSED))
    assert isinstance(shop.change(number, Snooze("3d")), ChangeRefused)
    assert isinstance(shop.change(number, Snooze("off")), Effects)
