"""No mail makes a ticket critical: the code refuses it, and so does the database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from rules.decision.effects import ChangeRefused, Effects
from rules.decision.request import Request
from rules.mail import Mailbox
from rules.ticket.changes import Change, SetAnySeverity, SetStatus, Source
from rules.ticket.lifecycle import Status
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.ticket import read
from storage.ticket.change import change_ticket, open_requested
from storage.ticket.rows import ChangeContext
from storage.ticket.views import TicketView
from tests.rules.building import NOON, default_policy

POLICY = default_policy()


def context(mailbox: Mailbox, source: Source) -> ChangeContext:
    return ChangeContext(mailbox, "sam@help.example", source, NOON, uuid4)


@pytest.fixture
def number(ledger: Ledger, mailbox: Mailbox) -> int:
    """Of an open ticket of Ann's."""
    request = Request("ann@acme.example", "Lift", "It is stuck.")
    by = context(mailbox, Source.API)
    number = ledger.submit(lambda c: open_requested(c, by, request, POLICY, by_staff=True)).result()
    assert isinstance(number, int)
    return number


def changed(
    ledger: Ledger, by: ChangeContext, number: int, changes: Sequence[Change]
) -> Effects | ChangeRefused:
    return ledger.submit(
        lambda c: change_ticket(c, by, number, changes, POLICY, by_staff=True)
    ).result()


def ticket(database: Database, number: int) -> TicketView:
    view = database.read(lambda c: read.ticket_view(c, number))
    assert view is not None
    return view


@pytest.mark.parametrize("source", [Source.MAIL, Source.STAFF_MAIL, Source.WEB, Source.SYSTEM])
def test_only_the_console_and_the_api_make_a_ticket_critical(
    database: Database, ledger: Ledger, mailbox: Mailbox, number: int, source: Source
) -> None:
    by, changes = context(mailbox, source), [SetAnySeverity("Critical", "")]

    refused = changed(ledger, by, number, changes)

    assert isinstance(refused, ChangeRefused)
    assert "no mail makes a ticket Critical" in str(refused.why)

    assert ticket(database, number).summary.severity == "Normal"


@pytest.mark.parametrize("source", [Source.WEB, Source.SYSTEM])
def test_no_link_and_no_clock_sets_a_severity(
    ledger: Ledger, mailbox: Mailbox, number: int, source: Source
) -> None:
    refused = changed(ledger, context(mailbox, source), number, [SetAnySeverity("High", "")])

    assert isinstance(refused, ChangeRefused)
    assert str(refused.why) == "a link or a clock cannot change the severity"


@pytest.mark.parametrize("source", [Source.CONSOLE, Source.API])
def test_the_console_and_the_api_can_make_a_ticket_critical(
    database: Database, ledger: Ledger, mailbox: Mailbox, number: int, source: Source
) -> None:
    by, changes = context(mailbox, source), [SetAnySeverity("Critical", "")]

    changed(ledger, by, number, changes)

    assert ticket(database, number).summary.severity == "Critical"


@pytest.mark.parametrize("source", ["mail", "staff_mail"])
def test_the_database_refuses_a_critical_mail_ticket_by_itself(
    ledger: Ledger, mailbox: Mailbox, number: int, source: str
) -> None:
    direct_update = text("UPDATE ticket SET critical = true, severity_source = :source")

    with pytest.raises(IntegrityError, match="mail_is_never_critical"):
        ledger.submit(lambda c: c.execute(direct_update, {"source": source})).result()


def test_if_one_change_is_refused_none_is_made(
    database: Database, ledger: Ledger, mailbox: Mailbox, number: int
) -> None:
    before = ticket(database, number)
    by = context(mailbox, Source.STAFF_MAIL)
    changes: list[Change] = [SetStatus(Status.PENDING), SetAnySeverity("Critical", "")]

    assert isinstance(changed(ledger, by, number, changes), ChangeRefused)

    assert ticket(database, number) == before
