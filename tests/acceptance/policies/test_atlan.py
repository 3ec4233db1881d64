"""The support terms that Atlan publishes, row by row."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from gateway import policies
from tests.acceptance.policies.launch import ClockedPolicyServer
from tests.acceptance.policies.policy_server import (
    SAM,
    PolicyServer,
    a_mail,
    audit_lines,
    links_in,
    plain_text,
)

POLICY = "atlan"
ENGINEER, DIRECTOR, HEAD = (
    "engineer-on-duty@example.com",
    "support-director@example.com",
    "head-of-cx@example.com",
)
ON_CALL = "reliability-engineer@example.com"
NOW = datetime(2026, 7, 11, 3, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PROMISED = {
    "P0": (30 * MINUTE, HOUR),
    "P1": (2 * HOUR, 8 * HOUR),
    "P2": (8 * HOUR, 48 * HOUR),
    "P3": (24 * HOUR, 120 * HOUR),
}
"""The first and each next answer, as the shipped policy promises."""


class TestContact:
    def test_T1_there_is_one_address_for_support(self, server: PolicyServer) -> None:
        ann = server.a_user()

        assert server.ticket(server.open_by_mail(ann))["mailbox"] == "support@help.example"
        assert server.send(a_mail(ann, "Hello?"), ann, "info@help.example")[0] == 550

    def test_T1_the_user_name_is_the_address_at_the_organisation(
        self, clocked: ClockedPolicyServer
    ) -> None:
        new = f"new@{clocked.a_company().domain}"
        clocked.page("/signup", address=new)
        (link,) = links_in(clocked.mail_to(new), "signup")

        clocked.page(link, name="Nina New")
        number = clocked.open_by_mail(f'"Somebody Else" <{new}>', reply_to="x@elsewhere.example")

        assert clocked.list_tickets(new, "mine") == {number}


class TestLists:
    def test_T2_each_list_holds_its_own_tickets(self, server: PolicyServer) -> None:
        company = server.a_company(visibility="company")
        ann, bob, cat = (server.a_user(company) for _ in range(3))
        mine, copied = server.open_by_mail(bob), server.open_by_mail(ann, cc=bob)
        others = server.open_by_mail(cat)
        server.open_by_mail(server.a_user())

        assert server.list_tickets(bob, "mine") == {mine}
        assert server.list_tickets(bob, "cc") == {copied}
        assert server.list_tickets(bob, "organisation") == {mine, copied, others}

    @pytest.mark.parametrize("changes", [{"comment": {"text": "Me too."}}, {"status": "closed"}])
    def test_T2_a_ticket_of_the_organisation_is_read_only(
        self, server: PolicyServer, changes: dict[str, object]
    ) -> None:
        company = server.a_company(visibility="company")
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)

        status, problem = server.api("PATCH", f"/{number}", bob, changes)

        assert server.ticket(number, bob)["number"] == number
        assert (status, problem["detail"]) == (
            403,
            "you may read this ticket; to comment or close it you must be on it",
        )

    def test_T2_a_person_in_copy_comments_and_closes(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann, cc=bob)

        server.comment(number, "It works again.", actor=bob)
        server.change(number, bob, status="closed")

        assert server.ticket(number, ann)["comments"][-1]["text"] == "It works again."
        assert server.ticket(number)["status"] == "closed"

    def test_T2_a_mail_of_a_reader_is_shown_to_staff_only(self, server: PolicyServer) -> None:
        company = server.a_company(visibility="company")
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)

        server.reply(server.mail_to(ann, number), bob, "Me too.")

        assert server.ticket(number)["comments"][-1]["visibility"] == "private"
        assert len(server.ticket(number, ann)["comments"]) == 1

    def test_T2_another_organisation_sees_nothing(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user())

        assert server.api("GET", f"/{number}", server.a_user())[0] == 404

    def test_T8_lists_are_closed_until_the_company_is_opened(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)
        closed = server.api("GET", "?list=organisation", bob)
        hidden = server.api("GET", f"/{number}", bob)

        server.run("company", "lists", company.name, "open")

        assert (closed[0], hidden[0]) == (403, 404)
        assert "only to the people on them" in closed[1]["detail"]
        assert server.list_tickets(bob, "organisation") == {number}
        assert server.ticket(number, bob)["number"] == number

    def test_T8_opened_lists_are_read_only(self, server: PolicyServer) -> None:
        company = server.a_company(visibility="company")
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)

        status, _ = server.api("PATCH", f"/{number}", bob, {"severity": "P0"})

        assert (status, server.ticket(number)["severity"]) == (403, "P2")
        assert server.list_tickets(bob, "organisation") == {number}
        assert server.list_tickets(server.a_user(), "mine") == set()


class TestSeverity:
    @pytest.mark.parametrize("claimed", ["P0", "P1", "P3"])
    def test_T3_the_customer_s_claim_is_recorded_and_does_not_set_the_severity(
        self, server: PolicyServer, claimed: str
    ) -> None:
        ticket = server.ticket(server.open_by_mail(server.a_user(), f"Severity: {claimed}"))

        assert (ticket["severity"], ticket["severity_claimed"]) == ("P2", claimed)

    def test_T3_the_claim_is_shown_to_staff_and_to_the_customer(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "Severity: P1")

        assert "Severity P2 (customer asked for P1)" in plain_text(server.mail_to(SAM, number))
        assert "severity is P2; you asked for P1" in plain_text(server.mail_to(ann, number))

    def test_T3_the_team_sets_the_severity_with_a_reason(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "Severity: P1")

        server.change(number, severity="P0", why="All dashboards are empty.", why_public=True)

        ticket = server.ticket(number)
        assert (ticket["severity"], ticket["severity_claimed"]) == ("P0", "P1")
        assert audit_lines(ticket, "severity_changed") == [
            ("P2", "P0", "public: All dashboards are empty.")
        ]
        assert server.mail_to(ann, number, containing="All dashboards are empty.")

    def test_T9_a_p0_of_the_portal_is_p0_and_alerts_on_call(self, server: PolicyServer) -> None:
        ann = server.a_user()

        number = server.open_in_portal(ann, severity="P0")

        ticket = server.ticket(number)
        assert (ticket["severity"], ticket["severity_claimed"]) == ("P0", "P0")
        assert "is P0" in plain_text(server.mail_to(ON_CALL, number))

    def test_T9_a_p0_by_mail_stays_a_claim(self, server: PolicyServer) -> None:
        ticket = server.ticket(server.open_by_mail(server.a_user(), subject="[P0] Nothing works"))

        assert (ticket["severity"], ticket["severity_claimed"]) == ("P2", "P0")

    def test_T9_nobody_is_sent_to_the_way_they_came_by(self, server: PolicyServer) -> None:
        ann = server.a_user()
        in_portal = server.open_in_portal(ann, severity="P0")
        by_mail = server.open_by_mail(ann, subject="[P0] Nothing works")

        assert "https://support.example.com" in plain_text(server.mail_to(ann, by_mail))
        text = plain_text(server.mail_to(ann, in_portal))
        assert "Its severity is P0" in text
        assert "https://support.example.com" not in text
        assert "critical issues" not in text


class TestHours:
    def test_T4_promises_run_around_the_clock(self, clocked: ClockedPolicyServer) -> None:
        number = clocked.open_by_mail(clocked.a_user())

        assert clocked.due(number) == NOW + 8 * HOUR

    def test_T4_the_engineer_on_call_is_notified_of_a_critical_claim_at_night(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, subject="[P0] Nothing works")

        assert f"{ann} claims by mail" in plain_text(clocked.mail_to(ON_CALL, number))
        assert "engineers are on call 24 hours a day" in plain_text(clocked.mail_to(ann, number))

    def test_T4_the_engineer_on_call_is_notified_of_a_ticket_set_to_critical(
        self, clocked: ClockedPolicyServer
    ) -> None:
        number = clocked.open_by_mail(clocked.a_user())

        clocked.change(number, severity="P0", why="Nothing works.")

        assert clocked.mail_to(ON_CALL, number, containing="Nothing works.")
        assert clocked.mails_to(ENGINEER, number) == []


class TestEscalation:
    def mail_counts(self, server: PolicyServer, number: int) -> list[int]:
        """The number of mails about the ticket to each of the three levels."""
        return [len(server.mails_to(one, number)) for one in (ENGINEER, DIRECTOR, HEAD)]

    def escalate_by_mail(self, server: PolicyServer, number: int, sender: str) -> None:
        server.reply(server.mail_to(sender, number), sender, "#escalate It takes too long.")

    def test_T5_an_escalation_goes_to_the_engineer_first(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        self.escalate_by_mail(server, number, ann)

        assert self.mail_counts(server, number) == [1, 0, 0]

    def test_T5_an_engineer_who_has_not_answered_is_reminded_first(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        self.escalate_by_mail(clocked, number, ann)

        clocked.set_clock(NOW + 20 * MINUTE)
        clocked.change(number, ann, escalate="Still nobody.")

        assert clocked.ticket(number)["escalation_level"] == 1
        assert self.mail_counts(clocked, number) == [2, 0, 0]

    def test_T5_the_customer_learns_why_the_level_did_not_rise(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        self.escalate_by_mail(clocked, number, ann)

        clocked.set_clock(NOW + 20 * MINUTE)
        _, reason = clocked.change(number, ann, escalate="Still nobody.")

        assert reason == (
            "Technical Support Engineer has until 2026-07-11 04:00 UTC to answer and is asked "
            "again; Director, Support follows after that time, or after an answer."
        )

    def test_T5_staff_who_never_answer_cannot_block_the_escalation(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)

        for hours in range(3):
            clocked.set_clock(NOW + hours * HOUR)
            clocked.change(number, ann, escalate="Still nobody.")

        assert self.mail_counts(clocked, number) == [1, 1, 1]

    def test_T5_a_reply_to_a_closed_request_escalates_the_request_that_it_opens(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)
        server.change(number, status="closed")

        self.escalate_by_mail(server, number, ann)

        mail = server.mail_to(ann, containing="at level 1: Technical Support Engineer")
        (follow_up,) = server.list_tickets(ann, "mine") - {number}
        assert f"[#{follow_up}]" in mail["Subject"]
        assert server.ticket(follow_up)["escalation_level"] == 1
        assert self.mail_counts(server, number) == [0, 0, 0]
        assert self.mail_counts(server, follow_up) == [1, 0, 0]

    def test_T5_an_answered_escalation_rises_one_level_at_a_time(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)

        steps = []
        for minutes in (0, 20, 40):
            clocked.set_clock(NOW + minutes * MINUTE)
            clocked.change(number, ann, escalate="It takes too long.")
            steps.append(self.mail_counts(clocked, number))
            clocked.comment(number)
        clocked.set_clock(NOW + 60 * MINUTE)
        _, reason = clocked.change(number, ann, escalate="More!")

        assert steps == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
        assert reason == "Head of Customer Experience is the highest level and is asked again."
        assert self.mail_counts(clocked, number) == [1, 1, 2]

    def test_T5_the_director_gets_the_reason(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)
        server.change(number, ann, escalate="The board meets tomorrow.")
        server.comment(number)

        server.change(number, ann, escalate="The board meets tonight.")

        text = plain_text(server.mail_to(DIRECTOR, number))
        assert "was escalated to level 2, Director, Support" in text
        assert "Reason The board meets tonight." in text

    def test_T6_the_customer_s_success_manager_is_notified(self, server: PolicyServer) -> None:
        company, manager = server.a_company(), "csm@help.example"
        server.run("company", "manager", company.name, manager)
        ann = server.a_user(company)
        number = server.open_by_mail(ann)
        other = server.open_by_mail(server.a_user())

        self.escalate_by_mail(server, number, ann)
        server.change(other, escalate="Please look.")

        assert "It takes too long." in plain_text(server.mail_to(manager, number))
        assert server.mails_to(manager, other) == []


class TestReachingSomebody:
    def test_T10_the_assigned_engineer_hears_first(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)
        server.change(number, assignee="sam")

        done, *_ = server.change(number, ann, escalate="The business impact changed.")

        text = plain_text(server.mail_to(SAM, number, containing="was escalated to level 1"))
        assert "Reason The business impact changed." in text
        assert done == f"#{number} is at level 1: Technical Support Engineer (Sam)"
        assert server.mails_to(ENGINEER, number) == []

    def test_T10_no_level_within_the_time_of_the_one_below(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="It takes too long.")

        levels = []
        for minutes in (59, 60):
            clocked.set_clock(NOW + minutes * MINUTE)
            clocked.change(number, ann, escalate="Still nobody.")
            levels.append(clocked.ticket(number)["escalation_level"])

        assert levels == [1, 2]

    def test_T10_the_same_engineer_is_asked_at_most_every_quarter_of_an_hour(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="It takes too long.")

        clocked.set_clock(NOW + 14 * MINUTE)
        status, problem = clocked.api("PATCH", f"/{number}", ann, {"escalate": "Still nobody."})

        assert status == 409
        assert problem["detail"] == (
            "Technical Support Engineer was asked at 2026-07-11 "
            "03:00 UTC and can be asked again after 2026-07-11 03:15 UTC."
        )

    def test_T10_a_dead_director_is_passed_over_and_it_is_said(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="It takes too long.")
        clocked.comment(number)

        with clocked.no_mail_to(DIRECTOR):
            done, *_ = clocked.change(number, ann, escalate="The board meets tonight.")

        assert done == (
            f"#{number} is at level 2: Director, Support. Nobody of that level gets email now; "
            "the support team was notified instead."
        )
        assert DIRECTOR not in done
        *_, last = audit_lines(clocked.ticket(number), "escalated")
        assert last == ("1", "2", f"The board meets tonight.; passed over: {DIRECTOR}")

    def test_T10_the_desk_hears_when_nobody_else_can(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="It takes too long.")
        clocked.comment(number)

        with clocked.no_mail_to(DIRECTOR):
            clocked.change(number, ann, escalate="The board meets tonight.")

        text = plain_text(clocked.mail_to(SAM, number, containing="was escalated to level 2"))
        assert f"Passed over, since no mail reaches them: {DIRECTOR}." in text
        assert clocked.mails_to(DIRECTOR, number) == []

    def test_T10_a_contacts_reply_is_a_flagged_comment(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="It takes too long.")
        escalation = clocked.mail_to(ENGINEER, number, containing="was escalated")
        quoted = "".join(f"> {line}\n" for line in plain_text(escalation).split(". "))

        code, text = clocked.reply(escalation, ENGINEER, f"I call them now.\n\n{quoted}")

        assert (code, f"filed as #{number}" in text) == (250, True)
        receipt = plain_text(clocked.mail_to(ENGINEER, number, containing="Your reply is on"))
        assert "as a comment that only the support team reads" in receipt
        assert "I call them now." in plain_text(clocked.mail_to(SAM, number, containing="I call"))
        *_, comment = clocked.ticket(number)["comments"]
        assert (comment["author"], comment["visibility"]) == (ENGINEER, "private")
        assert "I call them now." not in str(clocked.ticket(number, ann)["comments"])

        clocked.change(number, publish=comment["id"])

        *_, published = clocked.ticket(number, ann)["comments"]
        assert published["text"].strip() == "I call them now."
        mailed = plain_text(clocked.mail_to(ann, number, containing="I call them now."))
        assert "was escalated" not in mailed
        assert "was escalated" not in str(clocked.ticket(number, ann)["comments"])

    def test_T10_nobody_but_a_contact_answers_so(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number, other = clocked.open_by_mail(ann), clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="It takes too long.")
        subject = str(clocked.mail_to(ENGINEER, number, containing="was escalated")["Subject"])

        stranger = clocked.send(a_mail("eve@evil.example", "Hi!", subject), "eve@evil.example")
        elsewhere = subject.replace(f"#{number}", f"#{other}")
        on_other = clocked.send(a_mail(ENGINEER, "Hi!", elsewhere), ENGINEER)
        without_thread = clocked.send(a_mail(ENGINEER, "Hi!", subject), ENGINEER)

        assert (stranger[0], on_other[0], without_thread[0]) == (550, 550, 250)


class TestPromises:
    @pytest.mark.parametrize("severity", PROMISED)
    def test_T7_the_answers_are_due_by_severity(
        self, clocked: ClockedPolicyServer, severity: str
    ) -> None:
        first, following = PROMISED[severity]
        number = clocked.open_by_mail(clocked.a_user())
        clocked.change(number, severity=severity)
        due = clocked.due(number)

        clocked.comment(number)

        assert due == NOW + first
        assert clocked.due(number) == NOW + following

    def test_T7_a_broken_promise_is_reported(self, clocked: ClockedPolicyServer) -> None:
        number = clocked.open_by_mail(clocked.a_user())

        clocked.set_clock(NOW + 8 * HOUR)
        clocked.notify_overdue()

        assert "The first response to" in plain_text(
            clocked.mail_to(SAM, number, containing="is overdue")
        )

    def test_T7_the_promised_times_are_marked_as_examples(self) -> None:
        shipped = policies.find(None)["atlan"].text

        promised = [line for line in shipped.splitlines() if re.match("(first|ongoing) =", line)]

        assert len(promised) == 2
        assert all(line.endswith("# example") for line in promised)
