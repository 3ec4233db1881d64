"""The commands that change tickets and what is agreed with companies, as an operator types them."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner

from gateway import clock, policies
from gateway.cli.main import app
from rules.facts import Role
from rules.mail import Mailbox
from rules.ticket.notices import NoticeKind
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.notices import outbox, suppression
from storage.registry import api_tokens, companies, lookup, mailboxes, people
from storage.registry.companies import Contract
from storage.registry.people import NewPerson
from storage.ticket import opening
from storage.ticket.opening import Request
from storage.ticket.read import TicketView, ticket_view
from storage.ticket.write import ChangeContext, Source
from tests import running
from tests.desk import SUPPORT, enrolled_store
from tests.stores import SqliteStores

T = TypeVar("T")

ANN, BOB, SAM = "ann@acme.example", "bob@acme.example", "sam@help.example"
PLANNED = "planned@help.example"
"""Its policy has tiers, and lowers the severity for a workaround."""
USAGE = os.EX_USAGE


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """A configuration, the commands that work on it, and what a test looks at behind them."""

    config: Path
    url: str

    def run(self, *arguments: str) -> Said:
        result = CliRunner().invoke(app, [*arguments, "--config", str(self.config)])
        unexpected = result.exception
        if unexpected is not None and not isinstance(unexpected, SystemExit):
            raise unexpected
        return Said(result.exit_code, result.stdout, result.stderr)

    def set(self, number: int, *arguments: str) -> list[str]:
        """The effects of a change that is made."""
        said = self.run("tickets", "set", str(number), *arguments)
        assert said.code == 0, said.err
        return said.out.splitlines()

    def refused(self, number: int, *arguments: str) -> Said:
        said = self.run("tickets", "set", str(number), *arguments)
        assert said.code != 0
        return said

    def company(self, *arguments: str) -> Said:
        return self.run("company", *arguments, "--mailbox", PLANNED)

    def opened(self, mailbox: str = PLANNED) -> int:
        """The number of a new ticket of Ann's."""

        def job(connection: Connection) -> int:
            ours = mailboxes.mailbox_named(connection, mailbox)
            hand = ChangeContext(ours, ANN, Source.API, clock.now(), clock.new_id)
            policy = policies.load(None)[ours.policy]
            request = Request(ANN, "Lift", "It is stuck.")
            return opening.open_ticket(connection, hand, request, policy, by_staff=False)

        return self.write(job)

    def ticket(self, number: int) -> TicketView:
        whole = self.read(lambda c: ticket_view(c, number))
        assert whole is not None
        return whole

    def read(self, query: Callable[[Connection], T]) -> T:
        database = Database(self.url)
        try:
            return database.read(query)
        finally:
            database.close()

    def write(self, job: Callable[[Connection], T]) -> T:
        database = Database(self.url)
        ledger = open_ledger(database)
        try:
            return ledger.submit(job).result()
        finally:
            ledger.close()
            database.close()

    def mailbox(self, address: str = PLANNED) -> Mailbox:
        return self.read(lambda c: mailboxes.mailbox_named(c, address))


def enrol(connection: Connection) -> None:
    mailboxes.add_mailbox(connection, PLANNED, "stakater")
    ours = mailboxes.mailbox_named(connection, PLANNED)
    companies.add_company(connection, ours, "Acme", ["acme.example"])
    people.add_person(connection, ours, NewPerson(ANN, "", Role.USER, "Acme"))
    people.add_person(connection, ours, NewPerson(SAM, "", Role.STAFF, None))


@pytest.fixture
def desk(tmp_path: Path, sqlite_stores: SqliteStores) -> Desk:
    url = enrolled_store(sqlite_stores.new())
    made = Desk(running.write_config(tmp_path, url), url)
    made.write(enrol)
    return made


# tickets set


def test_a_ticket_is_changed_and_every_effect_is_said(desk: Desk) -> None:
    number = desk.opened()

    effects = desk.set(number, "--status", "pending", "--assign", SAM, "--severity", "P2")

    assert effects == [
        f"#{number} is {SAM}'s now",
        f"#{number} is High now",
        f"#{number} is pending now",
    ]


def test_the_console_makes_a_ticket_critical(desk: Desk) -> None:
    number = desk.opened()

    desk.set(number, "--severity", "Critical", "--why", "nobody can work")

    assert desk.ticket(number).summary.severity == "Critical"


def test_of_a_change_with_one_bad_part_nothing_is_made(desk: Desk) -> None:
    number = desk.opened()
    before = desk.ticket(number)

    said = desk.refused(number, "--severity", "P2", "--note", "Odd.", "--remove", BOB)

    assert said == Said(os.EX_DATAERR, "", f"postern: {BOB} is not on #{number}\n")
    assert desk.ticket(number) == before


