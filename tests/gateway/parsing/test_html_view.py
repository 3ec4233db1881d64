"""The HTML of a mail as it is shown: what is kept, named, hidden and folded."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.html_view import DEEPEST, LONGEST, MOST_TAGS, view_of, view_of_body
from gateway.parsing.html_views import HtmlViews
from rules.mail import Attachment, Body
from rules.mail.markup import is_safe_value, pieces, safe_style, written
from rules.mail.shown_html import HtmlView, PlainOnly
from tests.examples import examples
from tests.gateway.building import a_mail, multipart, text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
LOGO = Attachment("2", "logo.png", "image/png", 40, "logo@x", inline=True)


def viewed(markup: str, *files: Attachment, forwarded: bool = False) -> HtmlView:
    body = Body(text="", html=markup, charset_guessed=False, attachments=files)
    return view_of_body(body, forwarded=forwarded)


def test_what_formats_a_text_is_kept() -> None:
    markup = (
        '<table border="1"><tbody><tr><td style="color:red" colspan="2"><b>a</b></td></tr></tbody>'
        '</table><ul><li>b <code>c</code></li></ul><pre>d\ne</pre><p align="center">f</p>'
    )

    assert viewed(markup).html == markup


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color:red;position:fixed;top:0", "color:red"),
        ("COLOR : rgb(1, 2, 3) ; z-index:9", "color:rgb(1, 2, 3)"),
        ("font-family:'Segoe UI',sans-serif", "font-family:'Segoe UI',sans-serif"),
        ("margin:0 auto!important", "margin:0 auto!important"),
        ("margin-left:-999px", ""),
        ("text-indent:-9999em", ""),
        ("width:calc(1px)", ""),
        (r"color:\72 ed", ""),
        ("background-color:url(x)", ""),
        ("font-family:'a", ""),
    ],
)
def test_a_style_is_kept_by_name_and_by_value(style: str, kept: str) -> None:
    assert safe_style(style) == kept


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("https://x.example/a?b=1&amp;c=2", "https://x.example/a?b=1&amp;c=2"),
        ("HTTP://x.example", "HTTP://x.example"),
        ("mailto:a@b.example?subject=a b", "mailto:a@b.example?subject=a%20b"),
        ("tel:+49 30 1", "tel:+49%2030%201"),
        ("//x.example", ""),
        ("/a", ""),
        ("x.html", ""),
        ("ftp://x.example", ""),
        ("cid:logo@x", ""),
        ("http:x.example", ""),
        ("https:///x", ""),
    ],
)
def test_only_links_to_the_web_a_mailbox_or_a_phone_are_kept(target: str, kept: str) -> None:
    made = f' href="{kept}" rel="noopener noreferrer nofollow"' if kept else ""

    assert viewed(f'<a href="{target}">x</a>').html == f"<a{made}>x</a>"


@pytest.mark.parametrize(
    "style",
    [
        "display:none;display:block",
        "display:block;display:none",
        "opacity:0;opacity:1",
        "opacity:0.5",
        "max-height:0;overflow:hidden;max-height:99px",
        "height:0;overflow:hidden",
        "position:absolute;left:-9999px",
        "text-indent:-9999px",
    ],
)
def test_a_style_hides_in_the_html_what_it_hides_in_the_text(style: str) -> None:
    said = f'<p>Seen.</p><p style="{style}">The line is down.</p>'
    view = view_of(a_mail(text(said, "html")))

    assert ("The line is down." in view.html) == ("The line is down." in view.text)


@pytest.mark.parametrize(
    "how",
    [
        'style="display:none"',
        'style="color:red; Display : None !important"',
        'style="visibility:hidden"',
        'style="max-height:0;overflow:hidden"',
        'style="opacity:0"',
        "hidden",
    ],
)
def test_what_the_senders_client_hides_stays_hidden(how: str) -> None:
    assert viewed(f"<p>a</p><div {how}>secret<p>more</p></div><p>b</p>").html == "<p>a</p><p>b</p>"


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ('<div style="visibility:hidden">No.<b style="visibility:visible">Yes.</b></div>', True),
        ('<div style="visibility:hidden"><p>No.</p><p>Yes.</p></div>', False),
        ('<div style="visibility:collapse">Yes.</div>', False),
        ('<div style="visibility:hidden;visibility:visible">Yes.</div>', True),
        ('<b style="visibility:hidden"><i style="visibility:visible">x</i>Yes.</b>', False),
        ('<input value="Yes.">', True),
        ('<input type="submit" value="Yes.">', True),
        ('<input type="text" placeholder="Yes.">', True),
        ('<input type="hidden" value="Yes.">', False),
        ('<input value="Yes." style="visibility:hidden">', False),
        (
            '<p style="visibility:hidden">No.<input value="Yes." style="visibility:visible"></p>',
            True,
        ),
    ],
)
def test_the_text_and_the_html_show_the_same_words(html: str, seen: bool) -> None:
    view = view_of(a_mail(text(f"<p>a</p>{html}<p>b</p>", "html")))

    assert ("Yes." in view.text, "Yes." in view.html) == (seen, seen)
    assert "No." not in view.text + view.html


def test_an_inline_image_is_named_by_its_part() -> None:
    view = viewed('<p>x <img src="cid:LOGO@x" alt="Logo" width="10"></p>', LOGO)

    assert view.html == '<p>x <img src="part:2" alt="Logo" width="10"></p>'


def test_an_image_that_the_mail_does_not_have_is_its_description() -> None:
    assert viewed('<p>x <img src="cid:gone@x" alt="Logo"></p>', LOGO).html == (
        "<p>x <em>[Logo]</em></p>"
    )


def test_an_image_that_is_written_in_the_html_is_named_by_its_digest() -> None:
    encoded = base64.b64encode(PNG).decode()
    fake = base64.b64encode(b"<svg onload=x>").decode()

    view = viewed(
        f'<img src="data:image/png;base64,{encoded}"><img src="data:image/png;base64,{fake}">'
    )

    ((name, content),) = view.images
    assert (content, view.html) == (PNG, f'<img src="part:{name}">')


QUOTES = {
    "Gmail": '<div dir="ltr">New</div><br><div class="gmail_quote"><div class="gmail_attr">'
    "Am Montag schrieb Bob:</div><blockquote>Old</blockquote></div>",
    "Gmail in a language that no list has": "<div>New</div><div class=gmail_quote>Bob xyz Monday "
    "zzz:<blockquote>Old</blockquote></div>",
    "Outlook on the web": '<div>New</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">'
    "<b>Von:</b> Bob</div><div>Old</div>",
    "Outlook, quoted by Outlook": '<div>New</div><div id="x_divRplyFwdMsg">Bob</div><p>Old</p>',
    "Outlook for Windows": '<p>New</p><div style="border:none;border-top:solid #E1E1E1 1.0pt;'
    'padding:3.0pt 0in 0in 0in"><p><b>X:</b> Bob'
    "<br><b>Y:</b> 2 January 2023<br><b>Z:</b> Ann</p></div><p>Old</p>",
    "Apple": '<div>New</div><div><br><blockquote type="cite"><div>Bob wrote</div>Old</blockquote>'
    "</div>",
    "Thunderbird": '<p>New</p><div class="moz-cite-prefix">Bob, Monday</div><blockquote '
    'type="cite" cite="mid:x">Old</blockquote>',
    "Yahoo": '<div>New</div><div id="yahoo_quoted_1" class="yahoo_quoted">Bob<div>Old</div></div>',
    "Proton": '<div>New</div><div class="protonmail_quote">Bob:<blockquote>Old</blockquote></div>',
    "Zoho": '<div>New</div><div class="zmail_extra">Bob<blockquote>Old</blockquote></div>',
    "GMX": '<div>New</div><div name="quote" style="margin:10px">Bob<div>Old</div></div>',
    "Zimbra": '<div>New</div><hr id="zwchr"><div data-marker="__HEADERS__">Bob</div>'
    '<div data-marker="__QUOTED_TEXT__">Old</div>',
    "unknown, by its words": "<p>New</p><p>On Mon, 2 Jan 2023, Bob &lt;b@x.example&gt; wrote:</p>"
    "<blockquote>Old</blockquote>",
    "a header block": "<p>New</p><p>From: Bob<br>Sent: Monday<br>To: Ann<br>Subject: x</p><p>Old",
}


@pytest.mark.parametrize("client", QUOTES)
def test_a_quote_is_folded_by_its_structure(client: str) -> None:
    view = viewed(QUOTES[client])

    assert "New" in view.html
    assert "Old" in view.quoted
    assert not {"Old", "Bob"} & set(view.html.replace("<", " ").replace(">", " ").split())


@pytest.mark.parametrize(
    "markup",
    [
        "<blockquote type=cite>Question one?</blockquote><p>Answer one.</p>" * 2,
        "<div class=gmail_quote>Bob<blockquote>Question?</blockquote></div><p>Answer below.</p>",
        "<p>Hello</p><div class=gmail_quote><blockquote>a</blockquote></div><p>Answer below.</p>",
        "<blockquote type=cite>Only a quote</blockquote>",
    ],
)
def test_everything_is_shown_of_an_answer_between_or_below_quotes(markup: str) -> None:
    assert viewed(markup).quoted == ""


def test_a_forwarded_mail_is_shown() -> None:
    forwarded = "<p>FYI</p><div class=gmail_quote>---------- Forwarded message ---------<p>Old"

    assert viewed(forwarded).quoted == ""
    assert viewed(QUOTES["Outlook on the web"], forwarded=True).quoted == ""


def test_a_signature_is_folded() -> None:
    for markup in (
        "<p>New</p><div class=gmail_signature>Ann, Acme</div>",
        "<p>New</p><div>-- <br>Ann, Acme</div>",
        "<p>New</p><div id=Signature>Ann, Acme</div><blockquote type=cite>Old</blockquote>",
    ):
        view = viewed(markup)
        assert ("Ann" in view.html, "Ann" in view.quoted) == (False, True)


def test_both_halves_are_whole_elements() -> None:
    view = viewed("<div><table><tbody><tr><td>New<br><blockquote type=cite>Old</blockquote>")

    assert written(pieces(view.html)) == viewed(view.html).html
    assert view.quoted.startswith("<div><table><tbody><tr><td>")


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        ("<div>" * (DEEPEST + 1), PlainOnly.TOO_COMPLEX),
        ("<a " + "x=1 " * 10_000 + ">", PlainOnly.TOO_COMPLEX),
        ("<i>x</i>" * (MOST_TAGS // 2 + 1), PlainOnly.TOO_COMPLEX),
        ("x" * (LONGEST + 1), PlainOnly.TOO_LARGE),
        ("<p> </p>", PlainOnly.NO_HTML),
    ],
)
def test_html_that_is_not_shown_has_its_reason(markup: str, why: PlainOnly) -> None:
    assert viewed(markup).plain_only is why


def test_unclosed_paragraphs_and_rows_are_not_deep() -> None:
    table = "<table><tr><td>x</table>"

    assert viewed("<p>x" * 1_000 + "<ul>" + "<li>y" * 1_000 + table * 300).plain_only is None


def test_a_mail_of_plain_text_has_no_html() -> None:
    view = view_of(a_mail(text("Hello")))

    assert (view.plain_only, view.text) == (PlainOnly.NO_HTML, "Hello")


def test_the_html_of_an_alternative_is_shown() -> None:
    mail = a_mail(multipart("alternative", text("plain"), text("<b>rich</b>", "html")))

    assert view_of(mail).html == "<b>rich</b>"


@pytest.mark.parametrize(("cpu_s", "wall_s"), [(0.0, 60.0), (60.0, 0.5)])
async def test_html_that_takes_too_long_ends_with_its_process(cpu_s: float, wall_s: float) -> None:
    markup = "<table>" + "<b>x" * 240 + "<tr>x" * 98_000
    counted: list[str] = []
    views = HtmlViews(cpu_s, wall_s, counted=counted.append)
    try:
        began = time.process_time()
        slow = await views.view(a_mail(text(markup, "html")))
        after = await views.view(a_mail(text("<b>x</b>", "html")))
    finally:
        await views.close()

    assert (slow.plain_only, slow.html, after.html) == (PlainOnly.TIMEOUT, "", "<b>x</b>")
    assert counted == ["timeout", "html"]
    assert time.process_time() - began < 0.5, "the work is not done here"


_FRAGMENTS = st.sampled_from(
    [
        *("<div>", "</div>", "<p>", "<b>", "</b>", "<table>", "<tr>", "<td>", "</table>", "<ul>"),
        *("<li>", "</ul>", "<blockquote type=cite>", "</blockquote>", "<pre>", "</pre>", "<br>"),
        *("<a href='http://x.example/?a=1&b=2'>", "</a>", "<img src=//x>", "<svg>", "</svg>"),
        *("<math>", "<style>", "</style>", "<!--", "-->", "<p style='color:red;x:url(y)'>", '"'),
        *("<span class=gmail_quote>", "text ", "&lt;", "&amp;amp;", "\n", "> ", "<script>", "]]>"),
        *("</script>", "<noscript>", "<select>", "<h1>", "</h1>", "<a title='<b>'>", "<i hidden>"),
    ]
)


@given(st.lists(_FRAGMENTS, max_size=40).map("".join))
@settings(max_examples=examples(50))
def test_what_is_shown_is_safe_and_is_shown_the_same_again(markup: str) -> None:
    """Once more for trees that the first pass repairs."""
    once = viewed(markup, forwarded=True)
    twice = viewed(once.html, forwarded=True)
    thrice = viewed(twice.html, forwarded=True)

    for view in (once, twice):
        assert written(pieces(view.html)) == view.html
    assert thrice.html == twice.html


@given(st.text(max_size=80))
def test_a_safe_style_is_safe_again(style: str) -> None:
    kept = safe_style(style)

    assert safe_style(kept) == kept
    assert not any(each in kept for each in ("url(", "\\", "@", "expression", "image("))
    assert all(is_safe_value(each.partition(":")[2]) for each in kept.split(";") if each)
