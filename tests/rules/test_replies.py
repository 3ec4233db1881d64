"""Invariants of the table of replies."""

from __future__ import annotations

import re

import pytest

from rules import replies
from rules.replies import Reply

ALL = [value for value in vars(replies).values() if isinstance(value, Reply)]


@pytest.mark.parametrize("reply", ALL, ids=str)
def test_code_and_enhanced_status_agree(reply: Reply) -> None:
    assert str(reply.code)[0] == reply.status[0]


@pytest.mark.parametrize("reply", ALL, ids=str)
def test_a_reply_is_one_short_line_of_ascii(reply: Reply) -> None:
    assert re.fullmatch(r"[245]\d\d [245]\.\d\.\d{1,2} [ -~]{1,480}", str(reply))


def test_no_text_can_add_a_second_line() -> None:
    assert str(replies.ACCEPTED.with_text("a\r\n250 b\x1b[31m é")) == "250 2.0.0 a??250 b?[31m ?"


def test_one_temporary_failure_asks_for_another_try() -> None:
    assert replies.for_all([replies.ACCEPTED, replies.TEMPORARY_FAILURE]).code == 451


def test_one_acceptance_accepts_for_all_since_a_later_refusal_would_be_a_bounce() -> None:
    folded = replies.for_all([replies.REFUSED_SENDER, replies.ACCEPTED.with_text("filed as #1")])

    assert str(folded) == "250 2.0.0 filed as #1"


def test_if_all_refuse_the_first_refusal_is_sent() -> None:
    assert replies.for_all([replies.REFUSED_SENDER, replies.NO_SUCH_MAILBOX]) is (
        replies.REFUSED_SENDER
    )


def test_the_texts_of_two_tickets_are_both_sent() -> None:
    both = [replies.ACCEPTED.with_text("filed as #1"), replies.ACCEPTED.with_text("filed as #2")]

    assert replies.for_all(both).text == "filed as #1; filed as #2"
