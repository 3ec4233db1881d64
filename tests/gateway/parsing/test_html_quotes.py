"""Quotes and signatures are known by the marks of the clients, in any language; what the author
wrote is never hidden."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.html_text import HtmlReader, text_from_html
from gateway.parsing.html_view import view_of_body
from rules.mail import Body
from rules.mail.quoting import REPLY_MARK, own_text, published, visible
from tests.examples import examples

ASKED = "<p>Является ли насос включённым?</p><p>Сэм</p>"
LINE = "У пт, 20 лист. 2026 р. о 08:01 Сем &lt;sam@help.test&gt; ---:"
HEADER = (
    "<b>Odosielateľ:</b> Sam &lt;sam@help.test&gt;<br><b>Odoslané:</b> 20. november 2026 8:01<br>"
    "<b>Komu:</b> Ann<br><b>Predmet:</b> Čerpadlo"
)

REPLIES = {
    "Gmail": (
        '<div dir="ltr">It runs.</div><br><div class="gmail_quote gmail_quote_container">'
        f'<div dir="ltr" class="gmail_attr">{LINE}<br></div><blockquote class="gmail_quote" '
        f'style="margin:0 0 0 .8ex;border-left:1px #ccc solid">{ASKED}</blockquote></div>'
    ),
    "Gmail without a class for the line": (
        f'It runs.<div class="gmail_quote">Sam kirjoitti:<br><blockquote>{ASKED}</blockquote></div>'
    ),
    "Outlook on the web": (
        '<div class="elementToProof">It runs.</div><div id="appendonsend"></div><hr tabindex="-1">'
        f'<div id="divRplyFwdMsg" dir="ltr">{HEADER}</div><div>{ASKED}</div><p>more of it</p>'
    ),
    "Outlook, quoted by Outlook": f'It runs.<div id="x_divRplyFwdMsg">{HEADER}</div>{ASKED}',
    "Outlook, quoted by Gmail": (
        f'It runs.<div id="gmail-m_-41840divRplyFwdMsg">{HEADER}</div>{ASKED}'
    ),
    "Outlook for Windows": (
        '<div class="WordSection1"><p class="MsoNormal">It runs.</p><div><div style="border:none;'
        f'border-top:solid #E1E1E1 1.0pt;padding:3pt 0cm"><p class="MsoNormal">{HEADER}</p></div>'
        f'</div><p class="MsoNormal">{ASKED}</p></div>'
    ),
    "Outlook for Mac": (
        'It runs.<div style="border:none;border-top:solid #B5C4DF 1.0pt">'
        f"<p>{HEADER}</p></div><div>{ASKED}</div>"
    ),
    "Outlook for iOS": (
        'It runs.<div id="mail-editor-reference-message-container"><hr>'
        f"<div>{HEADER}</div><div>{ASKED}</div></div>"
    ),
    "Apple Mail": (
        f'It runs.<div><br><blockquote type="cite"><div>{LINE}</div><br>'
        f"<div>{ASKED}</div></blockquote></div><br>"
    ),
    "Yahoo": (
        '<div>It runs.</div><div id="yahoo_quoted_42" class="yahoo_quoted">'
        f"<div>{LINE}</div><div>{ASKED}</div></div>"
    ),
    "Thunderbird": (
        f'<p>It runs.</p><div class="moz-cite-prefix">{LINE}<br></div>'
        f'<blockquote type="cite" cite="mid:1">{ASKED}</blockquote>'
    ),
    "Proton": (
        '<div>It runs.</div><div class="protonmail_quote">Sam (pátek):<br><blockquote '
        f'class="protonmail_quote" type="cite">{ASKED}</blockquote><br></div>'
    ),
    "Zoho": (
        '<div>It runs.</div><div class="zmail_extra"><div>---- Sam, петак ---</div>'
        f'<blockquote id="blockquote_zmail">{ASKED}</blockquote></div>'
    ),
    "GMX": (
        f'<div>It runs.</div><div name="quote" style="border-left:2px solid">{HEADER}'
        f'<div name="quoted-content">{ASKED}</div></div>'
    ),
    "Samsung": (
        "<div>It runs.</div><!-- originalMessage --><div>-------- Оригінал --------</div>"
        f"<div>{HEADER}</div>{ASKED}"
    ),
    "a line and a bare blockquote": (
        f"<div>It runs.</div><div>{LINE}</div><blockquote>{ASKED}</blockquote>"
    ),
    "Outlook Express": (
        '<DIV>It runs.</DIV><BLOCKQUOTE style="BORDER-LEFT: #000000 2px solid"><DIV>----- '
        f"Pôvodná správa -----</DIV>{HEADER}{ASKED}</BLOCKQUOTE>"
    ),
    "eM Client": (
        f"<div>It runs.</div><div>------ Pôvodná správa ------<br>{HEADER}</div>"
        f'<blockquote type="cite" class="cite2">{ASKED}</blockquote>'
    ),
    "Zimbra": (
        f'<div>It runs.</div><div data-marker="__HEADERS__">{HEADER}</div>'
        f'<div data-marker="__QUOTED_TEXT__">{ASKED}</div>'
    ),
    "Front": f'It runs.<blockquote type="cite" class="front-blockquote">{ASKED}</blockquote>',
}


@pytest.mark.parametrize("client", REPLIES)
def test_a_reply_shows_what_its_author_wrote_in_any_language(client: str) -> None:
    text = text_from_html(REPLIES[client])
    lines = text.split("\n")

    assert visible(text).text == own_text(text) == "It runs."
    assert "> Является ли насос включённым?" in lines
    assert lines[:3] == ["It runs.", "", ">"]
    assert all(line.startswith(">") for line in lines[2:] if line)


@pytest.mark.parametrize("client", REPLIES)
def test_a_reply_of_staff_publishes_nothing_that_it_quotes(client: str) -> None:
    assert published(text_from_html(REPLIES[client]), REPLY_MARK) == "It runs."


BETWEEN = {
    "Gmail": (
        f'<div class="gmail_quote"><div class="gmail_attr">{LINE}</div><blockquote '
        'class="gmail_quote">q1</blockquote><div>a1</div><blockquote class="gmail_quote">q2'
        "</blockquote><div>a2</div></div>"
    ),
    "Thunderbird": (
        f'<p>see below</p><div class="moz-cite-prefix">{LINE}</div><blockquote type="cite">q1'
        '</blockquote>a1<blockquote type="cite">q2</blockquote><p>a2</p>'
    ),
    "Apple Mail": (
        f'<blockquote type="cite"><div>{LINE}</div>q1</blockquote><div>a1</div>'
        '<blockquote type="cite">q2</blockquote><div>a2</div>'
    ),
    "Proton, below": (
        f'<div class="protonmail_quote">{LINE}<blockquote class="protonmail_quote" type="cite">q1'
        "</blockquote><div>a1</div><div>a2</div></div>"
    ),
}


@pytest.mark.parametrize("client", BETWEEN)
def test_answers_between_and_below_quotes_are_shown(client: str) -> None:
    text = text_from_html(BETWEEN[client])
    shown = visible(text)

    assert shown.hidden == ""
    assert {"a1", "a2"} <= set(shown.text.split("\n"))
    assert not {"q1", "q2"} & set(text.split("\n"))


OWN = {
    "indented": '<p>Hello</p><blockquote style="margin:0 0 0 40px;border:none">mine</blockquote>',
    "set off by the author": (
        '<p>It says:</p><blockquote class="gmail_quote" style="border-left:1px solid #ccc">mine'
        "</blockquote>"
    ),
    "a sentence about somebody": (
        "<p>our user bob@x.test wrote yesterday:</p><blockquote>mine</blockquote>"
    ),
    "nothing but a quote": f'<blockquote type="cite"><p>{LINE}</p><p>mine</p></blockquote>',
    "a form below a line": (
        'Hello<div style="border-top:solid #E1E1E1 1pt">Room 17<br>Floor 2: mine</div>below'
    ),
    "forwarded by Gmail": (
        '<p>fyi</p><div class="gmail_quote"><div class="gmail_attr">---- Πρώην μήνυμα ----<br>'
        f"{HEADER}</div><p>mine</p><blockquote type=cite>older</blockquote></div>"
    ),
    "forwarded by Thunderbird": (
        f'<div class="moz-forward-container">{HEADER}<p>mine</p></div>'
    ),
    "only a signature": '<div class="gmail_signature">mine</div>',
    "below a signature": 'Hello<div class="gmail_signature">Ann</div><p>mine</p>',
    "a long signature": (
        f'Hello<div class="gmail_signature">{"<br>".join(f"mine {n}" for n in range(20))}</div>'
    ),
    "below what is quoted in an element of its own": (
        f"<div>Hello</div><div><div id=divRplyFwdMsg>{HEADER}</div>{ASKED}</div><p>mine</p>"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OWN)
def test_what_its_author_wrote_is_not_marked_as_quoted(case: str) -> None:
    lines = text_from_html(OWN[case]).split("\n")
    assert any(line.startswith("mine") or line.endswith(" mine") for line in lines)
    assert "-- " not in lines


@pytest.mark.parametrize("case", OWN)
def test_the_html_hides_no_more_than_the_text(case: str) -> None:
    markup = OWN[case]
    view = view_of_body(Body(text_from_html(markup), markup, False, ()))
    assert "mine" in view.html


@pytest.mark.parametrize("client", REPLIES)
def test_the_html_folds_what_the_text_quotes(client: str) -> None:
    view = view_of_body(Body("", REPLIES[client], False, ()))
    assert "It runs." in view.html
    assert "насос" in view.quoted
    assert "Сэм" not in view.html


def test_a_line_that_the_text_shows_is_not_folded_with_the_quote_below_it() -> None:
    markup = "<p>It runs.</p><div class=gmail_quote>Sam, Monday<blockquote>Old</blockquote></div>"
    view = view_of_body(Body(text_from_html(markup), markup, False, ()))
    assert ("Sam, Monday" in view.html, "Old" in view.quoted) == (True, True)


@pytest.mark.parametrize("client", BETWEEN)
def test_the_html_shows_answers_between_quotes(client: str) -> None:
    markup = f"<p>Hello</p>{BETWEEN[client]}"
    view = view_of_body(Body(text_from_html(markup), markup, False, ()))
    assert "a1" in view.html
    assert "a2" in view.html


def test_of_a_mail_that_forwards_another_nothing_is_marked() -> None:
    text = HtmlReader(quotes=False).text(REPLIES["Outlook on the web"])
    assert ">" not in text.replace("<sam@help.test>", "")


@pytest.mark.parametrize(
    "signature",
    [
        '<div class="gmail_signature" data-smartmail="gmail_signature">Ann<br>Acme</div>',
        '<div id="Signature"><p>Ann</p><p>Acme</p></div>',
        '<div id="ms-outlook-mobile-signature">Hankige Outlook iOS-ile</div>',
        '<div class="moz-signature">-- <br>Ann</div>',
        '<pre class="moz-signature">-- \nAnn</pre>',
        '<span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">Ann</div>',
        '<div class="protonmail_signature_block">Ann</div>',
    ],
)
@pytest.mark.parametrize("client", [None, *REPLIES])
def test_a_signature_is_hidden(signature: str, client: str | None) -> None:
    before, _, quoted = (REPLIES[client] if client else "It runs.").partition("It runs.")
    text = text_from_html(f"{before}It runs.<br>{signature}{quoted}")
    assert visible(text).text == "It runs."
    assert text.split("\n").count("-- ") == 1


QUOTES = (
    '<blockquote type="cite">{}</blockquote>',
    '<div class="yahoo_quoted">{}</div>',
    f'<div class="gmail_quote"><div class="gmail_attr">{LINE}</div><blockquote>{{}}</blockquote>',
    f'<div class="moz-cite-prefix">{LINE}</div><blockquote type="cite">{{}}</blockquote>',
    f'<div><div id="divRplyFwdMsg">{HEADER}</div><p>{{}}</p></div>',
)
PLAIN = ("<p>{}</p>", "<div>{}</div>", "<b>{}</b><br>", "<ul><li>{}</ul>", "<dl><dd>{}</dl>")


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=8))
def test_quotes_are_marked_and_own_words_never(blocks: list[tuple[bool, int]]) -> None:
    own = [f"own{n}" for n, (quoted, _) in enumerate(blocks) if not quoted]
    markup = "".join(
        (QUOTES if quoted else PLAIN)[form].format(f"their{n}" if quoted else f"own{n}")
        for n, (quoted, form) in enumerate(blocks)
    )
    lines = text_from_html(markup).split("\n")
    marked = " ".join(line for line in lines if line.startswith(">"))
    others = " ".join(line for line in lines if not line.startswith(">")).split()

    assert "own" not in marked
    for word in own:
        assert word in others
    if own:
        assert not any(word.startswith("their") for word in others)
