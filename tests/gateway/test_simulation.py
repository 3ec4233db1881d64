"""A policy tried on recorded mails: what differs is due to it alone, and nothing is written."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from gateway import ids, policies, simulation
from gateway.cli.main import app
from gateway.config import TrustSection
from gateway.simulation import Aspect, Report, Wanted
from rules.decision import Reason, Verdict
from rules.facts import Presence, Role
from rules.lifecycle import Status
from rules.policy import Policy
from storage import people, records, registry, replay
from storage.database import Connection
from storage.records import Hand, Source
from storage.registry import NewPerson
from storage.tables import metadata
from tests import running
from tests.bench import load
from tests.bench import simulation as bench
from tests.desk import SUPPORT, Desk, a_mail, enrolled_store, open_desk
from tests.rules.building import default_policy, policy_with
from tests.stores import SqliteStores

ANYWHERE = "192.0.2.1"
DAY = timedelta(days=1)


@pytest.fixture
async def desk(store_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_desk(url, tmp_path, TrustSection()) as opened:
        yield opened


async def tried(desk: Desk, new: Policy, limit: int = 50, until: datetime | None = None) -> Report:
    """What comes of it for all mails of the last day."""
    end = until or ids.now() + timedelta(seconds=1)
    wanted = Wanted(end - DAY, end, None, limit)
    return await simulation.simulate(desk.parts.database, desk.parts.policies, new, wanted)


async def write(desk: Desk, job: Callable[[Connection], Any]) -> Any:
    return await asyncio.wrap_future(desk.parts.ledger.submit(job))


async def by_staff(desk: Desk, job: Callable[[Connection, Hand], Any]) -> None:
    """Something that staff do in the console."""
    mailbox = await asyncio.to_thread(desk.parts.database.read, registry.mailboxes)
    hand = Hand(mailbox[0], "sam@help.example", Source.CONSOLE, ids.now(), ids.new_id)
    await write(desk, lambda connection: job(connection, hand))


async def move(desk: Desk, ticket: int, was: Status, became: Status) -> None:
    await by_staff(desk, lambda c, hand: records.move(c, hand, ticket, was, became, ""))


async def settle(desk: Desk, address: str, was: Presence, became: Presence) -> None:
    await by_staff(desk, lambda c, hand: people.settle(c, hand, 1, address, was, became))


def as_recorded(report: Report) -> bool:
    """Whether the policy in force decides every mail as the journal says."""
    return not report.moved_on and not report.lost


async def a_thread(desk: Desk) -> None:
    await desk.take(a_mail(message_id="<1@acme.example>"))
    await desk.take(a_mail(text="More.", in_reply_to="<1@acme.example>"))


async def test_the_policy_in_force_differs_in_nothing(desk: Desk) -> None:
    await a_thread(desk)
    await desk.take(a_mail("new@acme.example"))
    await desk.take(a_mail(auto_submitted="auto-replied"))

    report = await tried(desk, default_policy())

    assert (report.mails, report.different) == (4, 0)
    assert as_recorded(report)


async def test_a_mail_does_not_find_the_ticket_that_it_opened(desk: Desk) -> None:
    """Its child came first, so its own id and its child's pointers lead to tickets of today."""
    await desk.take(a_mail(message_id="<2@acme.example>", in_reply_to="<1@acme.example>"))
    await desk.take(a_mail(text="Older.", message_id="<1@acme.example>"))
    await desk.take(a_mail(text="Newer.", references="<1@acme.example> <2@acme.example>"))

    assert [e.reason for e in await desk.journal()] == [
        Reason.NEW_REQUEST,
        Reason.LATE_PARENT,
        Reason.KNOWN_MESSAGE_ID,
    ]
    assert as_recorded(await tried(desk, default_policy()))


async def test_a_subject_that_names_its_own_later_ticket_still_opens_it(desk: Desk) -> None:
    await desk.take(a_mail(subject="[#1] Printer"))

    assert as_recorded(await tried(desk, default_policy()))


async def test_a_lower_ceiling_is_counted_and_shown(desk: Desk) -> None:
    await desk.take(a_mail(subject="[High] Printer"))
    await desk.take(a_mail(subject="Screen"))

    report = await tried(desk, policy_with("severity", ceiling="Normal"))

    assert (report.mails, report.different) == (2, 1)
    assert report.aspects == {Aspect.SEVERITY: 1}
    (one,) = report.shown
    assert (one.was.severity, one.would_be.severity) == ("High", "Normal")
    assert one.mail.subject == "[High] Printer"


