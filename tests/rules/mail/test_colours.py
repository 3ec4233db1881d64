"""Colours that nobody chose are not sent on: in dark, black on white cannot be read."""

from __future__ import annotations

import pytest

from rules.mail.colours import is_neutral, without_neutral_colours
from rules.mail.markup import pieces, written


@pytest.mark.parametrize(
    ("value", "neutral"),
    [
        ("black", True),
        ("#000", True),
        ("#FFFFFF", True),
        ("rgb(34, 34, 34)", True),
        ("rgba(0,0,0,0.87)", True),
        ("windowtext", True),
        ("#17231f!important", True),
        ("red", False),
        ("#1F497D", False),
        ("rgb(255, 0, 0)", False),
        ("rgb(300)", False),
    ],
)
def test_greys_are_neutral(value: str, neutral: bool) -> None:
    assert is_neutral(value) is neutral


@pytest.mark.parametrize(
    ("markup", "made", "coloured"),
    [
        ('<p style="color:black;margin:0">x</p>', '<p style="margin:0">x</p>', False),
        ('<p style="color:black">x</p>', "<p>x</p>", False),
        ('<td bgcolor="#fff">x</td>', "<td>x</td>", False),
        ('<font color="red">x</font>', '<font color="red">x</font>', True),
        (
            '<p style="background-color:yellow">x</p>',
            '<p style="background-color:yellow">x</p>',
            True,
        ),
        ('<img src="part:2" alt="">', '<img src="part:2" alt="">', False),
    ],
)
def test_what_somebody_chose_stays(markup: str, made: str, coloured: bool) -> None:
    found, chosen = without_neutral_colours(pieces(markup))

    assert (written(found), chosen) == (made, coloured)
