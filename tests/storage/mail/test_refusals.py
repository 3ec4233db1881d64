"""Refused mail has a row in the journal up to a quota of its network; beyond it, it is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Mail
from rules.people import Role
from storage.db.tables import DeferralRow, JournalRow, RefusalsRow, table
from storage.mail import refusals
from storage.mail.filing import file
from storage.mail.refusals import Refusals
from storage.registry.people import set_person_active
from tests.rules.building import ANN, NOON, NOTHING, a_mail, default_policy
from tests.storage.shop import Shop

EVE = "eve@evil.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def small(shop: Shop) -> Shop:
    """Two journal rows a day for the refused mail of a network."""
    quota = default_policy().quota.model_copy(update={"network_refused": 2})
    return replace(shop, policy=default_policy().model_copy(update={"quota": quota}))


def take(shop: Shop, mail: Mail, peer: str = "192.0.2.1", **terms: Any) -> Receipt:
    envelope_terms = {name: terms.pop(name) for name in ("listed", "strangers") if name in terms}
    entry = shop.entry(mail, **terms)
    envelope = replace(entry.considered.envelope, peer=peer, **envelope_terms)
    entry = replace(entry, considered=replace(entry.considered, envelope=envelope))
    return shop.write(lambda c: file(c, [entry]))[0]


def rows(shop: Shop, row: Any = JournalRow) -> int:
    return shop.database.read(
        lambda c: c.execute(select(func.count()).select_from(table(row))).scalar_one()
    )


def counted(shop: Shop) -> list[Refusals]:
    return list(shop.database.read(lambda c: refusals.counted_since(c, NOON - DAY)))


def test_beyond_its_quota_refused_mail_of_a_network_is_counted_and_answered_as_before(
    small: Shop,
) -> None:
    receipts = [take(small, a_mail(EVE), peer) for peer in ("192.0.2.1", "192.0.2.9") * 3]

    assert rows(small) == 2
    assert [receipt.counted for receipt in receipts] == [0, 0, 1, 2, 3, 4]
    assert len({(r.verdict, r.reason, r.reply, r.is_delayed) for r in receipts}) == 1
    assert counted(small) == [Refusals("192.0.2.0/24", NOON, 2, 4)]


def test_other_networks_and_the_next_day_have_their_rows(small: Shop) -> None:
    for _ in range(3):
        take(small, a_mail(EVE))

    assert take(small, a_mail(EVE), "198.51.100.1").counted == 0
    assert take(small, a_mail(EVE), at=NOON + DAY - timedelta(seconds=1)).counted == 1
    assert take(small, a_mail(EVE), at=NOON + DAY + HOUR).counted == 0


def test_an_ipv6_network_is_counted_as_its_48(small: Shop) -> None:
    for n in range(3):
        take(small, a_mail(EVE), f"2001:db8:7:{n}::1")

    assert [each.network for each in counted(small)] == ["2001:db8:7::/48"]


def test_the_networks_of_a_provider_have_four_times_the_rows_of_one(small: Shop) -> None:
    receipts = [take(small, a_mail(EVE), f"2001:db8:{n}::1") for n in range(20)]

    assert [receipt.counted for receipt in receipts] == [0] * 8 + [*range(1, 13)]
    assert rows(small) == 8
    assert counted(small) == [Refusals("2001:db8::/32", NOON, 8, 12)]
    assert take(small, a_mail(EVE), "2001:db9::1").counted == 0


def test_deferred_and_repeated_mail_is_counted_with_the_refused(small: Shop) -> None:
    dns_fails = replace(NOTHING, temporary=True)
    same = small.entry(a_mail(ANN.address))
    received = []
    for _ in range(2):
        entry = replace(same, journal_id=small.new_id())
        received += small.write(partial(file, entries=[entry]))
    local = "127.0.0.9"
    received += [take(small, a_mail(ANN.address), local, proof=dns_fails) for _ in range(2)]

    assert [(receipt.verdict, receipt.counted) for receipt in received] == [
        (Verdict.OPENED, 0),
        (Verdict.DUPLICATE, 0),
        (Verdict.DEFERRED, 0),
        (Verdict.DEFERRED, 1),
    ]


def test_mail_that_is_only_counted_leaves_no_deferral_either(small: Shop) -> None:
    for n in range(4):
        take(small, a_mail(ANN.address, subject=f"No. {n}"), proof=replace(NOTHING, temporary=True))

    assert rows(small) == rows(small, DeferralRow) == 2


def test_mail_that_is_filed_needs_no_count(small: Shop) -> None:
    for _ in range(3):
        assert take(small, a_mail(ANN.address)).counted == 0

    assert rows(small) == 3
    assert rows(small, RefusalsRow) == 0


@pytest.mark.parametrize("terms", [{"listed": True}, {"peer": ""}])
def test_who_brings_the_mail_of_many_has_ten_times_the_rows(
    small: Shop, terms: dict[str, Any]
) -> None:
    receipts = [take(small, a_mail(EVE), **terms) for _ in range(21)]

    assert [receipt.counted for receipt in receipts] == [0] * 20 + [1]


def test_counts_beyond_the_quota_are_kept_like_the_journal_and_others_for_a_day(
    small: Shop,
) -> None:
    for _ in range(3):
        take(small, a_mail(EVE))
    take(small, a_mail(EVE), "198.51.100.1")

    def forget(after: timedelta) -> int:
        return small.write(lambda c: refusals.forget(c, NOON + after, timedelta(days=90)))

    assert forget(DAY) == 0
    assert forget(2 * DAY) == 1
    assert counted(small)
    assert forget(91 * DAY) == 1
    assert rows(small, RefusalsRow) == 0


def test_a_detail_of_a_deactivated_persons_address_is_looked_up_as_theirs(shop: Shop) -> None:
    gone = partial(
        set_person_active, mailbox=shop.mailbox, role=Role.USER, address=ANN.address, active=False
    )
    shop.write(gone)

    assert shop.take(a_mail("ann+2@acme.example")).reason is Reason.DEACTIVATED