async def test_where_a_mail_goes_another_way_only_that_counts(desk: Desk) -> None:
    await desk.take(a_mail("new@acme.example"))

    report = await tried(desk, default_policy(registration="domain"))

    assert report.aspects == {Aspect.VERDICT: 1, Aspect.REASON: 1}
    (one,) = report.shown
    assert (one.was.verdict, one.would_be.verdict) == (Verdict.HELD, Verdict.OPENED)


async def test_another_subject_tag_leads_elsewhere(desk: Desk) -> None:
    await desk.take(a_mail())
    await desk.take(a_mail(subject="Re: [T-1] Printer"))

    report = await tried(desk, policy_with("subject_tag", format="[T-{n}]"))

    (one,) = report.shown
    assert (one.was.verdict, one.would_be.reason) == (Verdict.OPENED, Reason.SUBJECT_TAG)
    assert one.would_be.ticket == 1


async def test_people_in_copy_are_compared(desk: Desk) -> None:
    await desk.take(a_mail(cc="guest@elsewhere.example"))

    (one,) = (await tried(desk, policy_with("cc", guests="add"))).shown

    assert one.was.joins == ("guest@elsewhere.example (guest, pending)",)
    assert one.would_be.joins == ("guest@elsewhere.example (guest, active)",)
    assert one.aspects == (Aspect.JOINS, Aspect.ORDERS)


async def test_only_mails_of_the_hour_before_count_against_a_budget(desk: Desk) -> None:
    """The mails that came later are in the journal as well, and must not be counted."""
    for number in range(3):
        await desk.take(a_mail(subject=f"Printer {number}"))

    report = await tried(desk, policy_with("budgets", tickets_per_hour=2))

    assert [one.mail.subject for one in report.shown] == ["Printer 2"]
    assert report.shown[0].would_be.reason == Reason.TOO_MANY_TICKETS


async def test_an_acknowledgement_counts_from_the_moment_it_was_sent(desk: Desk) -> None:
    """Of two tickets within the pause only the first was acknowledged."""
    await desk.take(a_mail(subject="one"))
    await desk.take(a_mail(subject="two"))

    report = await tried(desk, policy_with("acknowledgement", send=False))

    assert [one.mail.subject for one in report.shown] == ["one"]
    assert report.aspects == {Aspect.ORDERS: 1}


async def test_a_reply_meets_its_ticket_as_it_was_then(desk: Desk) -> None:
    """Closed since, a ticket would send a reply of today to a follow-up."""
    await a_thread(desk)
    await move(desk, 1, Status.OPEN, Status.CLOSED)

    report = await tried(desk, default_policy())

    assert as_recorded(report)


async def test_a_reply_that_reopened_its_ticket_reopens_it_again(desk: Desk) -> None:
    await a_thread(desk)
    await move(desk, 1, Status.OPEN, Status.RESOLVED)
    await desk.take(a_mail(text="Broken again, sorry to say.", in_reply_to="<1@acme.example>"))

    report = await tried(desk, policy_with("lifecycle", reopen_days=0))

    assert as_recorded(report)
    (one,) = report.shown
    assert (one.was.verdict, one.would_be.reason) == (Verdict.COMMENTED, Reason.FOLLOW_UP)


async def test_people_who_left_since_were_on_the_ticket_then(desk: Desk) -> None:
    await desk.take(a_mail(message_id="<1@acme.example>", cc="bob@acme.example"))
    await desk.take(a_mail("bob@acme.example", in_reply_to="<1@acme.example>"))
    await settle(desk, "bob@acme.example", Presence.ACTIVE, Presence.REMOVED)

    assert (await desk.last()).verdict == Verdict.COMMENTED
    assert as_recorded(await tried(desk, default_policy()))


async def test_people_who_were_taken_in_since_were_pending_then(desk: Desk) -> None:
    guest = "guest@elsewhere.example"
    await desk.take(a_mail(message_id="<1@acme.example>", cc=guest))
    await desk.take(a_mail(guest, in_reply_to="<1@acme.example>"))
    await settle(desk, guest, Presence.PENDING, Presence.ACTIVE)

    assert (await desk.last()).reason == Reason.PENDING_PARTICIPANT
    assert as_recorded(await tried(desk, default_policy()))


