"""The subjects of receipts and alerts, read as the list of an inbox."""

from __future__ import annotations

from typing import Any

import pytest

from rules.mail.language import KNOWN
from rules.mail.subjects import bare_subject, subject_besides
from rules.ticket.notices import KINDS, Audience, NoticeKind
from rules.ticket.payloads import (
    AlertPayload,
    AlertTopic,
    ReceiptOutcome,
    ReceiptPayload,
    ReceiptText,
)
from tests.gateway.outgoing.notices import ABOUT_NO_TICKET, written

LANGUAGES = sorted(KNOWN)
OF_EARLIER_VERSIONS = {ReceiptText.BEGINS_ANEW}
TO_CUSTOMERS = [
    kind
    for kind in NoticeKind
    if KINDS[kind].audience in (Audience.CUSTOMER, Audience.AUTHOR) and kind not in ABOUT_NO_TICKET
]


def subject_of(kind: NoticeKind, language: str, **changes: Any) -> str:
    return str(written(kind, language=language, **changes)["Subject"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_subject_of_an_alert_says_what_it_is_about(language: str) -> None:
    subjects = {
        subject_of(NoticeKind.ALERT, language, payload=AlertPayload(topic=topic))
        for topic in AlertTopic
    }

    assert len(subjects) == len(AlertTopic)
    assert all(each.endswith(": [#7] Printer") for each in subjects)


def test_an_alert_about_no_ticket_names_the_mailbox() -> None:
    alert = AlertPayload(topic=AlertTopic.ADDRESS)

    subject = subject_of(NoticeKind.ALERT, "en", payload=alert, about=None)

    assert subject == "Mail does not arrive: support@help.example"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("saying", sorted(set(ReceiptText) - OF_EARLIER_VERSIONS))
def test_the_subject_of_a_receipt_says_what_it_is(saying: ReceiptText, language: str) -> None:
    subject = subject_of(NoticeKind.RECEIPT, language, payload=ReceiptPayload(saying))

    assert subject.endswith(": [#7] Printer")
    assert not subject.startswith("Re:")


def test_a_list_that_is_asked_for_is_called_by_its_name() -> None:
    for saying, english, german in (
        (ReceiptText.USAGE, "Commands", "Befehle"),
        (ReceiptText.WAITING, "What waits for you", "Das wartet auf Sie"),
        (ReceiptText.REPLIES, "Saved replies", "Vorlagen"),
    ):
        payload = ReceiptPayload(saying)
        assert subject_of(NoticeKind.RECEIPT, "en", payload=payload) == f"{english}: [#7] Printer"
        assert subject_of(NoticeKind.RECEIPT, "de", payload=payload) == f"{german}: [#7] Printer"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_of_a_customer_to_any_of_our_subjects_begins_no_other_matter(
    language: str,
) -> None:
    subjects = [subject_of(kind, language) for kind in TO_CUSTOMERS]
    for saying in ReceiptText:
        payload = ReceiptPayload(saying, outcome=ReceiptOutcome.DONE)
        subjects.append(subject_of(NoticeKind.RECEIPT, language, payload=payload))
    staff_alone = [ReceiptText.USAGE, ReceiptText.REPLIES, ReceiptText.WAITING]
    staff_alone.append(ReceiptText.NEXT_STEPS)
    for_staff = {
        subject_of(NoticeKind.RECEIPT, language, payload=ReceiptPayload(saying))
        for saying in staff_alone
    }

    for subject in subjects:
        bare = bare_subject(f"Re: {subject}", "[#{n}]")
        assert subject_besides(bare, "Printer", by_staff=subject in for_staff) == ""
