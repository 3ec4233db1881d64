"""What clients write above a quote is hidden with it, in every language, and nothing above it."""

from __future__ import annotations

import textwrap
import time
import tracemalloc
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.quoting import REPLY_MARK, HiddenKind, own_text, published, visible
from rules.mail.wordings.attributions import ATTRIBUTIONS
from rules.mail.wordings.header_names import FIELDS
from rules.mail.wordings.separators import ORIGINAL
from tests.rules.mail.client_wordings import (
    APPLE,
    GMAIL,
    MARKED,
    OTHERS,
    OUTLOOK,
    SAM,
    STYLES,
    YAHOO,
    outlook_block,
)

OWN = "It still leaks.\n\nAnn"
PRIVATE = "Ann exaggerates, says the desk.\n\nSam"
QUOTED = "> Ann exaggerates, says the desk.\n>\n> Sam"
LONG = "Service Desk of Example <support+aebagbafaydqqcikbmga2dqpcaireeyuculb@help.example>"
WHOLE = {
    f"{client} {language}": line
    for client, table in (
        ("Gmail", GMAIL),
        ("Apple Mail", APPLE),
        ("Yahoo", YAHOO),
        ("", OTHERS),
    )
    for language, line in table.items()
}
"""These hide what is below them even where it is not marked."""
LINES = {
    name: line
    for name, line in WHOLE.items()
    if "\n" not in line and SAM in line and name != " GroupWise"
}


def assert_own_words_alone(introductions: Iterable[str], below: str) -> None:
    read = {each: what_is_read(each, below) for each in introductions}

    assert read
    assert read == dict.fromkeys(read, (OWN, True, [HiddenKind.QUOTE], OWN, OWN))


def what_is_read(introduction: str, below: str) -> tuple[str, bool, list[HiddenKind], str, str]:
    """What is shown, whether the introduction is hidden, as what, and what else is made of it."""
    text = f"{OWN}\n\n{introduction}\n\n{below}"
    seen = visible(text)
    is_hidden = seen.hidden.startswith(introduction.partition("\n")[0])
    kinds = [kind for kind, _ in seen.lines]
    return seen.text, is_hidden, kinds, own_text(text), published(text, REPLY_MARK)


def test_the_tables_have_as_many_languages_as_clients_are_known_in() -> None:
    assert len(GMAIL) >= 50
    assert len(OUTLOOK) >= 40
    assert len(APPLE) >= 30
    assert len(OTHERS) + len(MARKED) >= 60


@pytest.mark.parametrize("below", [PRIVATE, QUOTED], ids=["unmarked", "marked"])
def test_what_only_a_client_writes_hides_all_below(below: str) -> None:
    assert_own_words_alone(WHOLE.values(), below)


def test_what_people_write_as_well_hides_what_is_marked_below() -> None:
    assert_own_words_alone(MARKED.values(), QUOTED)


@pytest.mark.parametrize("mark", ["SW>", "W>", "|"])
def test_a_quote_may_have_other_marks(mark: str) -> None:
    below = "\n".join(f"{mark} {line}" for line in PRIVATE.split("\n"))
    assert_own_words_alone([MARKED["The Bat"]], below)


@pytest.mark.parametrize("rule", [True, False])
@pytest.mark.parametrize("style", STYLES)
def test_the_block_of_outlook_hides_all_below(style: str, rule: bool) -> None:
    assert_own_words_alone([outlook_block(each, style, rule=rule) for each in OUTLOOK], PRIVATE)


@pytest.mark.parametrize("width", [60, 72, 78])
def test_an_attribution_may_be_wrapped(width: int) -> None:
    longs = [line.replace(SAM, LONG) for line in LINES.values()]
    wrapped = [
        "\n".join(
            textwrap.wrap(written, width, break_long_words=False, break_on_hyphens=False)
        ).replace("< ", "<")
        for long in longs
        for written in (long, long.replace(" <", " < "))  # Gmail wraps behind the bracket
    ]
    assert shown_below(wrapped) == dict.fromkeys(wrapped, (OWN, OWN))


def shown_below(introductions: Iterable[str]) -> dict[str, tuple[str, str]]:
    """What is shown and published of own words above each introduction and its quote."""
    texts = {each: f"{OWN}\n\n{each}\n\n{PRIVATE}" for each in introductions}
    return {each: (visible(text).text, published(text, REPLY_MARK)) for each, text in texts.items()}


@pytest.mark.parametrize(
    "who",
    [
        "sam <sam@desk.example>",
        "<sam@desk.example>",
        '"Winter, Sam (Desk)" <sam@desk.example>',
        "'Sam' via Support <support@desk.example>",
        "山田太郎 <sam@desk.example>",
        "Sam Winter [mailto:sam@desk.example]",
        "Sam Winter <sam@desk.example<mailto:sam@desk.example>>",
        "sam@desk.example <sam@desk.example>",
        "Desk 24x7 <sam@desk.example>",
        "Sam Winter - Desk, Inc. <sam@desk.example>",
        "Sam from the Service Desk <sam@desk.example>",
    ],
)
def test_a_name_may_be_written_in_many_ways(who: str) -> None:
    for line in LINES.values():
        text = f"{OWN}\n\n{line.replace(SAM, who)}\n\n{PRIVATE}"
        assert (visible(text).text, published(text, REPLY_MARK)) == (OWN, OWN), text


