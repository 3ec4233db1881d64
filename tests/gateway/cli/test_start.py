"""What a start imports: the modules that are loaded, since seconds depend on the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

_STORE = ("sqlalchemy", "sqlmodel", "pydantic", "storage")
_MAIL_SERVER = ("aiosmtpd", "dns", "mailparser", "gateway.mail_services")
_AFTER_MAIL = ("aiohttp", "jinja2", "gateway.scheduler", "gateway.services", "gateway.web")
_SERVER = (*_MAIL_SERVER, *_AFTER_MAIL)
_OF_CHANGES = (
    "email_validator",
    "gateway.ticket_requests",
    "rules.decision.effects",
    "rules.policy",
    "rules.ticket.changes",
    "storage.db.tables.console",
    "storage.db.tables.desk",
)
LISTING = ("tail", "explain", "refusals", "tickets", "held", "outbox")
_OF_FEW_STORES_AND_POLICIES = ("psycopg", "holidays", "alembic", "authlib", "joserfc")


def imported_by(statements: str) -> set[str]:
    """The modules of a new process that has executed these statements."""
    program = f"{statements}\nimport sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def imported_by_command(*arguments: str) -> set[str]:
    """The modules of a `postern` that has run to its end."""
    return imported_by(
        "import contextlib, sys\n"
        "from gateway.cli import main\n"
        f"sys.argv = ['postern', *{arguments!r}]\n"
        "with contextlib.suppress(SystemExit): main()"
    )


@pytest.fixture(scope="module")
def imported_by_a_server() -> set[str]:
    return imported_by("import gateway.cli, gateway.cli.serve, gateway.app, gateway.after_mail")


@pytest.fixture(scope="module")
def imported_before_the_first_mail() -> set[str]:
    return imported_by("import gateway.cli, gateway.cli.serve, gateway.app")


def test_a_server_takes_mail_before_it_loads_what_no_mail_needs(
    imported_before_the_first_mail: set[str],
) -> None:
    """Senders wait for a restart: see `gateway.loading`."""
    outgoing = {each for each in imported_before_the_first_mail if "gateway.outgoing" in each}

    assert imported_before_the_first_mail >= {*_STORE, *_MAIL_SERVER}
    assert imported_before_the_first_mail.isdisjoint((*_AFTER_MAIL, "gateway.ticket_requests"))
    assert not outgoing


def test_the_help_imports_neither_store_nor_server() -> None:
    imported = imported_by_command("--help")

    assert "gateway.cli.commands" in imported
    assert imported.isdisjoint((*_STORE, *_SERVER, "gateway.log", "asyncio"))


def test_a_list_imports_the_store_and_no_server() -> None:
    imported = imported_by_command("user", "list", "--help")

    assert imported >= {*_STORE}
    assert imported.isdisjoint((*_SERVER, *_OF_FEW_STORES_AND_POLICIES, "structlog"))


def test_the_commands_that_list_import_no_decision_no_policy_and_only_their_tables() -> None:
    imported = imported_by(
        "from gateway.cli.commands import ENTRIES\n"
        "from gateway.cli.listed import loaded\n"
        f"[loaded(each) for each in ENTRIES if each.name in {LISTING}]"
    )

    assert imported >= {"gateway.cli.tickets", "gateway.cli.quarantine", "storage.db.tables.mails"}
    assert imported.isdisjoint((*_OF_CHANGES, *_SERVER, *_OF_FEW_STORES_AND_POLICIES))


def test_a_server_imports_no_other_command(imported_by_a_server: set[str]) -> None:
    assert imported_by_a_server.isdisjoint({"gateway.cli.tickets", "gateway.cli.journal"})


def test_a_server_imports_nothing_that_only_some_configurations_need(
    imported_by_a_server: set[str],
) -> None:
    assert imported_by_a_server >= {*_STORE, *_SERVER}
    assert imported_by_a_server.isdisjoint(_OF_FEW_STORES_AND_POLICIES)