def test_the_audit_trail_names_the_account_that_typed(desk: Desk) -> None:
    number = desk.opened()

    desk.set(number, "--severity", "P2", "--why", "two sites")

    last = desk.ticket(number).history[-1]
    assert (last.actor, last.source) == (f"console:{getpass.getuser()}", "console")
    assert (last.became, last.why) == ("High", "two sites")


def test_the_audit_trail_names_an_account_without_a_name_by_its_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    number = desk.opened()
    monkeypatch.setattr(getpass, "getuser", nameless)

    desk.set(number, "--severity", "P2")

    assert desk.ticket(number).history[-1].actor == f"console:uid {os.getuid()}"


def test_the_audit_trail_names_the_staff_person_who_acts(desk: Desk) -> None:
    number = desk.opened()

    desk.set(number, "--status", "pending", "--as", SAM.upper())

    assert desk.ticket(number).history[-1].actor == SAM


def test_words_are_published_under_the_name_of_a_staff_person(desk: Desk) -> None:
    number = desk.opened()
    desk.write(lambda c: outbox.claim(c, clock.now(), 100))

    desk.set(number, "--say", "We look.", "--as", SAM)

    said = desk.ticket(number).comments[-1]
    assert (said.author, said.visibility, said.text) == (SAM, "public", "We look.")
    due = desk.write(lambda c: outbox.claim(c, clock.now(), 100))
    assert [n.address for n in due if n.kind is NoticeKind.COMMENT] == [ANN]


def test_a_note_stays_with_staff(desk: Desk) -> None:
    number = desk.opened()

    desk.set(number, "--note", "An odd one.")

    assert desk.ticket(number).comments[-1].visibility == "note"


def test_people_are_added_and_taken_off(desk: Desk) -> None:
    number = desk.opened()

    desk.set(number, "--add", BOB, "--add", "guest@other.example")
    desk.set(number, "--remove", BOB)

    present = {m.address: m.presence for m in desk.ticket(number).members}
    assert (present[BOB], present["guest@other.example"]) == ("removed", "active")


def test_a_workaround_lowers_the_severity(desk: Desk) -> None:
    number = desk.opened()

    assert desk.set(number, "--workaround", "--why", "use the stairs") == [f"#{number} is Low now"]


def test_a_ticket_is_merged_into_another(desk: Desk) -> None:
    number, other = desk.opened(), desk.opened()

    desk.set(number, "--merge-into", str(other))

    assert desk.ticket(number).summary.merged_into == other


def test_a_deleted_ticket_is_in_no_list(desk: Desk) -> None:
    number = desk.opened()

    desk.set(number, "--delete", "--why", "spam")

    assert desk.run("tickets").out == ""
    assert "deleted" in desk.run("ticket", str(number)).out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], USAGE, "nothing is asked for"),
        (["--say", "x", "--note", "y"], USAGE, "one of them at a time"),
        (["--say", "x"], USAGE, "name him with --as ADDRESS"),
        (["--severity", "P1", "--workaround"], USAGE, "give one of them"),
        (["--status", "open", "--as", ANN], os.EX_DATAERR, f"staff person; there are: {SAM}"),
        (["--severity", "urgent"], os.EX_DATAERR, "there are Critical, High, Medium, Low"),
        (["--assign", ANN], os.EX_DATAERR, f"{ANN} is no staff person of {PLANNED}"),
    ],
)
def test_what_cannot_be_set_is_said(desk: Desk, arguments: list[str], code: int, said: str) -> None:
    refused = desk.refused(desk.opened(), *arguments)

    assert (refused.code, said in refused.err) == (code, True)


def test_an_operator_is_told_that_his_policy_has_nobody_to_escalate_to(desk: Desk) -> None:
    number = desk.opened(SUPPORT)

    refused = desk.refused(number, "--escalate", "It burns.")

    assert refused == Said(
        os.EX_DATAERR,
        "",
        "postern: the policy default names no [[escalation.levels]], so there is nobody to "
        f"escalate #{number} to; assign it to somebody instead\n",
    )


def test_a_ticket_that_does_not_exist_is_said(desk: Desk) -> None:
    assert "there is no ticket #99" in desk.refused(99, "--status", "open").err


# what is shown


def test_a_ticket_is_shown_with_its_history_and_when_it_is_due(desk: Desk) -> None:
    desk.company("tier", "Acme", "premium", "--first", "medium=2 hours")
    number = desk.opened()
    desk.set(number, "--severity", "P2", "--why", "two sites")

    out = desk.run("tickets", "show", str(number)).out

    assert "tier      premium" in out
    assert re.search(r"severity: Medium → High \(two sites\)  console:\S+ by console", out)
    assert desk.run("ticket", str(number)).out == out


def test_the_list_of_tickets_stands_under_both_names(desk: Desk) -> None:
    desk.opened()

    assert desk.run("tickets", "--lines", "1").out == desk.run("tickets", "list").out != ""


# companies


