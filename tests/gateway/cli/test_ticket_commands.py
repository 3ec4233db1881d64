"""`postern tickets`, as an operator types it."""

from __future__ import annotations

import getpass
import os
import re
from dataclasses import replace

import pytest

from gateway import clock
from gateway.cli.ticket_facts import facts_of
from rules.ticket.notices import NoticeKind
from storage.notices import outbox
from tests.gateway.cli.command_line import Output
from tests.gateway.cli.planned import ANN, BOB, PLANNED, SAM, Planned
from tests.in_process import SUPPORT
from tests.rules.building import preset


def test_a_ticket_is_changed_and_every_effect_is_printed(planned: Planned) -> None:
    number = planned.opened_ticket()

    effects = planned.set(number, "--status", "pending", "--assign", SAM, "--severity", "P2")

    assert effects == [
        f"#{number} is assigned to {SAM}",
        f"#{number} is now High",
        f"#{number} is now pending",
    ]


def test_the_console_makes_a_ticket_critical(planned: Planned) -> None:
    number = planned.opened_ticket()

    planned.set(number, "--severity", "Critical", "--why", "nobody can work")

    assert planned.ticket(number).summary.severity == "Critical"


def test_a_change_with_one_bad_part_changes_nothing(planned: Planned) -> None:
    number = planned.opened_ticket()
    before = planned.ticket(number)

    done = planned.refused(number, "--severity", "P2", "--note", "Odd.", "--remove", BOB)

    assert done == Output(os.EX_DATAERR, "", f"postern: {BOB} is not on #{number}\n")
    assert planned.ticket(number) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--field", "reason"], os.EX_USAGE, "write NAME=VALUE, such as project_id=blue-7"),
        (["--field", "a=1", "--field", "a=2"], os.EX_USAGE, "--field a is given more than once"),
        (["--field", "reason=Flood"], os.EX_DATAERR, "there is no field reason"),
    ],
)
def test_a_field_that_cannot_be_set_is_named(
    planned: Planned, arguments: list[str], code: int, message: str
) -> None:
    refused = planned.refused(planned.opened_ticket(), *arguments)

    assert (refused.code, message in refused.err) == (code, True)


def test_the_audit_trail_names_the_account_that_typed(planned: Planned) -> None:
    number = planned.opened_ticket()

    planned.set(number, "--severity", "P2", "--why", "two sites")

    last = planned.ticket(number).history[-1]
    assert (last.actor, last.source) == (f"console:{getpass.getuser()}", "console")
    assert (last.became, last.reason) == ("High", "two sites")


