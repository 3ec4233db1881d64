"""A policy tried on recorded mails: any difference is due to it alone; nothing is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway import backtest, clock, policies
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Aspect, Report
from gateway.reception import StatedByStaff
from rules.decision.effects import PresenceChanged, StatusChanged
from rules.decision.reasons import Reason, Verdict
from rules.mail.header import Author
from rules.people import Presence, Role
from rules.policy import Policy
from rules.sender.authentication import Authentication, Evidence, Result, as_dict
from rules.ticket.changes import Change, Delete, Merge, Source
from rules.ticket.lifecycle import Status
from storage.db.database import Connection
from storage.db.tables import JournalRow, metadata, table
from storage.mail import quarantine, recorded
from storage.registry import mailboxes, people
from storage.registry.people import NewPerson
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext
from storage.ticket.write import write as write_effects
from tests.bench import backtest as bench
from tests.bench import load
from tests.in_process import (
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)
from tests.rules.building import default_policy, policy_with

ANYWHERE = "192.0.2.1"
DAY = timedelta(days=1)


@pytest.fixture
async def postern(store_url: str, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as opened:
        yield opened


async def tried(
    postern: InProcessPostern, new: Policy, limit: int = 50, until: datetime | None = None
) -> Report:
    """What comes of it for all mails of the last day."""
    end = until or clock.now() + timedelta(seconds=1)
    wanted = BacktestQuery(end - DAY, end, None, limit)
    return await backtest.run_backtest(
        postern.services.runtime.database, postern.services.runtime.policies, new, wanted
    )


async def write(postern: InProcessPostern, job: Callable[[Connection], Any]) -> Any:
    return await postern.services.runtime.write(job)


async def by_staff(
    postern: InProcessPostern, job: Callable[[Connection, ChangeContext], Any]
) -> None:
    """Something that staff do in the console."""
    mailbox = await postern.services.runtime.read(mailboxes.list_mailboxes)
    context = ChangeContext(
        mailbox[0], "sam@help.example", Source.CONSOLE, clock.now(), clock.new_id
    )
    await write(postern, lambda connection: job(connection, context))


async def move(postern: InProcessPostern, ticket: int, was: Status, became: Status) -> None:
    await by_staff(
        postern,
        lambda c, hand: write_effects(c, hand, ticket, (StatusChanged(was, became, ""),), {}),
    )


async def set_presence(
    postern: InProcessPostern, address: str, was: Presence, became: Presence
) -> None:
    effects = (PresenceChanged(address, was, became),)
    await by_staff(postern, lambda c, hand: write_effects(c, hand, 1, effects, {}))


async def enrol(postern: InProcessPostern, address: str) -> None:
    """Enrol somebody of Acme whose one mail is held: it is filed with that."""
    person = NewPerson(address, "", Role.USER, "Acme")
    await write(
        postern, lambda c: people.add_person(c, mailboxes.mailbox_named(c, SUPPORT), person)
    )
    assert await postern.services.scheduler.release_enrolled() == 1


def as_recorded(report: Report) -> bool:
    """Whether the policy in force decides every mail as the journal has it."""
    return not report.moved_on and not report.lost


async def a_thread(postern: InProcessPostern) -> None:
    await postern.take(a_mail(message_id="<1@acme.example>"))
    await postern.take(a_mail(text="More.", in_reply_to="<1@acme.example>"))


async def test_the_policy_in_force_differs_in_nothing(postern: InProcessPostern) -> None:
    await a_thread(postern)
    await postern.take(a_mail("new@acme.example"))
    await postern.take(a_mail(auto_submitted="auto-replied"))

    report = await tried(postern, default_policy())

    assert (report.mails, report.different) == (4, 0)
    assert as_recorded(report)


async def test_a_policy_that_asks_for_dkim_is_tried_on_what_spf_proved(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail())
    evidence = (Evidence("spf", Result.PASS, "acme.example", aligned=True),)
    by_spf = Authentication(True, "spf:acme.example", Result.PASS, "none", evidence=evidence)
    proven = table(JournalRow).update().values(authentication=json.dumps(as_dict(by_spf)))
    await write(postern, lambda connection: connection.execute(proven))

    report = await tried(postern, policy_with("proof", dkim_required=True))

    (difference,) = report.shown
    assert (difference.was.verdict, difference.would_be.reason) == (Verdict.OPENED, "unproven")
    assert as_recorded(report)


async def test_a_listener_that_holds_strangers_is_remembered(postern: InProcessPostern) -> None:
    await postern.take(a_mail("eve@elsewhere.example"), strangers="hold")

    report = await tried(postern, default_policy(strangers="refuse"))

    assert (await postern.last()).reason == Reason.STRANGER_RELAYED
    assert (report.mails, report.different) == (1, 0)
    assert as_recorded(report)


async def test_a_mail_does_not_find_the_ticket_that_it_opened(postern: InProcessPostern) -> None:
    """Its child came first, so its own id and its child's pointers lead to tickets of today."""
    await postern.take(a_mail(message_id="<2@acme.example>", in_reply_to="<1@acme.example>"))
    await postern.take(a_mail(text="Another child.", in_reply_to="<1@acme.example>"))
    await postern.take(a_mail(text="Older.", message_id="<1@acme.example>"))
    await postern.take(a_mail(text="Newer.", references="<1@acme.example> <2@acme.example>"))

    assert [e.reason for e in await postern.journal()] == [
        Reason.NEW_REQUEST,
        Reason.LATE_PARENT,
        Reason.LATE_PARENT,
        Reason.KNOWN_MESSAGE_ID,
    ]
    assert as_recorded(await tried(postern, default_policy()))


