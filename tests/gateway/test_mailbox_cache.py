"""What the snapshot of the registry knows of mailboxes that take no mail."""

from __future__ import annotations

from gateway.mailbox_cache import read_snapshot
from storage.db.database import Database
from storage.db.ledger import open_ledger
from storage.registry import mailboxes
from tests.in_process import SUPPORT, enrolled_store


def test_a_mailbox_that_takes_no_mail_is_ours_and_what_it_sealed_is_masked(store_url: str) -> None:
    database = Database(enrolled_store(store_url), connections=2)
    ledger = open_ledger(database)
    before = database.read(read_snapshot)

    ledger.submit(lambda c: mailboxes.set_mailbox_active(c, SUPPORT, False)).result()

    after = database.read(read_snapshot)
    assert after.mailbox_for(SUPPORT) is None
    assert after.mailbox_ids == before.mailbox_ids
    assert after.own_addresses == before.own_addresses
    ledger.close()
    database.close()
