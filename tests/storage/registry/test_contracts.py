"""The contract of a company that is in force."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from rules.people import Company
from storage.db.tables import CompanyRow, ContractRow, table
from storage.registry import companies
from storage.registry.companies import Contract
from tests.rules.building import ANN, NOON, a_mail
from tests.storage.shop import Shop, opened

DAY = timedelta(days=1)


def sign(shop: Shop, tier: str, starts_at: datetime, targets: str = "{}") -> None:
    """Add a contract to Acme, the first company."""
    row = {"mailbox_id": shop.mailbox.id, "company_id": 1, "tier": tier}
    row |= {"starts_at": starts_at, "targets": targets}
    shop.write(lambda c: c.execute(insert(table(ContractRow)), row))


def agree(shop: Shop, contract: Contract) -> None:
    shop.write(lambda c: companies.add_contract(c, shop.mailbox, "Acme", contract))


def company(shop: Shop, at: datetime = NOON, author: str = ANN.address) -> Company:
    """The author's company as of a time."""
    facts = shop.known_of(a_mail(author), at=at)
    found = facts.people[author].company if author in facts.people else facts.author_company
    assert found is not None
    return found


def test_without_a_contract_a_company_has_no_tier_of_its_own(shop: Shop) -> None:
    assert (company(shop).tier, company(shop).targets) == ("", {})


@pytest.mark.parametrize(
    ("days", "tier"), [(-11, ""), (-10, "basic"), (-1, "basic"), (0, "priority"), (99, "priority")]
)
def test_the_latest_contract_that_has_started_is_in_force(shop: Shop, days: int, tier: str) -> None:
    sign(shop, "priority", NOON)
    sign(shop, "basic", NOON - 10 * DAY)
    sign(shop, "enterprise", NOON + 100 * DAY)

    assert company(shop, NOON + days * DAY).tier == tier


def test_another_companys_contract_does_not_count(shop: Shop) -> None:
    sign(shop, "priority", NOON)

    assert company(shop, author="gil@globex.example").tier == ""


def test_an_unregistered_sender_has_the_contract_of_their_domains_company(shop: Shop) -> None:
    sign(shop, "priority", NOON)

    assert company(shop, author="new@acme.example").tier == "priority"


def test_the_targets_in_addition_to_the_tier_come_with_it(shop: Shop) -> None:
    sign(shop, "priority", NOON, '{"first": {"High": "1 hour"}}')

    assert company(shop).targets == {"first": {"High": "1 hour"}}


def test_the_account_team_comes_with_it(shop: Shop) -> None:
    _company = table(CompanyRow)
    values = {"account_team": "kim@vendor.example lee@vendor.example", "channel": "#acme"}
    shop.write(lambda c: c.execute(_company.update().where(_company.c.id == 1).values(**values)))

    found = company(shop)
    assert found.account_team == ("kim@vendor.example", "lee@vendor.example")
    assert found.channel == "#acme"


def test_a_ticket_keeps_no_tier_where_the_policy_has_none(shop: Shop) -> None:
    sign(shop, "priority", NOON)

    assert shop.ticket(opened(shop.take(a_mail()))).tier == ""


def test_a_contract_names_a_calendar_until_the_next_one_starts(shop: Shop) -> None:
    agree(shop, Contract("basic", NOON - 9 * DAY, {}, "gulf"))
    agree(shop, Contract("basic", NOON, {}))

    assert company(shop, NOON - DAY).calendar == "gulf"
    assert company(shop).calendar == ""


def test_a_contract_that_is_written_again_changes_its_calendar(shop: Shop) -> None:
    agree(shop, Contract("basic", NOON - DAY, {}, "gulf"))
    agree(shop, Contract("basic", NOON - DAY, {}))

    assert company(shop).calendar == ""
