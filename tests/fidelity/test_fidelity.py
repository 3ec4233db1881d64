"""The measure of fidelity finds what it looks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fidelity.__main__ import REPLIES, folders
from tests.fidelity.mails import mails_of, measured
from tests.fidelity.replies import scored

FIXTURES = Path(__file__).parents[1] / "mails"


def test_the_mails_of_the_tests_are_read_with_their_files() -> None:
    result = measured(mails_of(FIXTURES))

    assert result.mails > 40
    assert result.mailparser_s > 0
    assert not {"exceptions", "over 1.5 s", "U+FFFD"} & set(result.found)
    assert "an attachment of the standard library is missing or differs" not in result.found


def test_a_mail_with_a_wrong_label_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(
        b"From: ann@acme.example\nContent-Type: text/plain\n\n\xcf\xf0\xe8\xe2\xe5\xf2\n"
    )

    assert measured(mails_of(tmp_path)).found["charset guessed"] == ["a.eml"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is not a folder"):
        folders([str(tmp_path / "none")])


@pytest.mark.skipif(not REPLIES.is_dir(), reason="the corpus is not here")
def test_the_words_of_authors_are_found_in_most_replies_and_lost_in_none() -> None:
    score = scored(REPLIES)

    assert len(score.exact) >= 54
    assert score.losing == ()
