"""Companies: their domains, and what is agreed with them from which time on."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.people import Role
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.registry import companies, lookup, mailboxes, people
from storage.registry.checks import not_found
from storage.registry.companies import Contract
from storage.registry.errors import AlreadyExists, InvalidValue, NotFound
from storage.registry.people import NewPerson
from tests.rules.building import NOON

DAY = timedelta(days=1)


def agree(ledger: Ledger, mailbox: Mailbox, tier: str, starts_at: datetime) -> None:
    contract = Contract(tier, starts_at, {"first": {"High": "1 hour"}})
    ledger.submit(lambda c: companies.add_contract(c, mailbox, "Acme", contract)).result()


def tier_at(database: Database, mailbox: Mailbox, at: datetime) -> str:
    company = database.read(lambda c: lookup.company_of(c, mailbox, "ann@acme.example", at)())
    assert company is not None
    return company.tier


def test_an_upgrade_takes_effect_on_its_day(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    agree(ledger, mailbox, "basic", NOON - DAY)
    agree(ledger, mailbox, "premium", NOON)

    assert tier_at(database, mailbox, NOON - DAY * 2) == ""
    assert tier_at(database, mailbox, NOON - timedelta(microseconds=1)) == "basic"
    assert tier_at(database, mailbox, NOON) == "premium"


def test_a_contract_with_the_same_start_is_replaced(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    agree(ledger, mailbox, "basic", NOON)
    agree(ledger, mailbox, "premium", NOON)

    agreed = database.read(lambda c: companies.company_agreement(c, mailbox, "Acme"))
    assert [contract.tier for contract in agreed.contracts] == ["premium"]


def test_a_contract_belongs_to_one_company(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    agree(ledger, mailbox, "premium", NOON)

    assert (
        database.read(lambda c: companies.company_agreement(c, mailbox, "Globex")).contracts == ()
    )


def test_an_account_team_names_each_address_once(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    team = ["Amy@Help.example", "abe@help.example", "amy@help.example"]
    ledger.submit(lambda c: companies.set_account_team(c, mailbox, "Acme", team)).result()

    agreed = database.read(lambda c: companies.company_agreement(c, mailbox, "Acme"))
    assert agreed.account_team == ("amy@help.example", "abe@help.example")


def test_a_team_with_one_bad_address_is_refused(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    with pytest.raises(InvalidValue, match="abe is not a valid email address"):
        ledger.submit(
            lambda c: companies.set_account_team(c, mailbox, "Acme", ["amy@help.example", "abe"])
        ).result()

    assert (
        database.read(lambda c: companies.company_agreement(c, mailbox, "Acme")).account_team == ()
    )


def test_a_success_manager_is_named_and_cleared(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    for address in ("Max@help.example", ""):
        name = partial(companies.set_success_manager, mailbox=mailbox, name="Acme", address=address)
        ledger.submit(name).result()
        agreed = database.read(lambda c: companies.company_agreement(c, mailbox, "Acme"))
        assert agreed.success_manager == address.lower()


def test_a_channel_is_one_short_line(database: Database, ledger: Ledger, mailbox: Mailbox) -> None:
    ledger.submit(lambda c: companies.set_channel(c, mailbox, "Acme", "call\n  Ann")).result()
    with pytest.raises(InvalidValue, match="200 characters"):
        ledger.submit(lambda c: companies.set_channel(c, mailbox, "Acme", "x" * 201)).result()

    assert (
        database.read(lambda c: companies.company_agreement(c, mailbox, "Acme")).channel
        == "call Ann"
    )


def test_an_unknown_company_is_named_with_those_that_exist(
    database: Database, mailbox: Mailbox
) -> None:
    with pytest.raises(NotFound, match="'Acne'; expected one of: Acme, Globex"):
        database.read(lambda c: companies.company_agreement(c, mailbox, "Acne"))


def test_a_domain_is_of_another_company_by_the_register_of_any_mailbox(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    """Where only the register of another one knows it: staff of this one are not of its company,
    and nor is a customer, unless it is the same one."""
    for name, domain in (("Lab", "lab.acme.example"), ("Tenant", "tenant.help.example")):
        ledger.submit(
            partial(companies.add_company, mailbox=mailbox, name=name, domains=[domain])
        ).result()
    ledger.submit(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default")).result()
    sales = database.read(lambda c: mailboxes.mailbox_named(c, "sales@help.example"))
    domains = ["lab.acme.example", "mail.acme.example", "tenant.help.example", "else.example"]

    def others(author_domain: str, *of: Mailbox) -> frozenset[str]:
        find = partial(lookup.of_other_companies, mailboxes=of, domains=domains)
        return database.read(partial(find, author_domain=author_domain))

    for of in ([mailbox], [sales], [sales, mailbox]):
        assert "tenant.help.example" in others("help.example", *of)
        assert "lab.acme.example" in others("acme.example", *of)
        assert "mail.acme.example" not in others("acme.example", *of)

    add_company = partial(companies.add_company, mailbox=sales)
    for name, domain in (("lab", "x.acme.example"), ("Other", "y.acme.example")):
        ledger.submit(partial(add_company, name=name, domains=[domain])).result()
    assert "lab.acme.example" not in others("x.acme.example", sales)
    assert "lab.acme.example" in others("y.acme.example", sales)


def test_a_company_s_domain_is_another_one_than_that_of_staff(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    """Whether they are at the mailbox's own domain or at one that no company owns."""
    sam = NewPerson("sam@desk.example", "Sam", Role.STAFF, None)
    ledger.submit(lambda c: people.add_person(c, mailbox, sam)).result()
    domains = ["acme.example"]

    def others(author_domain: str) -> frozenset[str]:
        found = partial(lookup.of_other_companies, mailboxes=[mailbox], domains=domains)
        return database.read(partial(found, author_domain=author_domain))

    assert others(domain_of(mailbox.address)) == set(domains)
    assert others("desk.example") == set(domains)
    assert others("mail.acme.example") == frozenset()


def test_a_domain_that_only_people_of_a_company_are_registered_in_is_theirs(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    gil = NewPerson("gil@lab.acme.example", "Gil", Role.USER, "Globex", anywhere=True)
    ledger.submit(lambda c: people.add_person(c, mailbox, gil)).result()
    domains = ["lab.acme.example", "x.lab.acme.example", "mail.acme.example"]

    def others(author_domain: str) -> frozenset[str]:
        found = partial(lookup.of_other_companies, mailboxes=[mailbox], domains=domains)
        return database.read(partial(found, author_domain=author_domain))

    assert others("acme.example") == set(domains[:2])
    assert others("lab.acme.example") == frozenset()


def test_of_very_many_companies_the_first_are_named() -> None:
    many = iter(range(100))

    fault = not_found("company 'Acne'", map(str, many))

    assert str(fault).endswith(", 48, 49, …")
    assert next(many) == 51


def test_to_register_one_person_no_other_company_is_read(
    ledger: Ledger, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be tens of thousands, and mail waits."""
    monkeypatch.delattr(people, "list_companies")
    new = NewPerson("zoe@acme.example", "Zoe", Role.USER, "Acme")

    assert ledger.submit(lambda c: people.add_person(c, mailbox, new)).result() > 0


def test_a_language_belongs_to_a_person_of_that_role(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(NotFound, match="no staff ann@acme.example"):
        ledger.submit(
            lambda c: people.set_language(c, mailbox, Role.STAFF, "ann@acme.example", "de")
        ).result()


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