async def test_what_was_refused_is_counted_and_what_came_again_is_left_out(desk: Desk) -> None:
    await desk.take(a_mail())
    await desk.take(a_mail())
    await desk.take(a_mail("who@nowhere.example"), ANYWHERE)

    report = await tried(desk, default_policy(strangers="hold"))

    assert (report.mails, report.different, report.lost) == (1, 0, 0)
    assert report.lines[Verdict.REFUSED] == report.lines[Verdict.DUPLICATE] == 1


async def test_what_moved_on_is_said_apart(desk: Desk) -> None:
    """The author was enrolled since, and his mail filed: each of its lines is tried as it was."""
    await desk.take(a_mail("new@acme.example", message_id="<1@acme.example>"))
    person = NewPerson("new@acme.example", "", Role.USER, "Acme")
    await write(desk, lambda c: registry.add_person(c, registry.the_mailbox(c, SUPPORT), person))
    assert await desk.parts.keeper.release_enrolled() == 1

    report = await tried(desk, policy_with("severity", default="Low"))

    assert report.mails == 2
    assert report.moved_on == {("held, not_enrolled", "opened, new_request"): 1}
    assert report.aspects == {Aspect.SEVERITY: 2}


async def test_a_clock_starts_when_the_held_mail_came(desk: Desk) -> None:
    await desk.take(a_mail("new@acme.example", message_id="<1@acme.example>"))
    (held,) = await desk.journal()
    person = NewPerson("new@acme.example", "", Role.USER, "Acme")
    await write(desk, lambda c: registry.add_person(c, registry.the_mailbox(c, SUPPORT), person))
    await desk.parts.keeper.release_enrolled()

    report = await tried(desk, policies.load(None)["stakater"])

    dues = {one.would_be.first_due for one in report.shown}
    assert len(report.shown) == 2
    assert len(dues) == 1
    assert min(one.mail.came_at for one in report.shown) == held.received_at


async def test_no_policy_makes_a_recorded_mail_critical(desk: Desk) -> None:
    await desk.take(a_mail(subject="[Critical] [P1] [P0] [Urgent] All is down"))

    for new in policies.load(None).values():
        report = await tried(desk, new)
        critical = {level.name for level in new.levels if level.critical}
        assert all(one.would_be.severity not in critical for one in report.shown)
        assert report.mails == 1


async def test_nothing_is_written(desk: Desk) -> None:
    await a_thread(desk)
    await desk.take(a_mail("new@acme.example"))

    def everything(connection: Connection) -> list[Any]:
        return [connection.execute(select(t)).all() for t in metadata.sorted_tables]

    before = await asyncio.to_thread(desk.parts.database.read, everything)
    report = await tried(desk, default_policy(registration="domain"))

    assert report.different == 1
    assert await asyncio.to_thread(desk.parts.database.read, everything) == before


async def test_only_mails_of_the_span_are_looked_at(desk: Desk) -> None:
    await desk.take(a_mail(subject="before"))
    moment = ids.now() + timedelta(milliseconds=1)

    assert (await tried(desk, default_policy(), until=moment)).mails == 1
    assert (await tried(desk, default_policy(), until=moment - DAY)).mails == 0


async def test_the_newest_are_shown_first_and_no_more_than_asked_for(desk: Desk) -> None:
    for number in range(3):
        await desk.take(a_mail(subject=f"[High] {number}"))

    report = await tried(desk, policy_with("severity", ceiling="Normal"), limit=2)

    assert report.different == 3
    assert [one.mail.subject for one in report.shown] == ["[High] 2", "[High] 1"]
    assert not any(one.mail.raw for one in report.shown)


