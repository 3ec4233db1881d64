"""Notices: claimed once, sent once, postponed, given up."""

from __future__ import annotations

from concurrent.futures import wait
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from rules.mail import Mailbox
from rules.ticket.notices import NoticeState
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.db.tables import JournalRow, NoticeRow, ParticipantRow, TicketRow, table
from storage.notices import outbox, overview
from tests.rules.building import NOON
from tests.storage.db.test_database import a_ticket_row

JOURNAL = UUID(int=1)


@pytest.fixture
def notices(ledger: Ledger, mailbox: Mailbox) -> list[UUID]:
    """Twenty acknowledgements that are due at noon."""

    def order(connection: Connection) -> list[UUID]:
        ticket = connection.execute(
            insert(table(TicketRow)), a_ticket_row(mailbox_id=mailbox.id)
        ).inserted_primary_key
        assert ticket is not None
        member = {"mailbox_id": mailbox.id, "ticket_id": ticket[0], "joined_at": NOON}
        member |= {"address": "ann@acme.example", "part": "requester", "presence": "active"}
        connection.execute(insert(table(ParticipantRow)), member)
        connection.execute(insert(table(JournalRow)), a_journal_row(mailbox))
        ids = [UUID(int=n) for n in range(10, 30)]
        for notice in ids:
            row = {"id": notice, "mailbox_id": mailbox.id, "ticket_id": ticket[0]}
            row |= {"kind": "acknowledgement", "cause": JOURNAL}
            row |= {"address": "ann@acme.example", "state": "due", "created_at": NOON}
            row |= {"due_at": NOON, "attempts": 0, "last_error": ""}
            connection.execute(insert(table(NoticeRow)), row)
        return ids

    return ledger.submit(order).result()


def a_journal_row(mailbox: Mailbox) -> dict[str, object]:
    texts = ("peer", "helo", "mail_from", "rcpt_tos", "author", "subject", "identity", "reply")
    row: dict[str, object] = dict.fromkeys(texts, "")
    row |= {"id": JOURNAL, "mailbox_id": mailbox.id, "received_at": NOON, "verdict": "opened"}
    row |= {"reason": "new_request", "message_id": "<1@client.example>", "size_bytes": 1}
    return row | {"trace": "[]", "authentication": "{}"}


def test_due_notices_are_claimed_with_all_that_they_need(
    ledger: Ledger, mailbox: Mailbox, notices: list[UUID]
) -> None:
    claimed = ledger.submit(partial(outbox.claim, now=NOON, limit=5)).result()

    assert len(claimed) == 5
    assert (claimed[0].address, claimed[0].name) == ("ann@acme.example", "Ann")
    assert (claimed[0].answers, claimed[0].attempts) == ("<1@client.example>", 1)


def test_no_more_are_claimed_than_wanted_however_the_database_plans_it(
    database: Database, ledger: Ledger, notices: list[UUID]
) -> None:
    """PostgreSQL may execute the same query again for each row of a nested loop."""

    def claim(connection: Connection) -> int:
        if not database.is_sqlite:
            for plan in ("hashjoin", "mergejoin", "hashagg", "material", "sort", "memoize"):
                connection.execute(text(f"SET LOCAL enable_{plan} = off"))
        return len(outbox.claim(connection, NOON, limit=3))

    assert ledger.submit(claim).result() == 3


def test_nothing_is_claimed_before_it_is_due(ledger: Ledger, notices: list[UUID]) -> None:
    early = NOON - timedelta(seconds=1)

    assert not ledger.submit(partial(outbox.claim, now=early, limit=5)).result()


def test_no_two_senders_claim_the_same_notice(ledger: Ledger, notices: list[UUID]) -> None:
    claims = [ledger.submit(partial(outbox.claim, now=NOON, limit=3)) for _ in range(10)]
    wait(claims)

    ids = [notice.id for claim in claims for notice in claim.result()]
    assert len(ids) == len(set(ids)) == len(notices)


def test_a_claim_does_not_expire(ledger: Ledger, notices: list[UUID]) -> None:
    """Its node may take as long as it lives, whatever the clocks of the others are."""
    ledger.submit(partial(outbox.claim, now=NOON, limit=50)).result()

    again = partial(outbox.claim, now=NOON + timedelta(days=1), limit=50)

    assert not ledger.submit(again).result()


def test_a_sent_notice_is_never_sent_again(
    database: Database, ledger: Ledger, notices: list[UUID]
) -> None:
    ledger.submit(partial(outbox.sent, notices=notices, now=NOON)).result()
    for notice in notices:
        ledger.submit(partial(outbox.put_off, notice=notice, due_at=NOON, error="late")).result()

    assert not ledger.submit(partial(outbox.claim, now=NOON + timedelta(days=1), limit=50)).result()
    assert database.read(overview.counts) == {"due": 0, "dead": 0}
    assert {each.state for each in database.read(overview.listing)} == {NoticeState.SENT}


def test_of_notices_that_are_recorded_together_only_those_that_are_due_change(
    database: Database, ledger: Ledger, notices: list[UUID]
) -> None:
    given_up, *others = notices[:3]
    ledger.submit(
        partial(outbox.give_up, notice=given_up, error="no", hard=False, now=NOON)
    ).result()
    ledger.submit(partial(outbox.sent, notices=[given_up, *others], now=NOON)).result()

    states = {each.id: each.state for each in database.read(overview.listing)}
    assert [states[notice] for notice in notices[:4]] == [
        NoticeState.DEAD,
        NoticeState.SENT,
        NoticeState.SENT,
        NoticeState.DUE,
    ]


def test_a_notice_that_is_given_up_is_kept(
    database: Database, ledger: Ledger, notices: list[UUID]
) -> None:
    failed = partial(
        outbox.give_up, notice=notices[0], error="550 no such user", hard=True, now=NOON
    )
    ledger.submit(failed).result()

    assert database.read(overview.counts) == {"dead": 1, "due": 19}


def test_the_next_due_time_is_known_without_a_claim(
    database: Database, ledger: Ledger, notices: list[UUID]
) -> None:
    assert database.read(outbox.next_due) == NOON
