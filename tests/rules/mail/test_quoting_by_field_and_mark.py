"""Quotes that clients introduce without a name, a colon or a header of their own."""

from __future__ import annotations

import pytest

from rules.mail.forwards import forwarded_mail
from rules.mail.quoting import REPLY_MARK, is_forward, published, visible
from rules.mail.wordings.attributions import ATTRIBUTIONS
from rules.mail.wordings.separators import FORWARD_PREFIXES, ORIGINAL
from rules.mail.wordings.you_wrote import YOU_WROTE
from tests.rules.mail.client_wordings import OUTLOOK, outlook_block

OWN = "It still leaks.\n\nAnn"
PRIVATE = "Ann exaggerates, says the desk.\n\nSam"
DESK = "Sam Winter <support+aebagbafaydqqcikbmga2dqpcaireeyuculb@desk.example>"
QUOTED = "> Ann exaggerates, says the desk.\n>\n> Sam"
INITIALS = "SW> Ann exaggerates, says the desk.\nSW>\nSW> Sam"
CYRILLIC = INITIALS.replace("SW", "СВ")
VERBS = {
    "de": "schrieb:",
    "en": "wrote:",
    "es": "escribió:",
    "fr": "a écrit\xa0:",
    "it": "ha scritto:",
    "ja": "さんは書きました:",
    "nl": "schreef:",
    "pl": "napisał(a):",
    "pt": "escreveu:",
    "ru": "написал(а):",
    "tr": "yazdı:",
    "zh": "写道：",
}
PRESENT = (
    "Sam Winter пишет 20.11.2026 08:01:",
    "Sam Winter пише 20.11.2026 08:01:",
    "Sam Winter writes on 20/11/2026 08:01:",
    "Sam Winter schreibt am 20.11.26 um 08:01:",
    "Sam Winter écrit le 20/11/2026 08:01 :",
    "Sam Winter escribe el 20/11/2026 8:01:",
    "Sam Winter scrive il 20/11/2026 08:01:",
    "Sam Winter schrijft op 20-11-2026 08:01:",
    "Sam Winter skriver den 20.11.2026 08:01:",
    "Sam Winter píše 20. 11. 2026 8:01:",
    "Sam Winter napisał(a) 20.11.2026 08:01:",
    "Sam Winter γράφει στις 20/11/2026 08:01:",
    "Sam Winter yazdı 20.11.2026 08:01:",
    "Sam Winter 写道 2026/11/20 08:01:",
)


def assert_own_words_alone(*quotes: str) -> None:
    """Each quote is hidden, and published neither below own words nor above an answer."""
    shown = {quote: visible(f"{OWN}\n\n{quote}").text for quote in quotes}
    sent = {quote: published(f"{OWN}\n\n{quote}", REPLY_MARK) for quote in quotes}
    above = {quote: published(f"{quote}\n\nSee above.", REPLY_MARK) for quote in quotes}

    assert shown == dict.fromkeys(quotes, OWN)
    assert sent == dict.fromkeys(quotes, OWN)
    assert [quote for quote, text in above.items() if "exaggerates" in text] == []


# Prefixes of subjects


@pytest.mark.parametrize("language", ["fi", "et"])
def test_the_prefix_of_a_forward_is_that_of_a_reply_in_finnish_and_estonian(language: str) -> None:
    text = f"{OWN}\n\n{outlook_block(language)}\n\n{PRIVATE}"

    assert not is_forward("VS: Pumppu", text)
    assert not is_forward("Vs: Pumppu", text.replace("\n", "\r\n"))
    assert visible(text, forwarded=is_forward("VS: Pumppu", text)).text == OWN
    assert forwarded_mail("VS: Pumppu", text) is None


def test_so_it_is_above_a_finnish_attribution() -> None:
    assert not is_forward(
        "VS: x", f"{OWN}\n\nSam Winter kirjoitti 20.11.2026 klo 8.01:\n\n{QUOTED}"
    )


@pytest.mark.parametrize("language", [each for each in OUTLOOK if each not in ("fi", "et")])
def test_in_every_other_language_it_is_a_forward(language: str) -> None:
    text = f"{OWN}\n\n{outlook_block(language)}\n\n{PRIVATE}"
    below = f"{text}\n\n{outlook_block('fi')}"  # of an earlier mail

    assert is_forward("VS: Pumpe", text)
    assert is_forward("VS: Pumpe", below)
    assert is_forward("VS: Pumpe")


