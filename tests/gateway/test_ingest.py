"""One mail to several mailboxes is each mailbox's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import new_id
from rules.mail import Delivery, Envelope, as_sent
from rules.sender.tokens import return_path
from storage.db.database import Connection
from storage.registry import mailboxes, signing_keys
from tests.in_process import (
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    enrolled_store,
    open_postern,
)

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
