"""A mailbox of whose staff nobody gets mail: an administrator of the console hears of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import insert

from rules.mail.bounces import HARD_BOUNCES
from rules.people import Role
from rules.service.console_roles import ConsoleRole
from rules.service.digests import WITHOUT_STAFF
from rules.ticket.notices import NoticeKind
from storage.db.tables import MailboxRow, table
from storage.desk import digests
from storage.notices import outbox
from storage.notices.suppression import record_hard_failure
from storage.registry import console_users, lookup, people
from storage.registry.people import NewPerson
from tests.rules.building import ANN, NOON, SAM, a_mail, policy_with
from tests.storage.desk.test_digests import send_everything
from tests.storage.shop import Shop, opened

_mailbox = table(MailboxRow)
ADA, OTTO = "ada@admin.example", "otto@admin.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def invite(shop: Shop, address: str, role: ConsoleRole = ConsoleRole.ADMIN) -> None:
    shop.write(lambda c: console_users.invite(c, address, role, NOON))


def suspend(shop: Shop, address: str) -> None:
    for _ in range(HARD_BOUNCES):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, address, "gone", NOON))


def deactivate(shop: Shop, address: str = SAM.address) -> None:
    shop.write(
        lambda c: people.set_person_active(c, shop.mailbox, Role.STAFF, address, active=False)
    )


def ordered(shop: Shop, at: datetime = NOON) -> int | None:
    return shop.write(lambda c: digests.order_digest(c, shop.mailbox, shop.policy, at, shop.new_id))


def notified(shop: Shop) -> list[str]:
    return sorted(each.address for each in shop.notices() if each.kind == NoticeKind.EMPTY_DESK)


def test_administrators_hear_once_a_day_that_mail_reaches_nobody_of_the_staff(shop: Shop) -> None:
    invite(shop, ADA)
    invite(shop, OTTO, ConsoleRole.OPERATOR)
    suspend(shop, SAM.address)
    shop.take(a_mail("new@acme.example"))

    heard = []
    for at in (NOON, NOON + HOUR, NOON + WITHOUT_STAFF - HOUR, NOON + WITHOUT_STAFF):
        assert ordered(shop, at) is None
        heard.append(notified(shop))

    assert heard == [[ADA], [ADA], [ADA], [ADA, ADA]]


def test_so_they_do_of_a_ticket_at_a_mailbox_that_has_no_staff(shop: Shop) -> None:
    invite(shop, ADA)
    deactivate(shop)
    number = opened(shop.take(a_mail(ANN.address)))

    assert ordered(shop) is None
    send_everything(shop)
    shop.set(number, status="closed")
    assert ordered(shop, NOON + DAY) == 0

    assert notified(shop) == [ADA]


def test_somebody_registered_meanwhile_hears_of_the_next_held_mail_at_once(shop: Shop) -> None:
    deactivate(shop)
    opened(shop.take(a_mail(ANN.address)))
    assert ordered(shop) is None

    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))
    shop.take(a_mail("new@acme.example"))

    assert shop.database.read(lambda c: digests.may_be_ordered(c, shop.mailbox, NOON))
    assert ordered(shop) == 1


def test_so_they_do_of_a_mail_that_was_held_before_they_were_registered(shop: Shop) -> None:
    deactivate(shop)
    shop.take(a_mail("new@acme.example"))
    assert ordered(shop) is None

    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))

    assert shop.database.read(lambda c: digests.may_be_ordered(c, shop.mailbox, NOON))
    assert ordered(shop) == 1


def test_the_log_has_it_once_an_hour(shop: Shop) -> None:
    deactivate(shop)
    opened(shop.take(a_mail(ANN.address)))

    assert [ordered(shop, NOON + n * HOUR / 2) for n in range(4)] == [None, 0, None, 0]


def test_of_two_nodes_at_once_one_notifies_the_administrators(shop: Shop) -> None:
    invite(shop, ADA)
    deactivate(shop)
    opened(shop.take(a_mail(ANN.address)))
    both = threading.Barrier(2)

    def on_a_node() -> int | None:
        both.wait()
        return ordered(shop)

    with ThreadPoolExecutor(2) as nodes:
        running = [nodes.submit(on_a_node) for _ in range(2)]
        outcomes = {each.result() for each in running}

    assert (outcomes, notified(shop)) == ({None, 0}, [ADA])


def test_they_do_not_while_somebody_gets_mail_nothing_waits_or_nobody_is_to_be_notified(
    shop: Shop,
) -> None:
    invite(shop, ADA)
    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))
    suspend(shop, SAM.address)
    opened(shop.take(a_mail(ANN.address)))
    assert ordered(shop) == 0

    suspend(shop, tom.address)
    shop.policy = policy_with("staff", notify="none")
    assert ordered(shop) == 0

    assert notified(shop) == []


def test_one_whose_own_address_is_suspended_there_or_is_a_mailbox_is_passed_over(
    shop: Shop,
) -> None:
    for address in (ADA, OTTO, shop.mailbox.address):
        invite(shop, address)
    suspend(shop, ADA)
    deactivate(shop)
    opened(shop.take(a_mail(ANN.address)))

    assert ordered(shop) is None

    assert notified(shop) == [OTTO]


def test_one_whose_account_as_staff_is_closed_is_sent_it(shop: Shop) -> None:
    """They may have closed it themselves, as the last one."""
    invite(shop, SAM.address)
    deactivate(shop)
    opened(shop.take(a_mail(ANN.address)))
    ordered(shop)

    claimed = shop.write(lambda c: outbox.claim(c, NOON, 10))

    assert SAM.address in {each.address for each in claimed}


def test_mailboxes_of_whose_staff_somebody_gets_mail_are_found_at_once(shop: Shop) -> None:
    here = shop.mailbox.id
    before = shop.database.read(lambda c: lookup.with_reachable_staff(c, [here, 99]))
    suspend(shop, SAM.address)
    after = shop.database.read(lambda c: lookup.with_reachable_staff(c, [here, 99]))

    assert [before, after] == [frozenset({here}), frozenset()]


def test_so_are_the_staff_whom_mail_reaches(shop: Shop) -> None:
    """Without those whose address bounces or is a mailbox of ours."""
    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))

    def reached() -> tuple[list[str], bool]:
        found = shop.database.read(lambda c: lookup.reachable_staff(c, shop.mailbox))
        here = shop.database.read(lambda c: lookup.with_reachable_staff(c, [shop.mailbox.id]))
        return [each.address for each in found], here == {shop.mailbox.id}

    assert reached() == ([SAM.address, tom.address], True)
    suspend(shop, SAM.address)
    assert reached() == ([tom.address], True)
    is_served = insert(_mailbox).values(address=tom.address, policy="default")
    shop.write(lambda c: c.execute(is_served))
    assert reached() == ([], False)
