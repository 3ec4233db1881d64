"""Command lines on stores in several states."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import running
from tests.gateway.cli.command_line import (
    ANNS_MAIL,
    BOBS_MAIL,
    EVES_MAIL,
    CommandLine,
    Filed,
    command_line,
)
from tests.gateway.cli.planned import Planned, enrol
from tests.in_process import enrolled_store
from tests.stores import SqliteStores


@pytest.fixture
def no_store(tmp_path: Path) -> CommandLine:
    """A configuration whose store does not exist yet."""
    return command_line(tmp_path, f"sqlite:///{tmp_path}/store.db")


@pytest.fixture
def demo(tmp_path: Path, sqlite_stores: SqliteStores) -> CommandLine:
    """The demo, with nothing filed yet."""
    made = command_line(tmp_path, sqlite_stores.new())
    assert made.run("init", "--demo").code == 0
    return made


@pytest.fixture(scope="session")
def filed(tmp_path_factory: pytest.TempPathFactory, sqlite_stores: SqliteStores) -> Filed:
    """The demo after some mails, which no test changes."""
    demo = command_line(tmp_path_factory.mktemp("filed"), sqlite_stores.new())
    assert demo.run("init", "--demo").code == 0
    return Filed(
        demo,
        opened=demo.pipe(ANNS_MAIL, "ann@acme.example"),
        repeated=demo.pipe(ANNS_MAIL, "ann@acme.example"),
        refused=demo.pipe(EVES_MAIL, "eve@evil.example"),
        coloured=demo.pipe(BOBS_MAIL, "bob@acme.example"),
    )


@pytest.fixture
def planned(tmp_path: Path, sqlite_stores: SqliteStores) -> Planned:
    url = enrolled_store(sqlite_stores.new())
    made = Planned(running.write_config(tmp_path, url), url)
    made.write(enrol)
    return made