async def test_a_subject_that_names_its_own_later_ticket_still_opens_it(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail(subject="[#1] Printer"))

    assert as_recorded(await tried(postern, default_policy()))


async def test_a_lower_ceiling_is_counted_and_shown(postern: InProcessPostern) -> None:
    await postern.take(a_mail(subject="[High] Printer"))
    await postern.take(a_mail(subject="Screen"))

    report = await tried(postern, policy_with("severity", ceiling="Normal"))

    assert (report.mails, report.different) == (2, 1)
    assert report.aspects == {Aspect.SEVERITY: 1}
    (one,) = report.shown
    assert (one.was.severity, one.would_be.severity) == ("High", "Normal")
    assert one.mail.subject == "[High] Printer"


async def test_where_a_mail_goes_another_way_only_that_counts(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))

    report = await tried(postern, default_policy(registration="domain"))

    assert report.aspects == {Aspect.VERDICT: 1, Aspect.REASON: 1}
    (one,) = report.shown
    assert (one.was.verdict, one.would_be.verdict) == (Verdict.HELD, Verdict.OPENED)


async def test_another_subject_tag_leads_elsewhere(postern: InProcessPostern) -> None:
    await postern.take(a_mail())
    await postern.take(a_mail(subject="Re: [T-1] Printer"))

    report = await tried(postern, policy_with("subject_tag", format="[T-{n}]"))

    (one,) = report.shown
    assert (one.was.verdict, one.would_be.reason) == (Verdict.OPENED, Reason.SUBJECT_TAG)
    assert one.would_be.ticket == 1


async def test_people_in_copy_are_compared(postern: InProcessPostern) -> None:
    await postern.take(a_mail(cc="guest@elsewhere.example"))

    (one,) = (await tried(postern, policy_with("cc", guests="add"))).shown

    assert one.was.joins == ("guest@elsewhere.example (guest, pending)",)
    assert one.would_be.joins == ("guest@elsewhere.example (guest, active)",)
    assert one.aspects == (Aspect.JOINS, Aspect.ORDERS)


async def test_only_mails_of_the_hour_before_count_against_a_budget(
    postern: InProcessPostern,
) -> None:
    """The mails that came later are in the journal as well, and must not be counted."""
    for number in range(3):
        await postern.take(a_mail(subject=f"Printer {number}"))

    report = await tried(postern, policy_with("budgets", tickets_per_hour=2))

    assert [one.mail.subject for one in report.shown] == ["Printer 2"]
    assert report.shown[0].would_be.reason == Reason.TOO_MANY_TICKETS


async def test_an_acknowledgement_counts_from_the_time_it_was_sent(
    postern: InProcessPostern,
) -> None:
    """Of three tickets within the pause the last one is named with the second."""
    for subject in ("one", "two", "three"):
        await postern.take(a_mail(subject=subject))

    report = await tried(postern, policy_with("acknowledgement", send=False))

    assert [one.mail.subject for one in report.shown] == ["two", "one"]
    assert report.aspects == {Aspect.ORDERS: 2}


async def test_a_reply_meets_its_ticket_as_it_was_then(postern: InProcessPostern) -> None:
    """Closed since, a ticket would send a reply of today to a follow-up."""
    await a_thread(postern)
    await move(postern, 1, Status.OPEN, Status.CLOSED)

    report = await tried(postern, default_policy())

    assert as_recorded(report)


