"""The support terms that Aiven publishes, row by row."""

# ruff: noqa: N802 - each test is named after its row

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import policies
from tests.acceptance.policies.launch import ClockedPolicyServer, running_clocked_server
from tests.acceptance.policies.policy_server import (
    SAM,
    PolicyServer,
    a_mail,
    audit_lines,
    links_in,
    plain_text,
    timestamp,
)
from tests.stores import SqliteStores

POLICY = "aiven"
NOW = datetime(2026, 7, 6, 10, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAY = 24 * HOUR
TEAM = "account-team@help.example"
COMPLETE = (
    "The replication stopped.\n"
    "Steps to reproduce: 1. Open the console.\n"
    "It says: connection refused.\n"
    "We use Python with Django."
)
FIRST_ANSWER = {
    "basic": (8 * HOUR, DAY, 2 * DAY),
    "priority": (4 * HOUR, 12 * HOUR, DAY),
    "business": (HOUR, 4 * HOUR, 12 * HOUR),
    "enterprise": (30 * MINUTE, 2 * HOUR, 8 * HOUR),
}
"""By tier: for Critical, High and Low, as the shipped policy promises."""
NEXT_ANSWER = {
    "basic": (DAY, 2 * DAY, 5 * DAY),
    "priority": (8 * HOUR, DAY, 3 * DAY),
    "business": (4 * HOUR, 12 * HOUR, 2 * DAY),
    "enterprise": (2 * HOUR, 8 * HOUR, DAY),
}


class TestTiers:
    def test_A1_basic_is_the_default_tier(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user())

        assert server.ticket(number)["tier"] == "basic"

    @pytest.mark.parametrize("tier", ["priority", "business", "enterprise"])
    def test_A1_there_are_three_paid_tiers(self, server: PolicyServer, tier: str) -> None:
        number = server.open_by_mail(server.a_user(server.a_company(tier)))

        assert server.ticket(number)["tier"] == tier

    def test_A1_a_customer_on_the_free_plan_is_referred_to_the_community_forum(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user(server.a_company("free"))

        code, text = server.send(a_mail(ann, "How do I …?"), ann)

        assert (code, text[:6]) == (550, "5.7.1 ")
        assert "community forum: https://community.example.com" in text
        assert server.list_tickets(ann, "mine") == set()

    def test_A2_an_upgrade_counts_from_its_start_date(self, clocked: ClockedPolicyServer) -> None:
        company = clocked.a_company()
        clocked.run("company", "tier", company.name, "enterprise", "--from", "2026-07-20")
        ann = clocked.a_user(company)

        clocked.set_clock(datetime(2026, 7, 19, 23, 59, tzinfo=UTC))
        before = clocked.open_by_mail(ann)
        clocked.set_clock(datetime(2026, 7, 20, 0, 0, tzinfo=UTC))
        after = clocked.open_by_mail(ann)

        assert clocked.ticket(before)["tier"] == "basic"
        assert clocked.ticket(after)["tier"] == "enterprise"

    def test_A2_a_ticket_keeps_the_tier_that_was_in_force_when_it_arrived(
        self, clocked: ClockedPolicyServer
    ) -> None:
        company = clocked.a_company()
        number = clocked.open_by_mail(clocked.a_user(company))
        clocked.run("company", "tier", company.name, "enterprise", "--from", "2026-07-07")
        clocked.set_clock(NOW + DAY)

        clocked.comment(number)

        assert clocked.ticket(number)["tier"] == "basic"
        assert clocked.due(number) == NOW + DAY + 5 * DAY

    def test_A2_a_held_mail_keeps_the_tier_of_the_day_it_arrived(
        self, clocked: ClockedPolicyServer
    ) -> None:
        company = clocked.a_company()
        clocked.run("company", "tier", company.name, "enterprise", "--from", "2026-07-07")
        new = f"new@{company.domain}"
        clocked.send(a_mail(new, "It is slow."), new)
        (link,) = links_in(clocked.mail_to(new), "signup")
        clocked.set_clock(NOW + DAY)
        clocked.page(link, name="Nina New")

        clocked.release_enrolled()

        (number,) = clocked.list_tickets(new, "mine")
        assert clocked.ticket(number)["tier"] == "basic"
        assert clocked.due(number) == NOW + 2 * DAY

    def test_A2_a_contract_may_have_its_own_promises(self, clocked: ClockedPolicyServer) -> None:
        company = clocked.a_company()
        clocked.run(
            *("company", "tier", company.name, "enterprise", "--from", "2026-07-01"),
            *("--first", "High=45 minutes"),
        )
        ann = clocked.a_user(company)

        agreed, other = clocked.open_by_mail(ann, "Severity: High"), clocked.open_by_mail(ann)

        assert clocked.due(agreed) == NOW + 45 * MINUTE
        assert clocked.due(other) == NOW + 8 * HOUR


class TestSeverity:
    @pytest.mark.parametrize(
        ("claimed", "level"), [("Low", "Low"), ("High", "High"), ("Critical", "High")]
    )
    def test_A3_a_mail_opens_at_the_level_that_it_names_but_never_as_critical(
        self, server: PolicyServer, claimed: str, level: str
    ) -> None:
        ticket = server.ticket(server.open_by_mail(server.a_user(), f"Severity: {claimed}"))

        assert (ticket["severity"], ticket["severity_claimed"]) == (level, claimed)

    def test_A3_critical_is_a_level_of_the_support_center(self, server: PolicyServer) -> None:
        number = server.open_in_portal(server.a_user(), severity="Critical")

        assert server.ticket(number)["severity"] == "Critical"

    def test_A3_the_policy_defines_each_level(self, server: PolicyServer) -> None:
        text = " ".join(server.run("policy", "explain", "aiven").split())

        for meaning in (
            "The primary functions are not working, and it is not possible to find workarounds",
            "The primary functions are working, but are severely limited or slow",
            "The primary functions are working, but some secondary functionality is not",
        ):
            assert meaning in text


class TestCopies:
    def test_A4_people_in_copy_get_new_comments_and_updates(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob, guest = server.a_user(company), server.a_user(company), "guest1@elsewhere.example"
        number = server.open_by_mail(ann, cc=f"{bob}, {guest}")

        server.comment(number, "We restarted it.")
        server.change(number, status="resolved")

        for address in (bob, guest):
            assert server.mail_to(address, number, containing="We restarted it.")
            assert server.mail_to(address, number, containing="is now resolved")

    def test_A13_everybody_in_copy_joins_users_of_other_companies_too(
        self, server: PolicyServer
    ) -> None:
        bob, gil, guest = server.a_user(), server.a_user(), "guest13@elsewhere.example"
        company = server.a_company()
        ann, cat = server.a_user(company), server.a_user(company)
        number = server.open_by_mail(ann, cc=f"{cat}, {gil}, {guest}")

        server.comment(number, "We restarted it.")
        server.reply(server.mail_to(gil, number), gil, "It is back.", cc=bob)

        people = server.people(number)
        assert [people[each] for each in (cat, gil, guest, bob)] == ["active"] * 4
        assert server.ticket(number)["comments"][-1]["visibility"] == "public"
        for address in (ann, cat, guest):
            assert server.mail_to(address, number, containing="It is back.")

    def test_A5_a_user_in_copy_comments_and_adds_others(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob, cat = (server.a_user(company) for _ in range(3))
        number = server.open_by_mail(ann, cc=bob)
        server.comment(number)

        server.reply(
            server.mail_to(bob, number),
            bob,
            "It began on Friday.",
            cc=f"{cat}, g2@elsewhere.example",
        )

        last = server.ticket(number)["comments"][-1]
        assert (last["author"], last["visibility"]) == (bob, "public")
        people = server.people(number)
        assert (people[cat], people["g2@elsewhere.example"]) == ("active", "active")

    def test_A5_a_user_adds_others_in_the_support_center(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob, cat = (server.a_user(company) for _ in range(3))
        number = server.open_by_mail(ann, cc=bob)

        server.change(number, bob, add=[cat], comment={"text": "Cat knows more."})

        assert server.people(number)[cat] == "active"

    def test_A5_a_guest_comments_by_reply(self, server: PolicyServer) -> None:
        ann, guest = server.a_user(), "guest3@elsewhere.example"
        number = server.open_by_mail(ann, cc=guest)
        server.comment(number)

        server.reply(server.mail_to(guest, number), guest, "I see it too.")

        last = server.ticket(number)["comments"][-1]
        assert (last["author"], last["visibility"]) == (guest, "public")
        assert server.mail_to(ann, number, containing="I see it too.")

    def test_A5_a_person_whom_a_guest_copies_waits_until_the_requester_agrees(
        self, server: PolicyServer
    ) -> None:
        ann, guest, other = server.a_user(), "guest4@elsewhere.example", "other4@elsewhere.example"
        number = server.open_by_mail(ann, cc=guest)
        server.comment(number)
        server.reply(server.mail_to(guest, number), guest, "Ask Otto.", cc=other)
        proposed = server.people(number)[other]
        (link,) = links_in(server.mail_to(ann, number, containing="/people/"), "people")

        server.page(link, answer="in")
        server.comment(number, "Otto, is it so?")

        assert proposed == "pending"
        assert server.people(number)[other] == "active"
        assert server.mail_to(other, number, containing="Otto, is it so?")
        assert not [m for m in server.mails_to(other, number) if "Ask Otto." in plain_text(m)]

    @pytest.mark.parametrize(
        ("by_guests", "colleague"), [("add", "active"), ("propose", "pending"), ("ignore", "")]
    )
    def test_A5_the_policy_decides_whom_a_guest_may_add(
        self, sqlite_stores: SqliteStores, tmp_path: Path, by_guests: str, colleague: str
    ) -> None:
        own = _with_guests(tmp_path / "policies", by_guests)
        with running_clocked_server("own", tmp_path, sqlite_stores.new(), own) as server:
            company, guest = server.a_company(), "guest@elsewhere.example"
            ann, bob = server.a_user(company), server.a_user(company)
            number = server.open_by_mail(ann, cc=guest)
            server.comment(number)

            server.reply(server.mail_to(guest, number), guest, "Ask Bob.", cc=bob)

            assert server.people(number).get(bob, "") == colleague


def _with_guests(folder: Path, by_guests: str) -> str:
    """Configuration for a copy of the policy with this value of `by_guests`."""
    text = policies.find(None)["aiven"].text.replace('name = "aiven"', 'name = "own"', 1)
    text = text.replace('by_guests = "propose"', f'by_guests = "{by_guests}"')
    folder.mkdir()
    (folder / "own.toml").write_text(text)
    return f'[policies]\nfolder = "{folder}"\n'


class TestContent:
    def test_A6_project_service_and_product_become_fields(self, server: PolicyServer) -> None:
        number = server.open_by_mail(
            server.a_user(), "Project: demo-project\nService ID: pg-4711\nProduct: PostgreSQL"
        )

        assert server.ticket(number)["fields"] == {
            "project_id": "demo-project",
            "service_id": "pg-4711",
            "product": "PostgreSQL",
        }

    def test_A6_a_project_named_in_a_reply_becomes_a_field(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is slow.")

        server.reply(server.mail_to(ann, number), ann, "Project: demo-1")

        assert server.ticket(number)["fields"] == {"project_id": "demo-1"}
        text = plain_text(server.mail_to(SAM, number, containing="demo-1"))
        assert "Project: demo-1" in text.partition("wrote:")[2]

    def test_A6_a_notice_to_staff_lists_the_fields_first(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user(), "It is down.\nProject: demo-2")

        assert "Project: demo-2" in plain_text(server.mail_to(SAM, number)).partition("wrote:")[2]

    def test_A7_missing_facts_are_asked_for(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is odd.", subject="Odd")

        text = plain_text(server.mail_to(ann, number))

        assert server.ticket(number)["missing"] == ["affected functionality", "steps to reproduce"]
        assert "Which functionality is affected" in text
        assert "Which steps show the problem?" in text

    def test_A7_error_messages_and_languages_are_asked_for_as_optional(
        self, server: PolicyServer
    ) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is odd.", subject="Odd")

        text = plain_text(server.mail_to(ann, number))

        assert "Which error messages do you see, if any?" in text
        assert "Which programming languages or frameworks do you use, if any?" in text

    def test_A7_a_complete_description_causes_no_questions(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, COMPLETE)

        assert server.ticket(number)["missing"] == []
        assert "we still need the following" not in plain_text(server.mail_to(ann, number))

    def test_A7_answers_below_the_questions_complete_it(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "It is odd.", subject="Odd")

        server.answer_below(
            server.mail_to(ann, number),
            ann,
            {"Which functionality": "The login.", "Which steps show": "Any click does."},
        )

        assert server.ticket(number)["missing"] == []

    def test_A8_a_screenshot_and_a_log_are_attached_to_the_ticket(
        self, server: PolicyServer
    ) -> None:
        number = server.open_by_mail(
            server.a_user(),
            "\n".join(
                [
                    "--cut",
                    "Content-Type: text/plain\n\nSee the files.",
                    "--cut",
                    'Content-Type: image/png; name="screen.png"',
                    "Content-Transfer-Encoding: base64",
                    'Content-Disposition: attachment; filename="screen.png"\n\niVBORw==',
                    "--cut",
                    "Content-Type: text/x-log",
                    'Content-Disposition: attachment; filename="server.log"\n\nout of disk',
                    "--cut--",
                ]
            ),
            mime_version="1.0",
            content_type='multipart/mixed; boundary="cut"',
        )

        (comment,) = server.ticket(number)["comments"]
        kept = {a["name"]: server.download(a["url"]).strip() for a in comment["attachments"]}
        assert kept == {"screen.png": b"\x89PNG", "server.log": b"out of disk"}


class TestAccountTeam:
    @pytest.mark.parametrize("tier", ["priority", "business", "enterprise"])
    def test_A9_the_account_team_is_notified_of_a_new_ticket_on_a_paid_tier(
        self, server: PolicyServer, tier: str
    ) -> None:
        company = server.a_company(tier, team=[TEAM])
        number = server.open_by_mail(server.a_user(company))

        assert f"New request from {company.name}" in plain_text(server.mail_to(TEAM, number))

    def test_A9_the_account_team_is_notified_of_a_ticket_in_the_support_center(
        self, server: PolicyServer
    ) -> None:
        company = server.a_company("priority", team=[TEAM])
        number = server.open_in_portal(server.a_user(company))

        assert server.mail_to(TEAM, number)

    def test_A9_the_account_team_is_not_notified_on_the_basic_tier(
        self, server: PolicyServer
    ) -> None:
        number = server.open_by_mail(server.a_user(server.a_company("basic", team=[TEAM])))

        assert server.mail_to(SAM, number)
        assert server.mails_to(TEAM, number) == []


class TestPhone:
    @pytest.mark.parametrize("tier", ["priority", "business", "enterprise"])
    def test_A12_the_phone_is_in_the_acknowledgement_and_before_staff(
        self, server: PolicyServer, tier: str
    ) -> None:
        ann = server.a_user(server.a_company(tier))
        number = server.open_by_mail(ann)

        assert "phone support: +1 555 0100" in plain_text(server.mail_to(ann, number))
        assert "Phone +1 555 0100" in plain_text(server.mail_to(SAM, number))
        assert server.ticket(number)["phone"] == "+1 555 0100, 24 hours a day"
        assert "phone" not in server.ticket(number, ann)

    def test_A12_the_basic_tier_has_no_phone(self, server: PolicyServer) -> None:
        ann = server.a_user(server.a_company("basic"))
        number = server.open_by_mail(ann)

        mails = [plain_text(server.mail_to(each, number)) for each in (ann, SAM)]

        assert not [text for text in mails if "+1 555" in text]
        assert server.ticket(number)["phone"] == ""


class TestPromises:
    @pytest.mark.parametrize("tier", FIRST_ANSWER)
    def test_A10_the_first_answer_is_due_by_severity_and_tier(
        self, clocked: ClockedPolicyServer, tier: str
    ) -> None:
        company = clocked.a_company(tier)
        critical = clocked.open_in_portal(clocked.a_user(company), severity="Critical")
        high = clocked.open_by_mail(clocked.a_user(company), "Severity: High")
        low = clocked.open_by_mail(clocked.a_user(company), "Severity: Low")

        due = [timestamp(clocked.ticket(n)["first_due_at"]) for n in (critical, high, low)]

        assert due == [NOW + span for span in FIRST_ANSWER[tier]]

    @pytest.mark.parametrize("tier", NEXT_ANSWER)
    def test_A10_each_next_answer_is_due_by_severity_and_tier(
        self, clocked: ClockedPolicyServer, tier: str
    ) -> None:
        company = clocked.a_company(tier)
        numbers = [
            clocked.open_in_portal(clocked.a_user(company), severity=severity)
            for severity in ("Critical", "High", "Low")
        ]

        for number in numbers:
            clocked.comment(number)

        assert [clocked.due(n) for n in numbers] == [NOW + span for span in NEXT_ANSWER[tier]]

    def test_A10_a_change_of_severity_changes_the_promise(
        self, clocked: ClockedPolicyServer
    ) -> None:
        number = clocked.open_by_mail(clocked.a_user(clocked.a_company("business")))
        clocked.set_clock(NOW + HOUR)

        clocked.change(number, severity="High", why="It is slow for all.")

        assert clocked.due(number) == NOW + 4 * HOUR


class TestFields:
    @pytest.mark.parametrize(
        "text",
        [
            "project_id: blue-7\nservice_id: pg-main",
            "Project ID = `blue-7`, Service ID = `pg-main`",
            "The service `pg-main` of our project `blue-7` stopped.",
            "Since noon service pg-main in project blue-7 does not answer.",
            "See https://console.example.com/project/blue-7/services/pg-main/overview please",
            "**Project:** blue-7\n**Service name:** pg-main",
        ],
        ids=["labels", "backticks after labels", "backticks", "prose", "console", "bold"],
    )
    def test_A11_ids_are_recognised_as_people_write_them(
        self, server: PolicyServer, text: str
    ) -> None:
        number = server.open_by_mail(server.a_user(), f"Hello,\n\n{text}\n\nIt is down.")

        assert server.ticket(number)["fields"] == {"project_id": "blue-7", "service_id": "pg-main"}

    def test_A11_several_ids_are_kept(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(
            ann, "Project: blue-7\nProject: red-1\nServices: `pg-main`; service `kafka-2` too."
        )

        server.reply(
            server.mail_to(ann, number), ann, "The project blue-7 is fine, project x-9 is not."
        )

        fields = server.ticket(number)["fields"]
        assert fields["project_id"] == "blue-7, red-1, x-9"
        assert fields["service_id"] == "kafka-2"
        assert "Project: blue-7, red-1, x-9" in plain_text(
            server.mail_to(SAM, number, containing="x-9")
        )

    def test_A11_staff_correct_a_field(self, server: PolicyServer) -> None:
        number = server.open_by_mail(server.a_user(), "Project: blue-7")

        server.reply_as_staff(
            number, "#note\n#field project_id blue-8, red-1\n#field reason billing"
        )
        by_mail = server.ticket(number)
        done = server.change(number, fields={"project_id": "", "reason": "Question"})

        assert by_mail["fields"] == {"project_id": "blue-8, red-1", "reason": "Billing"}
        assert f"Project of #{number} is now blue-8, red-1" in plain_text(
            server.mail_to(SAM, number, containing="blue-8")
        )
        assert server.ticket(number)["fields"] == {"reason": "Question"}
        assert done[0] == f"Project of #{number} is now empty"
        assert audit_lines(server.ticket(number), "field_changed") == [
            ("blue-7", "blue-8, red-1", ""),
            ("", "Billing", ""),
            ("blue-8, red-1", "", ""),
            ("Billing", "Question", ""),
        ]

    def test_A11_a_customer_corrects_none(self, server: PolicyServer) -> None:
        ann = server.a_user()
        number = server.open_by_mail(ann, "Project: blue-7")

        status, problem = server.api("PATCH", f"/{number}", ann, {"fields": {"project_id": "x"}})

        assert (status, problem["detail"]) == (403, "only staff may set a field")

    def test_A11_the_reason_for_creating_is_kept(self, server: PolicyServer) -> None:
        ann = server.a_user()
        chosen = server.open_in_portal(
            ann, fields={"reason": "feature request", "project_id": "a-1"}
        )
        named = server.open_by_mail(ann, "Reason for creating the ticket: Billing\n\nHow much?")

        assert server.ticket(chosen, ann)["fields"] == {
            "reason": "Feature request",
            "project_id": "a-1",
        }
        assert server.ticket(named)["fields"] == {"reason": "Billing"}


class TestPeopleOfTheSupportCenter:
    def test_A4_people_named_in_the_portal_get_all_that_follows(self, server: PolicyServer) -> None:
        company = server.a_company()
        ann, bob, guest = server.a_user(company), server.a_user(company), "guest9@elsewhere.example"
        number = server.open_in_portal(ann, text="The map is blank.", cc=[bob, guest])

        server.comment(number, "We restarted it.")
        server.change(number, status="resolved")

        for address in (bob, guest):
            assert server.people(number)[address] == "active"
            for text in (
                f"{ann} wrote:",
                "The map is blank.",
                "We restarted it.",
                "is now resolved",
            ):
                assert server.mail_to(address, number, containing=text)

    def test_A4_a_person_who_is_added_later_is_notified_of_it(self, server: PolicyServer) -> None:
        ann, guest = server.a_user(), "guest10@elsewhere.example"
        number = server.open_by_mail(ann)

        server.change(number, ann, add=[guest])

        assert "You were added to request" in plain_text(server.mail_to(guest, number))

    def test_A4_whom_staff_add_with_an_answer_gets_the_answer(self, server: PolicyServer) -> None:
        ann, guest = server.a_user(), "guest11@elsewhere.example"
        number = server.open_by_mail(ann, "An older secret.")

        server.reply_as_staff(number, f"#cc +{guest}\n\nPat, please look at the disk.")

        text = plain_text(server.mail_to(guest, number))
        assert "You were added to request" in text
        assert "Pat, please look at the disk." in text
        assert "#cc" not in text
        assert "secret" not in text
        assert len(server.mails_to(guest, number)) == 1

    def test_A13_the_acknowledgement_names_who_waits(self, server: PolicyServer) -> None:
        ann, gil = server.a_user(), server.a_user()
        crowd = [f"p{n}@elsewhere.example" for n in range(10)]

        number = server.open_by_mail(ann, cc=", ".join((gil, *crowd)))

        text = plain_text(server.mail_to(ann, number, containing="Your request is"))
        people = server.people(number)
        assert [people[each] for each in (gil, *crowd)] == ["active"] * 10 + ["pending"]
        assert f"On this request: {', '.join((gil, *crowd[:9]))}. " in text
        assert f"Once approved, also: {crowd[9]}." in text
        assert "Everyone in Cc" not in text
