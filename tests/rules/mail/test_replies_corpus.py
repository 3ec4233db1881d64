"""Replies by many hands: how many are shown exactly, and none without a line of its author."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.mail.quoting import visible

REPLIES = Path(__file__).parents[4] / "shared" / "corpus" / "replies"
EXACT = 54
"""Of 64, at least. The others are whole quotes and forwards, which are shown on purpose."""


@pytest.mark.skipif(not REPLIES.is_dir(), reason="the folder with the replies is not here")
def test_replies_are_shown_as_their_authors_wrote_them() -> None:
    exact, hidden = 0, list[str]()
    for path in sorted((REPLIES / "emails").iterdir()):
        own = (REPLIES / "trimmed" / path.name).read_text(encoding="utf-8")
        shown = " ".join(visible(path.read_text(encoding="utf-8")).text.split())
        lines = (" ".join(line.split()) for line in own.split("\n"))
        hidden += [f"{path.name}: {line}" for line in lines if line not in shown]
        exact += shown == " ".join(own.split())

    assert hidden == []
    assert exact >= EXACT
