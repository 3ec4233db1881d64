"""What a start imports: the modules that are loaded, since seconds depend on the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

_STORE = ("sqlalchemy", "sqlmodel", "psycopg", "storage")
_SERVER = ("aiohttp", "jinja2", "dns", "mailparser", "gateway.services")
_OTHER_COMMANDS = ("gateway.cli.commands", "gateway.cli.tickets")
_OF_FEW_POLICIES = ("holidays", "alembic")


def imported_by(statements: str) -> set[str]:
    """The modules of a new process that has executed these statements."""
    program = f"{statements}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def imported_by_a_server() -> set[str]:
    return imported_by("import gateway.cli, gateway.app")


def test_a_supervisor_of_workers_imports_neither_store_nor_server() -> None:
    imported = imported_by("import gateway.cli, gateway.supervisor")

    assert imported.isdisjoint(_STORE + _SERVER + _OTHER_COMMANDS)


def test_a_server_imports_no_other_command(imported_by_a_server: set[str]) -> None:
    assert imported_by_a_server.isdisjoint(_OTHER_COMMANDS)


def test_a_server_imports_nothing_that_only_some_configurations_need(
    imported_by_a_server: set[str],
) -> None:
    assert imported_by_a_server >= {*_STORE, *_SERVER}
    assert imported_by_a_server.isdisjoint(_OF_FEW_POLICIES)