def test_a_tier_is_agreed_from_a_day_on(desk: Desk) -> None:
    said = desk.company("tier", "Acme", "premium", "--from", "2026-07-01")

    assert said.out == "Acme: premium from 2026-06-30 22:00 UTC\n"  # midnight in Central Europe
    agreed = desk.read(lambda c: companies.company_agreement(c, desk.mailbox(), "Acme"))
    assert agreed.contracts == (Contract("premium", datetime(2026, 6, 30, 22, tzinfo=UTC), {}),)


def test_a_contract_promises_beside_its_tier(desk: Desk) -> None:
    desk.company("tier", "Acme", "premium", "--first", "p2=1 business hour", "--ongoing", "Low=2d")

    company = desk.read(lambda c: lookup.company_of(c, desk.mailbox(), ANN, clock.now())())

    assert company is not None
    assert company.targets == {"first": {"High": "1 business hour"}, "ongoing": {"Low": "2 days"}}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["Acme", "premum"], os.EX_DATAERR, "did you mean premium?"),
        (["Acne", "premium"], os.EX_DATAERR, "no company 'Acne'; there are: Acme"),
        (["Acme", "premium", "--from", "July"], USAGE, "write a date such as 2026-07-01"),
        (["Acme", "premium", "--first", "High"], USAGE, "write a level and a span"),
        (["Acme", "premium", "--first", "Urgent=1 hour"], os.EX_DATAERR, "no severity 'Urgent'"),
        (["Acme", "premium", "--first", "High=soon"], os.EX_DATAERR, "'soon' is no span of time"),
    ],
)
def test_what_cannot_be_agreed_is_said(
    desk: Desk, arguments: list[str], code: int, said: str
) -> None:
    refused = desk.company("tier", *arguments)

    assert (refused.code, said in refused.err) == (code, True)


def test_a_company_is_shown_with_all_that_is_agreed(desk: Desk) -> None:
    desk.company("team", "Acme", "amy@help.example", "abe@help.example")
    desk.company("manager", "Acme", "max@help.example")
    desk.company("channel", "Acme", "call Ann first")
    desk.company("tier", "Acme", "premium", "--from", "2026-01-01", "--first", "High=1 hour")

    assert desk.company("show", "Acme").out.splitlines() == [
        "company   Acme",
        "state     active",
        "domains   acme.example",
        "team      amy@help.example abe@help.example",
        "manager   max@help.example",
        "channel   call Ann first",
        "contract  premium from 2025-12-31 23:00 UTC, first High in 1 hour",
    ]


def test_a_team_is_cleared_by_naming_nobody(desk: Desk) -> None:
    desk.company("team", "Acme", "amy@help.example")

    assert desk.company("team", "Acme").out == "Acme: team nobody\n"
    assert "team" not in desk.company("show", "Acme").out


# people, tokens, addresses that bounce


def test_a_person_gets_his_notices_in_his_language(desk: Desk) -> None:
    assert desk.run("user", "language", ANN, "de", "--mailbox", PLANNED).code == 0
    assert desk.run("staff", "language", SAM, "de", "--mailbox", PLANNED).code == 0

    found = desk.read(lambda c: lookup.people(c, desk.mailbox(), [ANN, SAM], clock.now())())

    assert {person.language for person in found.values()} == {"de"}


def test_a_language_without_words_is_named(desk: Desk) -> None:
    said = desk.run("user", "language", ANN, "tlh", "--mailbox", PLANNED)

    assert said == Said(os.EX_DATAERR, "", "postern: no notices in 'tlh'; there are: de, en\n")


@pytest.mark.parametrize("scope", ["mails", "staff", "portal", "read"])
def test_a_token_is_made_for_each_scope(desk: Desk, scope: str) -> None:
    token = desk.run("token", "add", "screen", "--scope", scope).out.strip()

    assert desk.read(lambda c: api_tokens.api_token_scope(c, token)) == scope


def test_a_scope_that_is_none_lists_those_that_are(desk: Desk) -> None:
    said = desk.run("token", "add", "screen", "--scope", "everything")

    assert said.code != 0
    assert "portal" in said.err


def test_an_address_that_bounces_is_listed_and_forgiven(desk: Desk) -> None:
    ours = desk.mailbox().id
    for _ in range(2):
        desk.write(
            lambda c: suppression.record_hard_failure(c, ours, ANN, "550 no such user", clock.now())
        )

    listed = desk.run("bounced", "list", "--mailbox", PLANNED).out
    assert re.search(rf"suspended\s+2 failed  {ANN}  550 no such user", listed)

    assert desk.run("bounced", "forgive", ANN.upper(), "--mailbox", PLANNED).code == 0
    assert desk.run("bounced", "list", "--mailbox", PLANNED).out == ""


def test_an_address_that_does_not_bounce_cannot_be_forgiven(desk: Desk) -> None:
    said = desk.run("bounced", "forgive", ANN, "--mailbox", PLANNED)

    assert (said.code, "`postern bounced list`" in said.err) == (os.EX_DATAERR, True)
