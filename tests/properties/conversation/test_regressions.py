"""What the conversations have found, each as small as it can be told."""

from __future__ import annotations

import pytest

from rules.decision.model import Verdict
from rules.ticket.changes import Say
from rules.ticket.visibility import Visibility
from tests.properties.conversation.mails import PROOFS, Letter
from tests.properties.conversation.people import STAFF, SUPPORT, UNENROLLED
from tests.properties.conversation.pipeline import Gate, enrolled, open_store
from tests.rules.building import default_policy
from tests.stores import SqliteStores


@pytest.fixture
def store(sqlite_stores: SqliteStores) -> str:
    return enrolled(sqlite_stores.new())


def verdict_on(gate: Gate, letter: Letter) -> Verdict:
    (taken,) = gate.take(letter.raw, letter.mail_from, letter.rcpts, PROOFS[letter.proof])
    return taken.receipt.verdict


def test_an_absence_note_enrols_nobody_and_opens_nothing(store: str) -> None:
    gate = Gate(open_store(store), default_policy(registration="domain"))

    note = Letter(UNENROLLED, 1, "I am away.", sign="auto-submitted")

    assert verdict_on(gate, note) is not Verdict.OPENED


def test_staff_who_opened_a_ticket_are_told_of_an_answer_once(store: str) -> None:
    sam, sue = STAFF
    gate = Gate(open_store(store), default_policy())
    assert verdict_on(gate, Letter(sam, 1, "My own chair is broken.")) is Verdict.OPENED
    list(gate.post())

    assert gate.change(SUPPORT, sue, 1, Say("A new one is on its way.", Visibility.PUBLIC))

    assert [posted.comes_to for posted in gate.post()] == [sam]
