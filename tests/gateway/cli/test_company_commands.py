"""`postern company`: what is agreed with a company."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from gateway import clock, policies
from storage.registry import companies, lookup
from storage.registry.companies import Contract
from tests.gateway.cli.planned import ANN, Planned


def test_a_tier_is_agreed_from_a_day_on(planned: Planned) -> None:
    done = planned.company("tier", "Acme", "premium", "--from", "2026-07-01")

    assert done.out == "Acme: premium from 2026-06-30 22:00 UTC\n"  # midnight in Central Europe
    agreed = planned.read(lambda c: companies.company_agreement(c, planned.mailbox(), "Acme"))
    assert agreed.contracts == (Contract("premium", datetime(2026, 6, 30, 22, tzinfo=UTC), {}),)


def test_a_contract_has_targets_in_addition_to_its_tier(planned: Planned) -> None:
    planned.company(
        "tier", "Acme", "premium", "--first", "p2=1 business hour", "--ongoing", "Low=2d"
    )

    company = planned.read(lambda c: lookup.company_of(c, planned.mailbox(), ANN, clock.now())())

    assert company is not None
    assert company.targets == {"first": {"High": "1 business hour"}, "ongoing": {"Low": "2 days"}}


def test_who_is_registered_as_two_companies_is_named(planned: Planned) -> None:
    """Mail that one of them signs proves nobody of the other, and would be held or refused."""
    below = planned.company("add", "Acme Labs", "--domain", "labs.acme.example")
    first = planned.company("add", "Desk", "--domain", "desk.example.com")
    beside = planned.company("add", "Lab", "--domain", "lab.test", "--domain", "lab.example.com")
    added = planned.company("domain", "add", "Desk", "desk.test")
    of_another_customer = planned.company("add", "Example", "--domain", "desk.example.co.uk")

    assert below.out.startswith(
        "Acme Labs is registered.\n"
        "Notice: labs.acme.example and acme.example, a domain of Acme, can be of one organization."
    )
    assert "lab.example.com and desk.example.com, a domain of Desk, can" in beside.out
    assert "desk.example.com and lab.example.com, a domain of Lab, can" in added.out
    assert [each.out.count("Notice: ") for each in (first, of_another_customer)] == [0, 0]
    assert {each.code for each in (below, first, beside, added, of_another_customer)} == {0}


def test_a_company_that_has_another_name_at_another_mailbox_is_named(planned: Planned) -> None:
    renamed = planned.company("add", "Globex Ltd", "--domain", "globex.example")
    same = planned.company("add", "GLOBEX", "--domain", "eu.globex.example")

    assert "Notice: globex.example is a domain of Globex at another mailbox." in renamed.out
    assert "a domain of Globex Ltd, can be of one organization." in same.out
    assert "a domain of Globex," not in same.out
    assert (renamed.code, same.code) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Acme", "premum"], os.EX_DATAERR, "did you mean premium?"),
        (["Acne", "premium"], os.EX_DATAERR, "no company 'Acne'; expected one of: Acme"),
        (["Acme", "premium", "--from", "July"], os.EX_USAGE, "must be a date such as 2026-07-01"),
        (["Acme", "premium", "--calendar", "saturday"], os.EX_DATAERR, "did you mean saturdays?"),
        (["Acme", "premium", "--first", "High"], os.EX_USAGE, "must be a level and a span"),
        (["Acme", "premium", "--first", "Urgent=1 hour"], os.EX_DATAERR, "no severity 'Urgent'"),
        (
            ["Acme", "premium", "--first", "High=soon"],
            os.EX_DATAERR,
            "'soon' is not a valid duration",
        ),
    ],
)
def test_what_cannot_be_agreed_is_named(
    planned: Planned, arguments: list[str], code: int, message: str
) -> None:
    refused = planned.company("tier", *arguments)

    assert (refused.code, message in refused.err) == (code, True)


def test_business_time_that_does_not_pass_in_years_cannot_be_agreed(planned: Planned) -> None:
    """Else every mail that it is promised to would fail, and be deferred until it is returned."""
    folder = planned.config.parent / "policies"
    folder.mkdir()
    text = policies.find(None)["stakater"].text
    hours, seldom = text.split('name = "saturdays"'), 'closes = "06:30"\ndays = ["mon"]\n'
    hours[1] = hours[1].replace('closes = "18:00"\n', seldom).replace("other_hours", "# other", 1)
    (folder / "stakater.toml").write_text('name = "saturdays"'.join(hours))
    with planned.config.open("a") as settings:
        settings.write(f'\n[policies]\nfolder = "{folder}"\n')
    endless = ("--ongoing", "High=500 business hours")

    refused = planned.company("tier", "Acme", "premium", "--calendar", "saturdays", *endless)

    assert refused.code == os.EX_DATAERR
    assert " ".join(refused.err.split()).endswith(
        "--ongoing High: '500 business hours' is more than five years in the hours of the calendar "
        "saturdays of the policy stakater; write a shorter time, or name a calendar with more "
        "hours"
    )
    assert planned.company("tier", "Acme", "premium", *endless).code == 0  # in the hours of a week


def test_a_company_is_shown_with_its_agreement(planned: Planned) -> None:
    planned.company("team", "Acme", "amy@help.example", "abe@help.example")
    planned.company("manager", "Acme", "max@help.example")
    planned.company("channel", "Acme", "call Ann first")
    planned.company("updates", "Acme", "manager")
    planned.company("tier", "Acme", "premium", "--from", "2026-01-01", "--first", "High=1 hour")
    planned.company("tier", "Acme", "premium", "--from", "2026-02-01", "--calendar", "saturdays")

    assert planned.company("show", "Acme").out.splitlines() == [
        "company   Acme",
        "state     active",
        "domains   acme.example",
        "team      amy@help.example abe@help.example",
        "manager   max@help.example",
        "channel   call Ann first",
        "updates   by the success manager as well",
        "contract  premium from 2025-12-31 23:00 UTC, first High in 1 hour",
        "contract  premium from 2026-01-31 23:00 UTC, calendar saturdays",
    ]


def test_updates_go_by_the_team_again(planned: Planned) -> None:
    planned.company("manager", "Acme", "max@help.example")
    planned.company("updates", "Acme", "manager")

    assert planned.company("updates", "Acme", "team").out == "Acme: updates by the team\n"
    assert "updates" not in planned.company("show", "Acme").out


def test_updates_through_nobody_are_said_to_have_no_effect(planned: Planned) -> None:
    shown = planned.company("updates", "Acme", "manager").out

    assert "no effect until Acme has a success manager" in shown
    assert "follow_up.via_manager" not in shown


def test_a_team_is_cleared_by_naming_nobody(planned: Planned) -> None:
    planned.company("team", "Acme", "amy@help.example")

    assert planned.company("team", "Acme").out == "Acme: team nobody\n"
    assert "team" not in planned.company("show", "Acme").out


def test_the_lists_of_a_company_are_opened_and_closed(planned: Planned) -> None:
    for state, shown in (
        ("open", "open: its users read each other's tickets"),
        ("closed", "closed: a ticket is read by the people on it"),
    ):
        assert planned.company("lists", "Acme", state).out == f"Acme: lists {shown}\n"
        assert f"lists     {shown}" in planned.company("show", "Acme").out

    assert planned.company("lists", "Acme", "policy").out == "Acme: lists as the policy says\n"
    assert "lists" not in planned.company("show", "Acme").out
