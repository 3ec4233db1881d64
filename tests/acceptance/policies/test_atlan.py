"""What Atlan publishes of its support, row by row."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from gateway import policies
from tests.acceptance.policies.launch import ClockedDesk
from tests.acceptance.policies.policy_server import SAM, Desk, a_mail, links_in, whats, words

POLICY = "atlan"
ENGINEER, DIRECTOR, HEAD = (
    "engineer-on-duty@example.com",
    "support-director@example.com",
    "head-of-cx@example.com",
)
NOW = datetime(2026, 7, 11, 3, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PROMISED = {
    "P0": (30 * MINUTE, HOUR),
    "P1": (2 * HOUR, 8 * HOUR),
    "P2": (8 * HOUR, 48 * HOUR),
    "P3": (24 * HOUR, 120 * HOUR),
}
"""The first and each next answer, as the shipped file promises."""


class TestContact:
    def test_T1_there_is_one_address_for_support(self, desk: Desk) -> None:
        ann = desk.a_user()

        assert desk.ticket(desk.opened_by(ann))["mailbox"] == "support@help.example"
        assert desk.send(a_mail(ann, "Hello?"), ann, "info@help.example")[0] == 550

    def test_T1_the_address_at_the_organisation_is_the_user_name(
        self, clocked: ClockedDesk
    ) -> None:
        new = f"new@{clocked.a_company().domain}"
        clocked.page("/signup", address=new)
        (link,) = links_in(clocked.mail_to(new), "signup")

        clocked.page(link, name="Nina New")
        number = clocked.opened_by(f'"Somebody Else" <{new}>', reply_to="x@elsewhere.example")

        assert clocked.listed(new, "mine") == {number}


class TestLists:
    def test_T2_each_list_holds_its_own_tickets(self, desk: Desk) -> None:
        company = desk.a_company()
        ann, bob, cat = (desk.a_user(company) for _ in range(3))
        mine, copied = desk.opened_by(bob), desk.opened_by(ann, cc=bob)
        others = desk.opened_by(cat)
        desk.opened_by(desk.a_user())

        assert desk.listed(bob, "mine") == {mine}
        assert desk.listed(bob, "cc") == {copied}
        assert desk.listed(bob, "organisation") == {mine, copied, others}

    @pytest.mark.parametrize("asked", [{"comment": {"text": "Me too."}}, {"status": "closed"}])
    def test_T2_a_ticket_of_the_organisation_is_for_reading(
        self, desk: Desk, asked: dict[str, object]
    ) -> None:
        company = desk.a_company()
        ann, bob = desk.a_user(company), desk.a_user(company)
        number = desk.opened_by(ann)

        status, problem = desk.api("PATCH", f"/{number}", bob, asked)

        assert desk.ticket(number, bob)["number"] == number
        assert (status, problem["error"]) == (
            403,
            "you may read this ticket; to comment or close it you must be on it",
        )

    def test_T2_who_is_in_copy_comments_and_closes(self, desk: Desk) -> None:
        company = desk.a_company()
        ann, bob = desk.a_user(company), desk.a_user(company)
        number = desk.opened_by(ann, cc=bob)

        desk.say(number, "It works again.", actor=bob)
        desk.change(number, bob, status="closed")

        assert desk.ticket(number, ann)["comments"][-1]["text"] == "It works again."
        assert desk.ticket(number)["status"] == "closed"

    def test_T2_a_mail_of_a_reader_is_shown_to_staff_alone(self, desk: Desk) -> None:
        company = desk.a_company()
        ann, bob = desk.a_user(company), desk.a_user(company)
        number = desk.opened_by(ann)

        desk.answers(desk.mail_to(ann, number), bob, "Me too.")

        assert desk.ticket(number)["comments"][-1]["visibility"] == "private"
        assert len(desk.ticket(number, ann)["comments"]) == 1

    def test_T2_another_organisation_sees_nothing(self, desk: Desk) -> None:
        number = desk.opened_by(desk.a_user())

        assert desk.api("GET", f"/{number}", desk.a_user())[0] == 404


class TestSeverity:
    @pytest.mark.parametrize("said", ["P0", "P1", "P3"])
    def test_T3_what_the_customer_says_is_kept_beside_and_decides_nothing(
        self, desk: Desk, said: str
    ) -> None:
        ticket = desk.ticket(desk.opened_by(desk.a_user(), f"Severity: {said}"))

        assert (ticket["severity"], ticket["severity_claimed"]) == ("P2", said)

    def test_T3_it_is_shown_to_staff_and_to_himself(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann, "Severity: P1")

        assert "Severity P2 (customer asked for P1)" in words(desk.mail_to(SAM, number))
        assert "severity is P2; you asked for P1" in words(desk.mail_to(ann, number))

    def test_T3_the_team_determines_it_and_says_why(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann, "Severity: P1")

        desk.change(number, severity="P0", why="All dashboards are empty.")

        ticket = desk.ticket(number)
        assert (ticket["severity"], ticket["severity_claimed"]) == ("P0", "P1")
        assert whats(ticket, "severity") == [("P2", "P0", "All dashboards are empty.")]
        assert desk.mail_to(ann, number, containing="All dashboards are empty.")

    def test_T3_a_customer_cannot_set_it_in_the_portal_either(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.logged_by(ann, severity="P0")

        status, _ = desk.api("PATCH", f"/{number}", ann, {"severity": "P0"})

        ticket = desk.ticket(number)
        assert (status, ticket["severity"], ticket["severity_claimed"]) == (403, "P2", "P0")


class TestHours:
    def test_T4_every_request_runs_round_the_clock(self, clocked: ClockedDesk) -> None:
        number = clocked.opened_by(clocked.a_user())

        assert clocked.due(number) == NOW + 8 * HOUR

    def test_T4_who_is_on_call_hears_at_night_of_a_critical_claim(
        self, clocked: ClockedDesk
    ) -> None:
        ann = clocked.a_user()
        number = clocked.opened_by(ann, subject="[P0] Nothing works")

        assert f"{ann} claims by mail" in words(clocked.mail_to(ENGINEER, number))
        assert "Someone is on call 24 hours a day" in words(clocked.mail_to(ann, number))

    def test_T4_and_of_a_ticket_that_the_team_finds_critical(self, clocked: ClockedDesk) -> None:
        number = clocked.opened_by(clocked.a_user())

        clocked.change(number, severity="P0", why="Nothing works.")

        assert clocked.mail_to(ENGINEER, number, containing="Nothing works.")


class TestEscalation:
    def told(self, desk: Desk, number: int) -> list[int]:
        """How many mails about the ticket went to each of the three levels."""
        return [len(desk.mails_to(one, number)) for one in (ENGINEER, DIRECTOR, HEAD)]

    def escalates(self, desk: Desk, number: int, sender: str) -> None:
        desk.answers(desk.mail_to(sender, number), sender, "#escalate It takes too long.")

    def test_T5_it_goes_to_the_engineer_first(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)

        self.escalates(desk, number, ann)

        assert self.told(desk, number) == [1, 0, 0]

    def test_T5_an_engineer_who_has_not_spoken_is_asked_again_first(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)
        self.escalates(desk, number, ann)

        desk.change(number, ann, escalate="Still nobody.")

        assert desk.ticket(number)["escalation_level"] == 1
        assert self.told(desk, number) == [2, 0, 0]

    def test_T5_whoever_asked_hears_why_it_went_no_further(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)
        self.escalates(desk, number, ann)

        (said,) = desk.change(number, ann, escalate="Still nobody.")

        assert "has not answered yet and is asked again" in said

    def test_T5_a_desk_that_never_answers_does_not_hold_it_up_for_good(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)

        for _ in range(3):
            desk.change(number, ann, escalate="Still nobody.")

        assert self.told(desk, number) == [2, 1, 0]

    def test_T5_on_a_closed_request_he_hears_that_it_is_not_escalated(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)
        desk.change(number, status="closed")

        self.escalates(desk, number, ann)

        assert desk.mail_to(ann, containing="a new request, which is not escalated yet")
        assert self.told(desk, number) == [0, 0, 0]

    def test_T5_once_he_has_spoken_it_goes_up_one_level_at_a_time(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)
        desk.staff_answer(number, "We are looking into it.")

        steps = []
        for _ in range(3):
            desk.change(number, ann, escalate="It takes too long.")
            steps.append(self.told(desk, number))
        status, problem = desk.api("PATCH", f"/{number}", ann, {"escalate": "More!"})

        assert steps == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
        assert (status, "highest level already" in problem["error"]) == (409, True)

    def test_T5_the_director_reads_why(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)
        desk.say(number)
        desk.change(number, ann, escalate="The board meets tomorrow.")

        desk.change(number, ann, escalate="The board meets tonight.")

        told = words(desk.mail_to(DIRECTOR, number))
        assert "was escalated to level 2, Director, Support" in told
        assert "Reason The board meets tonight." in told

    def test_T6_the_success_manager_of_the_customer_is_told(self, desk: Desk) -> None:
        company, manager = desk.a_company(), "csm@help.example"
        desk.run("company", "manager", company.name, manager)
        ann = desk.a_user(company)
        number = desk.opened_by(ann)
        other = desk.opened_by(desk.a_user())

        self.escalates(desk, number, ann)
        desk.change(other, escalate="Please look.")

        assert "It takes too long." in words(desk.mail_to(manager, number))
        assert desk.mails_to(manager, other) == []


class TestPromises:
    @pytest.mark.parametrize("severity", PROMISED)
    def test_T7_the_answers_are_due_by_severity(self, clocked: ClockedDesk, severity: str) -> None:
        first, following = PROMISED[severity]
        number = clocked.opened_by(clocked.a_user())
        clocked.change(number, severity=severity)
        due = clocked.due(number)

        clocked.say(number)

        assert due == NOW + first
        assert clocked.due(number) == NOW + following

    def test_T7_a_promise_that_is_not_kept_is_told(self, clocked: ClockedDesk) -> None:
        number = clocked.opened_by(clocked.a_user())

        clocked.at(NOW + 8 * HOUR)
        clocked.keep()

        assert "The first response to" in words(
            clocked.mail_to(SAM, number, containing="is overdue")
        )

    def test_T7_the_numbers_are_marked_as_examples(self) -> None:
        shipped = policies.find(None)["atlan"].text

        promised = [line for line in shipped.splitlines() if re.match("(first|ongoing) =", line)]

        assert len(promised) == 2
        assert all(line.endswith("# example") for line in promised)
