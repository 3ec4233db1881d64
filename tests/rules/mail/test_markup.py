"""Sanitised HTML is read by a grammar that knows only what is listed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.images import image_type
from rules.mail.markup import End, Piece, Tag, UnsafeMarkupError, balanced, pieces, written
from rules.mail.presented import masked_pieces, pieces_of_text
from rules.mail.shown_html import cut_to


@pytest.mark.parametrize(
    "markup",
    [
        "<script>",
        '<p onclick="x">',
        '<p id="x">',
        '<p class="x">',
        "<p title=x>",
        "<p title='x'>",
        "<P>",
        "<p >",
        "<p/>",
        "< p>",
        "a < b",
        "a > b",
        "<!-- x -->",
        '<a href="javascript:x">',
        '<a href="//x.example">',
        '<a href="https:/x">',
        '<a href="https://x.example/ y">',
        '<a rel="opener">',
        '<img src="data:image/png;base64,AAAA">',
        '<img src="cid:x">',
        '<img src="part:../1">',
        '<img srcset="x">',
        '<p style="background:url(x)">',
        '<p style="color:red;position:fixed">',
        "<svg>",
        "<form>",
    ],
)
def test_what_is_not_listed_is_refused(markup: str) -> None:
    with pytest.raises(UnsafeMarkupError):
        pieces(f"<p>x</p>{markup}y")


def test_what_is_listed_is_written_as_it_was_read() -> None:
    markup = (
        '<p align="left" style="color:red">a &lt;b&gt; &amp;amp;<br>'
        '<a href="https://x.example/?a&amp;b" rel="noopener noreferrer nofollow">x</a>'
        '<img src="part:1.2" alt="&quot;&lt;p&gt;"></p>'
    )

    assert written(pieces(markup)) == markup


@given(st.text(alphabet="ab <>&\"'\u00a0é;#", max_size=60))
def test_a_text_is_the_same_once_it_was_written(text: str) -> None:
    made: list[Piece] = [Tag("p", (("lang", text),)), text or "x", End("p")]

    assert pieces(written(made)) == made


def test_a_part_is_whole_elements() -> None:
    found = pieces("<div><ul><li>a</li><li>b</li></ul></div><p>c</p>")

    assert written(balanced(found, 0, 4)) == "<div><ul><li>a</li></ul></div>"
    assert written(balanced(found, 5, 10)) == "<div><ul><li>b</li></ul></div>"


@pytest.mark.parametrize(
    ("html", "text", "skipped", "cut"),
    [
        ("<p>One two.</p><p>Three</p>", "One two.", "", "<p>One two.</p>"),
        ("<p>One <b>two</b> three</p>", "One *two*", "", "<p>One <b>two</b></p>"),
        ("<p>#x y</p><p>One</p>", "One", "x y", "<p>One</p>"),
        ("<p>#x y</p><p>One</p>", "One", "x z", None),
        ("<p>One</p><p>-- <br>Sam</p>", "One", "", "<p>One</p>"),
        ('<p>One <img src="part:2"></p><p>two</p>', "One", "", '<p>One<img src="part:2"></p>'),
        (
            '<p>a<img src="part:2" alt="B c">d</p>',
            "a [B c] d",
            "",
            '<p>a<img src="part:2" alt="B c">d</p>',
        ),
        ('<p>a<img src="part:2" alt="B c">d</p>', "a d", "", '<p>a<img src="part:2">d</p>'),
        ("<p>One</p>", "One two", "", None),
        ("<p>One three</p>", "One two", "", None),
        ("<p>zero One</p>", "One", "", None),
        ("<p>One</p>", "", "", None),
        ("<ol><li>One</li></ol>", "1. One", "", "<ol><li>One</li></ol>"),
        ("<p><u>One</u></p>", "One <https://x.example/a>", "", "<p><u>One</u></p>"),
    ],
)
def test_html_is_cut_where_it_says_what_a_text_says(
    html: str, text: str, skipped: str, cut: str | None
) -> None:
    found = cut_to(pieces(html), text, skipped)

    assert (written(found) if found is not None else None) == cut


_WORDS = st.lists(st.sampled_from(["one", "two", "three", "secret", "<b>", "</b>", "<p>"]))


@given(_WORDS, st.lists(st.sampled_from(["one", "two", "three"])))
def test_a_cut_has_no_word_that_the_text_does_not_have(html: list[str], text: list[str]) -> None:
    cut = cut_to(pieces(" ".join(html)), " ".join(text))

    said = "".join(piece for piece in cut or [] if isinstance(piece, str)).split()
    assert said == [] or said == text


def test_a_secret_in_a_link_takes_the_link_away() -> None:
    found = pieces('<a href="https://x.example/secret">x secret</a><img src="part:1" alt="secret">')

    masked = masked_pieces(found, lambda text: text.replace("secret", "[…]"))

    assert masked is not None
    assert written(masked) == '<a>x […]</a><img src="part:1" alt="[…]">'.replace("<a>", "<a>")


def test_a_secret_that_is_spread_over_elements_is_not_shown() -> None:
    assert masked_pieces(pieces("se<b>cret</b>"), lambda text: text.replace("secret", "")) is None


@given(st.text(max_size=120))
def test_a_text_becomes_html_that_is_listed(text: str) -> None:
    text = text.replace("\r", "").encode("utf-8", "replace").decode()
    made = written(pieces_of_text(text))

    assert "".join(piece for piece in pieces(made) if isinstance(piece, str)) == text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n.", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF0000WEBPVP8", "image/webp"),
        (b"RIFF0000WAVE", ""),
        (b"<svg>", ""),
        (b"", ""),
    ],
)
def test_images_are_known_by_their_first_octets(content: bytes, kind: str) -> None:
    assert image_type(content) == kind