@pytest.mark.parametrize("prefix", sorted(FORWARD_PREFIXES - {"vs"}))
def test_no_other_prefix_has_two_meanings(prefix: str) -> None:
    assert is_forward(f"{prefix.upper()}: x", outlook_block("fi"))


@pytest.mark.parametrize(
    "prefix", ["Re", "AW", "SV", "R", "RIF", "Odp", "Antw", "RES", "YNT", "Vá", "ΑΠ", "BLS", "ATB"]
)
def test_the_prefix_of_a_reply_is_none_of_a_forward(prefix: str) -> None:
    assert not is_forward(f"{prefix}: x", outlook_block("nb"))


# Notes


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
@pytest.mark.parametrize("who", [DESK, "Sam Winter/Desk", '"Sam" <sam@desk.example>'])
def test_the_line_of_notes_between_dashes_hides_all_below(who: str, verb: str) -> None:
    block = f"To: ann@acme.example\nFrom: {who}\nDate: 20.11.2026 08:01\nSubject: Re: Pump"

    for line in (
        f"-----{who} {verb} -----",
        f"-----{who}\n{verb} -----",
        f"-----{who} {verb}-----",
    ):
        assert_own_words_alone(f"{line}\n{block}\n\n{PRIVATE}")
        assert_own_words_alone(f"{line}\n\n{PRIVATE}")


# eM Client


@pytest.mark.parametrize(
    "rule", ["", "------ Original Message ------\n", "------ Xyz Abc ------\n"]
)
def test_a_block_without_colons_hides_all_below(rule: str) -> None:
    blocks = [
        f'{sender} "Sam Winter" <sam@desk.example>\n{to} "Ann" <ann@acme.example>\n'
        f"{date} 20.11.2026 08:01:45\n{subject} Re: Pump"
        for sender, date, to, subject in (
            [each.strip("\xa0") for each in names] for names in OUTLOOK.values()
        )
    ]

    assert_own_words_alone(*(f"{rule}{block}\n\n{PRIVATE}" for block in blocks))


def test_the_words_of_any_client_do_above_such_a_block() -> None:
    block = 'From "Sam Winter" <sam@desk.example>\nTo "Ann" <ann@acme.example>'
    written = [
        form
        for words in sorted(ORIGINAL)
        for form in (words, words.upper() if "ß" not in words else words, words.title())
    ]

    assert_own_words_alone(*(f"------ {each} ------\n{block}\n\n{PRIVATE}" for each in written))


def test_the_turkish_letter_is_one_in_capitals_too() -> None:
    block = 'Kimden "Sam" <sam@desk.example>\nKime "Ann" <ann@acme.example>'
    for words in ("Orijinal İleti", "ORİJİNAL İLETİ", "Özgün İleti", "İlk Mesaj"):
        assert_own_words_alone(f"------ {words} ------\n{block}\n\n{PRIVATE}")


@pytest.mark.parametrize(
    "text",
    [
        "From Berlin to Hamburg we need two seats.\nTo Hamburg it is far.\nDate is the 20th.",
        "De l'eau sort.\nA quelle date venez-vous ?\nObjet perdu.",
        "From bob@acme.example came the part.\nIt fits.\nThe pump runs.",
        "To Ann\nFrom Bob\nDate tomorrow",
    ],
)
def test_sentences_that_begin_like_fields_stay(text: str) -> None:
    assert visible(text).lines == ()
    assert published(text, REPLY_MARK) == text


# The Bat, Postbox


@pytest.mark.parametrize("quote", [QUOTED, INITIALS, CYRILLIC], ids=["marks", "latin", "cyrillic"])
def test_you_wrote_and_a_date_introduce_what_is_marked(quote: str) -> None:
    lines = [
        wording.replace("*", "").replace("{when}", "20.11.2026, 08:01:45") for wording in YOU_WROTE
    ]

    assert_own_words_alone(*(f"{line}:\n\n{quote}" for line in lines))
    assert_own_words_alone(*(f"{line} :\n{quote}" for line in lines))


