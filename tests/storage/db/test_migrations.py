"""An upgrade of a store in use: all data is kept, and the tables match the code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, func, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from rules.mail import Mailbox
from rules.people import ParticipantKind, Presence
from rules.ticket.lifecycle import Status
from storage.db.database import MIGRATIONS, Database, NotUpgraded
from storage.db.ledger import open_ledger
from storage.db.tables import (
    AuditRow,
    CommentRow,
    JournalRow,
    MailRow,
    NoticeRow,
    RawMailRow,
    metadata,
    table,
)
from storage.notices import outbox
from storage.registry import mailboxes
from storage.ticket import load, search
from tests.rules.building import KEYS, NOON, a_mail
from tests.storage.shop import Shop
from tests.stores import PostgresStores, SqliteStores, is_of_search

JOURNAL, NOTICE = UUID(int=1), UUID(int=2)
ANN = "ann@acme.example"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> SqliteStores | PostgresStores:
    found: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    return found


@pytest.fixture
def old(stores: SqliteStores | PostgresStores) -> Iterator[Database]:
    """A store of the first version, with a mailbox, Ann, her ticket and everything on it."""
    with closing(Database(stores.empty())) as database:
        fill_first_version(database)
        yield database


@dataclass(frozen=True)
class UpgradedStore:
    """The same at the newest version, to which it was upgraded once for all tests."""

    url: str
    rows_before: dict[str, int]
    """How many each table had."""


@pytest.fixture(scope="module")
def upgraded_store(stores: SqliteStores | PostgresStores) -> UpgradedStore:
    url = stores.empty()
    with closing(Database(url)) as database:
        fill_first_version(database)
        before = database.read(count)
        database.upgrade()
    return UpgradedStore(url, before)


@pytest.fixture
def upgraded(
    stores: SqliteStores | PostgresStores, upgraded_store: UpgradedStore
) -> Iterator[Database]:
    """A copy of it."""
    with closing(Database(stores.copy_of(upgraded_store.url))) as database:
        yield database


def fill_first_version(database: Database) -> None:
    upgrade_to(database, "0001")
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        fill(connection)
        connection.commit()


def upgrade_to(database: Database, revision: str) -> None:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # as Database.upgrade does
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
        connection.invalidate()


def fill(connection: Connection) -> None:
    tables = MetaData()
    tables.reflect(connection)
    sqlite = connection.dialect.name == "sqlite"
    noon: Any = round(NOON.timestamp() * 1_000_000) if sqlite else NOON
    journal: Any = JOURNAL.hex if sqlite else JOURNAL
    notice: Any = NOTICE.hex if sqlite else NOTICE

    def add(into: str, /, **row: Any) -> None:
        connection.execute(insert(tables.tables[into]), row)

    add("mailbox", address="support@help.example", policy="default", active=True)
    add("signing_key", id=1, secret=KEYS.secrets[1], created_at=noon)
    add("company", mailbox_id=1, name="Acme", active=True)
    add("company_domain", mailbox_id=1, domain="acme.example", company_id=1)
    add(
        "person", mailbox_id=1, address=ANN, domain="acme.example", name="Ann", role="user",
        company_id=1, active=True, machine=False,
    )  # fmt: skip
    add(
        "ticket", mailbox_id=1, subject="Printer", status="open", severity="High",
        severity_source="mail", critical=False, critical_claimed=False, requester=ANN,
        company_id=1, opened_at=noon, updated_at=noon,
    )  # fmt: skip
    add(
        "participant", mailbox_id=1, ticket_id=1, address=ANN, person_id=1, part="requester",
        presence="active", joined_at=noon,
    )  # fmt: skip
    add(
        "journal", id=journal, mailbox_id=1, received_at=noon, verdict="opened",
        reason="new_request", ticket_id=1, peer="", helo="", mail_from=ANN, rcpt_tos="",
        author=ANN, subject="Printer", message_id="<1@client.example>", identity="i" * 64,
        size_bytes=1, reply="", trace="[]", authentication='{"aligned": true}',
    )  # fmt: skip
    add(
        "mail", mailbox_id=1, identity="i" * 64, journal_id=journal, ticket_id=1,
        message_id="<1@client.example>", answer="filed as #1", state="filed", raw_digest="d" * 64,
    )  # fmt: skip
    add(
        "comment", mailbox_id=1, ticket_id=1, journal_id=journal, author=ANN,
        visibility="public", text="It does not print.", written_at=noon,
    )  # fmt: skip
    add(
        "attachment", mailbox_id=1, comment_id=1, part="2", name="a.png",
        content_type="image/png", size_bytes=1, content_id="", inline=False,
    )  # fmt: skip
    add(
        "notice", id=notice, mailbox_id=1, ticket_id=1, kind="acknowledgement",
        participant_id=1, address=ANN, cause=journal, state="due", created_at=noon,
        due_at=noon, attempts=0, last_error="",
    )  # fmt: skip


AUDITED = (
    ("status", "open", "resolved", ("status_changed", "", "open", "resolved")),
    ("severity", "High", "Low", ("severity_changed", "", "High", "Low")),
    ("assignee", "", "sam@help.example", ("assigned", "", "", "sam@help.example")),
    ("escalation", "1", "1", ("escalated", "", "1", "1")),
    ("opened", "", "High", ("opened", "", "", "High")),
    ("deleted", "", "", ("deleted", "", "", "")),
    ("feedback", "bad", "good", ("feedback_given", "", "bad", "good")),
    ("participant", "", f"{ANN} pending", ("person_added", ANN, "", "pending")),
    ("participant", "pending", f"{ANN} active", ("presence_changed", ANN, "pending", "active")),
    ("participant", ANN, "unsubscribed", ("unsubscribed", ANN, "", "")),
    ("participant", f"{ANN} unsubscribed", f"{ANN} active", ("resubscribed", ANN, "", "")),
    ("merged", "", "into #12", ("merged_into", "12", "", "")),
    ("merged", "", "took in #7", ("merged_from", "7", "", "")),
    ("comment", "private", "5 public", ("comment_published", "5", "private", "public")),
    ("sla", "first", "breached", ("sla_breached", "first", "", "")),
)
"""Lines of the audit trail as version 0.1.0 wrote them, and the event that each becomes."""


def test_the_audit_trail_becomes_events(audited: Database) -> None:
    audited.upgrade()
    audit = table(AuditRow)
    columns = (audit.c.event, audit.c.subject, audit.c.was, audit.c.became)

    rows = audited.read(
        lambda c: c.execute(select(*columns, audit.c.reason).order_by(audit.c.id)).all()
    )

    assert [tuple(row[:4]) for row in rows] == [event for *_, event in AUDITED]
    assert {row.reason for row in rows} == {"because"}


def test_an_upgrade_that_fails_midway_changes_nothing_and_can_be_repeated(
    audited: Database,
) -> None:
    """A line that the migration does not know fails at its last step, after the conversion."""
    with audited.engine.begin() as connection:
        copied = "mailbox_id, ticket_id, at, actor, source, was, became, why"
        connection.exec_driver_sql(
            f"INSERT INTO audit (what, {copied}) SELECT 'unknown', {copied} FROM audit LIMIT 1"
        )
    before = audited.read(audit_lines)

    with pytest.raises(IntegrityError):
        audited.upgrade()

    assert audited.read(audit_lines) == before
    with audited.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE what = 'unknown'")
    audited.upgrade()
    assert len(audited.read(audit_lines)) == len(AUDITED)
    audited.check_version()


def audit_lines(connection: Connection) -> list[dict[str, Any]]:
    """The audit trail under the column names that it has at this version."""
    tables = MetaData()
    tables.reflect(connection)
    audit = tables.tables["audit"]
    return [dict(row._mapping) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(upgraded: Database) -> None:
    with upgraded.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = upgraded.read(count)

    for call in (upgraded.upgrade, upgraded.check_version):
        with pytest.raises(NotUpgraded, match="version 9999, .* run a newer version of Postern"):
            call()

    assert upgraded.read(count) == before


@pytest.fixture
def audited(old: Database) -> Database:
    """A store of version 0.1.0 with a line of each kind in its audit trail."""
    upgrade_to(old, "0003")
    with old.engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        at: Any = round(NOON.timestamp() * 1_000_000) if old.is_sqlite else NOON
        for what, was, became, _ in AUDITED:
            row = {"what": what, "was": was, "became": became, "why": "because", "at": at}
            row |= {"mailbox_id": 1, "ticket_id": 1, "actor": "sam@help.example", "source": "api"}
            connection.execute(insert(tables.tables["audit"]), row)
        connection.commit()
    return old


def count(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    tables = MetaData()
    tables.reflect(connection)
    return {
        name: connection.execute(select(func.count()).select_from(found)).scalar_one()
        for name, found in tables.tables.items()
        if not is_of_search(name)
    }


def test_no_row_is_lost(upgraded: Database, upgraded_store: UpgradedStore) -> None:
    before = upgraded_store.rows_before
    after = upgraded.read(count)

    assert {name: after[name] for name in before} == before
    assert sum(before.values()) == 13


def test_what_was_written_before_the_search_is_found(upgraded: Database) -> None:

    def found(connection: Connection, *words: str) -> int:
        return len(search.tickets_with(connection, {1}, words).tickets)

    assert upgraded.read(lambda c: found(c, "printer", "print")) == 1
    assert upgraded.read(lambda c: found(c, "absent")) == 0


def test_the_upgraded_tables_match_the_code(upgraded: Database) -> None:

    def differences(connection: Connection) -> list[object]:
        # SQLite spells the default of an empty text in two ways, which Alembic takes for different.
        defaults = not upgraded.is_sqlite
        options = {
            "compare_type": True,
            "compare_server_default": defaults,
            "include_name": lambda name, *_: not is_of_search(name),
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    assert upgraded.read(differences) == []
    upgraded.check_version()


def test_the_conditions_of_the_upgraded_indexes_match_the_code(upgraded: Database) -> None:
    """Alembic compares the columns of an index alone; and a query finds it by its condition."""

    def conditions(connection: Connection) -> dict[str, str]:
        found = inspect(connection)
        return {
            str(index["name"]): str(index["dialect_options"][option])
            for name in metadata.tables
            for index in found.get_indexes(name)
            if option in index.get("dialect_options", {})
        }

    option = "sqlite_where" if upgraded.is_sqlite else "postgresql_where"
    migrated = upgraded.read(conditions)
    with upgraded.engine.begin() as connection:
        for each in metadata.tables.values():
            for index in each.indexes:
                if index.name in migrated:
                    index.drop(connection)
                    index.create(connection)
    assert "ix_journal_recorded" in migrated
    assert upgraded.read(conditions) == migrated


def test_an_old_ticket_is_read_with_defaults_for_new_columns(upgraded: Database) -> None:
    mailbox = Mailbox(1, "support@help.example", "default")

    ticket = upgraded.read(lambda c: load.load(c, mailbox, [1], NOON))[1]

    assert (ticket.status, ticket.severity, ticket.subject) == (Status.OPEN, "High", "Printer")
    assert (ticket.status_at, ticket.merged_into, ticket.deleted) == (None, None, False)
    (ann,) = ticket.participants
    assert (ann.part, ann.presence, ann.muted) == (
        ParticipantKind.REQUESTER,
        Presence.ACTIVE,
        False,
    )


def test_a_notice_that_was_due_is_still_sent(upgraded: Database) -> None:
    ledger = open_ledger(upgraded)

    (notice,) = ledger.submit(lambda c: outbox.claim(c, NOON, 10)).result()

    ledger.close()
    assert (notice.id, notice.address, notice.kind) == (NOTICE, ANN, "acknowledgement")
    assert notice.answers == "<1@client.example>"


def test_an_old_ticket_can_be_continued(upgraded: Database) -> None:
    """The token, the earlier mails and the numbers still work."""
    ledger = open_ledger(upgraded)
    mailbox = upgraded.read(lambda c: mailboxes.mailbox_named(c, None))
    shop = Shop(upgraded, ledger, mailbox)

    by_token = shop.take(a_mail(), to=shop.token(1, ANN))
    by_id = shop.take(a_mail(message_id="<2@x.example>", in_reply_to=("<1@client.example>",)))
    new = shop.take(a_mail())

    ledger.close()
    assert (by_token.ticket, by_id.ticket, new.ticket) == (1, 1, 2)


def test_constraints_and_numbering_survive_the_upgrade(upgraded: Database) -> None:
    """SQLite recreates an altered table: its constraints and its numbering must be kept."""

    def constraints(connection: Connection) -> set[str]:
        found = MetaData()
        found.reflect(connection)
        return {str(one.name) for one in found.tables["ticket"].constraints if one.name}

    assert "ck_ticket_mail_is_never_critical" in upgraded.read(constraints)
    if upgraded.is_sqlite:
        query = "SELECT sql FROM sqlite_master WHERE name = 'ticket'"
        made = upgraded.read(lambda c: c.exec_driver_sql(query).scalar_one())
        assert "AUTOINCREMENT" in made


def test_raw_mails_are_counted_by_the_mails_that_have_them(old: Database) -> None:
    upgrade_to(old, "0004")

    def copy(connection: Connection) -> None:
        tables = MetaData()
        tables.reflect(connection)
        mail, raw = tables.tables["mail"], tables.tables["raw_mail"]
        first = dict(connection.execute(select(mail)).one()._mapping)
        other = first["journal_id"][:-1] + "f" if old.is_sqlite else UUID(int=0xF)
        connection.execute(insert(mail), first | {"identity": "j" * 64, "journal_id": other})
        digest = first["raw_digest"]
        row = {"mailbox_id": 1, "size_bytes": 1, "zstd": b"x"}
        connection.execute(raw.delete())
        connection.execute(insert(raw), [row | {"digest": d} for d in (digest, "alone")])

    ledger = open_ledger(old)
    ledger.submit(copy).result()
    ledger.close()
    old.upgrade()

    raw = table(RawMailRow)
    counted = old.read(
        lambda c: c.execute(select(raw.c.refs).order_by(raw.c.digest)).scalars().all()
    )
    assert sorted(counted) == [1, 2]


UNPROVEN = '{"aligned": false}'
BROUGHT = (
    ("opened", "new_request", '{"aligned": true}', True),
    ("flagged", "not_a_participant", '{"aligned": true}', True),
    ("flagged", "foreign_pointer", '{"aligned": true}', False),
    ("commented", "reply_token", UNPROVEN, False),
    ("recorded", "automatic", '{"aligned": true}', False),
    ("recorded", "bounce", UNPROVEN, False),
    ("held", "unproven_held", UNPROVEN, False),
    ("opened", "new_request", "{}", False),
)
"""Verdict, reason and proof of a mail, and whether its author has brought its id to the ticket."""


def test_authors_of_ids_whom_nothing_proves_are_cleared(old: Database) -> None:
    upgrade_to(old, "0021")
    with old.engine.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        mail, journal = tables.tables["mail"], tables.tables["journal"]
        first = dict(connection.execute(select(mail)).one()._mapping)
        row = dict(connection.execute(select(journal)).one()._mapping)
        for number, (verdict, reason, proof, _) in enumerate(BROUGHT):
            came = UUID(int=100 + number)
            name: Any = came.hex if old.is_sqlite else came
            kept = {"verdict": verdict, "reason": reason, "authentication": proof}
            connection.execute(insert(journal), row | kept | {"id": name})
            identity = {"identity": str(number) * 64, "journal_id": name, "author": ANN}
            connection.execute(insert(mail), first | identity)
        forgotten: Any = UUID(int=200).hex if old.is_sqlite else UUID(int=200)
        identity = {"identity": "f" * 64, "journal_id": forgotten, "author": ANN}
        connection.execute(insert(mail), first | identity)

    old.upgrade()

    filed = table(MailRow)
    authors = old.read(lambda c: c.execute(select(filed.c.identity, filed.c.author)).all())
    found = {identity[0]: author for identity, author in authors}
    expected = {str(n): ANN if brought else "" for n, (*_, brought) in enumerate(BROUGHT)}
    assert found == expected | {"i": ANN, "f": ""}


def test_alerts_of_claims_are_known_by_their_column(old: Database) -> None:
    upgrade_to(old, "0027")
    notice, details = table(NoticeRow), ('"claimed": "True"', '"outside": "True"')
    written = {"": "{}", "inside": f"{{{details[0]}}}", "outside": f"{{{', '.join(details)}}}"}
    with old.engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        (row,) = connection.execute(select(tables.tables["notice"])).mappings()
        for kind, detail in [*(("alert", each) for each in written.values()), ("receipt", "{}")]:
            new: Any = connection.execute(select(func.count()).select_from(notice)).scalar_one()
            of = UUID(int=100 + new)
            changed = {"kind": kind, "detail": detail, "id": of.hex if old.is_sqlite else of}
            connection.execute(insert(tables.tables["notice"]), dict(row) | changed)
        connection.commit()

    old.upgrade()

    alerts = select(notice.c.claim).where(notice.c.kind == "alert").order_by(notice.c.id)
    others = select(notice.c.claim).where(notice.c.kind != "alert")
    assert old.read(lambda c: list(c.execute(alerts).scalars())) == list(written)
    assert set(old.read(lambda c: list(c.execute(others).scalars()))) == {""}


def test_comments_mails_and_journal_are_unchanged(upgraded: Database) -> None:
    comment, mail, journal = table(CommentRow), table(MailRow), table(JournalRow)

    columns = (comment.c.text, comment.c.journal_id, comment.c.charset_guessed)

    written = upgraded.read(lambda c: c.execute(select(*columns)).one())
    filed = upgraded.read(lambda c: c.execute(select(mail.c.answer, mail.c.ticket_id)).one())
    received_at = upgraded.read(lambda c: c.execute(select(journal.c.received_at)).scalar_one())

    assert tuple(written) == ("It does not print.", JOURNAL, False)
    assert tuple(filed) == ("filed as #1", 1)
    assert received_at == NOON
