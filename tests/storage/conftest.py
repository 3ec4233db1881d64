"""A store with enrolled people, and a ledger to write to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest

from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.registry import companies, mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from tests.filled import filled
from tests.rules.building import NOON
from tests.storage.shop import Shop

T = TypeVar("T")
Write = Callable[[Callable[[Connection], T]], T]


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    opened = open_ledger(database)
    yield opened
    opened.close()


@pytest.fixture
def mailbox(database: Database, ledger: Ledger) -> Mailbox:
    """support@help.example with Acme (Ann and Bob), Globex (Gil), and Sam of the staff."""
    return ledger.submit(partial(filled, fill=_enrol)).result()


def _enrol(connection: Connection) -> Mailbox:
    signing_keys.add_key(connection, b"k" * 32, NOON)
    mailboxes.add_mailbox(connection, "support@help.example", "default")
    made = mailboxes.mailbox_named(connection, None)
    companies.add_company(connection, made, "Acme", ["acme.example"])
    companies.add_company(connection, made, "Globex", ["globex.example"])
    for person in (
        NewPerson("ann@acme.example", "Ann", Role.USER, "Acme"),
        NewPerson("bob@acme.example", "Bob", Role.USER, "Acme"),
        NewPerson("gil@globex.example", "Gil", Role.USER, "Globex"),
        NewPerson("sam@help.example", "Sam", Role.STAFF, None),
    ):
        people.add_person(connection, made, person)
    return made


@pytest.fixture
def shop(database: Database, ledger: Ledger, mailbox: Mailbox) -> Shop:
    return Shop(database, ledger, mailbox)
