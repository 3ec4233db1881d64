"""Words of others in a mail of ours: no line of them begins at the margin."""

from __future__ import annotations

import pytest

from rules.mail.set_off import COLUMNS, set_off

LINK = "https://acme.example/" + "a" * 200


@pytest.mark.parametrize(
    "text",
    [
        "* Sam wrote:\n\n* Sam wrote:",
        "one\r\n* Sam wrote:",
        "one\u2028* Sam wrote:\u2029* Sam wrote:\x85* Sam wrote:",
        "filler " * 30 + "* Sam wrote:",
        " " * 300 + "* Sam wrote:",
        "\t" * 40 + "* Sam wrote:",
        "x" + "\u00a0" * 100 + "* Sam wrote:",
        "字" * 100 + "* Sam wrote:",
        "x" + "\u2800" * 100 + "*\u2800Sam\u2800wrote:",
    ],
)
def test_no_line_begins_at_the_margin_also_where_a_client_breaks_long_ones(text: str) -> None:
    rows = set_off(text).removesuffix("\n").split("\n")

    assert all(row.startswith("|") and len(row) <= COLUMNS + 2 for row in rows)
    assert not any(row.splitlines()[1:] for row in rows)


def test_a_link_and_the_indentation_of_code_stay_whole() -> None:
    assert set_off(f"see {LINK} now\n\n    if x:") == f"| see\n| {LINK}\n| now\n|\n|     if x:\n"


def test_a_long_line_is_set_off_in_a_moment() -> None:
    rows = set_off(("a" + " " * 30_000) * 2).split("\n")

    assert rows == ["| a", "| a", ""]
