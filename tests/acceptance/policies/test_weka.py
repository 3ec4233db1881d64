"""The support terms that Weka publishes, row by row."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from tests.acceptance.policies.launch import ClockedPolicyServer
from tests.acceptance.policies.policy_server import (
    SAM,
    SUPPORT,
    PolicyServer,
    a_mail,
    audit_lines,
    links_in,
    plain_text,
)

POLICY = "weka"
PHONE, PORTAL = "+1 555 0100", "https://support.example.com"
NOW = datetime(2026, 7, 6, tzinfo=UTC)
EXECUTIVE_AT = {
    "01:00": "executive-apac@example.com",  # 09:00 in Singapore
    "09:30": "executive-emea@example.com",  # 11:30 in Berlin
    "20:00": "executive-americas@example.com",  # 13:00 in Los Angeles
}

EXECUTIVES = (*EXECUTIVE_AT.values(), "executives@example.com")
AT_WORK_IN_EUROPE = datetime.fromisoformat("2026-07-08T09:30+00:00")
ON_CALL = "on-call-emea@example.com"


class TestLevels:
    @pytest.mark.parametrize(
        ("claimed", "level"),
        [
            ("Major", "Major"),
            ("Minor", "Minor"),
            ("Question", "Question"),
            ("Product Question", "Question"),
            ("Feature Request", "Question"),
        ],
    )
    def test_W1_a_mail_opens_at_the_level_that_it_names(
        self, server: PolicyServer, claimed: str, level: str
    ) -> None:
        number = server.open_by_mail(server.a_user(), f"Severity: {claimed}")

        assert server.ticket(number)["severity"] == level

    def test_W1_critical_is_a_level_of_the_portal(self, server: PolicyServer) -> None:
        number = server.open_in_portal(server.a_user(), severity="Critical")

        assert server.ticket(number)["severity"] == "Critical"


class TestSigningUp:
    def test_W2_a_signed_up_user_opens_a_ticket_by_mail(self, server: PolicyServer) -> None:
        ann = server.a_user()

        assert server.ticket(server.open_by_mail(ann))["requester"] == ann

    def test_W2_a_stranger_is_refused_with_a_link_to_sign_up(self, server: PolicyServer) -> None:
        code, text = server.send(a_mail("eve@evil.example", "Help!"), "eve@evil.example")

        assert (code, text[:6]) == (550, "5.7.1 ")
        assert f"sign up in the support portal first: {PORTAL}" in text

    def test_W2_a_customer_without_an_account_is_sent_the_link(
        self, clocked: ClockedPolicyServer
    ) -> None:
        new = f"new@{clocked.a_company().domain}"

        code, text = clocked.send(a_mail(new, "Help!"), new)

        assert (code, "filed as" in text) == (250, False)
        assert len(links_in(clocked.mail_to(new), "signup")) == 1

    def test_W2_a_held_mail_becomes_a_ticket_when_its_author_signs_up(
        self, clocked: ClockedPolicyServer
    ) -> None:
        new = f"new@{clocked.a_company().domain}"
        clocked.send(a_mail(new, "The array is slow."), new)
        (link,) = links_in(clocked.mail_to(new), "signup")

        status, _ = clocked.page(link, name="Nina New")

        assert (status, clocked.release_enrolled()) == (200, 1)
        (number,) = clocked.list_tickets(new, "mine")
        assert clocked.ticket(number)["comments"][0]["text"].strip() == "The array is slow."

    def test_all_a_late_release_names_no_past_date(self, clocked: ClockedPolicyServer) -> None:
        new = f"new@{clocked.a_company().domain}"
        clocked.send(a_mail(new, "The array is slow."), new)
        (link,) = links_in(clocked.mail_to(new), "signup")

        clocked.set_clock(NOW + timedelta(days=10))
        clocked.page(link, name="Nina New")
        clocked.release_enrolled()

        acknowledged = plain_text(clocked.mail_to(new, containing="Your request is"))
        assert "You will receive a first response as soon as we can." in acknowledged
        assert str(NOW.year) not in acknowledged
        (number,) = clocked.list_tickets(new, "mine")
        due = clocked.due(number)
        assert due is not None
        assert due < clocked.now()


class TestCritical:
    @pytest.mark.parametrize(
        "header",
        [
            {"subject": "[Critical] The cluster is down"},
            {"subject": "Severity: urgent"},
            {"text": "Priority: Critical\n\nThe cluster is down."},
        ],
        ids=["tag", "another word", "text"],
    )
    def test_W3_a_critical_claim_opens_at_major_and_is_answered_with_the_phone(
        self, server: PolicyServer, header: dict[str, str]
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, **header)

        ticket, first = server.ticket(number), plain_text(server.mail_to(ann, number))
        assert (ticket["severity"], ticket["severity_claimed"]) == ("Major", "Critical")
        assert first.startswith(
            "If a production system has an urgent problem, do not wait for a reply by email. "
            f"Call {PHONE} (24 hours a day) or open a ticket in the portal, {PORTAL}."
        )

    def test_W3_a_mail_of_high_importance_opens_at_major(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user(), importance="high", x_priority="1")

        assert server.ticket(number)["severity"] == "Major"

    def test_W3_an_ordinary_acknowledgement_does_not_begin_with_the_phone(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "Severity: Minor")

        first = plain_text(server.mail_to(ann, number))
        assert first.startswith("Hello")

    def test_W3_staff_cannot_make_a_ticket_critical_by_mail(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user())

        server.reply_as_staff(number, "#severity Critical\n\nI see.")

        assert "Nothing was done" in plain_text(
            server.mail_to(SAM, number, containing="Nothing was done")
        )
        assert server.ticket(number)["severity"] == "Minor"

    @pytest.mark.parametrize(
        ("subject", "text"),
        [
            ("Severity: Critical (P1)", "The cluster is gone."),
            ("The cluster is gone", "Hello team,\n\nthis is critical for us."),
            ("DRINGEND: Cluster antwortet nicht", "Bitte um Rückruf."),
        ],
        ids=["label", "sentence", "German"],
    )
    def test_W3_a_claim_in_any_spelling_opens_at_major_with_the_phone_first(
        self, server: PolicyServer, subject: str, text: str
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, text, subject=subject)

        ticket, first = server.ticket(number), plain_text(server.mail_to(ann, number))
        assert (ticket["severity"], ticket["severity_claimed"]) == ("Major", "Critical")
        assert first.startswith("If a production system has an urgent problem")

    def test_W3_a_client_that_asks_for_no_answers_gets_the_phone_all_the_same(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "P1: it is gone", x_auto_response_suppress="All")

        assert PHONE in plain_text(server.mail_to(ann, number))


class TestClaims:
    @pytest.mark.parametrize(
        "subject",
        [
            "URGENT!!! production is down",
            "P1: the cluster is gone",
            "[P1 - Critical] the cluster is gone",
            "Severity: Critical (P1)",
        ],
    )
    def test_W8_each_spelling_of_the_row_is_answered_with_the_phone(
        self, server: PolicyServer, subject: str
    ) -> None:
        ann = server.a_user()
        opening = server.open_by_mail(ann, subject=subject)
        number = server.open_by_mail(ann)  # within the pause
        server.reply(server.mail_to(ann, opening), ann, "Please help.")

        mail = a_mail(ann, "See above.", subject=f"Re: [#{number}] {subject}")
        assert server.send(mail, ann)[0] == 250

        assert PHONE in plain_text(server.mail_to(ann, opening))
        assert PHONE in plain_text(server.mail_to(ann, number, containing="as critical"))

    def test_W8_in_a_reply_within_the_pause(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.reply(server.mail_to(ann, number), ann, "URGENT!!! production is down")

        answer = server.mail_to(ann, number, containing="as critical")
        assert plain_text(answer).startswith("If a production system has an urgent problem")
        assert answer["Auto-Submitted"] == "auto-replied"

    def test_W8_at_most_once_an_hour_on_a_ticket(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann)

        for minutes in (1, 30, 62):
            clocked.set_clock(AT_WORK_IN_EUROPE + timedelta(minutes=minutes))
            said = f"P1: production is down. ({minutes})"
            clocked.reply(clocked.mail_to(ann, number), ann, said)

        clocked.wait_until_sent()
        sent = [m for m in clocked.mails_to(ann, number) if "as critical" in plain_text(m)]
        alerts = [m for m in clocked.mails_to(ON_CALL, number) if "claims" in plain_text(m)]
        assert (len(sent), len(alerts)) == (2, 2)

    def test_W8_the_claim_is_kept_beside_the_severity_and_told_to_staff(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.reply(server.mail_to(ann, number), ann, "This is critical for us.")

        ticket = server.ticket(number)
        assert (ticket["severity"], ticket["severity_claimed"]) == ("Minor", "Critical")
        assert audit_lines(ticket, "severity_claimed") == [("", "Critical", "")]
        assert server.mail_to(SAM, number, containing="The comment claims Critical.")


class TestMerges:
    def test_all_a_critical_ticket_merged_into_a_lesser_one_keeps_its_level(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        burning, lesser = server.open_in_portal(ann, "Critical"), server.open_by_mail(ann)

        server.reply_as_staff(burning, f"#merge {lesser}")
        refused = plain_text(server.mail_to(SAM, burning, containing="no mail makes"))
        assert f"merge #{lesser} into #{burning} instead" in " ".join(refused.split())
        assert server.ticket(lesser)["severity"] != "Critical"

        said = server.change(burning, merge_into=lesser)
        assert f"#{lesser} is Critical now, as #{burning} was" in said
        assert server.ticket(lesser)["severity"] == "Critical"
        assert server.mail_to(ann, lesser, containing="Critical")


class TestNotifications:
    def test_W4_a_change_of_status_is_notified(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.change(number, status="resolved", why="The disk is new.", why_public=True)

        text = plain_text(server.mail_to(ann, number, containing="is now resolved"))
        assert "Reason: The disk is new." in text

    def test_W4_a_change_of_severity_is_notified(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.change(number, severity="Major", why="It hurts more than we thought.")

        text = plain_text(server.mail_to(ann, number, containing="is now Major"))
        assert "(previously Minor)" in text

    def test_W4_an_answer_is_notified(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.reply_as_staff(number, "Please try again now.")

        assert "Please try again now." in plain_text(server.mail_to(ann, number, containing="Sam"))

    def test_W4_every_participant_is_notified(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann, cc=bob)

        server.change(number, status="resolved")

        assert server.mail_to(bob, number, containing="is now resolved")

    def test_W4_a_merge_is_notified(self, server: PolicyServer) -> None:
        ann = server.a_user()
        one, other = server.open_by_mail(ann), server.open_by_mail(ann)

        server.change(other, merge_into=one)

        assert [m for m in server.mails_to(ann) if {f"#{one}", f"#{other}"} <= set(_numbers(m))]


def _numbers(mail: EmailMessage) -> list[str]:
    """The ticket numbers in a mail."""
    return re.findall(r"#\d+", f"{mail['Subject']} {plain_text(mail)}")


class TestEscalation:
    @pytest.mark.parametrize(("hour", "executive"), EXECUTIVE_AT.items(), ids=EXECUTIVE_AT)
    def test_W5_an_escalation_goes_to_the_executive_in_working_hours(
        self, clocked: ClockedPolicyServer, hour: str, executive: str
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(datetime.fromisoformat(f"2026-07-08T{hour}+00:00"))
        number = clocked.open_by_mail(ann)

        clocked.reply(clocked.mail_to(ann, number), ann, "#escalate Nobody answers.")

        notified = {
            address for address in EXECUTIVE_AT.values() if clocked.mails_to(address, number)
        }
        assert notified == {executive}

    @pytest.mark.parametrize("day", ["2026-07-11", "2026-12-25"], ids=["weekend", "holiday"])
    def test_W5_somebody_is_on_duty_at_every_hour(
        self, clocked: ClockedPolicyServer, day: str
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(datetime.fromisoformat(f"{day}T20:00+00:00"))
        number = clocked.open_by_mail(ann)

        clocked.change(number, ann, escalate="Nobody answers.")

        assert clocked.mail_to(EXECUTIVE_AT["20:00"], number)

    def test_W5_the_request_names_a_phone_number(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        clocked.set_clock(datetime.fromisoformat("2026-07-08T09:30+00:00"))
        number = clocked.open_by_mail(ann)

        clocked.change(number, ann, escalate="Nobody answers.")

        text = plain_text(clocked.mail_to(EXECUTIVE_AT["09:30"], number))
        assert "Phone +1 555 0102" in text
        assert f"Escalated by {ann}" in text

    def test_W5_the_executive_gets_the_conversation_so_far(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "The array is on fire.")
        server.comment(number, "Have you tried water?")

        server.change(number, ann, escalate="Still burning.")

        addressed = [m for one in EXECUTIVE_AT.values() for m in server.mails_to(one, number)]
        (text,) = [plain_text(mail) for mail in addressed]
        assert "The array is on fire." in text
        assert "Have you tried water?" in text

    def test_W5_an_escalation_is_recorded_and_does_not_change_the_severity(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        server.reply(server.mail_to(ann, number), ann, "#escalate Nobody answers.")

        ticket = server.ticket(number)
        assert audit_lines(ticket, "escalated") == [("0", "1", "Nobody answers.")]
        assert ticket["severity"] == "Minor"

    def test_W5_the_customer_learns_who_handles_the_escalation(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(datetime.fromisoformat("2026-07-08T09:30+00:00"))
        number = clocked.open_by_mail(ann)

        clocked.reply(clocked.mail_to(ann, number), ann, "#escalate Nobody answers.")

        text = " ".join(plain_text(m) for m in clocked.mails_to(ann, number)[1:])
        assert "Executive on duty" in text
        assert "+1 555 010" in text

    def test_W5_a_suspended_executive_is_passed_over(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann)

        with clocked.no_mail_to(EXECUTIVE_AT["09:30"]):
            clocked.reply(clocked.mail_to(ann, number), ann, "#escalate Nobody answers.")

        text = plain_text(clocked.mail_to("executives@example.com", number))
        assert "Passed over, since no mail reaches them: executive-emea@example.com." in text

    def test_W5_a_repeated_request_reaches_who_is_on_duty_now(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="Nobody answers.")

        clocked.set_clock(datetime.fromisoformat("2026-07-08T20:00+00:00"))
        clocked.change(number, ann, escalate="Still nobody.")

        assert "Still nobody." in plain_text(clocked.mail_to(EXECUTIVE_AT["20:00"], number))
        assert len(clocked.mails_to(EXECUTIVE_AT["09:30"], number)) == 1

    def test_W5_the_confirmation_names_only_who_was_sent_mail(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann)

        with clocked.no_mail_to(EXECUTIVE_AT["09:30"]):
            done = clocked.change(number, ann, escalate="Nobody answers.")

        assert done == [f"#{number} is at level 1: Executive on duty, phone {PHONE}"]

    def test_W5_no_executive_is_said_to_be_asked_where_the_desk_is(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann)
        clocked.change(number, ann, escalate="Nobody answers.")

        with ExitStack() as dead:
            for each in EXECUTIVES:
                dead.enter_context(clocked.no_mail_to(each))
            (done,) = clocked.change(number, ann, escalate="Still nobody.")

        assert done == (
            f"#{number} is at level 1: Executive on duty. Nobody of that level gets email now; the "
            "support team was notified instead."
        )
        assert clocked.mail_to(SAM, number, containing="Still nobody.")


class TestAlerts:
    def test_W7_claims_and_clocks_alert_on_call_and_no_executive(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann, subject="[Critical] The cluster is down")

        claim = plain_text(clocked.mail_to(ON_CALL, number, containing="claims"))
        clocked.set_clock(AT_WORK_IN_EUROPE + timedelta(hours=4))
        clocked.notify_overdue()

        assert f"{ann} claims by mail to have a critical problem" in claim
        assert clocked.mail_to(ON_CALL, number, containing="is overdue")
        assert not any(clocked.mails_to(each, number) for each in EXECUTIVES)

    def test_W7_an_escalation_goes_to_executives_alone(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)
        number = clocked.open_by_mail(ann)

        clocked.reply(clocked.mail_to(ann, number), ann, "#escalate Nobody answers.")

        assert clocked.mails_to(EXECUTIVE_AT["09:30"], number)
        assert clocked.mails_to(ON_CALL, number) == []

    def test_W7_the_acknowledgement_says_how_to_escalate_and_that_chat_replaces_no_ticket(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann)

        text = plain_text(server.mail_to(ann, number))
        assert f"call {PHONE}, choose the escalation option and leave a voicemail" in text
        assert "reply with #escalate and the reason on the first line" in text
        assert "A chat does not replace a ticket and has no promised response time." in text

    def test_W7_an_opening_mails_escalate_is_heard(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        clocked.set_clock(AT_WORK_IN_EUROPE)

        number = clocked.open_by_mail(ann, "#escalate Our engineer is on leave.\n\nPlease help.")

        ticket = clocked.ticket(number)
        assert ticket["escalation_level"] == 1
        assert audit_lines(ticket, "escalated") == [("0", "1", "Our engineer is on leave.")]
        executive = plain_text(clocked.mail_to(EXECUTIVE_AT["09:30"], number))
        assert "Reason Our engineer is on leave." in executive
        assert clocked.mail_to(
            ann, number, containing="at level 1: Executive on duty (Executive for Europe), phone"
        )


class TestClock:
    def test_W6_every_ticket_has_a_due_time(self, clocked: ClockedPolicyServer) -> None:
        clocked.set_clock(NOW)
        number = clocked.open_by_mail(clocked.a_user(), "Severity: Major")

        assert clocked.due(number) == NOW + timedelta(hours=4)

    def test_W6_a_note_about_a_chat_does_not_count_as_an_answer(
        self, clocked: ClockedPolicyServer
    ) -> None:
        clocked.set_clock(NOW)
        number = clocked.open_by_mail(clocked.a_user(), "Severity: Major")
        clocked.set_clock(NOW + timedelta(hours=1))

        note = {"text": "We discussed it in the chat.", "visibility": "note"}
        clocked.change(number, comment=note)

        assert clocked.due(number) == NOW + timedelta(hours=4)
        assert clocked.ticket(number)["first_answered_at"] is None

    def test_W6_an_answer_on_the_ticket_counts(self, clocked: ClockedPolicyServer) -> None:
        clocked.set_clock(NOW)
        number = clocked.open_by_mail(clocked.a_user(), "Severity: Major")
        clocked.set_clock(NOW + timedelta(hours=1))

        clocked.comment(number)

        assert clocked.due(number) == NOW + timedelta(hours=1) + timedelta(days=1)
        assert clocked.ticket(number)["first_answered_at"] is not None

    def test_W6_a_held_mail_starts_no_clock(self, clocked: ClockedPolicyServer) -> None:
        clocked.set_clock(NOW)
        new = f"new@{clocked.a_company().domain}"
        clocked.send(a_mail(new, "As I said in the chat …"), new, SUPPORT)

        clocked.set_clock(NOW + timedelta(days=6))
        clocked.notify_overdue()

        assert not [m for m in clocked.mails_to(SAM) if new in plain_text(m)]
