"""No two mails of a mailbox share an identity, however many nodes file their copies at once."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.people import Role
from rules.sender.authentication import Authentication
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.db.tables import MailIdentityRow, table
from storage.mail.apply import Entry
from storage.mail.filing import file
from storage.registry.people import NewPerson, add_person
from tests.rules.building import (
    ANN,
    BOB,
    NOON,
    NOTHING,
    PROVEN,
    SUPPORT,
    a_mail,
    default_policy,
)
from tests.storage.shop import Shop, new_ids, opened

MAILS = 10
OVER_ALL, OVER_LESS = "a" * 63, "b" * 63
ROUTES = itertools.count(1)


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


def test_a_comment_of_a_machine_with_the_null_reverse_path_is_the_mail_itself(shop: Shop) -> None:
    """Who has the mail may send it so before its author does."""
    machine = NewPerson("monitor@acme.example", "", Role.USER, "Acme", machine=True)
    shop.write(lambda c: add_person(c, shop.mailbox, machine))
    number = opened(shop.take(a_mail(machine.address)))
    token = shop.token(number, machine.address)
    mail = a_mail(machine.address, message_id="<2@client.example>", auto_submitted="auto-generated")
    proof = replace(PROVEN, fingerprints=(OVER_ALL + "1",))
    copies = [shop.entry(mail, token, proof=proof, mail_from=path) for path in ("", "m@x.example")]

    first, second = [taken(shop, entry) for entry in copies]

    assert (first.verdict, second.verdict) == (Verdict.COMMENTED, Verdict.DUPLICATE)
    assert second.reply == first.reply


def test_copies_that_two_nodes_file_at_once_are_one_mail(
    shop: Shop, store_url: str, database: Database
) -> None:
    """The copies share both signatures, which the nodes store in opposite order, or none."""
    together = threading.Barrier(2, timeout=60)
    other_node = Database(store_url, connections=2)
    with closing(other_node), closing(open_ledger(other_node)) as other_ledger:
        other = replace(shop, database=other_node, ledger=other_ledger, new_id=new_ids(10**6))
        pairs = [
            (copy(shop, n, OVER_ALL, OVER_LESS), copy(other, n, OVER_LESS, OVER_ALL))
            for n in range(MAILS // 2)
        ]
        for n in range(MAILS // 2, MAILS):
            message_id = f"<{n}@client.example>"
            routes = (by_another_route(each, message_id=message_id) for each in (shop, other))
            pairs.append((next(routes), next(routes)))

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


def by_another_route(shop: Shop, proof: Authentication = PROVEN, **changes: Any) -> Entry:
    """A copy of one mail; its bytes and its signatures are those of its route."""
    mail = a_mail(sender=changes.pop("sender", ANN.address), message_id="<1@client.example>")
    proof = replace(proof, fingerprints=(f"{next(ROUTES):064x}",))
    values: dict[str, Any] = {"body_digest": "d", "date": NOON} | changes
    return shop.entry(replace(mail, **values), proof=proof)


def test_copies_by_two_routes_are_one_mail(shop: Shop) -> None:
    first, second = taken(shop, by_another_route(shop)), taken(shop, by_another_route(shop))

    assert (first.verdict, second.verdict) == (Verdict.OPENED, Verdict.DUPLICATE)
    assert (second.ticket, second.reply) == (first.ticket, first.reply)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": BOB.address},
        {"date": NOON + timedelta(seconds=1)},
        {"date": None},
        {"body_digest": "another"},
        {"message_id": "<2@client.example>"},
        {"message_id": ""},
    ],
    ids=str,
)
def test_a_mail_that_differs_in_what_identifies_it_is_another(
    shop: Shop, changes: dict[str, Any]
) -> None:
    taken(shop, by_another_route(shop, **dict(changes)))

    assert taken(shop, by_another_route(shop)).verdict is Verdict.OPENED


def test_without_a_date_the_subject_must_agree(shop: Shop) -> None:
    entries = [by_another_route(shop, date=None, subject=each) for each in ("a", "b", "a")]

    verdicts = [taken(shop, entry).verdict for entry in entries]

    assert verdicts == [Verdict.OPENED, Verdict.OPENED, Verdict.DUPLICATE]


def test_a_copy_that_a_stranger_sends_first_does_not_suppress_the_mail(shop: Shop) -> None:
    held = replace(shop, policy=default_policy(unauthenticated="hold"))

    first = taken(shop, by_another_route(held, NOTHING))
    second, third = (taken(shop, by_another_route(held)) for _ in range(2))
    late = taken(shop, by_another_route(held, NOTHING))

    assert [each.verdict for each in (first, second, third, late)] == [
        Verdict.HELD,
        Verdict.OPENED,
        Verdict.DUPLICATE,
        Verdict.HELD,
    ]


@pytest.mark.parametrize("number", [1, 2, 10])
def test_any_number_of_identities_is_one_statement(shop: Shop, number: int) -> None:
    prints = tuple(f"{n:064x}" for n in range(number))
    entry = shop.entry(a_mail(to=(SUPPORT,)), proof=replace(PROVEN, fingerprints=prints))

    assert taken(shop, entry).verdict is Verdict.OPENED
