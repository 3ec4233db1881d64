"""format=flowed: paragraphs and links are whole again, and no other line is joined."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.flowed import unwrapped
from gateway.parsing.reading import read
from rules.mail import Body
from tests.gateway.building import a_mail, a_part


@pytest.mark.parametrize(
    ("wrapped", "delsp", "whole"),
    [
        ("The gate does \nnot close.\nBye", False, "The gate does not close.\nBye"),
        ("https://acme.example/a/ \nb/c", True, "https://acme.example/a/b/c"),
        ("印刷が \nできません。", True, "印刷ができません。"),
        ("two  \nspaces", True, "two spaces"),
        (" From here\n  indented", False, "From here\n indented"),
        (
            "> asked \n> in two lines\n> and again\nYes",
            False,
            "> asked in two lines\n> and again\nYes",
        ),
        (">> deep \n> less", False, ">> deep\n> less"),
        ("> quoted \nmy answer", False, "> quoted\nmy answer"),
        (">no space \n>after the mark", False, "> no space after the mark"),
        (" > is no quote", False, "> is no quote"),
        ("text \n-- \nAnn \nAcme", False, "text\n-- \nAnn Acme"),
        ("> -- \n> Ann", False, "> -- \n> Ann"),
        ("a\n\n b \n", False, "a\n\nb "),
        ("#severity high \nThe gate", False, "#severity high \nThe gate"),
        ("see \n#12 there", False, "see\n#12 there"),
        ("  #note \nNot for Ann.", False, " #note \nNot for Ann."),
        ("\uff03note \nNot for Ann.", False, "\uff03note \nNot for Ann."),
        ("Hello, \n*#note*\nNot for Ann.", False, "Hello,\n*#note*\nNot for Ann."),
        ("", False, ""),
        ("\n>\n> \n", False, "\n>\n>\n"),
    ],
)
def test_flowed_lines_are_joined(wrapped: str, delsp: bool, whole: str) -> None:
    assert unwrapped(wrapped, delsp=delsp).rstrip(" ") == whole.rstrip(" ")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/plain; format=flowed", "a b\nc"),
        ("text/plain; format=Flowed; delsp=YES", "ab\nc"),
        ("text/plain; format=fixed", "a \nb\nc"),
        ("text/plain", "a \nb\nc"),
    ],
)
def test_only_a_text_that_says_so_is_flowed(kind: str, text: str) -> None:
    body = read(a_mail(a_part(b"a \r\nb\r\nc", f"Content-Type: {kind}; charset=utf-8"))).body
    assert isinstance(body, Body)
    assert body.text == text


def test_a_paragraph_of_many_lines_takes_linear_time() -> None:
    began = time.process_time()
    whole = unwrapped("> a \n" * 400_000)

    assert time.process_time() - began < 2.5
    assert whole == "> " + "a " * 399_999 + "a\n"


PARAGRAPHS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.lists(st.sampled_from(("ab", "-", "---", ">x", "From", "c#d", "é")), max_size=12),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(PARAGRAPHS, st.integers(4, 20), st.booleans())
def test_what_a_sender_flows_is_read_back(
    paragraphs: list[tuple[int, list[str]]], width: int, delsp: bool
) -> None:
    wanted = [(depth, " ".join(words)) for depth, words in paragraphs]
    wrapped = "\n".join(line for depth, text in wanted for line in _flow(depth, text, width, delsp))
    shown = [">" * depth + (" " if depth and text else "") + text for depth, text in wanted]
    assert unwrapped(wrapped, delsp=delsp) == "\n".join(shown)


def _flow(depth: int, text: str, width: int, delsp: bool) -> list[str]:
    """The lines of a paragraph as RFC 3676 §4.2 has a sender write them."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) > width:
            lines.append(line + " " * delsp)
            line = ""
        line += word + " "
    lines.append(line.removesuffix(" "))
    stuffed = [
        " " + line if depth or line.startswith((" ", ">", "From")) else line for line in lines
    ]
    return [">" * depth + line for line in stuffed]
