"""The rules read the beginning of a text; no text makes them slow, and nothing of it is lost."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from rules.mail.extent import (
    CUT_MARGIN,
    READ_CHARACTERS,
    READ_LINES,
    is_read_in_part,
    is_shown_in_part,
    read_text,
    shown_once_masked,
    shown_part,
    unstretched,
)
from rules.mail.patterns import compiled, search
from rules.mail.quoting import REPLY_MARK, own_text, published, visible
from rules.mail.thanks import only_thanks

LONG_ANSWER = "My answer.\n" * READ_LINES


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ""),
        ("a\n" * (READ_LINES - 1) + "a", "a\n" * (READ_LINES - 1) + "a"),
        ("a\n" * READ_LINES, "a\n" * (READ_LINES - 1) + "a"),
        ("a" * READ_CHARACTERS, "a" * READ_CHARACTERS),
        ("a" * (READ_CHARACTERS + 1), "a" * READ_CHARACTERS),
    ],
    ids=["empty", "the last line", "a line more", "the last character", "a character more"],
)
def test_so_much_of_a_text_is_read(text: str, read: str) -> None:
    assert shown_part(text) == read_text(text) == read
    assert is_shown_in_part(text) == is_read_in_part(text) == (text != read)


WIDE = " " * 200 + "\t" * 55
"""As much white space as no signature covers, and as is not held for it."""


@pytest.mark.parametrize("words", [5, 5_000], ids=["short", "longer than is shown"])
def test_white_space_in_a_line_counts_as_one_space(words: int) -> None:
    text = "".join(f"word{WIDE}" for _ in range(words)) + "\nEnvironment: production"

    assert read_text(text) == "word " * words + "\nEnvironment: production"
    assert not is_read_in_part(text)


@pytest.mark.parametrize("before", range(64 * 1024 - 3, 64 * 1024 + 3))
def test_white_space_counts_as_one_space_wherever_it_stands(before: int) -> None:
    text = "a" * before + " " * 200_000 + "b" + "  " * 70_000 + "\n c"

    assert read_text(text) == "a" * before + " b \n c"


def test_white_space_is_shown_as_it_was_written() -> None:
    code = "def f():\n\treturn  1\n\nOn 1 May 2026,   Ann <ann@acme.example>\twrote:\n> Hello"

    assert visible(code).text == "def f():\n\treturn  1"
    assert published("a\t b\n", REPLY_MARK) == "a\t b"


@pytest.mark.parametrize("header", ["On 1 May 2026, Ann <ann@acme.example> wrote:", REPLY_MARK])
def test_white_space_hides_no_quote_header(header: str) -> None:
    """What staff quote of us is not published, however wide somebody made its header."""
    wide = header.replace(" ", " " * 255)
    text = f"My answer.\n\n{wide}\n\nAn internal note."

    assert published(text, REPLY_MARK) == "My answer."
    assert visible(text).text == own_text(text) == "My answer."


def test_a_claim_is_found_whatever_white_space_precedes_it() -> None:
    pattern = compiled("urgent now")
    text = ("a" + WIDE) * 90 + f"\nurgent{WIDE}now"

    assert search(pattern, text) is None
    assert search(pattern, read_text(text)) is not None


def test_the_text_beyond_the_part_that_is_read_is_shown() -> None:
    shown = visible(LONG_ANSWER + "\nOn 1 May 2026, Ann <ann@acme.example> wrote:\n> Hello")

    assert shown.text.endswith("> Hello")
    assert shown.hidden == ""


def test_an_answer_below_a_quote_that_is_longer_than_is_read_is_shown() -> None:
    text = "Thanks\n\nOn Monday, Ann wrote:\n" + "> Hello\n" * READ_LINES + "But it is broken."

    assert visible(text).text == text


def test_a_dated_attribution_hides_a_quote_that_is_longer_than_is_read() -> None:
    quote = "On 1 May 2026, Ann <ann@acme.example> wrote:\n\n" + "Hello\n" * READ_LINES

    shown = visible("Thanks\n\n" + quote)

    assert shown.text == "Thanks"
    assert shown.hidden == quote


def test_two_dashes_where_the_reading_ends_are_no_signature() -> None:
    text = "My answer.\n" * (READ_LINES - 2) + "--\nmore\nand more"

    assert visible(text).text == text


def test_a_text_of_staff_is_published_as_far_as_it_is_read() -> None:
    internal = f"{REPLY_MARK}\n\nAn internal note."

    assert "internal" not in published(LONG_ANSWER + internal, REPLY_MARK)


LINES = {
    "short lines": "x\n",
    "header lines": "From: a\n",
    "header lines apart": "From: a\n" + "b:\n" * 9,
    "attributions": "On 1 x wrote:\n",
    "quoted attributions": "> On x wrote:\n",
    "lines that nearly are attributions": ("On 1 a@b " * 45)[:399] + ":\n",
    "short lines that nearly are attributions": "On 1 a@b " * 5 + ":\n",
    "reply marks": "##- Write\n",
    "quoted brackets": "> " + "<" * 30 + ":\n",
    "rules": "_" * 390 + ":\n",
    "empty lines": "\n",
    "spaces": " ",
    "tabs": "\t",
    "wide gaps": "x" + " " * 255,
    "thanks": "Thanks, Ann\n",
}


@pytest.mark.parametrize("lines", LINES)
def test_no_text_of_any_length_makes_the_rules_slow(lines: str) -> None:
    text = LINES[lines] * (8 * 2**20 // len(LINES[lines]))
    began = time.process_time()
    visible(text)
    own_text(text)
    published(text, REPLY_MARK)
    only_thanks(text)
    is_read_in_part(text)
    # At most 90 ms when measured; without the limit it is seconds.
    assert time.process_time() - began < 0.5


def test_no_large_text_stays_in_memory_after_it_was_read() -> None:
    """A text of 20 million characters has up to 76 MiB, and four were kept."""
    tracemalloc.start()
    try:
        for number in range(4):
            text = f"{number}" + " " * 8 * READ_CHARACTERS
            assert read_text(text) == f"{number} "
            assert not is_read_in_part(text)
            del text
        assert tracemalloc.get_traced_memory()[0] < READ_CHARACTERS
    finally:
        tracemalloc.stop()


def test_of_a_million_lines_no_more_is_masked_than_is_shown() -> None:
    masked: list[str] = []

    def mask(text: str) -> str:
        masked.append(text)
        return text

    text = "a\n" * 1_000_000
    assert shown_once_masked(text, mask) == shown_part(text)
    assert sum(map(len, masked)) <= 2 * READ_LINES + CUT_MARGIN


@pytest.mark.parametrize("before", [0, 5, 12, 2_000])
def test_a_secret_at_the_cut_is_masked_or_left_out(before: int) -> None:
    text = "a\n" * READ_LINES
    text = text[: len(text) - before] + "sealed secret" + "b" * 5_000
    shown = shown_once_masked(text, lambda seen: seen.replace("sealed secret", "x"))
    assert "secret" not in shown
    assert "seal" not in shown


def test_a_secret_that_the_examined_text_ends_in_is_not_shown() -> None:
    secret = "sealed secret\n"
    text = secret * 4_000 + "b\n" * 1_000 + secret * 1_000
    shown = shown_once_masked(text, lambda seen: seen.replace(secret, "x"))
    assert shown.startswith("x" * 4_000)
    assert "sea" not in shown


def test_a_short_text_is_shown_as_it_is_masked() -> None:
    assert shown_once_masked("my secret", lambda seen: seen.replace("secret", "…")) == "my …"


def test_a_text_that_is_hardly_more_than_wide_gaps_has_narrow_ones() -> None:
    stretched = "\n".join(" \t".join(["word"] * 10).replace("\t", " " * 200) for _ in range(20))
    assert unstretched(stretched) == "\n".join([" ".join(["word"] * 10)] * 20)


@pytest.mark.parametrize(
    "text",
    ["if a:\n" + "        b = c  # d\n" * 900, "a" + " " * 200 + "b", "name      qty\n" * 900],
)
def test_any_other_text_stays_as_it_was_written(text: str) -> None:
    assert unstretched(text) == text