async def test_a_reply_that_reopened_its_ticket_reopens_it_again(postern: InProcessPostern) -> None:
    await a_thread(postern)
    await move(postern, 1, Status.OPEN, Status.RESOLVED)
    await postern.take(a_mail(text="Broken again, sorry to say.", in_reply_to="<1@acme.example>"))

    await move(postern, 1, Status.OPEN, Status.RESOLVED)

    report = await tried(postern, policy_with("lifecycle", reopen_days=0))

    assert as_recorded(report)
    (one,) = report.shown
    assert (one.was.verdict, one.would_be.reason) == (Verdict.COMMENTED, Reason.FOLLOW_UP)


async def test_people_who_left_since_were_on_the_ticket_then(postern: InProcessPostern) -> None:
    await postern.take(a_mail(message_id="<1@acme.example>", cc="bob@acme.example"))
    await postern.take(a_mail("bob@acme.example", in_reply_to="<1@acme.example>"))
    await set_presence(postern, "bob@acme.example", Presence.ACTIVE, Presence.REMOVED)

    assert (await postern.last()).verdict == Verdict.COMMENTED
    assert as_recorded(await tried(postern, default_policy()))


async def test_people_who_came_since_were_not_on_the_ticket_then(postern: InProcessPostern) -> None:
    await postern.take(a_mail(message_id="<1@acme.example>"))
    await postern.take(a_mail("bob@acme.example", in_reply_to="<1@acme.example>"))
    assert (await postern.last()).reason == Reason.NOT_A_PARTICIPANT
    await postern.take(a_mail(in_reply_to="<1@acme.example>", cc="bob@acme.example"))

    assert as_recorded(await tried(postern, default_policy()))


@pytest.mark.parametrize("change", [Merge(into=2), Delete("no use")])
async def test_a_ticket_that_is_gone_since_was_there_then(
    postern: InProcessPostern, change: Change
) -> None:
    await a_thread(postern)
    await postern.take(a_mail(subject="Screen"))
    await by_staff(
        postern,
        lambda c, hand: change_ticket(c, hand, 1, [change], default_policy(), by_staff=True),
    )

    assert as_recorded(await tried(postern, default_policy()))


async def test_a_follow_up_is_not_led_to_itself(postern: InProcessPostern) -> None:
    await a_thread(postern)
    await move(postern, 1, Status.OPEN, Status.CLOSED)
    await postern.take(a_mail(text="It is broken again.", in_reply_to="<1@acme.example>"))

    assert (await postern.last()).reason == Reason.FOLLOW_UP
    assert as_recorded(await tried(postern, default_policy()))


async def test_only_notices_of_the_hour_before_count_against_a_budget(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail(message_id="<1@acme.example>", cc="bob@acme.example"))
    for text in ("first", "second"):
        await postern.take(a_mail(subject=text, text=text, in_reply_to="<1@acme.example>"))

    report = await tried(postern, policy_with("budgets", notices_per_hour=2))

    assert [one.mail.subject for one in report.shown] == ["second"]


async def test_people_who_were_taken_in_since_were_pending_then(postern: InProcessPostern) -> None:
    guest = "guest@elsewhere.example"
    await postern.take(a_mail(message_id="<1@acme.example>", cc=guest))
    await postern.take(a_mail(guest, in_reply_to="<1@acme.example>", cc="ann@acme.example"))
    await set_presence(postern, guest, Presence.PENDING, Presence.ACTIVE)

    assert (await postern.last()).reason == Reason.PENDING_PARTICIPANT
    assert as_recorded(await tried(postern, default_policy()))


async def test_what_was_refused_is_counted_and_what_came_again_is_left_out(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail())
    await postern.take(a_mail())
    await postern.take(a_mail("eve@nowhere.example"), ANYWHERE)

    report = await tried(postern, default_policy(strangers="hold"))

    assert (report.mails, report.different, report.lost) == (1, 0, 0)
    assert report.lines[Verdict.REFUSED] == report.lines[Verdict.DUPLICATE] == 1


async def test_what_moved_on_is_reported_separately(postern: InProcessPostern) -> None:
    """The author was enrolled since, and their mail filed: each of its lines is tried as it was."""
    await postern.take(a_mail("new@acme.example", in_reply_to="<0@acme.example>"))
    await enrol(postern, "new@acme.example")

    report = await tried(postern, policy_with("severity", default="Low"))

    assert report.mails == 2
    assert report.moved_on == {("held, not_enrolled", "opened, new_request"): 1}
    assert report.aspects == {Aspect.SEVERITY: 2}


