"""The reconciliation itself detects each kind of fault, inserted into a store without faults."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.launch import preloaded
from tests.faults.load_mails import Acknowledgement
from tests.faults.node import Node, running
from tests.faults.reconciliation import enrol, reconcile
from tests.faults.retrying_senders import RetryingSenders, running_senders
from tests.stores import SqliteStores

COPY = "CREATE TEMP TABLE copy AS SELECT * FROM comment WHERE id = 1; UPDATE copy SET id = 9999"

TAMPERING = {
    "lost": "DELETE FROM comment WHERE id = 1",
    "duplicated": f"{COPY}, ticket_id = ticket_id + 1; INSERT INTO comment SELECT * FROM copy",
    "commented_twice": f"{COPY}; INSERT INTO comment SELECT * FROM copy",
    "on_another_ticket": "UPDATE comment SET ticket_id = ticket_id + 1 WHERE id = 1",
    "incomplete": "DELETE FROM raw_mail",
    "damaged": "DELETE FROM ticket WHERE id = (SELECT ticket_id FROM comment WHERE id = 1)",
}


@pytest.fixture(scope="module")
def filled_store(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Mapping[str, Acknowledgement]]:
    """A store without faults, and the mails that were acknowledged."""
    store_url = enrol(sqlite_stores.new())
    node = Node(tmp_path_factory.mktemp("filled_store"), store_url, launch=preloaded)
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        senders.wait_for_more(20)
        senders.finish()
        node.terminate()
    return store_url, senders.acknowledged


def test_a_sound_store_has_no_faults(
    filled_store: tuple[str, Mapping[str, Acknowledgement]],
) -> None:
    store_url, acknowledged = filled_store

    assert reconcile(store_url, acknowledged).faults() == {}


@pytest.mark.parametrize("fault", TAMPERING)
def test_a_fault_is_detected(
    filled_store: tuple[str, Mapping[str, Acknowledgement]], tmp_path: Path, fault: str
) -> None:
    store_url, acknowledged = filled_store
    tampered = tmp_path / "tampered.db"
    with (
        closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as original,
        closing(sqlite3.connect(tampered)) as copy,
    ):
        original.backup(copy)
        copy.executescript(TAMPERING[fault])

    assert fault in reconcile(f"sqlite:///{tampered}", acknowledged).faults()
