"""What customers read of a comment by somebody who is not on the ticket."""

from __future__ import annotations

import pytest

from rules.commands.readable import readable

NOTICE = """\
> Request #7, "Printer", was escalated to level 1, Head of support.
> Reason        the customer panics
> Phone         +49 30 1"""
ATTRIBUTION = "On Mon, 2 Mar 2026 at 12:00, Support <support@help.example> wrote:"


def read(text: str) -> str:
    return readable(text, mail_of_staff=False, outside=True)


@pytest.mark.parametrize(
    "text",
    [
        f"I call them now.\n\n{ATTRIBUTION}\n{NOTICE}\n",
        f"{ATTRIBUTION}\n{NOTICE}\n\nI call them now.\n",
        f"{NOTICE}\nI call them now.\n",
        f"{ATTRIBUTION}\n{NOTICE}\n\nI call them now.\n\n{NOTICE}\n",
    ],
    ids=["above", "below", "no attribution", "between"],
)
def test_a_contact_who_answers_above_or_below_our_notice_publishes_none_of_it(text: str) -> None:
    """Without its mark, too, which the contact may have cut off with the first line."""
    assert read(text) == "I call them now."


def test_answers_between_quoted_lines_are_kept() -> None:
    first, second, third = NOTICE.split("\n")
    text = f"{first}\nI see.\n{second}\nDo they?\n{third}\nWrong number."

    assert [line for line in read(text).split("\n") if line] == [
        "I see.",
        "Do they?",
        "Wrong number.",
    ]


def test_below_a_header_block_nothing_is_published() -> None:
    block = "From: Support\nSent: Monday, 2 March 2026 12:00\nTo: Boss\nSubject: Escalated"

    assert read(f"{block}\n\nReason        the customer panics\n\nI call them now.") == ""
