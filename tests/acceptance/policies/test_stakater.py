"""The support terms that Stakater publishes, row by row."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.acceptance.policies.launch import ClockedPolicyServer
from tests.acceptance.policies.policy_server import (
    SAM,
    PolicyServer,
    audit_lines,
    links_in,
    plain_text,
)
from tests.running import postern

POLICY = "stakater"
PORTAL = "https://support.example.com"
FACTS = {
    "environment": "It is in the staging environment.",
    "product or service": "Product: the router of OpenShift",
    "error messages or logs": "The log says: error 502.",
    "steps to reproduce": "1. Open the page.",
    "impact": "Our users cannot work.",
    "recent changes": "We upgraded it on Friday.",
}
QUESTIONS = {
    "environment": "Which environment is affected: production, staging or another?",
    "product or service": "Which product or service is affected?",
    "error messages or logs": "What do the error messages or the logs say?",
    "steps to reproduce": "How can we reproduce the problem, if that is possible?",
    "impact": "What is the impact: who cannot do what?",
    "recent changes": "Was any configuration changed recently?",
}
ALWAYS_ASKED = [fact for fact in FACTS if fact != "steps to reproduce"]
COMPLETE = "\n".join(FACTS.values())
NOW = datetime(2026, 7, 6, 8, tzinfo=UTC)


class TestAccounts:
    def test_S1_an_account_is_created_by_address_link_and_name(
        self, clocked: ClockedPolicyServer
    ) -> None:
        new = f"new@{clocked.a_company().domain}"

        requested, _ = clocked.page("/signup", address=new)
        (link,) = links_in(clocked.mail_to(new), "signup")
        named, page = clocked.page(link, name="Nina New")

        assert (requested, named) == (200, 200)
        assert "Nina New" in page
        assert clocked.ticket(clocked.open_by_mail(new))["requester"] == new

    def test_S1_no_link_is_sent_to_a_free_mail_or_a_foreign_address(
        self, clocked: ClockedPolicyServer
    ) -> None:
        addresses = [
            "ann@gmail.com",
            "ann@company.evil.example",
            f"new@{clocked.a_company().domain}",
        ]

        pages = {clocked.page("/signup", address=each)[0] for each in addresses}

        assert clocked.mail_to(addresses[-1])
        assert (pages, clocked.mails_to(addresses[0]), clocked.mails_to(addresses[1])) == (
            {200},
            [],
            [],
        )

    def test_S1_no_company_is_registered_with_a_free_mail_domain(
        self, server: PolicyServer
    ) -> None:
        done = postern(
            *("company", "add", "Freemail Inc", "--domain", "gmail.com"),
            *("--config", str(server.config)),
        )

        assert (done.returncode, "free mail provider" in done.stderr) == (65, True)

    @pytest.mark.parametrize("domain", ["gmail.com", "elsewhere.example"])
    def test_S1_no_user_is_registered_with_a_foreign_address(
        self, server: PolicyServer, domain: str
    ) -> None:
        company = server.a_company()

        done = postern(
            *("user", "add", f"ann@{domain}", "--company", company.name),
            *("--config", str(server.config)),
        )

        assert (done.returncode, company.domain in done.stderr) == (65, True)


class TestSeverity:
    @pytest.mark.parametrize(
        ("claimed", "level"),
        [
            ("P2", "High"),
            ("High", "High"),
            ("P3", "Medium"),
            ("Medium", "Medium"),
            ("P4", "Low"),
            ("Low", "Low"),
            ("P2 - High", "High"),
        ],
    )
    def test_S2_both_names_of_a_level_are_equivalent(
        self, server: PolicyServer, claimed: str, level: str
    ) -> None:
        ticket = server.ticket(server.open_by_mail(server.a_user(), f"Severity: {claimed}"))

        assert (ticket["severity"], ticket["severity_claimed"]) == (level, level)

    @pytest.mark.parametrize(
        ("claimed", "level"), [("P2", "High"), ("P3", "Medium"), ("P4", "Low")]
    )
    def test_S2_both_names_are_equivalent_in_the_subject(
        self, server: PolicyServer, claimed: str, level: str
    ) -> None:
        ticket = server.ticket(
            server.open_by_mail(server.a_user(), subject=f"[{claimed}] It is broken")
        )

        assert (ticket["severity"], ticket["severity_claimed"]) == (level, level)

    @pytest.mark.parametrize(
        ("subject", "level"),
        [
            ("P2: the router is slow", "High"),
            ("The router is slow (P2 - High)", "High"),
            ("Priority: Low, no hurry", "Low"),
            ("Bitte als P4 behandeln", "Low"),
        ],
    )
    def test_S2_a_priority_is_heard_as_people_write_it(
        self, server: PolicyServer, subject: str, level: str
    ) -> None:
        ticket = server.ticket(server.open_by_mail(server.a_user(), subject=subject))

        assert (ticket["severity"], ticket["severity_claimed"]) == (level, level)

    @pytest.mark.parametrize("claimed", ["P1", "Critical"])
    def test_S2_critical_is_a_level_of_the_portal_under_both_names(
        self, server: PolicyServer, claimed: str
    ) -> None:
        number = server.open_in_portal(server.a_user(), severity=claimed)

        assert server.ticket(number)["severity"] == "Critical"

    def test_S2_the_severity_is_medium_unless_the_customer_claims_another(
        self, server: PolicyServer
    ) -> None:
        ticket = server.ticket(server.open_by_mail(server.a_user()))

        assert (ticket["severity"], ticket["severity_claimed"]) == ("Medium", None)

    def test_S2_the_policy_defines_each_level(self, server: PolicyServer) -> None:
        text = " ".join(server.run("policy", "explain", "stakater").split())

        for meaning in (
            "A production outage",
            "A major degradation with significant impact",
            "some non-critical functions are lost",
            "A request for information",
        ):
            assert meaning in text


class TestCompleteness:
    @pytest.mark.parametrize("fact", ALWAYS_ASKED)
    def test_S3_a_missing_fact_is_recorded_and_asked_for(
        self, server: PolicyServer, fact: str
    ) -> None:
        ann = server.a_user()
        text = "\n".join(text for name, text in FACTS.items() if name != fact)
        number = server.open_by_mail(ann, text)

        acknowledged = plain_text(server.mail_to(ann, number))
        questions = [name for name, question in QUESTIONS.items() if question in acknowledged]

        assert (server.ticket(number)["missing"], questions) == ([fact], [fact])

    def test_S3_a_failed_log_in_does_not_count_as_an_error_message(
        self, server: PolicyServer
    ) -> None:
        number = server.open_by_mail(server.a_user(), "Our users cannot log in.")

        assert "error messages or logs" in server.ticket(number)["missing"]

    def test_S3_steps_are_asked_for_but_not_required(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "\n".join(FACTS[fact] for fact in ALWAYS_ASKED))

        assert server.ticket(number)["missing"] == []
        assert QUESTIONS["steps to reproduce"] in plain_text(server.mail_to(ann, number))

    def test_S3_a_complete_request_causes_no_questions(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, COMPLETE)

        acknowledged = plain_text(server.mail_to(ann, number))

        assert server.ticket(number)["missing"] == []
        assert not [question for question in QUESTIONS.values() if question in acknowledged]

    def test_S3_our_own_quoted_question_answers_nothing(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is broken.")

        server.answer_below(server.mail_to(ann, number), ann, {"To add information": "Any news?"})

        assert server.ticket(number)["missing"] == ALWAYS_ASKED

    def test_S3_a_german_request_is_complete(self, server: PolicyServer) -> None:
        number = server.open_by_mail(
            server.a_user(),
            "Umgebung: Produktion, Komponente: Router.\nDie Fehlermeldung lautet 502.\n"
            "Unsere Kunden können nicht bestellen.\nSeit gestern wurde nichts geändert.",
            content_type="text/plain; charset=utf-8",
        )

        assert server.ticket(number)["missing"] == []

    def test_S17_a_bare_answer_under_our_question_counts(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is broken.")
        answers = {QUESTIONS["environment"]: "The old one.", QUESTIONS["impact"]: "All of us wait."}

        server.answer_below(server.mail_to(ann, number), ann, answers)

        still = [fact for fact in ALWAYS_ASKED if fact not in ("environment", "impact")]
        assert server.ticket(number)["missing"] == still

    def test_S17_german_answers_count(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is broken.")
        answers = {QUESTIONS["environment"]: "Weiss nicht.", QUESTIONS["recent changes"]: "Keine."}

        server.answer_below(server.mail_to(ann, number), ann, answers)

        still = [fact for fact in ALWAYS_ASKED if fact not in ("environment", "recent changes")]
        assert server.ticket(number)["missing"] == still


class TestSharing:
    def test_S4_a_colleague_does_not_see_a_request_that_is_not_shared(
        self, server: PolicyServer
    ) -> None:
        company = server.a_company()
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)

        assert server.ticket(number, ann)["number"] == number
        assert server.api("GET", f"/{number}", bob)[0] == 404

    @pytest.mark.parametrize("by", ["the requester", "staff"])
    def test_S4_a_colleague_sees_a_shared_request_and_gets_its_notices(
        self, server: PolicyServer, by: str
    ) -> None:
        company = server.a_company()
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)
        if by == "staff":
            server.change(number, add=[bob])
        else:
            server.reply(server.mail_to(ann, number), ann, "Bob knows more.", cc=bob)

        server.comment(number, "Which rack is it?")

        assert server.ticket(number, bob)["number"] == number
        assert server.mail_to(bob, number, containing="Which rack is it?")

    def test_S4_the_requester_shares_a_request_in_the_portal(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann)

        server.change(number, ann, add=[bob])

        assert server.ticket(number, bob)["number"] == number


class TestPremium:
    def test_S5_a_critical_mail_is_referred_to_the_portal(self, server: PolicyServer) -> None:
        ann = server.a_user(server.a_company("premium"))
        number = server.open_by_mail(ann, subject="[P1] Everything is down")

        first = plain_text(server.mail_to(ann, number))
        assert first.startswith(
            f"Please log this critical incident (P1) through the portal first: {PORTAL}."
        )
        assert "Under your plan, critical issues must be logged in the portal first." in first
        assert "Escalation begins" in first
        assert server.ticket(number)["severity"] == "High"

    def test_S5_a_p1_in_a_reply_is_sent_to_the_portal(self, server: PolicyServer) -> None:
        ann = server.a_user(server.a_company("premium"))
        number = server.open_by_mail(ann)

        server.reply(server.mail_to(ann, number), ann, "P1: everything is gone.")

        answer = plain_text(server.mail_to(ann, number, containing="as critical"))
        assert answer.startswith(
            f"Please log this critical incident (P1) through the portal first: {PORTAL}."
        )
        assert server.ticket(number)["severity"] == "Medium"

    def test_S5_a_critical_mail_is_not_escalated_by_mail(self, server: PolicyServer) -> None:
        ann = server.a_user(server.a_company("premium"))
        number = server.open_by_mail(ann, subject="[P1] Everything is down")

        server.reply(server.mail_to(ann, number), ann, "#escalate It is urgent.")

        assert server.mail_to(
            ann, number, containing="begins once the incident is logged in the portal"
        )
        assert server.ticket(number)["escalation_level"] == 0

    def test_S5_a_critical_ticket_from_the_portal_is_escalated(self, server: PolicyServer) -> None:
        ann = server.a_user(server.a_company("premium"))
        number = server.open_in_portal(ann, severity="P1")

        server.reply(server.mail_to(ann, number), ann, "#escalate It is urgent.")

        assert server.ticket(number)["escalation_level"] == 1
        assert server.mail_to("duty@example.com", number, containing="It is urgent.")

    def test_S5_a_critical_mail_confirmed_in_the_portal_is_escalated(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user(server.a_company("premium"))
        number = server.open_by_mail(ann, subject="[P1] Everything is down")

        server.change(number, ann, severity="P1", why="confirmed")
        server.reply(server.mail_to(ann, number), ann, "#escalate It is urgent.")

        ticket = server.ticket(number)
        assert (ticket["severity"], ticket["escalation_level"]) == ("Critical", 1)

    def test_S5_a_confirmed_ticket_is_escalated_after_staff_lower_its_severity(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user(server.a_company("premium"))
        number = server.open_by_mail(ann, subject="[P1] Everything is down")
        server.change(number, ann, severity="P1", why="confirmed")
        server.reply_as_staff(number, "#workaround Restart it.\n\nPlease restart it.")

        server.reply(server.mail_to(ann, number), ann, "#escalate It is urgent.")

        ticket = server.ticket(number)
        assert (ticket["severity"], ticket["escalation_level"]) == ("High", 1)


class TestAdjustment:
    def test_S6_staff_change_the_severity_and_the_history_has_the_reason(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "Severity: P2")

        reason = "She panics. public: It hurts nobody."
        server.reply_as_staff(number, f"#severity P4 {reason}\n\nWe have looked.")

        ticket = server.ticket(number)
        assert audit_lines(ticket, "severity_changed") == [("High", "Low", reason)]
        assert ticket["severity_claimed"] == "High"
        assert [h["actor"] for h in ticket["history"] if h["event"] == "severity_changed"] == [SAM]
        notice = plain_text(server.mail_to(ann, number, containing="It hurts nobody."))
        assert "Reason: It hurts nobody. --" in notice
        assert "panics" not in notice

    def test_S6_an_internal_reason_stays_internal(self, server: PolicyServer) -> None:
        ann = server.a_user()
        by_mail, by_api = (server.open_by_mail(ann, "Severity: P2") for _ in range(2))

        server.reply_as_staff(by_mail, "#severity P4 She panics.\n\nWe have looked.")
        server.change(by_api, severity="Low", why="She panics.")
        server.change(by_api, status="resolved", why="It works.", why_public=True)

        assert server.mail_to(ann, by_mail, containing="is now Low")
        assert server.mail_to(ann, by_api, containing="is now Low")
        assert server.mail_to(ann, by_api, containing="Reason: It works.")
        for number in (by_mail, by_api):
            assert not any("panics" in plain_text(m) for m in server.mails_to(ann, number))

    def test_S6_a_workaround_lowers_the_severity_by_one_level_down_to_low(
        self, server: PolicyServer
    ) -> None:
        number = server.open_in_portal(server.a_user(), severity="Critical")

        for _ in range(3):
            server.change(number, workaround=True, why="There is a way around it.")
        status, _ = server.api("PATCH", f"/{number}", SAM, {"workaround": True})

        ticket = server.ticket(number)
        assert (status, ticket["severity"]) == (409, "Low")
        assert [(was, became) for was, became, _ in audit_lines(ticket, "severity_changed")] == [
            ("Critical", "High"),
            ("High", "Medium"),
            ("Medium", "Low"),
        ]

    def test_S6_staff_record_a_workaround_by_mail(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user(), "Severity: P2")

        server.reply_as_staff(number, "#workaround Restart the router.\n\nPlease restart it.")

        ticket = server.ticket(number)
        assert audit_lines(ticket, "severity_changed") == [
            ("High", "Medium", "Restart the router.")
        ]


class TestFeedback:
    def test_S11_one_mail_asks_for_feedback_when_the_request_is_resolved(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.change(number, status="resolved")

        requests = [m for m in server.mails_to(ann, number) if links_in(m, "feedback")]
        assert len(requests) == 1

    def test_S11_a_second_resolve_asks_no_second_time(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        for status in ("resolved", "open", "resolved"):
            server.change(number, status=status)

        requests = [m for m in server.mails_to(ann, number) if links_in(m, "feedback")]
        assert len(requests) == 1

    def test_S11_feedback_is_recorded_and_does_not_reopen_the_ticket(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)
        server.change(number, status="resolved")
        link, *_ = links_in(server.mail_to(ann, number, containing="/feedback/"), "feedback")

        status, _ = server.page(link, rating="good", text="Quick help!")

        ticket = server.ticket(number)
        assert (status, ticket["rating"], ticket["status"]) == (200, "good", "resolved")
        assert ticket["comments"][-1]["text"].strip() == "Quick help!"

    def test_S11_a_reply_to_the_feedback_request_does_not_reopen_the_ticket(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)
        server.change(number, status="resolved")

        request = server.mail_to(ann, number, containing="/feedback/")
        server.reply(request, ann, "It took very long, but it works now.")

        ticket = server.ticket(number)
        last = ticket["comments"][-1]
        assert ticket["status"] == "resolved"
        assert (last["visibility"], "very long" in last["text"]) == ("note", True)

    def test_S11_an_ordinary_reply_reopens_the_ticket(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)
        server.change(number, status="resolved")

        resolved = server.mail_to(ann, number, containing="is now resolved")
        server.reply(resolved, ann, "It is broken again.")

        assert server.ticket(number)["status"] == "open"


class TestChannel:
    def test_S12_the_preferred_channel_of_a_company_is_shown_to_staff(
        self, server: PolicyServer
    ) -> None:
        company = server.a_company()
        server.run("company", "channel", company.name, "Call the bridge first")
        ann = server.a_user(company)
        number = server.open_by_mail(ann)

        assert server.ticket(number)["preferred_channel"] == "Call the bridge first"
        assert "preferred_channel" not in server.ticket(number, ann)
        shown = server.run("company", "show", company.name)
        assert re.search(r"channel +Call the bridge first", shown)

    def test_S12_the_preferred_channel_is_in_the_mail_to_staff(self, server: PolicyServer) -> None:
        company = server.a_company(channel="Call the bridge first")
        number = server.open_by_mail(server.a_user(company))

        assert "Channel Call the bridge first" in plain_text(server.mail_to(SAM, number))
