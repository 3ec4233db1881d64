"""Stakater's published terms on what an answer holds, and which hours count for a contract."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

import pytest

from tests.acceptance.policies.launch import ClockedPolicyServer
from tests.acceptance.policies.policy_server import SAM, links_in, plain_text
from tests.acceptance.policies.test_stakater_time import a_complete_ticket, in_berlin

POLICY = "stakater"
MAX = "max@vendor.example"
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

    def test_S14_the_request_type_is_kept_and_may_be_set_in_the_portal(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        named = clocked.open_by_mail(ann, "It is odd.\n\n**Request type:** question")

        chosen = clocked.open_in_portal(ann, fields={"request_type": "service REQUEST"})

        assert clocked.ticket(named)["fields"] == {"request_type": "Question"}
        assert clocked.ticket(chosen)["fields"] == {"request_type": "Service request"}
        notice = plain_text(clocked.mail_to(SAM, chosen))
        assert "Request type: Service request" in notice.partition("wrote:")[2]
        new = {"subject": "Help", "text": "It is odd.", "fields": {"request_type": "Rant"}}
        status, problem = clocked.api("POST", "", ann, new)
        assert (status, "expected one of: Incident, Service" in problem["detail"]) == (409, True)

    def test_S14_a_ticket_keeps_the_calendar_that_it_was_opened_under(
        self, clocked: ClockedPolicyServer
    ) -> None:
        company = clocked.a_company("premium", calendar="saturdays")
        number = a_complete_ticket(clocked, "High", clocked.a_user(company))
        clocked.run("company", "tier", company.name, "standard", "--from", "2020-01-02")

        clocked.comment(number)

        assert clocked.due(number) == in_berlin("2026-07-11 11:00")


STEPS, BARE = "We will replace the disk.", "The disk of node 3 is broken."


class TestNextSteps:
    @pytest.mark.parametrize(
        ("severity", "named"), [("Critical", True), ("High", True), ("Medium", False)]
    )
    def test_S15_an_answer_at_high_severity_names_the_next_follow_up(
        self, clocked: ClockedPolicyServer, severity: str, named: bool
    ) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, severity, ann)

        clocked.comment(number, STEPS)

        text = plain_text(clocked.mail_to(ann, number, containing=STEPS))
        assert ("Next follow-up by Monday 13 July 2026" in text) == named

    @pytest.mark.parametrize("severity", ["Critical", "High"])
    def test_S15_an_answer_without_next_steps_is_pointed_out_to_its_author(
        self, clocked: ClockedPolicyServer, severity: str
    ) -> None:
        number = a_complete_ticket(clocked, severity)

        clocked.reply_as_staff(number, BARE)
        effects = clocked.change(number, comment={"text": BARE})

        said = f"your answer on #{number} names no next steps, which customers expect at {severity}"
        assert clocked.mail_to(SAM, number, containing=said)
        assert [each for each in effects if each.startswith(said)]
        assert len(clocked.ticket(number)["comments"]) == 3, "the answers went out all the same"

    @pytest.mark.parametrize(
        ("severity", "text"), [("High", STEPS), ("Medium", BARE), ("High", f"#note\n{BARE}")]
    )
    def test_S15_any_other_answer_is_not(
        self, clocked: ClockedPolicyServer, severity: str, text: str
    ) -> None:
        number = a_complete_ticket(clocked, severity)

        clocked.reply_as_staff(number, text)

        mails = clocked.mails_to(SAM, number)
        assert not [mail for mail in mails if "names no next steps" in plain_text(mail)]

    def test_S15_the_success_manager_gets_it_where_the_contract_says_so(
        self, clocked: ClockedPolicyServer
    ) -> None:
        company, other = clocked.a_company("premium"), clocked.a_company("premium")
        for each in (company, other):
            clocked.run("company", "manager", each.name, MAX)
        clocked.run("company", "updates", company.name, "manager")
        number = a_complete_ticket(clocked, "High", clocked.a_user(company))
        others = a_complete_ticket(clocked, "High", clocked.a_user(other))

        for ticket in (number, others):
            clocked.comment(ticket, STEPS)

        text = plain_text(clocked.mail_to(MAX, number, containing=STEPS))
        assert f"{company.name} gets updates on request #{number}" in text
        assert "Next follow-up by Monday 13 July 2026" in text
        assert clocked.mails_to(MAX, others) == []


class TestFeedback:
    def test_S16_each_answer_carries_a_feedback_link(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, sender=ann)
        clocked.comment(number, STEPS)
        link, *_ = links_in(clocked.mail_to(ann, number, containing=STEPS), "feedback")

        clocked.page(link, rating="bad", text="You write every day, and nothing happens.")

        ticket = clocked.ticket(number)
        assert (ticket["rating"], ticket["status"]) == ("bad", "open")
        assert ticket["comments"][-1]["visibility"] == "note"

    @pytest.mark.parametrize("severity", ["Critical", "High"])
    def test_S16_one_mail_reviews_a_resolved_request_of_high_severity(
        self, clocked: ClockedPolicyServer, severity: str
    ) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, severity, ann)

        for status in ("resolved", "open", "resolved"):
            clocked.change(number, status=status)

        texts = [plain_text(mail) for mail in clocked.mails_to(ann, number)]
        assert sum("what could both of us do better?" in text for text in texts) == 1
        assert not [text for text in texts if "Are you satisfied" in text]

    def test_S16_its_lessons_are_a_note(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, "High", ann)
        clocked.change(number, status="resolved")
        review = clocked.mail_to(ann, number, containing="What went well")

        clocked.reply(review, ann, "We should both watch the disks.")

        ticket = clocked.ticket(number)
        assert ticket["status"] == "resolved"
        assert ticket["comments"][-1]["visibility"] == "note"
        assert "watch the disks" in ticket["comments"][-1]["text"]
        assert "Only our team can read your reply." in plain_text(review)