def test_the_date_may_be_in_words() -> None:
    for line in (
        "vendredi 20 novembre 2026, 08:01:45, vous écriviez :",
        "Вы писали 20 ноября 2026 г., 8:01:45:",
        "viernes, 20 de noviembre de 2026, 8:01:45, usted escribió:",
    ):
        for quote in (QUOTED, CYRILLIC):
            assert_own_words_alone(f"{line}\n\n{quote}")


def test_wordings_without_a_name_are_in_the_table() -> None:
    assert set(YOU_WROTE) <= set(ATTRIBUTIONS)
    assert all("{who}" not in each for each in YOU_WROTE)


@pytest.mark.parametrize("line", PRESENT)
def test_a_name_and_a_date_around_the_verb_introduce_what_is_marked(line: str) -> None:
    assert_own_words_alone(f"{line}\n{QUOTED}")
    assert_own_words_alone(f"{line}\n\n{QUOTED}")


@pytest.mark.parametrize("line", PRESENT)
def test_above_unmarked_text_people_write_it_as_well(line: str) -> None:
    text = f"It leaks.\n\n{line}\n\nPump 3 is hot.\n\nPlease come."
    assert visible(text).text == text


# Answers below and between what is quoted


@pytest.mark.parametrize(
    "introduction",
    ["", *PRESENT, "Xyz 20.11.2026 foo bar:", f"{DESK} xyz:", "Am 20.11.26 um 08:01 schrieb Sam:"],
)
def test_nothing_that_is_marked_is_published_wherever_it_stands(introduction: str) -> None:
    above = f"{introduction}\n{QUOTED}".lstrip()
    for gap in ("\n", "\n\n"):
        text = f"{above}{gap}See above.\n\n{above}{gap}And here."
        assert published(text, REPLY_MARK) == ""
        own = published(f"Hello Ann,\n\n{text}", REPLY_MARK)
        assert own.split() in (
            ["Hello", "Ann,"],
            ["Hello", "Ann,", "See", "above.", "And", "here."],
        )


def test_the_rest_of_a_quoted_line_that_was_wrapped_is_not_published() -> None:
    long = "> Ann exaggerates, as we have all said of her before, and so does"
    text = f"Yes.\n\n{long} Bob, whom\nwe do not trust\n> either.\n\nPlease restart it."
    assert published(text, REPLY_MARK).split("\n\n") == ["Yes.", "Please restart it."]


def test_no_line_becomes_the_first_because_quoted_ones_above_it_are_left_out() -> None:
    for text in ("> Ann:\n#close\n\nDone.", "#priority high\n\n> Ann:\n#close\n\nDone."):
        assert "#close" not in published(text, REPLY_MARK)


# The words `Original Message` alone


@pytest.mark.parametrize("words", ["Original Message", "Ursprüngliche Nachricht", "原始邮件"])
@pytest.mark.parametrize(
    "below",
    [
        "and then nothing.\n\nPlease help.\n\nAnn",
        "The page is empty.\nSubject to change, we saw it twice.",
        "We wrote to info@vendor.example about it.",
        "1. Open it.\n2. Press print.",
    ],
)
def test_the_words_alone_hide_no_line_of_the_author(words: str, below: str) -> None:
    for gap in ("\n", "\n\n"):
        text = f"On every page stands{gap}-----{words}-----{gap}{below}"
        assert visible(text).text == text
        assert published(text, REPLY_MARK) == "On every page stands"


@pytest.mark.parametrize(
    "below",
    [
        outlook_block("da"),
        f"From: {DESK}\nDate: 20.11.2026",
        f"From: {DESK}",
        QUOTED,
        f"On Friday, November 20th, 2026 at 8:01 AM, {DESK} wrote:",
        f"Xyz: {DESK}\nAbc: Ann\nDef: 20.11.2026 08:01\nGhi: Pump",
        REPLY_MARK,
    ],
)
def test_they_hide_what_is_below_with_what_a_client_writes_there(below: str) -> None:
    for gap in ("\n", "\n\n"):
        assert_own_words_alone(f"-----Original Message-----{gap}{below}\n\n{PRIVATE}")
