"""Stakater's incomplete requests, under its preset with `requests_by_mail = "full"`: there a mail
waits for nothing but what is missing from it. And under the preset with `"refuse"`."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import policies
from tests.acceptance.policies.launch import ClockedPolicyServer, running_clocked_server
from tests.acceptance.policies.policy_server import SAM, a_mail, audit_lines, plain_text
from tests.acceptance.policies.test_stakater_time import COMPLETE, NOW, in_berlin
from tests.stores import SqliteStores

HALVES = COMPLETE.split("\n", 1)
ASKED_AT, BEGINS_AT = in_berlin("2026-07-06 14:00"), in_berlin("2026-07-07 10:00")
"""After four business hours, and after one business day."""
STILL = "still needs the following"
WITHOUT = "with what we have; you will hear"
IS_COMPLETE = '"Help", is complete.'


def _with(folder: Path, requests_by_mail: str) -> str:
    """Configuration for a copy of the preset with this value."""
    text = policies.find(None)["stakater"].text.replace('name = "stakater"', 'name = "own"', 1)
    taken = f'requests_by_mail = "{requests_by_mail}"'
    text = text.replace('requests_by_mail = "without_promise"', taken)
    refusal = 'portal_only = "Please submit it at https://support.example.com"'
    folder.mkdir()
    (folder / "own.toml").write_text(text.replace("[texts]", f"[texts]\n{refusal}"))
    return f'[policies]\nfolder = "{folder}"\n'


@pytest.fixture(scope="module")
def clocked_server(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClockedPolicyServer]:
    folder = tmp_path_factory.mktemp("complete")
    extra = _with(folder / "policies", "full")
    with running_clocked_server("own", folder, sqlite_stores.new(), extra) as running:
        yield running


class TestClock:
    def test_S7_the_clock_does_not_run_while_something_is_missing(
        self, clocked: ClockedPolicyServer
    ) -> None:
        number = clocked.open_by_mail(clocked.a_user(), "It is broken.")

        assert clocked.due(number) is None

    def test_S7_the_clock_starts_with_the_mail_that_completes_the_request(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, "Severity: High\nIt is broken.")
        clocked.set_clock(NOW + timedelta(hours=3))

        clocked.reply(clocked.mail_to(ann, number), ann, COMPLETE)

        assert clocked.due(number) == in_berlin("2026-07-06 17:00")

    def test_S7_the_clock_starts_with_the_last_missing_fact(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{HALVES[0]}")
        clocked.set_clock(NOW + timedelta(hours=3))

        clocked.reply(clocked.mail_to(ann, number), ann, HALVES[1])

        assert clocked.ticket(number)["missing"] == []
        assert clocked.due(number) == in_berlin("2026-07-06 17:00")

    def test_S7_the_clock_starts_with_the_portal_comment_that_completes_the_request(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{HALVES[0]}")
        clocked.set_clock(NOW + timedelta(hours=3))

        clocked.comment(number, HALVES[1], actor=ann)

        assert clocked.due(number) == in_berlin("2026-07-06 17:00")


class TestWaiting:
    def test_S17_it_is_asked_once_more(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{HALVES[0]}")

        for at in (ASKED_AT - timedelta(minutes=1), ASKED_AT, ASKED_AT + timedelta(hours=1)):
            clocked.set_clock(at)
            clocked.notify_overdue()

        asked = [m for m in clocked.mails_to(ann, number) if STILL in plain_text(m)]
        assert len(asked) == 1
        text = plain_text(asked[0])
        assert "Was any configuration changed recently?" in text
        assert "Which environment is affected" not in text
        assert "Tuesday 7 July 2026, 10:00 (Europe/Berlin)" in text

    def test_S17_a_complete_request_is_not_asked_again(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{HALVES[0]}")
        clocked.reply(clocked.mail_to(ann, number), ann, HALVES[1])

        clocked.set_clock(ASKED_AT)
        clocked.notify_overdue()

        assert not [m for m in clocked.mails_to(ann, number) if STILL in plain_text(m)]

    def test_S17_the_clock_starts_after_the_policys_time(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{HALVES[0]}")
        clocked.set_clock(BEGINS_AT - timedelta(minutes=1))
        clocked.notify_overdue()
        before = clocked.due(number)

        clocked.set_clock(BEGINS_AT)
        clocked.notify_overdue()

        text = plain_text(clocked.mail_to(ann, number, containing=WITHOUT))
        assert (before, clocked.due(number)) == (None, in_berlin("2026-07-07 14:00"))
        assert "by Tuesday 7 July 2026, 14:00 (Europe/Berlin)" in text
        assert "recent changes" in text

    def test_S17_the_customer_hears_when_it_is_complete(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{HALVES[0]}")

        clocked.reply(clocked.mail_to(ann, number), ann, HALVES[1])

        text = plain_text(clocked.mail_to(ann, number, containing=IS_COMPLETE))
        assert "You will hear from us by Monday 6 July 2026, 14:00 (Europe/Berlin)." in text

    @pytest.mark.parametrize("by", ["mail", "the API"])
    def test_S17_staff_declare_it_complete(self, clocked: ClockedPolicyServer, by: str) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, "Severity: High\nIt is broken.")

        if by == "mail":
            clocked.reply_as_staff(number, "#complete by phone")
        else:
            clocked.change(number, complete=True, why="by phone")

        ticket = clocked.ticket(number)
        assert (ticket["missing"], clocked.due(number)) == ([], in_berlin("2026-07-06 14:00"))
        assert audit_lines(ticket, "completed") == [("", "", "by phone")]
        assert clocked.mail_to(ann, number, containing=IS_COMPLETE)

    def test_S17_a_customer_does_not_declare_their_own_complete(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, "It is broken.")

        status, answer = clocked.api("PATCH", f"/{number}", ann, {"complete": True})

        assert status in (403, 409, 422)
        assert "only staff" in str(answer)

    def test_S17_a_critical_level_starts_the_clock_at_once(
        self, clocked: ClockedPolicyServer
    ) -> None:
        number = clocked.open_by_mail(clocked.a_user(), "It is broken.")

        clocked.change(number, SAM, severity="Critical")

        assert clocked.due(number) == in_berlin("2026-07-06 12:00")


def test_S13_refuse_answers_550_with_the_portal(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    extra = _with(tmp_path / "policies", "refuse")
    with running_clocked_server("own", tmp_path, sqlite_stores.new(), extra) as server:
        ann = server.a_user()
        number = server.open_in_portal(ann)

        refused = server.send(a_mail(ann, "It is down."), ann)
        server.comment(number, "We are looking into it.")
        replied = server.reply(server.mail_to(ann, number, containing="looking"), ann, "Thank you.")

    assert (refused[0], "https://support.example.com" in refused[1]) == (550, True)
    assert replied[0] == 250
