"""What staff read about a comment and its ticket, and where an answer goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import NewCommentPayload, StatusPayload
from rules.ticket.visibility import Visibility
from tests.gateway.outgoing.notices import ABOUT, a_comment, html_of, text_of, written


@pytest.mark.parametrize(
    ("proof", "words"),
    [("token+dkim:help.example", "wrote a draft"), ("nothing", "wrote (not public until")],
)
def test_a_draft_is_named_so_to_colleagues_if_its_author_is_proven(proof: str, words: str) -> None:
    draft = a_comment(by_staff=True, visibility=Visibility.PRIVATE, proof=proof)
    payload = NewCommentPayload(Visibility.PRIVATE)

    mail = written(NoticeKind.NEW_COMMENT, comment=draft, payload=payload)

    assert words in text_of(mail)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "was sent to the reply address of #8, #9 as well"),
        ("de", "ging auch an die Antwortadresse von #8, #9"),
    ],
)
def test_staff_read_on_which_other_tickets_a_comment_is_not(language: str, words: str) -> None:
    payload = NewCommentPayload(Visibility.PUBLIC, not_on=("#8", "#9"))

    of_two, of_one = (
        written(NoticeKind.NEW_COMMENT, comment=a_comment(), payload=each, language=language)
        for each in (payload, NewCommentPayload(Visibility.PUBLIC))
    )

    assert words in text_of(of_two)
    assert words in html_of(of_two)
    assert words.partition("#")[0] not in text_of(of_one)


@pytest.mark.parametrize("language", ["en", "de"])
def test_staff_read_which_closed_ticket_a_new_one_follows(language: str) -> None:
    following = replace(ABOUT, follows=3)
    label = {"en": "Follows", "de": "Folgt auf"}[language]

    to_staff, to_customer = (
        written(kind, about=following, comment=a_comment(), language=language)
        for kind in (NoticeKind.NEW_COMMENT, NoticeKind.COMMENT)
    )

    for text in (text_of(to_staff), html_of(to_staff)):
        assert label in text
        assert "#3" in text
    assert "#3" not in text_of(to_customer)


@pytest.mark.parametrize("language", ["en", "de"])
def test_who_is_told_of_a_merge_reads_that_their_reply_goes_to_the_other_request(
    language: str,
) -> None:
    mail = written(
        NoticeKind.STATUS,
        about=replace(ABOUT, status="closed"),
        payload=StatusPayload("merged", became="into #9"),
        language=language,
    )

    says = {"en": "A reply goes to request #9.", "de": "Eine Antwort geht an Anfrage #9."}[language]
    for text in (text_of(mail), html_of(mail)):
        assert says in text


def test_the_proof_of_a_comment_that_a_command_has_written_is_in_words() -> None:
    copied = a_comment(proof="staff_mail")

    text = text_of(written(NoticeKind.NEW_COMMENT, comment=copied))

    assert "written by a command of staff" in text
    assert "staff_mail" not in text


@pytest.mark.parametrize(
    ("proof", "verb"), [("forwarded", "forwarded"), ("spf:x.example", "wrote")]
)
def test_what_a_colleague_forwards_is_not_said_to_be_written_by_them(proof: str, verb: str) -> None:
    first = a_comment(name="Sam", by_staff=True, proof=proof)

    assert f" {verb}:\n" in text_of(written(NoticeKind.NEW_TICKET, comment=first))
