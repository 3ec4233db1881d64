"""Customers read that lines above the words of a comment are hidden."""

from __future__ import annotations

import pytest

from rules.ticket.notices import NoticeKind
from tests.gateway.outgoing.notices import a_comment, html_of, text_of, written

BELOW = """On Mon, 30 Nov 2026 at 08:24, Support <support@help.example> wrote:
> Is the lamp green?
> Please have a look.

It is red, not green.

Bob
"""


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "3 lines above this text are hidden: quoted text."),
        ("de", "3 Zeilen über diesem Text sind ausgeblendet: Zitat."),
    ],
)
def test_lines_above_an_answer_are_announced_to_customers(language: str, says: str) -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment(BELOW), language=language)

    for text in (text_of(mail), html_of(mail)):
        assert text.index(says) < text.index("It is red, not green.")
        assert "Is the lamp green?" not in text


def test_staff_read_it_once_with_all_that_is_hidden() -> None:
    text = text_of(written(NoticeKind.NEW_COMMENT, comment=a_comment(BELOW)))

    assert "3 lines hidden: quoted text" in text
    assert "above this text" not in text


@pytest.mark.parametrize("by_staff", [True, False])
def test_nothing_is_announced_where_nothing_above_is_hidden(by_staff: bool) -> None:
    words = "It is red.\n\nOn Mon, 30 Nov 2026 at 08:24, Support wrote:\n> Is the lamp green?\n"

    comment = a_comment(BELOW if by_staff else words, by_staff=by_staff)

    assert "above this text" not in text_of(written(NoticeKind.COMMENT, comment=comment))
