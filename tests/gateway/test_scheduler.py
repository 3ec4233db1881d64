"""The timed work goes on, whatever one ticket or one mailbox holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest
from sqlalchemy import event, update
from structlog.testing import capture_logs

from gateway import scheduler
from gateway.config.model import load
from gateway.services import Services, open_services
from rules.people import Role, StaffNotices
from rules.service.console_roles import ConsoleRole
from rules.ticket.business_time import parse_span
from rules.ticket.sla import Clock, Stage
from storage.db.database import Connection
from storage.db.tables import MailboxRow, TicketRow, table
from storage.notices import overview
from storage.registry import lookup
from storage.registry.console_users import invite
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import set_notices, set_person_active
from storage.ticket import clocks
from tests.gateway.cli.command_line import ANNS_MAIL, BOBS_MAIL, CommandLine, command_line
from tests.stores import SqliteStores

SUPPORT, OLD = "support@help.example", "old@help.example"
ADA = "ada@admin.example"


@pytest.fixture
def line(tmp_path: Path, sqlite_stores: SqliteStores) -> CommandLine:
    """A mailbox with two tickets."""
    made = command_line(tmp_path, sqlite_stores.new(), "")
    assert made.run("init", "--demo").code == 0
    for mail, sender in ((ANNS_MAIL, "ann@acme.example"), (BOBS_MAIL, "bob@acme.example")):
        assert made.pipe(mail, sender).code == 0
    return made


@pytest.fixture
async def services(line: CommandLine) -> AsyncIterator[Services]:
    async with open_services(load(line.config)) as opened:
        yield opened


async def set_ticket(services: Services, number: int, **values: Any) -> None:
    ticket = table(TicketRow)
    query = update(ticket).where(ticket.c.id == number).values(**values)
    await services.runtime.write(lambda connection: connection.execute(query))


async def be_late(services: Services, number: int) -> None:
    """Let the clock of a ticket have been due for a while."""
    now = services.runtime.clock()
    begun, late = now - timedelta(hours=9), now - timedelta(hours=5)
    clock = Clock(Stage.FIRST, parse_span("4 hours"), begun, late, late - timedelta(hours=1))
    await set_ticket(services, number, **clocks.columns(clock))


async def breaches(services: Services) -> list[int | None]:
    listed = await services.runtime.read(partial(overview.listing))
    return [each.ticket for each in listed if each.kind == "sla_breach"]


def prefer_a_digest(connection: Connection) -> None:
    mailbox = mailbox_named(connection, SUPPORT)
    (first, *_) = lookup.staff(connection, mailbox)()
    set_notices(connection, mailbox, first.address, StaffNotices.DIGEST)


async def retire_mailbox(services: Services) -> None:
    """A mailbox that takes no mail, with ticket 1, whose policy was deleted from the folder."""

    def write(connection: Connection) -> None:
        mailbox, ticket = table(MailboxRow), table(TicketRow)
        gone = {"address": OLD, "policy": "gone", "active": False}
        new = connection.execute(mailbox.insert().values(**gone)).inserted_primary_key
        assert new is not None
        moved = update(ticket).where(ticket.c.id == 1).values(mailbox_id=new[0])
        connection.execute(moved)

    await services.runtime.write(write)


@pytest.mark.parametrize("waiting", ["{", "{}"])
async def test_a_ticket_whose_clock_cannot_be_read_delays_no_other(
    services: Services, waiting: str
) -> None:
    for number in (1, 2):
        await be_late(services, number)
    await set_ticket(services, 1, waiting=waiting)

    with capture_logs() as log:
        assert await services.scheduler.notify_overdue() == 1

    assert await breaches(services) == [2]
    assert [(e["event"], e["ticket"]) for e in log] == [("clock_not_reported", 1)]


async def test_the_clocks_of_a_mailbox_whose_policy_is_gone_delay_no_other(
    services: Services,
) -> None:
    for number in (1, 2):
        await be_late(services, number)
    await retire_mailbox(services)

    assert await services.scheduler.notify_overdue() == 1
    assert await breaches(services) == [2]


async def test_nor_do_its_snoozed_tickets_keep_those_of_others_asleep(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "CLOCKS_AT_ONCE", 1)
    for number, hours in ((1, 2), (2, 1)):
        over = services.runtime.clock() - timedelta(hours=hours)
        await set_ticket(services, number, snooze_until=over)
    await retire_mailbox(services)

    assert await services.scheduler.wake_snoozed() >= 1


async def test_a_mailbox_whose_policy_is_gone_is_named_and_stops_no_cleaning(
    services: Services,
) -> None:
    await retire_mailbox(services)

    with capture_logs() as log:
        await services.scheduler.run_once(also_old=True)

    named = [e for e in log if e["event"] == "mailbox_without_policy"]
    assert [(e["mailbox"], e["policy"]) for e in named] == [(OLD, "gone")]


async def test_a_mailbox_whose_policy_is_not_in_force_yet_delays_no_digest(
    line: CommandLine, services: Services
) -> None:
    assert line.run("mailbox", "add", "new@help.example").code == 0
    mailbox = table(MailboxRow)
    query = update(mailbox).where(mailbox.c.address == "new@help.example").values(policy="new")
    await services.runtime.write(lambda connection: connection.execute(query))

    assert await services.scheduler.notify_desk() == 0
    assert await services.scheduler.notify_desk(every_queue=False) == 0


async def test_snoozed_tickets_wake_and_digests_go_out_by_the_clock(services: Services) -> None:
    hour = timedelta(hours=1)
    await set_ticket(services, 1, snooze_until=services.runtime.clock() - hour)
    await set_ticket(services, 2, snooze_until=services.runtime.clock() + hour)

    assert await services.scheduler.wake_snoozed() >= 1
    assert await services.scheduler.wake_snoozed() == 0
    assert await services.scheduler.send_personal_digests() == 0

    await services.runtime.write(prefer_a_digest)
    assert await services.scheduler.send_personal_digests() == 1
    assert await services.scheduler.send_personal_digests() == 0


async def test_what_may_take_long_does_not_hold_the_event_loop(services: Services) -> None:
    for number in (1, 2):
        await be_late(services, number)
    await services.runtime.write(prefer_a_digest)
    threads = set[int]()

    def note(*_: Any) -> None:
        threads.add(get_ident())

    scheduler = services.scheduler
    works = (scheduler.notify_overdue, scheduler.send_personal_digests, scheduler.notify_desk)
    event.listen(services.runtime.database.engine, "before_cursor_execute", note)
    try:
        done = [await work() for work in works]
        assert await services.policy_reload.reload()
    finally:
        event.remove(services.runtime.database.engine, "before_cursor_execute", note)

    assert done[:2] == [2, 1]
    assert threads
    assert get_ident() not in threads


async def test_administrators_hear_of_a_ticket_that_nobody_of_the_staff_hears_of(
    services: Services,
) -> None:
    def without_staff(connection: Connection) -> None:
        mailbox = mailbox_named(connection, SUPPORT)
        for each in lookup.staff(connection, mailbox)():
            set_person_active(connection, mailbox, Role.STAFF, each.address, active=False)
        invite(connection, ADA, ConsoleRole.ADMIN, services.runtime.clock())

    await services.runtime.write(without_staff)

    with capture_logs() as log:
        assert await services.scheduler.notify_desk() == 0

    assert [each["event"] for each in log] == ["desk_is_empty"]
    listed = await services.runtime.read(partial(overview.listing))
    assert [each.kind for each in listed if each.address == ADA] == ["empty_desk"]


async def test_the_digest_of_a_held_mail_comes_as_soon_as_somebody_of_the_staff_gets_mail(
    line: CommandLine, services: Services
) -> None:
    mail = ANNS_MAIL.replace(b"ann@", b"new@").replace(b"Message-ID: <", b"Message-ID: <new")
    assert line.pipe(mail, "new@acme.example").code == 0

    def set_staff(connection: Connection, *, active: bool) -> None:
        mailbox = mailbox_named(connection, SUPPORT)
        for each in staff:
            set_person_active(connection, mailbox, Role.STAFF, each.address, active=active)

    here = await services.runtime.read(partial(mailbox_named, address=SUPPORT))
    staff = await services.runtime.read(lambda c: lookup.staff(c, here)())
    await services.runtime.write(partial(set_staff, active=False))
    with capture_logs() as log:
        assert await services.scheduler.notify_desk(every_queue=False) == 0
        assert log == []
        assert await services.scheduler.notify_desk() == 0
    assert [each["event"] for each in log] == ["desk_is_empty"]

    await services.runtime.write(partial(set_staff, active=True))

    assert await services.scheduler.notify_desk(every_queue=False) == len(staff) > 0