async def test_the_author_that_staff_stated_is_believed_again(postern: InProcessPostern) -> None:
    await postern.take(a_mail("a@acme.example, b@acme.example"))
    (held,) = await postern.services.runtime.read(quarantine.held_mails)
    delivery = await postern.services.runtime.read(lambda c: quarantine.delivery(c, held))
    proof = Authentication.by_staff("root")
    ann = StatedByStaff(author=Author("ann@acme.example"))
    await postern.services.ingest.release(held, delivery, proof, ann)

    report = await tried(postern, default_policy())

    assert [e.reason for e in await postern.journal()] == [
        Reason.FROM_AMBIGUOUS,
        Reason.NEW_REQUEST,
    ]
    assert report.mails == 2
    assert as_recorded(report)


async def test_a_clock_starts_when_the_held_mail_came(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example", message_id="<1@acme.example>"))
    (held,) = await postern.journal()
    await enrol(postern, "new@acme.example")

    report = await tried(postern, policies.load(None)["atlan"])

    dues = {one.would_be.first_due for one in report.shown}
    assert len(report.shown) == 2
    assert len(dues) == 1
    assert None not in dues
    assert min(one.mail.came_at for one in report.shown) == held.received_at


async def test_no_policy_makes_a_recorded_mail_critical(postern: InProcessPostern) -> None:
    await postern.take(a_mail(subject="[Critical] [P1] [P0] [Urgent] All is down"))

    for new in policies.load(None).values():
        report = await tried(postern, new)
        critical = {level.name for level in new.levels if level.critical}
        assert all(one.would_be.severity not in critical for one in report.shown)
        assert report.mails == 1


async def test_nothing_is_written(postern: InProcessPostern) -> None:
    await a_thread(postern)
    await postern.take(a_mail("new@acme.example"))

    def everything(connection: Connection) -> list[Any]:
        return [connection.execute(select(t)).all() for t in metadata.sorted_tables]

    before = await postern.services.runtime.read(everything)
    report = await tried(postern, default_policy(registration="domain"))

    assert report.different == 1
    assert await postern.services.runtime.read(everything) == before


async def test_only_mails_of_the_span_are_looked_at(postern: InProcessPostern) -> None:
    await postern.take(a_mail(subject="before"))
    at = clock.now() + timedelta(milliseconds=1)

    assert (await tried(postern, default_policy(), until=at)).mails == 1
    assert (await tried(postern, default_policy(), until=at - DAY)).mails == 0


async def test_the_newest_are_shown_first_and_no_more_than_asked_for(
    postern: InProcessPostern,
) -> None:
    for number in range(3):
        await postern.take(a_mail(subject=f"[High] {number}"))

    report = await tried(postern, policy_with("severity", ceiling="Normal"), limit=2)

    assert report.different == 3
    assert [one.mail.subject for one in report.shown] == ["[High] 2", "[High] 1"]
    assert not any(one.mail.raw for one in report.shown)


def test_more_mails_than_one_batch_are_each_looked_at_once(tmp_path: Path) -> None:
    count = recorded.BATCH + 5
    mails = load.write(tmp_path / "mails", count, 50, SUPPORT)
    config = bench.enrolled(tmp_path, mails.senders)
    asyncio.run(bench.file(config, mails, at_once=1))

    report = bench.measured(config).report

    assert (report.mails, report.lost) == (count, 0)
    assert 0 < report.different < count
    assert as_recorded(report)


async def test_a_backtest_of_so_many_mails_ends_there_and_names_its_beginning(
    postern: InProcessPostern,
) -> None:
    for name in ("one", "two", "three"):
        await postern.take(a_mail(message_id=f"<{name}@acme.example>"))
    end = clock.now() + timedelta(seconds=1)
    services = postern.services.runtime

    async def tried_on(mails: int | None = None, patience_s: float | None = None) -> Report:
        wanted = BacktestQuery(end - DAY, end, None, 50, mails, patience_s)
        return await backtest.run_backtest(
            services.database, services.policies, default_policy(), wanted
        )

    every, two, at_once = await tried_on(), await tried_on(2), await tried_on(patience_s=-1)

    assert (every.mails, every.cut_at) == (3, None)
    assert (two.mails, sum(two.lines.values()), two.lost) == (2, 2, 0)
    assert two.cut_at is not None
    assert (at_once.mails, sum(at_once.lines.values())) == (1, 1)
