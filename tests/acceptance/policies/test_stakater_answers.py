"""Stakater's published terms on what an answer holds, and which hours count for a contract."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

from tests.acceptance.policies.launch import ClockedPolicyServer
from tests.acceptance.policies.test_stakater_time import a_complete_ticket, in_berlin

POLICY = "stakater"
NOW = in_berlin("2026-07-10 17:00")  # a Friday


class TestCalendars:
    def test_S14_saturday_morning_counts(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user(clocked.a_company("premium", calendar="saturdays"))

        number = a_complete_ticket(clocked, "High", ann)

        assert clocked.due(number) == in_berlin("2026-07-11 11:00")

    def test_S14_a_contract_has_hours_of_its_own(self, clocked: ClockedPolicyServer) -> None:
        usual = a_complete_ticket(clocked, "High", clocked.a_user(clocked.a_company("premium")))
        agreed = clocked.a_user(clocked.a_company("premium", calendar="saturdays"))
        number = a_complete_ticket(clocked, "High", agreed)

        clocked.comment(number)

        assert clocked.due(usual) == in_berlin("2026-07-13 09:00")
        assert clocked.due(number) == in_berlin("2026-07-11 11:00")

    def test_S14_a_ticket_keeps_the_calendar_that_it_was_opened_under(
        self, clocked: ClockedPolicyServer
    ) -> None:
        company = clocked.a_company("premium", calendar="saturdays")
        number = a_complete_ticket(clocked, "High", clocked.a_user(company))
        clocked.run("company", "tier", company.name, "standard", "--from", "2020-01-02")

        clocked.comment(number)

        assert clocked.due(number) == in_berlin("2026-07-11 11:00")
