"""Bugs that the conversations have found, each reduced to the shortest sequence of steps."""

from __future__ import annotations

import pytest

from rules.decision.model import Verdict
from rules.ticket.changes import WriteComment
from rules.ticket.visibility import Visibility
from tests.properties.conversation.mails import PROOFS, WrittenMail
from tests.properties.conversation.people import STAFF, SUPPORT, UNENROLLED
from tests.properties.conversation.pipeline import Pipeline, enrolled_store, open_store
from tests.rules.building import default_policy
from tests.stores import SqliteStores


@pytest.fixture
def store(sqlite_stores: SqliteStores) -> str:
    return enrolled_store(sqlite_stores.new())


def verdict_on(pipeline: Pipeline, mail: WrittenMail) -> Verdict:
    (result,) = pipeline.process(mail.raw, mail.mail_from, mail.recipients, PROOFS[mail.proof])
    return result.receipt.verdict


def test_an_absence_note_enrols_nobody_and_opens_nothing(store: str) -> None:
    pipeline = Pipeline(open_store(store), default_policy(registration="domain"))

    note = WrittenMail(UNENROLLED, 1, "I am away.", automatic_marker="auto-submitted")

    assert verdict_on(pipeline, note) is not Verdict.OPENED


def test_staff_who_opened_a_ticket_are_notified_of_an_answer_once(store: str) -> None:
    sam, sue = STAFF
    pipeline = Pipeline(open_store(store), default_policy())
    assert verdict_on(pipeline, WrittenMail(sam, 1, "My own chair is broken.")) is Verdict.OPENED
    list(pipeline.send_notices())

    assert pipeline.change(
        SUPPORT, sue, 1, WriteComment("A new one is on its way.", Visibility.PUBLIC)
    )

    assert [sent.recipient for sent in pipeline.send_notices()] == [sam]
