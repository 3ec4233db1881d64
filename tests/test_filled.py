"""What is enrolled once and copied suits the stores that it is copied to."""

from __future__ import annotations

from gateway.cli.server import ensure_key
from rules.sender.tokens import Keys
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import mailboxes, signing_keys
from tests.filled import filled
from tests.rules.building import NOON
from tests.stores import SqliteStores

OWN = b"o" * 32


def enrol(connection: Connection) -> None:
    ensure_key(connection)
    mailboxes.add_mailbox(connection, "support@help.example", "default")


def keys_of(url: str, *, own: bool) -> Keys:
    """The keys of a store that is filled after it has a key of its own, or none."""

    def fill(connection: Connection) -> Keys:
        if own:
            signing_keys.add_key(connection, OWN, NOON)
        filled(connection, enrol)
        return signing_keys.load_keys(connection)

    database = Database(url, connections=1)
    ledger = open_ledger(database)
    found = ledger.submit(fill).result()
    ledger.close()
    database.close()
    return found


def test_a_store_with_a_key_of_its_own_keeps_it_and_gives_it_to_no_other(
    sqlite_stores: SqliteStores,
) -> None:
    first, empty, another, last = (
        keys_of(sqlite_stores.new(), own=own) for own in (True, False, False, True)
    )

    assert list(first.secrets.values()) == list(last.secrets.values()) == [OWN]
    assert OWN not in empty.secrets.values()
    assert list(empty.secrets.values()) == list(another.secrets.values())