@pytest.mark.parametrize(
    "done",
    [
        lambda line: "\n".join(f"> {each}" for each in line.split("\n")),
        lambda line: "\n".join(f"> > {each}" for each in line.split("\n")),
        lambda line: line.replace(" ", "\xa0"),
        lambda line: line if ">>>" in line or "\n" in line else f"*{line}*",
        lambda line: line.replace("\n", "\r\n"),
    ],
    ids=["marked", "marked twice", "spaces that do not break", "bold", "Windows lines"],
)
def test_nothing_of_a_quote_is_published_whatever_is_done_to_it(done: Callable[[str], str]) -> None:
    written = [done(line) for line in WHOLE.values()]
    shown = {each: published(f"{OWN}\n\n{each}\n\n{PRIVATE}", REPLY_MARK) for each in written}
    assert shown == dict.fromkeys(written, OWN)


@pytest.mark.parametrize(
    ("before", "own"),
    [
        ("It leaks. ", "It leaks."),
        ("It leaks. Thanks! ", "It leaks. Thanks!"),
        ("Yes please--- ", "Yes please"),
        ("Thanks, Ann -- ", "Thanks, Ann"),
    ],
)
def test_an_attribution_may_follow_the_text_on_its_line(before: str, own: str) -> None:
    line = GMAIL["en"]
    for written in (line, line.replace(" wrote", "\nwrote")):
        found = visible(f"Hello,\n\n{before}{written}\n\n> Is it on?")
        assert found.text == f"Hello,\n\n{own}"
        assert "Is it on?" in found.hidden
        assert published(f"Hello,\n\n{before}{written}\n\n> x", REPLY_MARK) == f"Hello,\n\n{own}"


def test_a_quote_at_the_beginning_is_hidden_where_one_answer_is_below() -> None:
    text = f"{GMAIL['en']}\n\n> Is it on?\n> Sam\n\nIt is on.\n\n-- \nAnn"
    seen = visible(text)
    assert seen.text.strip() == "It is on."
    assert seen.hidden_above.startswith("On Fri")
    assert dict(seen.lines) == {HiddenKind.QUOTE: 3, HiddenKind.SIGNATURE: 2}


@pytest.mark.parametrize("introduction", [GMAIL["ja"], APPLE["de"], outlook_block("tr")])
def test_a_quote_may_have_its_introduction_inside(introduction: str) -> None:
    quote = "\n".join(f"> {line}" for line in f"{introduction}\n\nIs it on?".split("\n"))
    assert visible(f"{quote}\n\nIt is on.").text.strip() == "It is on."
    assert visible(f"Hello,\n\n{quote}\n\nIt is on.").lines == ()


@pytest.mark.parametrize("above", ["It leaks.", "See below:"])
def test_a_quote_of_html_needs_no_words_of_a_client(above: str) -> None:
    assert visible(f"{above}\n\n>\n> blah 2026 blah:\n> is it on").text == above


def test_hidden_lines_are_counted_by_their_kind() -> None:
    text = f"It is on.\n\nSent from my iPhone\n\n-- \nAnn\nAcme\n\n{GMAIL['de']}\n\n> x\n>\n> y"
    seen = visible(text)
    assert seen.text == "It is on."
    assert seen.lines == (
        (HiddenKind.QUOTE, 4),
        (HiddenKind.SIGNATURE, 3),
        (HiddenKind.CLIENT_LINE, 1),
    )
    assert (seen.hidden_lines, seen.hidden_kinds) == (8, "quoted text, signature, client line")
    assert visible("It is on.").lines == ()


def test_white_space_before_a_quote_in_the_same_line_costs_little() -> None:
    introduction = "On Mon, Nov 30, 2026 at 8:01 AM Ann <a@b.test> wrote:"
    began = time.thread_time()
    seen = visible(f"It works{' ' * 50_000}now. {introduction}\n\n> It is off.\n")
    assert time.thread_time() - began < 1  # each space by itself: 2.5 s
    assert (seen.text.split(), seen.hidden.split()[:2]) == (["It", "works", "now."], ["On", "Mon,"])


def test_of_millions_of_hidden_lines_no_list_is_made() -> None:
    text = "It is on.\n\n-----Original Message-----\n" + "From: Ann\n" * 400_000
    tracemalloc.start()
    try:
        seen = visible(text)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(text)
    finally:
        tracemalloc.stop()
    assert (seen.text, seen.hidden_lines) == ("It is on.", 400_001)


def test_the_tables_are_well_formed() -> None:
    for wording in ATTRIBUTIONS:
        assert wording.count("*") in (2, 4), wording
        assert wording.count("{who}") <= 1, wording
        assert not wording.endswith((":", " ")), wording
    for names in (*FIELDS, ORIGINAL):
        assert all(name and name == name.strip() == name.casefold() for name in names)


plain_words = st.text("abcdefghij ÄÖÜéñ漢字кирил.,!?\n", min_size=1).filter(
    lambda text: text.strip()
)
attributions = st.sampled_from([*WHOLE.values(), *MARKED.values()])


@given(plain_words, attributions, plain_words)
def test_own_words_above_any_attribution_are_exactly_what_is_shown(
    own: str, attribution: str, quoted: str
) -> None:
    below = "\n".join(f"> {line}" for line in quoted.split("\n"))
    text = f"{own.strip()}\n\n{attribution}\n\n{below}"

    assert visible(text).text == own.strip()
    assert published(text, REPLY_MARK) == own.strip()


@given(plain_words)
def test_own_words_without_any_of_these_are_all_shown(own: str) -> None:
    assert visible(own).text == own
    assert published(own, REPLY_MARK) == own.strip()
