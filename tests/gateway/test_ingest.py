"""One mail to several mailboxes is each mailbox's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.clock import new_id, now
from gateway.config.sections import TrustSection
from rules.mail import Delivery, Envelope, as_sent
from rules.sender.tokens import return_path
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertPayload
from storage.db.database import Connection
from storage.registry import lookup, mailboxes, signing_keys
from storage.ticket.rows import ChangeContext, queue_notices
from tests.in_process import (
    ANYWHERE,
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)
from tests.properties.loop_meter import LoopMeter
from tests.stores import SqliteStores

SALES = "sales@help.example"
REPORT = Path(__file__).parents[1] / "mails" / "bounces" / "qmail" / "mail.eml"


@pytest.fixture
async def postern(store_url: str, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as opened:
        add = opened.services.runtime.ledger.submit(
            lambda c: mailboxes.add_mailbox(c, SALES, "default")
        )
        await asyncio.wrap_future(add)
        yield opened


async def test_what_a_mail_does_not_send_is_in_its_trace_counted_and_logged(
    postern: InProcessPostern,
) -> None:
    number = 1
    opened = await postern.take(a_mail(message_id="<1@acme.example>"))
    assert f"filed as #{number}" in str(opened)

    def forty_to_staff(connection: Connection) -> None:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        context = ChangeContext(mailbox, "", Source.SYSTEM, now(), new_id)
        for staff in lookup.staff(connection, mailbox)():
            order = NoticeOrder(NoticeKind.ALERT, staff.address, payload=AlertPayload("x"))
            queue_notices(connection, context, (order,) * 40, number)

    await postern.services.runtime.write(forty_to_staff)
    with capture_logs() as logged:
        await postern.take(a_mail(subject="Re: Printer", references="<1@acme.example>"))

    entry = await postern.last()
    (event,) = [each for each in logged if each["event"] == "notices_withheld"]
    assert (event["ticket"], event["cause"]) == (number, f"mail {entry.id}")
    assert "withheld, sent enough within the hour" in entry.trace[-1].outcome
    metrics = postern.services.runtime.metrics.render().decode()
    assert f"postern_notices_withheld_total {event['notices']}.0" in metrics


async def test_a_report_is_read_for_the_mailbox_that_it_came_back_to_alone(
    postern: InProcessPostern,
) -> None:
    def a_return_path(connection: Connection) -> str:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        return return_path(signing_keys.load_keys(connection), mailbox.id, SUPPORT, new_id())

    came_back = await postern.services.runtime.read(a_return_path)
    envelope = Envelope("192.0.2.1", "client.example", False, "", (came_back, SALES))

    previewed = await postern.services.ingest.preview(
        Delivery(envelope, as_sent(REPORT.read_bytes()))
    )

    reports = {entry.mailbox.address: entry.mail.bounces for entry, _ in previewed}
    assert reports[SUPPORT]
    assert reports[SALES] == ()


def test_a_mail_to_very_many_mailboxes_does_not_hold_the_event_loop(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    meter = LoopMeter()
    addresses = [f"m{n}@help.example" for n in range(100)]

    def add_all(connection: Connection) -> None:
        for address in addresses:
            mailboxes.add_mailbox(connection, address, "default")

    async def take() -> None:
        url = await asyncio.to_thread(enrolled_store, sqlite_stores.new())
        async with open_postern(url, tmp_path, TrustSection()) as postern:
            await postern.services.runtime.write(add_all)
            await postern.take(a_mail(sender="eve@evil.example"), ANYWHERE, addresses[0])
            ids = " ".join(f"<{n}@x.example>" for n in range(50))
            raw = a_mail(sender="eve@evil.example", references=ids)
            meter.reset()
            replies = await postern.take(raw, ANYWHERE, *addresses)
            assert {str(reply)[:9] for reply in replies} == {"550 5.7.1"}
            assert len(await postern.journal()) == 100

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(meter)) as runner:
        runner.run(take())
    assert meter.longest_cpu_s < 0.05
