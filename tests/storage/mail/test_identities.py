"""No two mails of a mailbox share an identity, however many nodes file their copies at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from rules.decision.model import Verdict
from rules.decision.receipt import Receipt
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.db.tables import MailIdentityRow, table
from storage.mail.apply import Entry
from storage.mail.filing import file
from tests.rules.building import NOTHING, PROVEN, SUPPORT, a_mail, default_policy
from tests.storage.shop import Shop, new_ids

MAILS = 10
OVER_ALL, OVER_LESS = "a" * 63, "b" * 63


def copy(shop: Shop, number: int, *prefixes: str) -> Entry:
    """A copy of a mail with these of its signatures; the bytes of each are different."""
    prints = tuple(f"{prefix}{number}" for prefix in prefixes)
    mail = a_mail(message_id=f"<{number}@client.example>")
    return shop.entry(mail, proof=replace(PROVEN, fingerprints=prints))


def taken(shop: Shop, entry: Entry) -> Receipt:
    def job(connection: Connection) -> Receipt:
        (receipt,) = file(connection, [entry])
        return receipt

    return shop.write(job)


def test_copies_that_share_a_signature_are_one_mail(shop: Shop) -> None:
    entries = [
        copy(shop, 1, OVER_ALL, OVER_LESS),
        copy(shop, 1, OVER_LESS),
        copy(shop, 1, OVER_ALL),
        copy(shop, 2, OVER_ALL),
    ]

    verdicts = [taken(shop, entry).verdict for entry in entries]

    assert verdicts == [Verdict.OPENED, Verdict.DUPLICATE, Verdict.DUPLICATE, Verdict.OPENED]


def test_a_mail_without_signatures_needs_no_further_row(shop: Shop) -> None:
    shop.take(a_mail())

    count = f"SELECT count(*) FROM {table(MailIdentityRow).name}"
    assert shop.database.read(lambda c: c.exec_driver_sql(count).scalar_one()) == 0


def test_an_unproven_copy_does_not_take_the_place_of_the_mail(shop: Shop) -> None:
    held = replace(shop, policy=default_policy(unauthenticated="hold"))
    unproven = held.entry(a_mail(), proof=replace(NOTHING, fingerprints=(OVER_ALL + "1",)))

    first, second = taken(shop, unproven), taken(shop, copy(shop, 1, OVER_ALL))

    assert (first.verdict, second.verdict) == (Verdict.HELD, Verdict.OPENED)


def test_copies_that_two_nodes_file_at_once_are_one_mail(
    shop: Shop, store_url: str, database: Database
) -> None:
    """The copies share one of two signatures, and the nodes store them in opposite order."""
    together = threading.Barrier(2, timeout=60)
    other_node = Database(store_url, connections=2)
    with closing(other_node), closing(open_ledger(other_node)) as other_ledger:
        other = replace(shop, database=other_node, ledger=other_ledger, new_id=new_ids(10**6))
        pairs = [
            (copy(shop, n, OVER_ALL, OVER_LESS), copy(other, n, OVER_LESS, OVER_ALL))
            for n in range(MAILS)
        ]

        def node(which: int) -> list[Receipt]:
            receipts = []
            for pair in pairs:
                together.wait()
                receipts.append(taken((shop, other)[which], pair[which]))
            return receipts

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(node, (0, 1)))

    for one, two in zip(*found, strict=True):
        assert {one.verdict, two.verdict} == {Verdict.OPENED, Verdict.DUPLICATE}
        assert one.reply == two.reply
        assert one.ticket == two.ticket


@pytest.mark.parametrize("number", [1, 2, 10])
def test_any_number_of_identities_is_one_statement(shop: Shop, number: int) -> None:
    prints = tuple(f"{n:064x}" for n in range(number))
    entry = shop.entry(a_mail(to=(SUPPORT,)), proof=replace(PROVEN, fingerprints=prints))

    assert taken(shop, entry).verdict is Verdict.OPENED