def test_more_mails_than_one_batch_are_each_looked_at_once(tmp_path: Path) -> None:
    count = replay.BATCH + 5
    mails = load.write(tmp_path / "mails", count, 50, SUPPORT)
    config = bench.enrolled(tmp_path, mails.senders)
    asyncio.run(bench.file(config, mails, at_once=1))

    report = bench.measured(config).report

    assert (report.mails, report.lost) == (count, 0)
    assert 0 < report.different < count
    assert as_recorded(report)


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Office:
    """A store with two mails, and a folder for policies."""

    config: Path

    def simulate(self, file: Path | str, *arguments: str) -> Said:
        return self.run("simulate", str(file), *arguments, "--config", str(self.config))

    def run(self, *arguments: str) -> Said:
        result = CliRunner().invoke(app, ["policy", *arguments], env={"COLUMNS": "200"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def policy(self, was: str = "", became: str = "") -> Path:
        """A file with the default policy, one of its words changed."""
        text = policies.find(None)["default"].text
        assert was in text
        file = self.config.parent / "new.toml"
        file.write_text(text.replace(was, became) if was else text)
        return file


@pytest.fixture
def office(tmp_path: Path, sqlite_stores: SqliteStores) -> Office:
    url = enrolled_store(sqlite_stores.new())

    async def filled() -> None:
        async with open_desk(url, tmp_path, TrustSection()) as desk:
            await desk.take(a_mail(subject="[High] Printer =?utf-8?q?=E2=80=8B?="))
            await desk.take(a_mail(subject="[High] Screen"))

    _run(filled())
    return Office(running.write_config(tmp_path, url))


def _run(job: Awaitable[None]) -> None:
    async def done() -> None:
        await job

    asyncio.run(done())


LOWER = ('ceiling = "High"', 'ceiling = "Normal"')


def test_the_command_prints_a_summary_and_a_table(office: Office) -> None:
    said = office.simulate(office.policy(*LOWER), "--limit", "1")

    assert said.code == 0
    assert "2 mails looked at: 0 the same, 2 different" in said.out
    assert "severity: High → Normal" in said.out
    assert "1 of the 2 follow, the newest; 1 do not" in said.out
    assert "Screen" in said.out
    assert "Printer" not in said.out


def test_what_a_stranger_wrote_is_safe_for_a_terminal(office: Office) -> None:
    said = office.simulate(office.policy(*LOWER))

    assert "\\u200b" in said.out
    assert "\u200b" not in said.out


def test_json_has_every_key_whatever_differs(office: Office) -> None:
    same = json.loads(office.simulate(office.policy(), "--json").out)
    other = json.loads(office.simulate(office.policy(*LOWER), "--json", "--limit", "1").out)

    assert same.keys() == other.keys()
    assert (same["different"], same["differences"]) == (0, [])
    assert other["differs_in"] == dict.fromkeys(same["differs_in"], 0) | {"severity": 2}
    assert (other["mails"], other["same"], other["not_shown"]) == (2, 0, 1)
    (shown,) = other["differences"]
    assert shown["differs_in"] == ["severity"]
    assert (shown["was"]["severity"], shown["would_be"]["severity"]) == ("High", "Normal")
    assert shown["was"].keys() == {aspect.value for aspect in Aspect}


def test_a_broken_policy_is_refused_in_the_words_of_validate(office: Office) -> None:
    file = office.policy("ceiling", "cieling")

    said = office.simulate(file)

    assert said.code == os.EX_CONFIG
    assert said.err == office.run("validate", str(file)).err


def test_an_unknown_mailbox_is_named(office: Office) -> None:
    said = office.simulate(office.policy(), "--mailbox", "sales@help.example")

    assert said.code == os.EX_DATAERR
    assert "no mailbox sales@help.example; there are: support@help.example" in said.err


@pytest.mark.parametrize("span", ["30", "soon", "999999d", "2026-13-01", "-3d"])
def test_a_time_that_is_none_is_refused(office: Office, span: str) -> None:
    said = office.simulate(office.policy(), f"--since={span}")

    assert said.code == os.EX_USAGE
    assert f"--since {span} is no time; write 30d" in said.err


def test_a_span_that_ends_before_it_begins_is_refused(office: Office) -> None:
    said = office.simulate(office.policy(), "--since", "2d", "--until", "3d")

    assert said.code == os.EX_USAGE
    assert "--since 2d is not before --until 3d" in said.err


def test_a_mailbox_and_a_date_may_be_named(office: Office) -> None:
    begin = f"{ids.now() - DAY:%Y-%m-%d}"

    said = office.simulate(office.policy(), "--since", begin, "--mailbox", SUPPORT)

    assert said.code == 0
    assert f"the mails to {SUPPORT} from {begin} 00:00" in said.out
