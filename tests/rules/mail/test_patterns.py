"""Patterns of a policy: slow ones are refused, and allowed ones stay fast."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.patterns import (
    MAX_CHARACTERS,
    MAX_LINE_CHARACTERS,
    MAX_LINES,
    compiled,
    search,
)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:a+)+b",
        "(?:a|a)*b",
        "(?:a|b|ab){20}c",
        "(?:a?){30}b",
        "a?" * 30 + "b",
        r"\w*\w*!",
        "a.*b.*c",
        r"[A-Z]+-\d+",
        "(?:a|aa)+!(?:b|){401,}",
        "(?:a|b|c){4000000000}",
    ],
)
def test_a_pattern_that_can_be_slow_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="too slow"):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bproject ?[:=] ?([a-z0-9-]{1,63})",
        r"https?://\S+",
        r"(?:\d{1,3}\.){3}\d{1,3}",
        r"[]()+*{}]x",
        r"\(a\)\+\*\{2\}",
        "down|out of order|unreachable",
        r"[A-Z]{1,10}-\d{1,9}",
        "a{3}{",
        "x{a}",
    ],
)
def test_an_ordinary_pattern_is_allowed(pattern: str) -> None:
    assert compiled(pattern).flags & re.IGNORECASE


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(unclosed", "not a valid regular expression"),
        ("a{99999999999}", "not a valid regular expression"),
        ("x" * 201, "longer than 200"),
        (r"\d*", "matches the empty string"),
        ("(?=a)a", "not allowed; the only group"),
        ("(?P<name>a)", "not allowed; the only group"),
        (r"(a)\1", "back-reference"),
    ],
)
def test_a_refused_pattern_has_a_readable_reason(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        compiled(pattern)


def test_a_line_is_searched_by_itself() -> None:
    found = search(compiled(r"^version ?(\d)$"), "Hello,\nVersion 7\nbye")

    assert found is not None
    assert found[1] == "7"


def test_text_beyond_the_limits_is_not_searched() -> None:
    needle = compiled("needle")

    assert search(needle, "\n" * MAX_LINES + "needle") is None
    assert search(needle, " " * MAX_LINE_CHARACTERS + "needle") is None
    lines = (" " * (MAX_LINE_CHARACTERS - 1) + "\n") * (MAX_CHARACTERS // (MAX_LINE_CHARACTERS - 1))
    assert search(needle, lines + " " * MAX_LINE_CHARACTERS + "\nneedle") is None
    assert search(needle, lines[:-MAX_LINE_CHARACTERS] + "needle") is not None


def test_a_pattern_with_many_ways_to_match_is_searched_in_fewer_characters() -> None:
    many, few = compiled(r"a{0,40}b{0,40}needle"), compiled("needle")
    text = ("x" * 99 + "\n") * 60 + "needle"

    assert search(few, text) is not None
    assert search(many, text) is None
    assert search(many, text[-1000:]) is not None


PIECES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", ".", r"\w"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{1,3}", "{2}", "{0,9}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
    ),
    max_leaves=6,
)


@given(PIECES)
def test_a_pattern_that_is_allowed_has_few_ways_to_fail(piece: str) -> None:
    """A hostile line of full length is searched in a fraction of a second."""
    try:
        pattern = compiled(f"{piece}!")
    except ValueError:
        return

    began = time.thread_time()
    assert search(pattern, "a" * MAX_LINE_CHARACTERS) is None
    assert time.thread_time() - began < 0.5
