"""Stakater's published response times: when they begin, which hours count, who is notified."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.policies.launch import ClockedPolicyServer
from tests.acceptance.policies.policy_server import SAM, PolicyServer, breached_stages, plain_text

POLICY = "stakater"
BERLIN = ZoneInfo("Europe/Berlin")
COMPLETE = """\
Product: the router of OpenShift, in the staging environment
Our users cannot work: the log says error 502.
We upgraded it on Friday."""


def in_berlin(text: str) -> datetime:
    """The instant of a wall clock time in Berlin, such as `2026-07-06 10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


NOW = in_berlin("2026-07-06 10:00")


def a_complete_ticket(server: PolicyServer, severity: str = "Medium", sender: str = "") -> int:
    """A complete ticket, opened in the portal."""
    return server.open_in_portal(sender or server.a_user(), severity, COMPLETE)


class TestClock:
    def test_S7_a_portal_request_starts_at_once(self, clocked: ClockedPolicyServer) -> None:
        number = clocked.open_in_portal(clocked.a_user(), "High", "It is broken.")

        assert clocked.ticket(number)["missing"]
        assert clocked.due(number) == in_berlin("2026-07-06 14:00")

    def test_S13_a_mail_opens_without_a_promise_and_says_where_to_submit_it(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{COMPLETE}")

        acknowledged = plain_text(clocked.mail_to(ann, number))
        clocked.set_clock(NOW + timedelta(days=30))
        clocked.notify_overdue()

        assert (clocked.due(number), clocked.ticket(number)["waits_for"]) == (None, "portal")
        assert "submit this request in the portal: https://support.example.com" in acknowledged
        assert "You will receive a first response by" not in acknowledged

    def test_S13_the_clock_starts_in_the_portal(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{COMPLETE}")
        clocked.set_clock(NOW + timedelta(hours=3))
        clocked.comment(number, "Any news?", actor=ann)
        after_a_comment = clocked.due(number)

        clocked.change(number, ann, complete=True)

        assert after_a_comment is None
        assert clocked.due(number) == in_berlin("2026-07-06 17:00")

    @pytest.mark.parametrize("by", ["mail", "the API"])
    def test_S13_the_clock_starts_when_staff_accept_it(
        self, clocked: ClockedPolicyServer, by: str
    ) -> None:
        ann = clocked.a_user()
        number = clocked.open_by_mail(ann, f"Severity: High\n{COMPLETE}")
        clocked.set_clock(NOW + timedelta(hours=3))

        if by == "mail":
            clocked.reply_as_staff(number, "#complete")
        else:
            clocked.change(number, complete=True)

        text = plain_text(clocked.mail_to(ann, number, containing="is complete"))
        assert clocked.due(number) == in_berlin("2026-07-06 17:00")
        assert "You will hear from us by Monday 6 July 2026, 17:00 (Europe/Berlin)." in text

    def test_S13_an_answer_of_staff_accepts_it(self, clocked: ClockedPolicyServer) -> None:
        number = clocked.open_by_mail(clocked.a_user(), f"Severity: High\n{COMPLETE}")

        clocked.comment(number)

        assert clocked.due(number) == in_berlin("2026-07-06 14:00")

    @pytest.mark.parametrize(
        ("severity", "due"),
        [
            ("Critical", "2026-07-07 07:00"),
            ("High", "2026-07-07 09:00"),
            ("Medium", "2026-07-08 17:00"),
            ("Low", "2026-07-13 17:00"),
        ],
    )
    @pytest.mark.parametrize("tier", ["standard", "premium"])
    def test_S8_only_business_hours_count_for_every_tier(
        self, clocked: ClockedPolicyServer, tier: str, severity: str, due: str
    ) -> None:
        clocked.set_clock(in_berlin("2026-07-06 17:00"))

        number = a_complete_ticket(clocked, severity, clocked.a_user(clocked.a_company(tier)))

        assert clocked.due(number) == in_berlin(due)

    @pytest.mark.parametrize(
        ("severity", "due"),
        [
            ("Critical", "2026-07-06 12:00"),
            ("High", "2026-07-06 14:00"),
            ("Medium", "2026-07-08 10:00"),
            ("Low", "2026-07-13 10:00"),
        ],
    )
    def test_S8_the_first_answer_is_due_as_published(
        self, clocked: ClockedPolicyServer, severity: str, due: str
    ) -> None:
        number = a_complete_ticket(clocked, severity)

        assert clocked.due(number) == in_berlin(due)

    @pytest.mark.parametrize(
        ("severity", "due"),
        [
            ("Critical", "2026-07-06 13:00"),
            ("High", "2026-07-06 15:00"),
            ("Medium", "2026-07-08 11:00"),
            ("Low", "2026-07-13 11:00"),
        ],
    )
    def test_S8_the_next_answer_is_due_after_the_same_span(
        self, clocked: ClockedPolicyServer, severity: str, due: str
    ) -> None:
        number = a_complete_ticket(clocked, severity)
        clocked.set_clock(NOW + timedelta(hours=1))

        clocked.comment(number)

        assert clocked.due(number) == in_berlin(due)

    def test_S8_the_contract_takes_precedence(self, clocked: ClockedPolicyServer) -> None:
        agreed = clocked.a_company(
            "standard", first={"High": "30 business minutes"}, ongoing={"High": "1 business day"}
        )
        number = a_complete_ticket(clocked, "High", clocked.a_user(agreed))
        first = clocked.due(number)

        clocked.comment(number)

        assert first == in_berlin("2026-07-06 10:30")
        assert clocked.due(number) == in_berlin("2026-07-07 10:00")

    @pytest.mark.parametrize(
        ("arrives", "due"),
        [
            ("2026-07-06 04:15", "2026-07-06 10:00"),  # before six: counts from the opening
            ("2026-07-06 17:00", "2026-07-07 09:00"),  # one hour today, three tomorrow
            ("2026-07-06 18:00", "2026-07-07 10:00"),
            ("2026-07-10 17:00", "2026-07-13 09:00"),  # over the weekend
            ("2026-01-12 10:00", "2026-01-12 14:00"),  # winter
            ("2026-03-27 16:00", "2026-03-30 08:00"),  # the clocks go forward on Sunday
            ("2026-10-23 16:00", "2026-10-26 08:00"),  # and back
        ],
    )
    def test_S9_only_the_hours_from_six_to_six_in_berlin_count(
        self, clocked: ClockedPolicyServer, arrives: str, due: str
    ) -> None:
        clocked.set_clock(in_berlin(arrives))

        assert clocked.due(a_complete_ticket(clocked, "High")) == in_berlin(due)

    def test_S9_summer_time_is_observed(self, clocked: ClockedPolicyServer) -> None:
        clocked.set_clock(datetime(2026, 1, 12, 4, 30, tzinfo=UTC))  # 05:30 in winter
        in_winter = clocked.due(a_complete_ticket(clocked, "High"))
        clocked.set_clock(datetime(2026, 7, 13, 4, 30, tzinfo=UTC))  # 06:30 in summer
        in_summer = clocked.due(a_complete_ticket(clocked, "High"))

        assert in_winter == datetime(2026, 1, 12, 9, tzinfo=UTC)
        assert in_summer == datetime(2026, 7, 13, 8, 30, tzinfo=UTC)


class TestOngoing:
    def test_S10_staff_are_warned_of_the_next_answer_and_the_customer_is_notified(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, "High", ann)
        clocked.comment(number)

        clocked.set_clock(in_berlin("2026-07-06 13:00"))  # three of four hours
        clocked.notify_overdue()

        assert clocked.mail_to(SAM, number, containing="The next response to")
        text = plain_text(clocked.mail_to(ann, number, containing="We are still working on"))
        assert "You will hear from us again by Monday 6 July 2026, 14:00 (Europe/Berlin)." in text

    def test_S10_a_late_reminder_names_no_past_date(self, clocked: ClockedPolicyServer) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, "High", ann)
        clocked.comment(number)
        clocked.set_clock(in_berlin("2026-07-06 13:00"))

        clocked.notify_overdue_and_send_at(in_berlin("2026-07-06 15:00"))

        text = plain_text(clocked.mail_to(ann, number, containing="We are still working on"))
        assert "and will write to you again" in text
        assert "2026" not in text

    def test_S10_no_notice_is_sent_before_the_warning_time(
        self, clocked: ClockedPolicyServer
    ) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, "High", ann)
        clocked.comment(number)

        clocked.set_clock(in_berlin("2026-07-06 12:59"))
        clocked.notify_overdue()

        assert not [m for m in clocked.mails_to(ann, number) if "still working on" in plain_text(m)]

    def test_S10_a_warning_and_a_breach_are_sent_once_each(
        self, clocked: ClockedPolicyServer
    ) -> None:
        number = a_complete_ticket(clocked, "High")
        clocked.comment(number)

        for time in ("13:00", "13:30", "14:00", "15:00"):
            clocked.set_clock(in_berlin(f"2026-07-06 {time}"))
            clocked.notify_overdue()

        subjects = [str(m["Subject"]) for m in clocked.mails_to(SAM, number)]
        assert breached_stages(clocked.ticket(number)) == ["ongoing"]
        assert sum(s.startswith("Response due soon:") for s in subjects) == 1
        assert sum(s.startswith("Response overdue:") for s in subjects) == 1

    def test_S10_no_warning_follows_an_answer_in_time(self, clocked: ClockedPolicyServer) -> None:
        number = a_complete_ticket(clocked, "High")
        clocked.comment(number)
        clocked.set_clock(in_berlin("2026-07-06 12:00"))
        clocked.comment(number)

        clocked.set_clock(in_berlin("2026-07-06 14:30"))
        clocked.notify_overdue()

        assert not [m for m in clocked.mails_to(SAM, number) if "Response due" in m["Subject"]]

    def test_S10_a_late_answer_is_in_the_history_before_any_notice_was_sent(
        self, clocked: ClockedPolicyServer
    ) -> None:
        number = a_complete_ticket(clocked, "High")
        clocked.set_clock(in_berlin("2026-07-06 14:01"))

        clocked.comment(number)

        assert breached_stages(clocked.ticket(number)) == ["first"]

    @pytest.mark.parametrize("status", ["resolved", "closed"])
    def test_S10_a_comment_after_the_end_starts_no_clock(
        self, clocked: ClockedPolicyServer, status: str
    ) -> None:
        number = a_complete_ticket(clocked, "High")
        clocked.change(number, status=status)

        clocked.comment(number, "One more hint.")
        clocked.set_clock(NOW + timedelta(days=7))
        clocked.notify_overdue()

        assert clocked.due(number) is None
        assert not [m for m in clocked.mails_to(SAM, number) if "Response overdue" in m["Subject"]]

    @pytest.mark.parametrize("by", ["mail", "the portal"])
    def test_S10_a_comment_while_waiting_for_the_customer_leaves_the_clock_stopped(
        self, clocked: ClockedPolicyServer, by: str
    ) -> None:
        ann = clocked.a_user()
        number = a_complete_ticket(clocked, "High", ann)
        clocked.change(number, status="pending")
        if by == "mail":
            clocked.reply_as_staff(number, "Is there any news?")
        else:
            clocked.comment(number, "Is there any news?")

        due_while_pending = clocked.due(number)
        clocked.set_clock(in_berlin("2026-07-07 10:00"))
        clocked.reply(clocked.mail_to(ann, number), ann, "Not yet.")

        assert due_while_pending is None
        assert clocked.due(number) == in_berlin("2026-07-07 14:00")
