"""Bugs that the conversations have found, each reduced to the shortest sequence of steps."""

from __future__ import annotations

import pytest

from rules.decision.reasons import Verdict
from rules.people import Role
from rules.ticket.changes import WriteComment
from rules.ticket.visibility import Visibility
from storage.registry.people import set_person_active
from tests.properties.conversation.mails import PROOFS, WrittenMail, quoted
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


def test_what_staff_quote_of_the_receipt_of_a_draft_is_not_published(store: str) -> None:
    sam, _ = STAFF
    pipeline = Pipeline(open_store(store), default_policy())
    assert (
        verdict_on(pipeline, WrittenMail("ann@acme.example", 1, "It is broken.")) is Verdict.OPENED
    )
    own = next(s.reply_address for s in pipeline.send_notices() if s.recipient == sam)
    draft = WrittenMail(sam, 2, "#nonsense\n\nThey never paid.", recipients=(own,))
    assert verdict_on(pipeline, draft) is Verdict.FLAGGED
    (receipt,) = (s for s in pipeline.send_notices() if s.recipient == sam)
    assert "They never paid." in receipt.texts[0]

    around = f"We are on it.\n\n{quoted(receipt.texts[0], dated=False)}\n\nThat is all."
    assert verdict_on(pipeline, WrittenMail(sam, 3, around, recipients=(own,))) is Verdict.COMMENTED

    (to_ann,) = (s for s in pipeline.send_notices() if s.recipient == "ann@acme.example")
    assert "We are on it." in to_ann.texts[0]
    assert "They never paid." not in to_ann.texts[0]


@pytest.mark.parametrize("marker", ["precedence", "list"])
def test_the_only_staff_person_hears_that_their_mail_through_a_list_is_not_published(
    store: str, marker: str
) -> None:
    sam, sue = STAFF
    pipeline = Pipeline(open_store(store), default_policy())
    mailbox = pipeline.mailboxes[SUPPORT]
    assert verdict_on(pipeline, WrittenMail("ann@acme.example", 1, "It broke.")) is Verdict.OPENED
    to_ann = next(s for s in pipeline.send_notices() if s.recipient == "ann@acme.example")
    pipeline.transact(lambda c: set_person_active(c, mailbox, Role.STAFF, sue, False))

    answer = WrittenMail(
        sam, 2, "It works.", references=(to_ann.message_id,), automatic_marker=marker
    )
    assert verdict_on(pipeline, answer) is Verdict.FLAGGED

    (receipt,) = pipeline.send_notices()
    assert (receipt.recipient, "It works." in receipt.texts[0]) == (sam, True)
