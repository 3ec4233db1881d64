"""Stores with enrolled users, for the servers of the fault tests."""

from __future__ import annotations

import pytest

from tests.faults import report
from tests.faults.reconciliation import enrol


@pytest.fixture
def enrolled(store_url: str) -> str:
    """The URL of a store with a mailbox and its users, on each kind of database."""
    return enrol(store_url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if report.ROWS:
        terminalreporter.section("faults")
        for line in report.table():
            terminalreporter.write_line(line)
