"""What is discarded or expired leaves the store, and nothing else does."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.mail import Mail
from storage.db import raw_mail, space
from storage.db.database import Database
from storage.db.ledger import open_ledger
from storage.db.tables import JournalRow, MailIdentityRow, MailRow, RawMailRow, table
from storage.mail import quarantine, retention
from storage.mail.filing import file
from tests.rules.building import ANN, NOON, NOTHING, PROVEN, a_mail
from tests.storage.shop import Shop

NEW = "new@acme.example"
STRANGER = "somebody@elsewhere.example"
LATER = NOON + timedelta(days=100)
LONG_AGO = NOON - timedelta(days=100_000)
"""Before the ids of a shop, which are small numbers."""
MIB = 2**20


def take(shop: Shop, mail: Mail, raw: bytes, **circumstances: Any) -> Receipt:
    """Take a mail with these bytes."""
    entry = shop.entry(mail, **circumstances)
    entry = replace(
        entry,
        delivery=replace(entry.delivery, raw=raw),
        compressed=raw_mail.compress(raw),
    )
    return shop.write(lambda c: file(c, [entry]))[0]


def stored(shop: Shop) -> list[tuple[int, int]]:
    """The size and the references of each raw mail."""
    raw = table(RawMailRow)
    query = select(raw.c.size_bytes, raw.c.refs).order_by(raw.c.size_bytes)
    return shop.database.read(lambda c: [tuple(row) for row in c.execute(query)])


def forget_all(shop: Shop, before: datetime = LATER) -> int:
    swept = shop.database.read(lambda c: retention.sweep(c, retention.BEGINNING, before))
    forgotten = 0
    for rows in retention.in_portions(swept.expired):
        forgotten += shop.write(partial(retention.forget, rows=rows))
    return forgotten


def rows(shop: Shop, row: Any) -> int:
    return shop.database.read(
        lambda c: c.execute(select(func.count()).select_from(table(row))).scalar_one()
    )


def test_a_discarded_mail_leaves_no_bytes_and_its_repeat_is_answered_as_before(shop: Shop) -> None:
    held = take(shop, a_mail(NEW), b"held")

    assert shop.write(lambda c: quarantine.discard(c, held.journal_id))
    assert not shop.write(lambda c: quarantine.discard(c, held.journal_id))
    assert stored(shop) == []
    assert rows(shop, MailRow) == 1


def test_bytes_that_another_mail_has_stay_until_that_is_gone_too(shop: Shop) -> None:
    first = take(shop, a_mail(NEW), b"the same")
    second = take(shop, a_mail(NEW), b"the same")
    assert stored(shop) == [(8, 2)]

    shop.write(lambda c: quarantine.discard(c, first.journal_id))
    assert stored(shop) == [(8, 1)]

    shop.write(lambda c: quarantine.discard(c, second.journal_id))
    assert stored(shop) == []


def test_the_bytes_of_a_filed_mail_outlive_the_discarded_copy(shop: Shop) -> None:
    filed = take(shop, a_mail(ANN.address), b"the same")
    held = take(shop, a_mail(NEW), b"the same")

    shop.write(lambda c: quarantine.discard(c, held.journal_id))

    assert filed.verdict is Verdict.OPENED
    assert stored(shop) == [(8, 1)]


def test_what_waited_too_long_goes_in_portions_of_a_bounded_size(shop: Shop) -> None:
    size = retention.FREED_BYTES // 2 + 1
    for _ in range(3):
        take(shop, a_mail(NEW), os.urandom(size))

    def discard() -> int:
        return shop.write(lambda c: retention.discard_before(c, shop.mailbox, LATER))

    assert [discard(), discard(), discard()] == [2, 1, 0]
    assert stored(shop) == []


def test_expired_rows_are_forgotten_and_what_is_on_a_ticket_or_held_stays(shop: Shop) -> None:
    take(shop, a_mail(ANN.address), b"filed")
    take(shop, a_mail(STRANGER), b"refused")
    take(shop, a_mail(ANN.address), b"automatic", mail_from="")
    take(shop, a_mail(NEW), b"held")
    gone = take(shop, a_mail(NEW, subject="gone"), b"gone")
    shop.write(lambda c: quarantine.discard(c, gone.journal_id))

    assert forget_all(shop) == 3

    journal = table(JournalRow)
    left = shop.database.read(lambda c: c.execute(select(journal.c.verdict)).scalars().all())
    assert sorted(left) == ["held", "opened"]
    assert rows(shop, MailRow) == 2
    assert [size for size, _ in stored(shop)] == [4, 5]
    assert forget_all(shop) == 0


def test_the_identities_of_a_mail_are_forgotten_with_its_row(shop: Shop) -> None:
    signed = replace(NOTHING, fingerprints=("f1", "f2"))
    filed = take(shop, a_mail(ANN.address), b"filed", proof=replace(PROVEN, fingerprints=("f3",)))
    bounce = a_mail(STRANGER)
    recorded = take(shop, bounce, b"automatic", proof=signed, mail_from="")
    repeated = take(shop, bounce, b"automatic", proof=signed, mail_from="")
    assert (filed.verdict, recorded.verdict) == (Verdict.OPENED, Verdict.RECORDED)
    assert repeated.verdict is Verdict.DUPLICATE
    assert rows(shop, MailIdentityRow) == 3

    assert forget_all(shop) == 2

    assert (rows(shop, MailRow), rows(shop, MailIdentityRow)) == (1, 1)
    again = take(shop, bounce, b"automatic", proof=signed, mail_from="")
    assert again.verdict is Verdict.RECORDED


def test_refused_mail_that_nothing_proves_expires_sooner(shop: Shop) -> None:
    unproven = take(shop, a_mail(STRANGER), b"refused", proof=NOTHING)
    proven = take(shop, a_mail(STRANGER), b"refused too")
    take(shop, a_mail(NEW), b"held")
    recorded = take(shop, a_mail(STRANGER), b"automatic", proof=NOTHING, mail_from="")
    assert unproven.verdict is proven.verdict is Verdict.REFUSED
    assert recorded.verdict is Verdict.RECORDED

    swept = shop.database.read(
        lambda c: retention.sweep(c, retention.BEGINNING, LONG_AGO, refused_before=LATER)
    )

    assert [row for row, _ in swept.expired] == [unproven.journal_id]


def test_two_nodes_that_forget_the_same_row_free_its_bytes_once(shop: Shop) -> None:
    same = b"the same bytes"
    first = take(shop, a_mail(ANN.address), same, mail_from="")
    take(shop, a_mail(ANN.address), same)

    for _ in range(2):
        shop.write(lambda c: retention.forget(c, [first.journal_id]))

    assert stored(shop) == [(len(same), 1)]


def test_portions_have_a_bounded_number_of_rows_and_of_octets() -> None:
    small = [(UUID(int=n), 1) for n in range(retention.FORGOTTEN_AT_ONCE + 1)]
    large = [(UUID(int=n), retention.FREED_BYTES) for n in range(3)]

    assert [len(p) for p in retention.in_portions(small)] == [retention.FORGOTTEN_AT_ONCE, 1]
    assert [len(p) for p in retention.in_portions(large)] == [1, 1, 1]
    assert list(retention.in_portions([])) == []


class TestASqliteFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "store.db"

    def filled(self, path: Path, auto_vacuum: bool = True) -> Database:
        """A store whose raw mails of 16 MiB were deleted again."""
        database = Database(f"sqlite:///{path}")
        if not auto_vacuum:
            with database.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA auto_vacuum = NONE")
                driver.execute("VACUUM")
        database.upgrade()
        ledger = open_ledger(database)

        def add(connection: Any) -> None:
            for n in range(16):
                raw = os.urandom(MIB)
                raw_mail.store(connection, n, raw, raw)

        ledger.submit(add).result()
        ledger.submit(lambda c: c.execute(table(RawMailRow).delete())).result()
        ledger.close()
        return database

    def size_after_closing(self, database: Database, path: Path) -> int:
        database.close()  # whatever is still in the log is moved into the file
        return path.stat().st_size

    def test_gives_unused_pages_back_in_steps_and_keeps_some_for_the_next_mails(
        self, path: Path
    ) -> None:
        database = self.filled(path)
        before = database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one() * 4096)
        ledger = open_ledger(database)
        steps = 0
        while ledger.submit(space.give_back).result():
            steps += 1
        ledger.close()

        assert before > 16 * MIB
        assert steps == (16 * MIB // 4096 - space.SPARE_PAGES) // space.PAGES_AT_ONCE
        assert self.size_after_closing(database, path) < (space.SPARE_PAGES + 500) * 4096

    def test_an_old_one_gives_back_after_it_was_compacted(self, path: Path) -> None:
        database = self.filled(path, auto_vacuum=False)
        assert database.read(space.spare_pages) == 0

        space.compact(database)

        assert database.read(lambda c: c.exec_driver_sql("PRAGMA auto_vacuum").scalar_one()) == 2
        assert self.size_after_closing(database, path) < MIB
