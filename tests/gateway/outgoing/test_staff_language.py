"""What staff are sent is in their language: alerts, receipts, and the words for a status."""

from __future__ import annotations

import pytest

from gateway.outgoing.sentences import word, worded
from rules.mail.language import KNOWN
from rules.sentence import sentence
from rules.ticket.lifecycle import Status
from rules.ticket.notice_payloads import as_stored, from_stored
from rules.ticket.notices import KINDS, Audience, NoticeKind
from rules.ticket.payloads import AlertPayload
from rules.ticket.visibility import Visibility
from tests.gateway.outgoing.notices import about, html_of, text_of, written

CLAIM = sentence("{author} claims by mail that #{ticket} is critical", author="ann@a", ticket=7)
PASSED = sentence("Passed over, since no mail reaches them: {addresses}.", addresses="bob@a")
TRANSLATED = sorted(set(KNOWN) - {"en"})


def test_an_alert_is_in_the_language_of_its_reader() -> None:
    stored = as_stored(AlertPayload(sentences=(CLAIM, PASSED)))
    payload = from_stored(AlertPayload, stored)

    for language, words in (
        ("de", ("ann@a bezeichnet #7 per E-Mail als kritisch", "Übergangen, da sie keine E-Mail")),
        ("en", ("ann@a claims by mail that #7 is critical", "Passed over, since no mail")),
    ):
        mail = written(NoticeKind.ALERT, payload=payload, language=language)
        for text in (text_of(mail), html_of(mail)):
            assert [each for each in words if each not in text] == []


def test_an_alert_that_an_earlier_version_ordered_is_sent_as_it_stands() -> None:
    payload = from_stored(AlertPayload, {"what": "Mail to gil@globex.example comes back."})

    text = text_of(written(NoticeKind.ALERT, payload=payload, language="de"))

    assert "Mail to gil@globex.example comes back." in text


@pytest.mark.parametrize("kind", [k for k in NoticeKind if KINDS[k].audience is Audience.STAFF])
def test_the_status_in_a_mail_to_staff_is_in_their_language(kind: NoticeKind) -> None:
    if kind in (NoticeKind.DIGEST, NoticeKind.MY_DIGEST):
        return  # about no ticket
    mail = written(kind, about=about(status="resolved"), language="de")

    for text in (text_of(mail), html_of(mail)):
        assert "gelöst" in text
        assert "resolved" not in text


def test_a_status_and_a_visibility_in_a_sentence_are_in_the_language_of_the_sentence() -> None:
    refused = sentence(
        "#{ticket} is {status}; reopen it before you set it to {new_status}",
        ticket=7,
        status=Status.CLOSED,
        new_status=Status.PENDING,
    )
    added = sentence(
        "comment added to #{ticket} ({visibility})", ticket=7, visibility=Visibility.NOTE
    )

    assert worded(refused, "de").startswith("#7 hat den Status „geschlossen“")
    assert worded(refused, "en") == "#7 is closed; reopen it before you set it to pending"
    assert worded(added, "de") == "Kommentar zu #7 hinzugefügt (Notiz)"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_has_its_own_word_for_each_status_and_visibility(language: str) -> None:
    for kind, values in (("status", Status), ("visibility", Visibility)):
        words = {word(each.value, kind, language) for each in values}
        assert len(words) == len(list(values))
        assert words.isdisjoint(each.value for each in values)
