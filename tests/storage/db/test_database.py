"""The tables, their upgrade, and what the database itself refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from traceback import format_exception

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, StatementError

from rules.mail import Mailbox
from storage.db.database import Connection, Database, NotUpgraded
from storage.db.ledger import Ledger
from storage.db.tables import TicketRow, metadata, table
from tests.rules.building import NOON
from tests.stores import PostgresStores, SqliteStores, is_of_search

_ticket = table(TicketRow)


def a_ticket_row(**changes: object) -> dict[str, object]:
    return {
        "mailbox_id": 1,
        "subject": "Printer",
        "status": "open",
        "severity": "Normal",
        "severity_source": "mail",
        "critical": False,
        "critical_claimed": False,
        "requester": "ann@acme.example",
        "opened_at": NOON,
        "updated_at": NOON,
        **changes,
    }


def test_the_migrations_create_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "include_name": lambda name, *_: not is_of_search(name)}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    assert database.read(differences) == []


def test_a_second_upgrade_does_nothing(database: Database) -> None:
    database.upgrade()
    database.check_version()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_store_without_tables_is_refused_with_what_to_do(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('empty')}/empty.db"
    else:
        stores: PostgresStores = request.getfixturevalue("postgres_stores")
        url = stores.empty()
    database = Database(url)
    with pytest.raises(NotUpgraded, match="no store exists at .* run `postern init`"):
        database.check_version()
    database.close()


@pytest.mark.parametrize("source", ["mail", "staff_mail"])
def test_the_database_refuses_a_critical_ticket_that_comes_from_mail(
    source: str, ledger: Ledger, mailbox: Mailbox
) -> None:
    row = a_ticket_row(mailbox_id=mailbox.id, critical=True, severity_source=source)

    with pytest.raises(IntegrityError, match="mail_is_never_critical"):
        ledger.submit(lambda c: c.execute(insert(_ticket), row)).result()


@pytest.mark.parametrize("source", ["mail", "staff_mail"])
def test_the_database_refuses_to_make_a_ticket_critical_by_mail(
    source: str, ledger: Ledger, mailbox: Mailbox
) -> None:
    row = a_ticket_row(mailbox_id=mailbox.id, severity_source=source)
    ledger.submit(lambda c: c.execute(insert(_ticket), row)).result()

    with pytest.raises(IntegrityError, match="mail_is_never_critical"):
        ledger.submit(lambda c: c.execute(_ticket.update().values(critical=True))).result()


def test_a_ticket_from_the_console_may_be_critical(ledger: Ledger, mailbox: Mailbox) -> None:
    row = a_ticket_row(mailbox_id=mailbox.id, critical=True, severity_source="console")

    ledger.submit(lambda c: c.execute(insert(_ticket), row)).result()


def test_a_time_is_read_as_it_was_written(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    time = datetime(2026, 3, 29, 2, 30, 0, 123456, timezone(timedelta(hours=2)))
    row = a_ticket_row(mailbox_id=mailbox.id, opened_at=time)
    ledger.submit(lambda c: c.execute(insert(_ticket), row)).result()

    found = database.read(lambda c: c.execute(select(_ticket.c.opened_at)).scalar_one())

    assert found == time
    assert found.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(ledger: Ledger, mailbox: Mailbox) -> None:
    naive = NOON.replace(tzinfo=None)
    row = a_ticket_row(mailbox_id=mailbox.id, opened_at=naive)

    with pytest.raises(StatementError, match="without a time zone"):
        ledger.submit(lambda c: c.execute(insert(_ticket), row)).result()


def test_every_commit_of_the_embedded_store_is_on_disk_when_it_returns(
    sqlite_stores: SqliteStores,
) -> None:
    database = Database(sqlite_stores.new())

    def pragmas(connection: Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    assert database.read(pragmas) == ("wal", 2, 1)
    database.close()


def test_an_error_of_the_store_does_not_show_what_was_to_be_written(ledger: Ledger) -> None:
    row = a_ticket_row(id=7, subject="My password is geheim")
    ledger.submit(lambda connection: connection.execute(insert(_ticket), row)).result()

    with pytest.raises(IntegrityError) as refused:
        ledger.submit(lambda connection: connection.execute(insert(_ticket), row)).result()
    assert "geheim" not in "".join(format_exception(refused.value))
