"""Internal text is found by the mark of notices to staff, however it is written."""

from __future__ import annotations

import pytest

from rules.mail.internal import has_internal, quotes_internal, without_internal
from rules.mail.quoting import REPLY_MARK

WRITTEN = (
    REPLY_MARK,
    REPLY_MARK.upper(),
    REPLY_MARK.replace(" ", "\n> > "),
    REPLY_MARK.replace("above", "ab\r\n>ove"),
    f"> | {REPLY_MARK.replace(' ', chr(0xA0))}",
    "Write your reply above this line",
)


@pytest.mark.parametrize("mark", WRITTEN)
def test_nothing_below_the_mark_is_left(mark: str) -> None:
    text = f"It prints.\n\n{mark}\n\nAnn exaggerates."

    assert quotes_internal(text)
    assert "exaggerates" not in without_internal(text)
    assert "reply" not in without_internal(text).lower()


@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_a_file_with_the_mark_is_found(charset: str) -> None:
    assert has_internal(f"<p>{REPLY_MARK.replace('above', 'above' + chr(10))}</p>".encode(charset))
    assert not has_internal("Write your reply below this line".encode(charset))


def test_a_text_without_the_mark_stays_as_it_is() -> None:
    text = (
        "On Monday, Sam <sam@help.example> wrote:\n> Write a reply.\n\nAbove this line it burns.\n"
    )

    assert without_internal(text) == text
