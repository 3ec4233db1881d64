"""The rules of a vendor that no preset has, written from docs/policies.md alone, as its customers
see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.policy import parse
from rules.policy.explain import as_text, chapters_of
from tests.acceptance.policies.launch import ClockedPolicyServer, running_clocked_server
from tests.acceptance.policies.policy_server import Company, a_mail, plain_text
from tests.stores import SqliteStores

FILE = Path(__file__).parent / "lumenfall.toml"
LONDON, CANARY = ZoneInfo("Europe/London"), ZoneInfo("Atlantic/Canary")
NOW = datetime(2026, 12, 24, 10, 0, tzinfo=LONDON)
"""A Thursday; the desk is closed on the next two days of work."""
COMPLETE = (
    "Severity: Degraded\nLF-0123 and LF-0456 with v4.2.1: since the update the camera stops after "
    "each exposure and must be switched off and on again."
)
GERMAN = "Guten Tag, bei uns ist die Kuppel zu, alles steht. Bitte rufen Sie uns an, wir warten."


@pytest.fixture(scope="module")
def clocked_server(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClockedPolicyServer]:
    folder = tmp_path_factory.mktemp("lumenfall")
    extra = f'[policies]\nfolder = "{FILE.parent}"\n'
    with running_clocked_server("lumenfall", folder, sqlite_stores.new(), extra) as running:
        yield running


def newcomer(company: Company) -> str:
    """Somebody at the domain of a company who never wrote."""
    return f"observer@{company.domain}"


def test_an_all_stop_in_german_is_answered_with_the_phone_in_german_and_alerts_the_crew(
    clocked: ClockedPolicyServer,
) -> None:
    clocked.set_clock(NOW.replace(hour=21))
    ann = newcomer(clocked.a_company())

    number = clocked.open_by_mail(ann, GERMAN, content_language="en-US", importance="high")
    acknowledged = plain_text(clocked.mail_to(ann, number))

    assert clocked.ticket(number)["severity"] == "Degraded"
    assert acknowledged.startswith("Is it an All stop? Please call +44 20 7946 0301")
    assert "den Schweregrad Degraded; gewünscht war All stop" in acknowledged
    assert clocked.mail_to("crew-cl@lumenfall.example", number)


def test_a_mark_of_importance_claims_nothing(clocked: ClockedPolicyServer) -> None:
    ann = newcomer(clocked.a_company())

    number = clocked.open_by_mail(ann, "How do I print a map?", importance="high")

    assert clocked.ticket(number)["severity"] == "Nuisance"


def test_each_plan_has_its_hours_and_christmas_is_off_in_any_year(
    clocked: ClockedPolicyServer,
) -> None:
    day, night, keel = (
        clocked.a_company(tier, calendar=calendar)
        for tier, calendar in (("day", ""), ("night-sky", ""), ("day", "mount-keel"))
    )

    due = [
        clocked.due(clocked.open_by_mail(newcomer(each), COMPLETE)) for each in (day, night, keel)
    ]

    assert due == [
        datetime(2026, 12, 28, 10, 0, tzinfo=LONDON),
        NOW + timedelta(hours=2),
        datetime(2026, 12, 24, 23, 0, tzinfo=CANARY),
    ]


def test_all_telescopes_are_kept_and_what_is_missing_is_asked_for(
    clocked: ClockedPolicyServer,
) -> None:
    company = clocked.a_company()
    whole = clocked.open_by_mail(newcomer(company), COMPLETE)
    scant = clocked.open_by_mail(f"other@{company.domain}", "LF-0789, please help. Kind: training")
    asked = plain_text(clocked.mail_to(f"other@{company.domain}", scant))

    assert clocked.ticket(whole)["missing"] == []
    assert clocked.ticket(whole)["fields"]["telescope"] == "LF-0123, LF-0456"
    assert clocked.ticket(scant)["missing"] == ["firmware", "what happened"]
    assert clocked.ticket(scant)["fields"] == {"kind": "Training", "telescope": "LF-0789"}
    assert "What happened?" in asked
    assert "Which telescope" not in asked


def test_a_stranger_is_refused_with_whom_to_ask(clocked: ClockedPolicyServer) -> None:
    code, text = clocked.send(a_mail("ann@elsewhere.example", COMPLETE), "ann@elsewhere.example")

    assert code == 550
    assert "ask your institute's contact" in text


def test_a_guest_joins_at_once_and_adds_nobody(clocked: ClockedPolicyServer) -> None:
    company = clocked.a_company()
    ann, guest, third = newcomer(company), "guest@other.example", "third@other.example"
    number = clocked.open_by_mail(ann, COMPLETE, cc=guest)

    clocked.comment(number)
    clocked.reply(clocked.mail_to(guest, number), guest, "I saw it too.", cc=third)

    assert clocked.people(number)[guest] == "active"
    assert third not in clocked.people(number)


def test_explain_says_what_the_support_page_says() -> None:
    explained = as_text(chapters_of(parse(FILE.read_text("utf-8"), FILE.name)), width=10_000)

    for line in (
        "Support is not available on 25 December, 26 December and 1 January of any year.",
        "Support is available on Saturday from 09:00 to 12:00.",
        'what happened: "What happened?" A text of 12 words or more states it.',
        "A mail program's mark of importance counts for nothing.",
        "is notified instead of desk@lumenfall.example.",
        "On duty for alerts every day from 20:00 to 08:00, time zone Europe/London: Chile",
    ):
        assert line in explained
    assert "person on duty there" not in explained
