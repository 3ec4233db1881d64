"""Users and staff: what is registered, and how an error is named."""

from __future__ import annotations

from functools import partial

import pytest

from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.registry.errors import AlreadyExists, ImportRefused, InvalidValue, NotFound
from storage.registry.people import (
    NewPerson,
    add_person,
    import_people,
    list_people,
    set_person_active,
)


def user(address: str, company: str = "Acme") -> NewPerson:
    return NewPerson(address, "", Role.USER, company)


def test_an_address_has_one_spelling(database: Database, ledger: Ledger, mailbox: Mailbox) -> None:
    ledger.submit(lambda c: add_person(c, mailbox, user("Eva@ACME.Example"))).result()

    found = database.read(lambda c: list_people(c, mailbox, Role.USER))

    assert "eva@acme.example" in [person.address for person in found]


def test_nobody_is_registered_twice(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(AlreadyExists, match="ann@acme.example"):
        ledger.submit(lambda c: add_person(c, mailbox, user("ANN@acme.example"))).result()


def test_an_unknown_company_is_named_with_those_that_exist(
    ledger: Ledger, mailbox: Mailbox
) -> None:
    with pytest.raises(NotFound, match="'Acne'.*Acme, Globex"):
        ledger.submit(lambda c: add_person(c, mailbox, user("x@acme.example", "Acne"))).result()


def test_an_address_whose_mail_comes_to_us_cannot_be_a_user(
    ledger: Ledger, mailbox: Mailbox
) -> None:
    name, _, domain = mailbox.address.partition("@")
    for address in (mailbox.address, f"{name}+x@{domain}", f"postmaster@{domain}"):
        with pytest.raises(InvalidValue, match="loop"):
            ledger.submit(partial(add_person, mailbox=mailbox, person=user(address))).result()


def test_an_import_names_every_bad_line_and_changes_nothing(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    rows = [
        (2, user("new@acme.example")),
        (3, user("ann@acme.example")),
        (4, user("x@y.example", "?")),
    ]

    with pytest.raises(ImportRefused) as refused:
        ledger.submit(lambda c: import_people(c, mailbox, rows, "users.csv")).result()

    assert "users.csv: line 3: ann@acme.example" in str(refused.value)
    assert "users.csv: line 4: no company '?'" in str(refused.value)
    everybody = database.read(lambda c: list_people(c, mailbox, Role.USER))
    assert "new@acme.example" not in [person.address for person in everybody]


def test_a_deactivated_user_stays_known(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    ledger.submit(
        lambda c: set_person_active(c, mailbox, Role.USER, "Bob@acme.example", False)
    ).result()

    people = database.read(lambda c: list_people(c, mailbox, Role.USER))
    assert {p.address: p.active for p in people}["bob@acme.example"] is False