def test_the_audit_trail_names_an_account_without_a_name_by_its_number(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    number = planned.opened_ticket()
    monkeypatch.setattr(getpass, "getuser", nameless)

    planned.set(number, "--severity", "P2")

    assert planned.ticket(number).history[-1].actor == f"console:uid {os.getuid()}"


def test_the_audit_trail_names_the_staff_member_who_acts(planned: Planned) -> None:
    number = planned.opened_ticket()

    planned.set(number, "--status", "pending", "--as", SAM.upper())

    assert planned.ticket(number).history[-1].actor == SAM


def test_a_comment_is_published_under_the_name_of_a_staff_member(planned: Planned) -> None:
    number = planned.opened_ticket()
    planned.write(lambda c: outbox.claim(c, clock.now(), 100))

    planned.set(number, "--comment", "We look.", "--as", SAM)

    done = planned.ticket(number).comments[-1]
    assert (done.author, done.visibility, done.text) == (SAM, "public", "We look.")
    due = planned.write(lambda c: outbox.claim(c, clock.now(), 100))
    assert [n.address for n in due if n.kind is NoticeKind.COMMENT] == [ANN]


def test_a_note_stays_with_staff(planned: Planned) -> None:
    number = planned.opened_ticket()

    planned.set(number, "--note", "An odd one.")

    assert planned.ticket(number).comments[-1].visibility == "note"


def test_people_are_added_and_removed(planned: Planned) -> None:
    number = planned.opened_ticket()

    planned.set(number, "--add", BOB, "--add", "guest@other.example")
    planned.set(number, "--remove", BOB)

    present = {m.address: m.presence for m in planned.ticket(number).members}
    assert (present[BOB], present["guest@other.example"]) == ("removed", "active")


def test_a_workaround_lowers_the_severity(planned: Planned) -> None:
    number = planned.opened_ticket()

    assert planned.set(number, "--workaround", "--why", "use the stairs") == [
        f"#{number} is now Low"
    ]


def test_a_ticket_is_merged_into_another(planned: Planned) -> None:
    number, other = planned.opened_ticket(), planned.opened_ticket()

    planned.set(number, "--merge-into", str(other))

    assert planned.ticket(number).summary.merged_into == other


def test_a_deleted_ticket_is_in_no_list(planned: Planned) -> None:
    number = planned.opened_ticket()

    planned.set(number, "--delete", "--why", "spam")

    assert planned.run("tickets").out == ""
    assert "deleted" in planned.run("ticket", str(number)).out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], os.EX_USAGE, "no change is named"),
        (["--comment", "x", "--note", "y"], os.EX_USAGE, "write one at a time"),
        (["--comment", "x"], os.EX_USAGE, "--comment needs --as ADDRESS"),
        (["--severity", "P1", "--workaround"], os.EX_USAGE, "use one of them"),
        (["--status", "open", "--as", ANN], os.EX_DATAERR, f"staff member; expected one of: {SAM}"),
        (["--severity", "urgent"], os.EX_DATAERR, "expected one of: Critical, High, Medium, Low"),
        (["--assign", ANN], os.EX_DATAERR, f"{ANN} is not a staff person of {PLANNED}"),
    ],
)
def test_what_cannot_be_set_is_named(
    planned: Planned, arguments: list[str], code: int, message: str
) -> None:
    refused = planned.refused(planned.opened_ticket(), *arguments)

    assert (refused.code, message in refused.err) == (code, True)


def test_a_policy_without_anybody_to_escalate_to_is_named(planned: Planned) -> None:
    number = planned.opened_ticket(SUPPORT)

    refused = planned.refused(number, "--escalate", "It burns.")

    assert refused == Output(
        os.EX_DATAERR,
        "",
        f"postern: the policy default has no [[escalation.levels]], so #{number} cannot be "
        "escalated; assign it to somebody instead\n",
    )


def test_a_ticket_that_does_not_exist_is_named(planned: Planned) -> None:
    assert "there is no ticket #99" in planned.refused(99, "--status", "open").err


def test_a_ticket_is_shown_with_its_history_and_when_it_is_due(planned: Planned) -> None:
    planned.company("tier", "Acme", "premium", "--first", "medium=2 hours")
    number = planned.opened_ticket()
    planned.set(number, "--severity", "P2", "--why", "two sites")

    out = planned.run("tickets", "show", str(number)).out

    assert "tier      premium" in out
    assert re.search(r"severity: Medium → High \(two sites\)  console:\S+ by console", out)
    assert planned.run("ticket", str(number)).out == out


def test_tickets_is_short_for_tickets_list(planned: Planned) -> None:
    planned.opened_ticket()

    assert planned.run("tickets", "--lines", "1").out == planned.run("tickets", "list").out != ""


def test_a_ticket_is_shown_with_its_calendar_and_the_phone_of_its_plan(planned: Planned) -> None:
    number = planned.opened_ticket()
    shown = planned.run("tickets", "show", str(number)).out
    ticket = planned.ticket(number)
    of_a_plan = replace(ticket, details=replace(ticket.details, tier="priority", calendar="old"))

    facts = dict(facts_of(of_a_plan, preset("aiven")))

    assert "  calendar  [clock.calendar]" in shown.splitlines()
    assert facts["phone"] == preset("aiven").tier("priority").phone  # type: ignore[union-attr]
    assert facts["calendar"] == "old (unknown: [clock.calendar] counts)"
