"""Which form of a text is read, and what the HTML form adds to the plain one."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.alternatives import richer_form
from gateway.parsing.cut_off import may_be_cut_off
from gateway.parsing.html_text import HtmlReader
from gateway.parsing.reading import read
from rules.mail import Body
from rules.mail.forms import with_every_form
from rules.mail.quoting import REPLY_MARK, own_text, published, visible
from tests.examples import examples
from tests.gateway.building import a_mail, a_part, multipart, text


def body(part: bytes, fields: str = "") -> Body:
    found = read(fields.encode() + a_mail(part)).body
    assert isinstance(found, Body)
    return found


STORY = "The press in hall 3 stopped at nine, and nobody can start it again. " * 3


@pytest.mark.parametrize(
    "plain",
    [
        "This mail is written in HTML. Your program cannot show it.",
        "Please open this message in a browser.",
        "This is a mail in HTML, so it is to be read in the one that can.",
        "Ihr Programm zeigt kein HTML an.",
        "このメールはブラウザでご覧ください。",
        "Press stopped",
        "See https://x.test/" + "a" * 300,
        "",
    ],
)
def test_a_placeholder_gives_way_to_the_html(plain: str) -> None:
    rich = f"<p>{STORY}</p>"
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    assert found.text == STORY.strip()


@pytest.mark.parametrize(
    ("plain", "rich"),
    [
        (STORY, f"<p>{STORY}</p>" * 2),
        ("The HTML of the page is broken.", "<p>The HTML of the page is broken.</p>"),
        ("Press stopped", '<style>a{color:red}</style><p style="color:#123456">Press stopped</p>'),
        ("Press stopped", f'Press stopped<div style="display:none">{STORY}</div>'),
        ("Press stopped", f'Press stopped<blockquote type="cite">{STORY}</blockquote>'),
        ("Hello", "Cancel it"),
    ],
)
def test_the_plain_form_that_says_what_the_html_does_is_the_text(plain: str, rich: str) -> None:
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    assert found.text.strip() == plain.strip()


WHOLE = "The press in hall 3 stopped at nine. Nobody can start it: production is down since then."


@pytest.mark.parametrize(
    ("plain", "rich"),
    [
        (WHOLE[:61], f"<p>{WHOLE}</p>"),
        (WHOLE[:60], f"<p>{WHOLE}</p>"),
        (f"{WHOLE[:61]}\n\n", f"<p>{WHOLE[:40]}<b>{WHOLE[40:50]}</b>{WHOLE[50:]}</p>"),
        (f"{WHOLE[:36]} ...", f"<p>{WHOLE[:36]}</p><p>{WHOLE[37:]}</p>"),
        (f"{WHOLE[:36]} […]\n", f"<p>{WHOLE[:36]}</p><p>{WHOLE[37:]}</p>"),
        (f"Größe:\n{WHOLE[:61]}", f"<body><p>Gr&ouml;&szlig;e:</p><p>{WHOLE}</p></body>"),
        (
            f"See https://x.test/a\n{WHOLE[:61]}",
            f'See <a href="https://x.test/a">https://x.test/a</a><br>{WHOLE}',
        ),
        (WHOLE[:61], f"<p>{WHOLE}</p>{'<blockquote type=cite>Is it on?</blockquote>'}"),
    ],
)
def test_a_plain_form_that_is_cut_off_gives_way_to_the_html(plain: str, rich: str) -> None:
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    assert "production is down since then." in found.text


@pytest.mark.parametrize(
    ("plain", "rich"),
    [
        (f"{WHOLE}\nAnn", f"<p>{WHOLE}</p>Ann<p>Acme Inc., 30 Hall Street, which makes paper</p>"),
        (f"{WHOLE}\nAnn", f"<p>{WHOLE}</p>Ann <img alt='Logo of Acme, which makes paper'>"),
        (WHOLE[:36], f"<p>{WHOLE}</p>"),
        (f"{WHOLE} And ...", f"<p>{WHOLE} And ...</p><p>Ann of Acme, which makes paper</p>"),
        (f"{WHOLE}\n\n> {WHOLE[:61]}", f"{WHOLE}<blockquote type=cite>{WHOLE}</blockquote>"),
        (f"{WHOLE} And", f"<p>{WHOLE} And</p><blockquote type=cite>Is it on?</blockquote>"),
        (f"An {WHOLE[:61]}", f"<p>{WHOLE}</p>"),
    ],
    ids=["signature", "logo", "whole sentence", "open end", "quote cut", "no quote", "other words"],
)
def test_a_plain_form_that_may_be_whole_is_the_text(plain: str, rich: str) -> None:
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    own = [line for line in found.text.strip().split("\n") if line.strip("> ")]
    assert own == [line for line in plain.split("\n") if line.strip("> ")]


def test_the_html_is_not_read_where_it_says_what_the_plain_form_says() -> None:
    """No tag may be read here: reading one would raise an error."""
    plain = f"{WHOLE}\nAnn"
    assert richer_form(plain, f"<p>{WHOLE}</p><p>Ann</p>", HtmlReader(most_tags=0)) == plain
    assert richer_form(plain, f"<p>So. {WHOLE}</p>Ann, etc.", HtmlReader(most_tags=0)) == plain


PICTURE = a_part(b"P", "Content-Type: image/png; name=x.png")


def test_all_parts_of_a_form_are_shown_in_order() -> None:
    """Apple Mail puts the pictures of a mail between the parts of one of its forms."""
    rich = multipart("mixed", text("<p>one</p>", "html"), PICTURE, text("<p>two</p>", "html"))
    of_html = body(multipart("alternative", rich))
    assert of_html.text == "one\ntwo"
    assert [each.name for each in of_html.attachments] == ["x.png"]

    plain = multipart("mixed", text("one"), PICTURE, text("two"))
    of_both = body(multipart("alternative", plain, text("<p>one</p><p>two</p>", "html")))
    assert of_both.text == "one\ntwo"
    assert of_both.html == "<p>one</p><p>two</p>"

    with_plain = body(multipart("alternative", text("one two"), rich))
    assert (with_plain.text, with_plain.html) == ("one two", "<p>one</p>\n<p>two</p>")


def test_html_and_its_pictures_need_no_other_form() -> None:
    rich = multipart("related", text('<p>See <img src="cid:1" alt="E17"></p>', "html"), PICTURE)
    assert body(rich).text == "See [E17]"


THAI = "เมื่อ ศ. 20 พ.ย. 2026 เวลา 08:01 Sam <sam@help.test> เขียนว่า"
QUOTED = (
    '<div class="gmail_quote"><div class="gmail_attr">'
    f"{THAI.replace('<', '&lt;')}<br></div><blockquote>Is the pump on?<br>Sam</blockquote></div>"
)


@pytest.mark.parametrize(
    "plain",
    [
        f"It is.\n\n{THAI}\n\nIs the pump on?\nSam\n",
        f"It is.\n\n{THAI}\n\n> Is the pump on?\n> Sam\n",
        f"It is.\n________________________________\n{THAI}\nIs the\npump on? Sam",
    ],
)
def test_the_marks_of_the_html_show_what_the_plain_form_quotes(plain: str) -> None:
    found = body(multipart("alternative", text(plain), text(f"<p>It is.</p>{QUOTED}", "html")))
    assert visible(found.text).text == own_text(found.text) == "It is."
    assert unmarked(found.text) == unmarked(plain)


def unmarked(text: str) -> list[str]:
    return [bare for line in text.split("\n") if (bare := line.lstrip("> "))]


def test_what_staff_quote_in_any_language_is_not_published() -> None:
    """No wording shows the quote here, and no notice of ours has such a text."""
    line = "Sam, perjantaina aamulla"
    plain = f"Please restart it.\n\n{line}\nThey never pay, so let them wait.\n"
    rich = (
        f'Please restart it.<div class="gmail_quote"><div class="gmail_attr">{line}</div>'
        "<blockquote>They never pay, so let them wait.</blockquote></div>"
    )
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    assert "never pay" in published(plain, REPLY_MARK)
    assert published(found.text, REPLY_MARK) == "Please restart it."


def test_answers_between_quotes_are_not_marked() -> None:
    plain = f"{THAI}\n\nIs the pump on?\n\nYes, since nine.\n\nWhich one?\n\nThe red one.\n"
    rich = (
        f'<div class="gmail_quote"><div class="gmail_attr">{THAI.replace("<", "&lt;")}</div>'
        "<blockquote>Is the pump on?</blockquote>Yes, since nine."
        "<blockquote>Which one?</blockquote>The red one.</div>"
    )
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    assert own_text(found.text).split() == ["Yes,", "since", "nine.", "The", "red", "one."]


def test_a_line_with_words_of_the_author_is_never_marked() -> None:
    plain = "It is. And the second one?\nIs the pump on? I wrote that, too.\nIs the pump on?\n"
    rich = (
        "<p>It is. And the second one?</p>"
        '<blockquote type="cite">Is the pump on?</blockquote> I wrote that, too.'
        '<blockquote type="cite">Is the pump on?</blockquote>'
    )
    text_read = richer_form(plain, rich, HtmlReader())
    assert not any(
        line.startswith(">")
        for line in text_read.split("\n")
        if "I wrote" in line or "It is" in line
    )


def test_forms_with_other_words_are_read_from_the_html() -> None:
    plain = "The plain form was written by a program that has other words in it than the page."
    rich = (
        f"<p>It is on, and both lamps of the pump are red now. Please come to hall 3.</p>{QUOTED}"
    )
    found = body(multipart("alternative", text(plain), text(rich, "html")))
    assert visible(found.text).text.startswith("It is on")


def test_of_a_forward_nothing_is_marked() -> None:
    plain = f"It is.\n\n{THAI}\n\nIs the pump on?\nSam\n"
    forms = multipart("alternative", text(plain), text(f"<p>It is.</p>{QUOTED}", "html"))
    raw = b"Subject: WG: Pumpe\r\n" + forms
    found = read(raw).body
    assert isinstance(found, Body)
    assert ">" not in found.text.replace("<sam@help.test>", "")


def test_the_html_is_not_read_where_the_plain_form_shows_the_quote() -> None:
    """No tag may be read here: reading one would raise an error."""
    plain = "It is.\n\nOn Fri, Nov 20, 2026 at 8:01 AM Sam <sam@help.test> wrote:\n\n> Is it on?\n"
    rich = f"<p>It is.</p>{QUOTED}"
    assert richer_form(plain, rich, HtmlReader(most_tags=0)) == plain


def test_links_and_lists_of_a_form_do_not_make_it_another_text() -> None:
    """Gmail does not sign the type of its mails, so both forms are compared."""
    fields = "DKIM-Signature: v=1; h=from:to:subject; b=x\r\n"
    plain = "Steps:\n - open the log\n - press start\n"
    rich = (
        '<p>Steps:</p><ol><li><a href="https://x.test/log">open the log</a>'
        '<li>press <s>start</s></ol><img alt="logo">'
    )
    found = body(multipart("alternative", text(plain), text(rich, "html")), fields)
    assert len(found.forms) == 2
    assert not with_every_form(found).every_form
    assert with_every_form(found).text == found.text


WORDS = st.lists(
    st.sampled_from(("pump", "valve", "press", "hall", "red", "on")), min_size=1, max_size=8
)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.booleans(), WORDS), min_size=1, max_size=7), st.integers(10, 60))
def test_a_line_of_the_authors_is_never_marked_by_the_html(
    blocks: list[tuple[bool, list[str]]], width: int
) -> None:
    """The same words stand in both forms, quoted or not, and the plain form wraps its lines."""
    numbered = [
        (quoted, " ".join(f"{word}{'q' if quoted else 'o'}" for word in words))
        for quoted, words in blocks
    ]
    plain = "\n\n".join(textwrap.fill(words, width) for _, words in numbered)
    rich = "".join(
        f'<blockquote type="cite">{words}</blockquote>' if quoted else f"<p>{words}</p>"
        for quoted, words in numbered
    )
    for line in richer_form(plain, rich, HtmlReader()).split("\n"):
        words = line.lstrip("> ").split()
        if line.startswith(">"):
            assert not any(word.endswith("o") for word in words)
        elif any(not quoted for quoted, _ in blocks):
            assert not any(word.endswith("q") for word in words)


def test_a_reference_with_too_many_digits_is_no_fault() -> None:
    assert not may_be_cut_off("Hello", f"<p>Hello &#{'1' * 5_000};</p>")
