"""A running Postern sends what a full hour withheld, with its words, once its time has come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from structlog.testing import capture_logs

from gateway.clock import new_id, now
from rules.service.more import OWN_COMMENTS
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import AlertPayload, MorePayload
from storage.db.database import Connection
from storage.db.tables import CommentRow, NoticeRow, table
from storage.notices import overview
from storage.notices.more import LIKE_A_MACHINE
from storage.notices.overview import NoticeFilter, NoticeSummary
from storage.registry import lookup, mailboxes
from storage.ticket.rows import ChangeContext, queue_notices
from tests.in_process import (
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)
from tests.stores import SqliteStores

_notice = table(NoticeRow)


@pytest.fixture
async def postern(sqlite_stores: SqliteStores, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = enrolled_store(sqlite_stores.new())
    async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as opened:
        yield opened


async def test_a_summary_to_somebody_who_writes_like_a_machine_is_dropped_and_it_is_said(
    postern: InProcessPostern,
) -> None:
    runtime, dispatcher = postern.services.runtime, postern.services.dispatcher
    (staff, *_) = await runtime.read(
        lambda c: lookup.staff(c, mailboxes.mailbox_named(c, SUPPORT))()
    )

    def as_a_machine(connection: Connection) -> None:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        context = ChangeContext(mailbox, "", Source.SYSTEM, now(), new_id)
        order = NoticeOrder(
            NoticeKind.STAFF_MORE, staff.address, payload=MorePayload(now().isoformat())
        )
        queue_notices(connection, context, (order,), 1)
        own = {"mailbox_id": mailbox.id, "ticket_id": 1, "author": staff.address, "text": "x"}
        own |= {"visibility": "note", "proof": "api", "charset_guessed": False, "subject": ""}
        own |= {"written_at": now() - timedelta(minutes=5)}
        connection.execute(insert(table(CommentRow)).values([own] * OWN_COMMENTS))

    await postern.take(a_mail())
    while await dispatcher.send_due():
        pass
    await runtime.write(as_a_machine)

    with capture_logs() as logged:
        await dispatcher.send_due()

    (dropped,) = [each for each in logged if each["event"] == "send_dropped"]
    assert (dropped["to"], dropped["why"]) == (staff.address, LIKE_A_MACHINE)
    dead = NoticeFilter(NoticeState.DEAD)
    (kept,) = await runtime.read(lambda c: overview.listing(c, dead))
    assert kept.last_error == LIKE_A_MACHINE


async def test_a_summary_waits_for_its_time_and_then_has_the_words(
    postern: InProcessPostern,
) -> None:
    runtime, dispatcher = postern.services.runtime, postern.services.dispatcher

    def an_hours_alerts(connection: Connection) -> None:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        context = ChangeContext(mailbox, "", Source.SYSTEM, now(), new_id)
        for staff in lookup.staff(connection, mailbox)():
            order = NoticeOrder(NoticeKind.ALERT, staff.address, payload=AlertPayload("x"))
            queue_notices(connection, context, (order,) * 20, 1)

    def summaries(connection: Connection) -> list[NoticeSummary]:
        every = overview.listing(connection, NoticeFilter(NoticeState.DUE))
        return [each for each in every if each.kind == NoticeKind.STAFF_MORE.value]

    def its_time_comes(connection: Connection) -> None:
        late = _notice.c.kind == NoticeKind.STAFF_MORE.value
        connection.execute(update(_notice).where(late).values(due_at=now()))

    await postern.take(a_mail(message_id="<1@acme.example>"))
    await runtime.write(an_hours_alerts)
    await postern.take(a_mail(text="It burns now.", references="<1@acme.example>"))
    while await dispatcher.send_due():
        pass
    (waiting,) = await runtime.read(summaries)
    assert (waiting.due_at - now()).total_seconds() > 3000

    await runtime.write(its_time_comes)
    await dispatcher.send_due()

    sent = (Path(postern.services.config.relay.maildir) / "new").iterdir()
    (summary,) = [text for text in (mail.read_text() for mail in sent) if "than we" in text]
    assert "1 comment, since" in " ".join(summary.split())
    assert "It burns now." in summary
    assert f"To: {waiting.address}" in summary
