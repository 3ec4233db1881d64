"""Enrolling: what is taken, and how a mistake is named."""

from __future__ import annotations

import pytest

from rules.facts import Role
from rules.mail import Mailbox
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.registry import api_tokens, companies, mailboxes, signing_keys
from storage.registry.errors import AlreadyExists, ImportRefused, InvalidValue, NotFound
from storage.registry.people import (
    NewPerson,
    add_person,
    import_people,
    list_people,
    set_person_active,
)
from tests.rules.building import NOON


def user(address: str, company: str = "Acme") -> NewPerson:
    return NewPerson(address, "", Role.USER, company)


def test_an_address_has_one_spelling(database: Database, ledger: Ledger, mailbox: Mailbox) -> None:
    ledger.submit(lambda c: add_person(c, mailbox, user("Eva@ACME.Example"))).result()

    found = database.read(lambda c: list_people(c, mailbox, Role.USER))

    assert "eva@acme.example" in [person.address for person in found]


def test_nobody_is_enrolled_twice(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(AlreadyExists, match="ann@acme.example"):
        ledger.submit(lambda c: add_person(c, mailbox, user("ANN@acme.example"))).result()


def test_an_unknown_company_is_named_with_those_that_exist(
    ledger: Ledger, mailbox: Mailbox
) -> None:
    with pytest.raises(NotFound, match="'Acne'.*Acme, Globex"):
        ledger.submit(lambda c: add_person(c, mailbox, user("x@acme.example", "Acne"))).result()


def test_a_mailbox_of_ours_is_no_user(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(InvalidValue, match="circle"):
        ledger.submit(lambda c: add_person(c, mailbox, user(mailbox.address))).result()


def test_a_domain_belongs_to_one_company(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(AlreadyExists, match="acme.example"):
        ledger.submit(
            lambda c: companies.add_company(c, mailbox, "Acme II", ["acme.example"])
        ).result()


def test_a_company_with_a_bad_domain_is_not_registered_at_all(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    with pytest.raises(InvalidValue, match="not a domain"):
        ledger.submit(
            lambda c: companies.add_company(c, mailbox, "New", ["new.example", "not a domain"])
        ).result()

    names = [c.name for c, _ in database.read(lambda c: companies.list_companies(c, mailbox))]
    assert names == ["Acme", "Globex"]


def test_a_mailbox_leaves_room_for_the_token(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(InvalidValue, match="at most 27 characters"):
        ledger.submit(
            lambda c: mailboxes.add_mailbox(c, f"{'s' * 28}@help.example", "default")
        ).result()


def test_with_two_mailboxes_one_must_be_named(ledger: Ledger, mailbox: Mailbox) -> None:
    ledger.submit(lambda c: mailboxes.add_mailbox(c, "b@help.example", "default")).result()

    with pytest.raises(NotFound, match="b@help.example, support@help.example"):
        ledger.submit(lambda c: mailboxes.mailbox_named(c, None)).result()


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


def test_the_newest_key_signs_and_the_older_are_still_read(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    ledger.submit(lambda c: signing_keys.add_key(c, b"n" * 32, NOON)).result()

    keys = database.read(signing_keys.load_keys)

    assert keys.current == 2
    assert set(keys.secrets) == {1, 2}


def test_an_api_token_is_known_by_its_text_and_stored_without_it(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    ledger.submit(lambda c: api_tokens.add_api_token(c, "text", "mta", "mails", NOON)).result()

    assert database.read(lambda c: api_tokens.api_token_scope(c, "text")) == "mails"
    assert database.read(lambda c: api_tokens.api_token_scope(c, "other")) is None
