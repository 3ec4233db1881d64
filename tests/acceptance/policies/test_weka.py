"""What Weka publishes of its support, row by row."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from tests.acceptance.policies.launch import ClockedDesk
from tests.acceptance.policies.policy_server import (
    SAM,
    SUPPORT,
    Desk,
    a_mail,
    links_in,
    whats,
    words,
)

POLICY = "weka"
PHONE, PORTAL = "+1 555 0100", "https://support.example.com"
NOW = datetime(2026, 7, 6, tzinfo=UTC)
WHO_TAKES_IT = {
    "01:00": "executive-apac@example.com",  # 09:00 in Singapore
    "09:30": "executive-emea@example.com",  # 11:30 in Berlin
    "20:00": "executive-americas@example.com",  # 13:00 in Los Angeles
}


class TestLevels:
    @pytest.mark.parametrize(
        ("said", "level"),
        [
            ("Major", "Major"),
            ("Minor", "Minor"),
            ("Question", "Question"),
            ("Product Question", "Question"),
            ("Feature Request", "Question"),
        ],
    )
    def test_W1_a_mail_opens_at_the_level_that_it_names(
        self, desk: Desk, said: str, level: str
    ) -> None:
        number = desk.opened_by(desk.a_user(), f"Severity: {said}")

        assert desk.ticket(number)["severity"] == level

    def test_W1_critical_is_a_level_of_the_portal(self, desk: Desk) -> None:
        number = desk.logged_by(desk.a_user(), severity="Critical")

        assert desk.ticket(number)["severity"] == "Critical"


class TestSigningUp:
    def test_W2_a_signed_up_user_opens_a_ticket_by_mail(self, desk: Desk) -> None:
        ann = desk.a_user()

        assert desk.ticket(desk.opened_by(ann))["requester"] == ann

    def test_W2_a_stranger_is_told_where_to_sign_up_and_opens_none(self, desk: Desk) -> None:
        code, text = desk.send(a_mail("eve@evil.example", "Help!"), "eve@evil.example")

        assert (code, text[:6]) == (550, "5.7.1 ")
        assert f"sign up in the support portal first: {PORTAL}" in text

    def test_W2_a_customer_who_is_not_signed_up_is_sent_the_link(
        self, clocked: ClockedDesk
    ) -> None:
        new = f"new@{clocked.a_company().domain}"

        code, text = clocked.send(a_mail(new, "Help!"), new)

        assert (code, "filed as" in text) == (250, False)
        assert len(links_in(clocked.mail_to(new), "signup")) == 1

    def test_W2_what_he_wrote_is_a_ticket_once_he_has_signed_up(self, clocked: ClockedDesk) -> None:
        new = f"new@{clocked.a_company().domain}"
        clocked.send(a_mail(new, "The array is slow."), new)
        (link,) = links_in(clocked.mail_to(new), "signup")

        status, _ = clocked.page(link, name="Nina New")

        assert (status, clocked.release()) == (200, 1)
        (number,) = clocked.listed(new, "mine")
        assert clocked.ticket(number)["comments"][0]["text"].strip() == "The array is slow."


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
    def test_W3_a_critical_claim_opens_at_major_and_shows_the_phone(
        self, desk: Desk, header: dict[str, str]
    ) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann, **header)

        ticket, first = desk.ticket(number), words(desk.mail_to(ann, number))
        assert (ticket["severity"], ticket["severity_claimed"]) == ("Major", "Critical")
        assert first.startswith(
            "If a production system has an urgent problem, do not wait for a reply by email. "
            f"Call {PHONE} (24 hours a day) or open a ticket in the portal, {PORTAL}."
        )

    def test_W3_an_important_mail_is_no_more_than_major(self, desk: Desk) -> None:
        number = desk.opened_by(desk.a_user(), importance="high", x_priority="1")

        assert desk.ticket(number)["severity"] == "Major"

    def test_W3_an_ordinary_acknowledgement_does_not_begin_with_the_phone(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann, "Severity: Minor")

        assert PHONE not in words(desk.mail_to(ann, number))

    def test_W3_not_even_staff_make_a_ticket_critical_by_mail(self, desk: Desk) -> None:
        number = desk.opened_by(desk.a_user())

        desk.staff_answer(number, "#severity Critical\n\nI see.")

        assert "Nothing was done" in words(desk.mail_to(SAM, number, containing="Nothing was done"))
        assert desk.ticket(number)["severity"] == "Minor"


class TestNotifications:
    def test_W4_a_change_of_status_is_told(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)

        desk.change(number, status="resolved", why="The disk is new.")

        told = words(desk.mail_to(ann, number, containing="is now resolved"))
        assert "Reason: The disk is new." in told

    def test_W4_a_change_of_severity_is_told(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)

        desk.change(number, severity="Major", why="It hurts more than we thought.")

        told = words(desk.mail_to(ann, number, containing="is now Major"))
        assert "(previously Minor)" in told

    def test_W4_an_answer_is_told(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)

        desk.staff_answer(number, "Please try again now.")

        assert "Please try again now." in words(desk.mail_to(ann, number, containing="Sam"))

    def test_W4_everybody_on_the_ticket_is_told(self, desk: Desk) -> None:
        company = desk.a_company()
        ann, bob = desk.a_user(company), desk.a_user(company)
        number = desk.opened_by(ann, cc=bob)

        desk.change(number, status="resolved")

        assert desk.mail_to(bob, number, containing="is now resolved")

    def test_W4_a_merger_is_told(self, desk: Desk) -> None:
        ann = desk.a_user()
        one, other = desk.opened_by(ann), desk.opened_by(ann)

        desk.change(other, merge_into=one)

        assert [m for m in desk.mails_to(ann) if {f"#{one}", f"#{other}"} <= set(_numbers(m))]


def _numbers(mail: EmailMessage) -> list[str]:
    """The tickets that a mail names."""
    return re.findall(r"#\d+", f"{mail['Subject']} {words(mail)}")


class TestEscalation:
    @pytest.mark.parametrize(("hour", "executive"), WHO_TAKES_IT.items(), ids=WHO_TAKES_IT)
    def test_W5_it_goes_to_the_executive_whose_day_it_is(
        self, clocked: ClockedDesk, hour: str, executive: str
    ) -> None:
        ann = clocked.a_user()
        clocked.at(datetime.fromisoformat(f"2026-07-08T{hour}+00:00"))
        number = clocked.opened_by(ann)

        clocked.answers(clocked.mail_to(ann, number), ann, "#escalate Nobody answers.")

        told = {address for address in WHO_TAKES_IT.values() if clocked.mails_to(address, number)}
        assert told == {executive}

    @pytest.mark.parametrize("day", ["2026-07-11", "2026-12-25"], ids=["weekend", "holiday"])
    def test_W5_somebody_is_on_duty_at_every_hour(self, clocked: ClockedDesk, day: str) -> None:
        ann = clocked.a_user()
        clocked.at(datetime.fromisoformat(f"{day}T20:00+00:00"))
        number = clocked.opened_by(ann)

        clocked.change(number, ann, escalate="Nobody answers.")

        assert clocked.mail_to(WHO_TAKES_IT["20:00"], number)

    def test_W5_the_request_names_a_phone_number(self, clocked: ClockedDesk) -> None:
        ann = clocked.a_user()
        clocked.at(datetime.fromisoformat("2026-07-08T09:30+00:00"))
        number = clocked.opened_by(ann)

        clocked.change(number, ann, escalate="Nobody answers.")

        told = words(clocked.mail_to(WHO_TAKES_IT["09:30"], number))
        assert "Phone +1 555 0102" in told
        assert f"Escalated by {ann}" in told

    def test_W5_the_executive_reads_what_happened_so_far(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann, "The array is on fire.")
        desk.say(number, "Have you tried water?")

        desk.change(number, ann, escalate="Still burning.")

        addressed = [m for one in WHO_TAKES_IT.values() for m in desk.mails_to(one, number)]
        (told,) = [words(mail) for mail in addressed]
        assert "The array is on fire." in told
        assert "Have you tried water?" in told

    def test_W5_the_request_is_recorded_and_changes_no_severity(self, desk: Desk) -> None:
        ann = desk.a_user()
        number = desk.opened_by(ann)

        desk.answers(desk.mail_to(ann, number), ann, "#escalate Nobody answers.")

        ticket = desk.ticket(number)
        assert whats(ticket, "escalation") == [("0", "1", "Nobody answers.")]
        assert ticket["severity"] == "Minor"

    def test_W5_whoever_asked_by_mail_hears_who_has_it(self, clocked: ClockedDesk) -> None:
        ann = clocked.a_user()
        clocked.at(datetime.fromisoformat("2026-07-08T09:30+00:00"))
        number = clocked.opened_by(ann)

        clocked.answers(clocked.mail_to(ann, number), ann, "#escalate Nobody answers.")

        said = " ".join(words(m) for m in clocked.mails_to(ann, number)[1:])
        assert "Executive on duty" in said
        assert "+1 555 010" in said


class TestClock:
    def test_W6_every_ticket_carries_a_promise(self, clocked: ClockedDesk) -> None:
        clocked.at(NOW)
        number = clocked.opened_by(clocked.a_user(), "Severity: Major")

        assert clocked.due(number) == NOW + timedelta(hours=4)

    def test_W6_a_note_of_what_was_said_in_a_chat_meets_no_promise(
        self, clocked: ClockedDesk
    ) -> None:
        clocked.at(NOW)
        number = clocked.opened_by(clocked.a_user(), "Severity: Major")
        clocked.at(NOW + timedelta(hours=1))

        said = {"text": "Told them in the chat.", "visibility": "note"}
        clocked.change(number, comment=said)

        assert clocked.due(number) == NOW + timedelta(hours=4)
        assert clocked.ticket(number)["first_answered_at"] is None

    def test_W6_only_an_answer_on_the_ticket_does(self, clocked: ClockedDesk) -> None:
        clocked.at(NOW)
        number = clocked.opened_by(clocked.a_user(), "Severity: Major")
        clocked.at(NOW + timedelta(hours=1))

        clocked.say(number)

        assert clocked.due(number) == NOW + timedelta(hours=1) + timedelta(days=1)
        assert clocked.ticket(number)["first_answered_at"] is not None

    def test_W6_what_is_on_no_ticket_starts_no_clock(self, clocked: ClockedDesk) -> None:
        clocked.at(NOW)
        new = f"new@{clocked.a_company().domain}"
        clocked.send(a_mail(new, "As I said in the chat …"), new, SUPPORT)

        clocked.at(NOW + timedelta(days=6))
        clocked.keep()

        assert not [m for m in clocked.mails_to(SAM) if new in words(m)]
