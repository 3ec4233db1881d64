"""The text of HTML: every word that its reader sees, none that is hidden, and what stands for the
links, the images, the lists and the tables."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.html_text import HtmlReader, TooManyTagsError, text_from_html
from tests.examples import examples

SHOWN = {
    "a label": ("<label>Plant:</label> North", "Plant: North"),
    "a caption": (
        "<figure><img src=cid:1><figcaption>Valve 4</figcaption></figure>",
        "Valve 4",
    ),
    "a button": ("<button>Retry</button>", "Retry"),
    "what was entered": (
        "<textarea>\nLine 1\n  Line 2</textarea><input value=4711><input type=hidden value=no>",
        "Line 1\n  Line 2\n4711",
    ),
    "what was chosen": (
        "<select><option>Low<option selected>High</select> and <select><option>A<option>B</select>",
        "High and A",
    ),
    "boxes": (
        "<input type=checkbox checked>Leaks <input type=radio>Smells",
        "[x] Leaks [ ] Smells",
    ),
    "noscript": ("<noscript>Pump off</noscript>", "Pump off"),
    "an object's substitute": ("<object data=x.swf>Pump <b>off</b></object>", "Pump off"),
    "legend and summary": (
        "<fieldset><legend>Site</legend>B</fieldset><details><summary>Log</summary>E17</details>",
        "Site\nB\nLog\nE17",
    ),
    "preformatted": ("<pre>\na\n  b\n\n\n  c</pre>d", "a\n  b\n\n\n  c\n\nd"),
    "white space kept by style": ('<p style="White-Space: pre-wrap">a\n  b</p>', "a\n  b"),
    "white space otherwise": ("<p>a\n  b\t c</p>", "a b c"),
    "struck words": ("Use <s>pump 1</s> <del></del>pump 2", "Use ~~pump 1~~ pump 2"),
    "words struck by style": (
        '<span style="text-decoration:line-through">old</span> new',
        "~~old~~ new",
    ),
    "lists": (
        "<ol start=3><li>c<li>d<ul><li>e</ul></ol><ul style='list-style:none'><li>f</ul>",
        "3. c\n4. d\n  • e\n\nf",
    ),
    "lettered list": ("<ol type=A><li>x<li value=5>y</ol>", "A. x\nE. y"),
    "paragraphs of an item": ("<ul><li><p>a</p><p>b</p></ul>", "• a\n\n  b"),
    "a table": (
        "<table><tr><th>Host<th>State<tr><td>web1<td>down<tr><td><p>web2</p><td><p>up</p></table>",
        "Host | State\nweb1 | down\nweb2 | up",
    ),
    "a form in a table": ("<table><tr><td>Plant:<td>North</table>", "Plant: North"),
    "a table for layout": (
        "<table><tr><td><p>a</p><p>b</p><td>c</table>",
        "a\n\nb\n\nc",
    ),
    "a table with lines": (
        "<table border=1><tr><td><td>A<td>B<tr><td>C<td>down<br>since 9<td>up<tr><td>D<td><td>up",
        "| A | B\nC | down / since 9 | up\nD |  | up",
    ),
    "a table with heads": (
        "<table><tr><th>Host<th>At<th>State<tr><td>web1<td>9:00<td>up</table>",
        "Host | At | State\nweb1 | 9:00 | up",
    ),
    "columns of a layout": (
        "<table><tr><td>a<td>&nbsp;<td>b</table>",
        "a | b",
    ),
    "boxes next to each other": (
        "<button>Yes</button><button>No</button><a style='display:inline-block'>Or</a>so",
        "Yes No Or so",
    ),
    "lines by style": (
        "<span style='display:block'>a</span><span style='display: flex'>b</span>c",
        "a\nb\nc",
    ),
    "exponents": ("10<sup>6</sup> m<sup>-1</sup>, the 1<sup>st</sup>", "10⁶ m⁻¹, the 1st"),
    "lines that seem empty": ("<p>a</p><p>\u200b</p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
    "lines of Outlook": (
        "<p class=MsoNormal>a</p><p class=MsoNormal>b</p><p style='margin:0cm'>c</p>",
        "a\nb\nc",
    ),
    "breaks": ("<div>a<br></div><div><br></div><div>b</div>c<br><br><br>d", "a\n\nb\nc\n\nd"),
    "a link": (
        '<a href="https://x.test/a?b=1&amp;c=2">the log</a>.',
        "the log <https://x.test/a?b=1&c=2>.",
    ),
    "a link that shows its target": (
        '<a href="https://www.x.test/">x.test</a> <a href="tel:+4930123">+49 (30) 123</a>',
        "x.test +49 (30) 123",
    ),
    "an address that shows itself": (
        '<a href="mailto:Ann@x.test?subject=a">ann@x.test</a>',
        "ann@x.test",
    ),
    "links to people": (
        '<a href="mailto:ann@x.test?subject=a">Ann</a>, <a href="tel:+4930123">call</a>',
        "Ann <ann@x.test>, call <+4930123>",
    ),
    "links to nothing outside": (
        '<a href="#top">up</a> <a href="javascript:go()">go</a> <a name=x>here</a>',
        "up go here",
    ),
    "a link around blocks": (
        '<a href="https://x.test/r"><table><tr><td>Report</table></a>next',
        "Report <https://x.test/r>\nnext",
    ),
    "a link of a picture": (
        '<a href="https://x.test/1"><img src=cid:1></a>a <a href="https://x.test/2"></a>',
        "<https://x.test/1> a",
    ),
    "a file on a share": (
        '<a href="file:///S:/plan.pdf">plan</a>',
        "plan <file:///S:/plan.pdf>",
    ),
    "what an image shows": (
        '<img src=cid:1 alt="ERROR 17"> <img alt="pixel" width=1 height=1><img alt="🙂">',
        "[ERROR 17] 🙂",
    ),
    "for screen readers hidden, for others not": ("<p aria-hidden=true>seen</p>", "seen"),
    "title, style and script": (
        "<title>t</title><style>a{}</style><script>if (a < b) x()</script><p>p",
        "p",
    ),
    "text that looks like tags": (
        "3 < 4 &lt;tag&gt; <3 &amp;amp; &#65;&#00066;&#9999999999;",
        "3 < 4 <tag> <3 &amp; AB\ufffd",
    ),
    "a quote sign within an attribute": (
        "<p title='a > b' data-x=\"it's\">one<p title=it's>two",
        "one\n\ntwo",
    ),
    "an attribute that is never closed": ('<p title="a>one</p><p>two', "one\n\ntwo"),
    "comments": ("a<!-- no > no -->b<!-->c<!--[if mso]>no<![endif]-->d<![if !mso]>e", "abcde"),
    "a comment that is never closed": ("a<!-- no>", "a"),
    "a tag that is never closed": ("a <b", "a <b"),
    "crossed tags": ("<b>a<i>b</b>c</i>d</p></div></td>e", "abcd\n\ne"),
    "quotation marks": ("<q>stop</q>", "“stop”"),
    "cells outside of a table": ("<td>a</td><tr>b</tr>c", "a\nb\nc"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHOWN)
def test_every_word_is_shown_in_a_form_that_can_be_read(case: str) -> None:
    markup, expected = SHOWN[case]
    assert text_from_html(markup) == expected


HIDING = (
    'style="display:none"',
    "style='color:red; DISPLAY : None !important'",
    "hidden",
    'style="visibility:hidden"',
    'style="font-size:0"',
    'style="font-size:0.0px"',
    'style="font-size:1px;line-height:1px"',
    'style="font:0/0 a"',
    'style="mso-hide:all"',
    'style="max-height:0;overflow:hidden"',
    'style="height:0px;overflow:hidden"',
    'style="opacity:0"',
    'style="text-indent:-9999px"',
    'style="position:absolute;left:-9999px"',
    "style=display&#58;none",
)


@pytest.mark.parametrize("hiding", HIDING)
@pytest.mark.parametrize("name", ["div", "span", "td"])
def test_what_is_hidden_stays_hidden(hiding: str, name: str) -> None:
    table = ("<table><tr>", "</table>") if name == "td" else ("", "")
    hidden = f"{table[0]}<{name} {hiding}>no <b>no</b> <img alt=''>no</{name}>{table[1]}"
    assert text_from_html(f"<p>yes</p>{hidden}<p>yes</p>") == "yes\n\nyes"


@pytest.mark.parametrize(
    ("sheet", "shown"),
    [
        (".pre{display:none!important}", "yes"),
        ("p{color:red} div.pre , #other { color:#fff; visibility:hidden; display:none }", "yes"),
        ("#one{display:none}", "yes"),
        ("<!-- /* x */ .a,.pre{max-height:0;overflow:hidden} -->", "yes"),
        ("@media (max-width:600px){.pre{display:none}}", "text\nyes"),
        ("@media print{.a{color:red} .pre{display:none}} .b{color:red}", "text\nyes"),
        (".pre{display:none} .pre{display:block}", "text\nyes"),
        (".x .pre{display:none} p.pre{display:none} .pre:hover{display:none}", "text\nyes"),
        (".pre{display:none", "yes"),
        ("div.pre{display:block} .pre{display:none}", "text\nyes"),
        ("#one{display:block} .pre{display:none}", "text\nyes"),
        (".pre{display:none} td .pre{display:block}", "text\nyes"),
        (".pre{display:none} .a{display:block}", "text\nyes"),
        (".a{display:block} .pre{display:none}", "yes"),
        (".pre{display:block !important} .pre{display:none}", "text\nyes"),
        (".pre{display:none} @media (min-width:600px){.a{display:block}}", "text\nyes"),
        (".pre{display:none} @media only screen and (max-width:600px){.a{display:block}}", "yes"),
        (".pre{display:none} @media print{.pre{display:block}}", "yes"),
        (".pre{display:none} .a:hover{display:block}", "yes"),
        (".pre{max-height:0;overflow:hidden} .a{display:block}", "yes"),
    ],
)
def test_a_style_sheet_of_the_mail_hides_too(sheet: str, shown: str) -> None:
    markup = f'<style>{sheet}</style><div class="a pre" id=one>text</div><div>yes</div>'
    assert text_from_html(markup) == shown


@pytest.mark.parametrize(
    ("media", "shown"),
    [
        ("", "yes"),
        ("screen", "yes"),
        ("print", "text\nyes"),
        ("only screen and (max-width:600px)", "text\nyes"),
        ("(min-width:600px)", "text\nyes"),
    ],
)
def test_a_style_sheet_for_some_media_hides_nothing(media: str, shown: str) -> None:
    sheet = f'<style type="text/css" media="{media}">.p{{display:none}}</style>'
    assert text_from_html(f"{sheet}<div class=p>text</div><div>yes</div>") == shown


SHOWN_AGAIN = (
    ".pre{display:none;display:block}",
    ".pre{display:block!important;display:none}",
    ".pre{display:block ! important;display:none}",
    ".pre{display:none} div{display:block!important}",
    ".pre{display:none} *{display:block!important}",
    ".pre{display:none} .pre:not(.y){display:block}",
    ".pre{display:none} [class='a pre']{display:block!important}",
    ".pre{display:none} .a.pre{display:block}",
    ".pre{display:none} body>.pre{display:block}",
    ".pre{display:none} .pre{all:initial}",
    ".pre{display:none} @supports (display:grid){.pre{display:block}}",
    ".pre{display:none} @media (min-width:40em){.pre{display:block}}",
    ".pre{display:none} @media (orientation:landscape){.pre{display:block}}",
    ".pre{display:none} .pre{display:block;.b{color:red}}",
    ".pre{display:none} .pre{displ\\61y:block}",
    ".pre{display:none} @charset 'x';.pre{display:block}",
    ".pre{display:none} b{content:'/*'} .pre{display:block} b{content:'*/'}",
    "b{content:'}.pre{display:none} b{'}",
    ".pre,$${display:none}",
    "} .pre{display:none}",
    "b{color:red}; .pre{display:none}",
    "@media screen{; .pre{display:none}}",
    "x;@import 'y'; .pre{display:none}",
    ".pre{x:[;display:none;]}",
    ".pre{display:none} .pre:link{display:inline}",
    ".pre{display:none} .pre:visited{display:inline}",
    ".pre{opacity:0} .pre{opac\\69ty:1}",
    ".pre{display:\u00a0none}",
    ".pre{display:none\u2003}",
    "\u00a0.pre{display:none}",
    "div\u00a0.pre,\x0b.pre{display:none}",
    ".pre{font-size:\u0660px;height:\u0660;overflow:hidden}",
    ".pre{display:none;a:url(a/*);display:block;b:url(*/b)}",
    "</style><style media='\u00a0screen'>.pre{display:none}",
    ".pre{/**/display/**/none}",
    ".pre{opacity:0} .pre{opacity:1}",
    ".pre{opacity:0} div.pre{opacity:1}",
    ".pre{opacity:0} div{opacity:1!important}",
    ".pre{display:none}" + ".z{display:none}" * 3_000 + ".pre{display:block}",
    ".pre{display:none}" + " " * 65_000 + ".pre{display:block}",
    ".pre{display:none}</style><style>.pre{display:block!important}",
    ".pre{display:block!important}</style><style>.pre{display:none}",
    "</style><style type=text/x>.pre{display:none}",
)


@pytest.mark.parametrize("sheet", SHOWN_AGAIN)
def test_what_a_browser_shows_is_read(sheet: str) -> None:
    element = '<div class="a pre">text</div>'
    assert text_from_html(f"<style>{sheet}</style>{element}") == "text"
    assert text_from_html(f"{element}<style>{sheet}</style>") == "text"


@pytest.mark.parametrize("hiding", ["style='display:none'", "hidden"])
def test_a_rule_shows_what_the_element_itself_hides(hiding: str) -> None:
    element = f"<div class=pre {hiding}>text</div>"
    assert text_from_html(f"{element}<style>.pre{{display:block!important}}</style>") == "text"
    assert not text_from_html(f"{element}<style>.b{{display:block!important}}</style>")


@pytest.mark.parametrize(
    "style",
    [
        "display:block!important;display:none",
        "display:none;" + "color:red;" * 100 + "display:block",
        "background:url(;display:none;)",
        "/*;display:none;*/",
        "quotes:';display:none;'",
        "opacity:0xyz",
        "display:\u00a0none",
        "display\u2003:none",
        "display:none\x0b",
        "font-size:\u0660px",
        "display:none;d\\69splay:block",
        "visibility:hidden;v\\69sibility:visible",
        "font-size:0;f\\6fnt-size:20px",
        "x:{;display:none;}",
        "x:[;display:none;]",
        "a:url((;display:none;b:url()",
        "display:none;a:url(a/*);display:block;b:url(*/b)",
        "display:none;a:url(a'b);display:block;b:url(c'd)",
    ],
)
def test_what_a_style_shows_is_read(style: str) -> None:
    assert text_from_html(f'<p style="{style}">text</p>') == "text"


@pytest.mark.parametrize(
    "element",
    [
        "<div class='a\u00a0pre'>",
        "<div class='a\x0bpre'>",
        "<div id=' one'>",
        "<div\u00a0style=display:none>",
        "<div\u00a0hidden>",
        "<div class='pre " + "a " * 50 + "shown'>",
        "<div class=pre style='d\\69splay:block'>",
        "<div hidden style='d\\69splay:block'>",
    ],
)
def test_white_space_that_css_does_not_know_hides_nothing(element: str) -> None:
    sheet = "<style>.pre,#one{display:none} .shown{display:block!important}</style>"
    assert text_from_html(f"{sheet}{element}text</div>") == "text"


def test_what_is_shown_by_an_element_itself_is_seen() -> None:
    markup = '<style>.m{display:none}</style><p class=m style="display:block">yes</p>'
    assert text_from_html(markup) == "yes"


def test_columns_within_a_table_without_font_size_are_shown() -> None:
    """Newsletters set the size to nothing to close the gaps between the columns."""
    columns = '<div style="font-size:14px">left</div><div style="font-size:14px">right</div>'
    assert text_from_html(f'<td style="font-size:0">gap{columns}</td>') == "left\nright"


def test_a_button_that_outlook_draws_itself_is_shown() -> None:
    assert text_from_html('<a style="mso-hide:all" href="#">Pay</a>') == "Pay"


def test_the_words_alone_have_no_signs_or_targets() -> None:
    markup = (
        "<ol><li>one <s>two</s></ol><a href='https://x.test'>three</a><img alt=no>"
        "<input type=checkbox>"
    )
    assert HtmlReader().text(markup, words_only=True) == "one two\n\nthree"


ELEMENTS = (
    "a",
    "abbr",
    "address",
    "article",
    "b",
    "big",
    "blockquote",
    "button",
    "caption",
    "center",
    "cite",
    "code",
    "details",
    "div",
    "dl",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "header",
    "i",
    "ins",
    "label",
    "legend",
    "main",
    "mark",
    "menu",
    "nav",
    "noscript",
    "object",
    "ol",
    "p",
    "pre",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "textarea",
    "th",
    "tr",
    "tt",
    "u",
    "ul",
    "video",
    "x-unknown",
    "o:p",
)
"""Without dd, dt and li, which end the hidden element that they are in (HTML §13.2.6.4.7)."""
HIDERS = ('style="display:none"', "hidden", 'style="mso-hide:all;display:none"')


@st.composite
def pieces(draw: st.DrawFn, depth: int = 0) -> tuple[str, list[str], list[str]]:
    """Some markup, the words in it that are seen, and those that are not."""
    markup, seen, unseen = "", [], []
    for _ in range(draw(st.integers(1, 3))):
        word = f"w{draw(st.integers(0, 10**6))}"
        markup += f" {word} "
        seen.append(word)
        if depth < 4:
            inner, shown, hidden = draw(pieces(depth + 1))
            name = draw(st.sampled_from(ELEMENTS))
            if name == "textarea":
                inner, shown, hidden = " ".join(shown), shown, []
            if draw(st.booleans()) and name == "div":
                hides = draw(st.sampled_from(HIDERS))
                markup += f"<{name} {hides}>{inner}</{name}>"
                unseen += shown + hidden
            else:
                closed = draw(st.booleans()) or name in ("textarea", "table", "div")
                markup += f"<{name}>{inner}" + (f"</{name}>" if closed else "")
                seen += shown
                unseen += hidden
    return markup, seen, unseen


@settings(max_examples=examples(30), deadline=None)
@given(pieces())
def test_no_word_is_lost_and_no_hidden_one_is_shown(
    piece: tuple[str, list[str], list[str]],
) -> None:
    markup, seen, unseen = piece
    words = [word.strip("~|•><") for word in text_from_html(markup).replace("~~", " ").split()]
    for word in seen:
        assert word in words
    for word in set(unseen) - set(seen):
        assert word not in words


@settings(max_examples=examples(40), deadline=None)
@given(st.text(alphabet="<>/!-\"'= abpdivtr&#;x0\n", max_size=200))
def test_any_markup_is_read(markup: str) -> None:
    text_from_html(markup)


COSTLY = {
    "elements in each other": "<div>" * 33_000,
    "crossed tags": "<b a=1>" * 6_000 + "<div>" * 6_000 + "</b>" * 13_000,
    "tables in each other": "<table><tr><td>x" * 10_000,
    "long cells in each other": "<table><tr><td>a<td>" * 5_000 + "<ul><li>" + "x" * 400_000,
    "items in each other": "<ul><li>x" * 16_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(20_000)) + ">x",
    "open quotes": "<a ='" * 33_000 + ">",
    "angles": "<" * 166_000 + ">",
    "marks of quotes": "<div id=divRplyFwdMsg>From: a@b<div>" * 12_000,
    "rules of a style": "<style>" + ".a{display:none}" * 4_000 + "</style><p class=a>x" * 3_000,
    "braces of a style": "<style>none" + "{" * 65_000 + "</style>",
    "a style without braces": "<style>none" + "a " * 32_000,
    "comments of a style": "<style>none" + "/*" * 32_000 + "</style>",
    "titles": "<title>" * 23_000,
    "numbers": "&#" + "9" * 166_000 + ";",
}  # fmt: skip


@pytest.mark.parametrize("case", COSTLY)
def test_the_time_is_linear_in_any_markup(case: str) -> None:
    began = time.process_time()
    text_from_html(COSTLY[case])
    assert time.process_time() - began < 2.5


def test_beyond_the_limit_the_tags_are_removed_without_a_loss() -> None:
    words = [f"w{n}" for n in range(60_000)]
    markup = "".join(f"<p class=a>{word}</p>" for word in words)
    assert text_from_html(markup).split() == words


def test_more_tags_than_the_event_loop_has_time_for_are_not_read_there() -> None:
    reader = HtmlReader(most_tags=10)
    reader.text("<b>x</b>" * 4)
    with pytest.raises(TooManyTagsError):
        reader.text("<b>x</b>" * 2)
