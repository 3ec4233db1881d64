"""Thanks-only replies, which reopen nothing, and replies that must not be mistaken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.thanks import is_reaction, only_thanks


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "Thank you very much!",
        "Danke, passt",
        "Vielen Dank für die Hilfe",
        "merci",
        "C'est parfait, merci",
        "Muchas gracias",
        "Grazie mille",
        "È risolto, grazie",
        "Hartelijk dank",
        "Dank je wel",
        "Muito obrigado",
        "Obrigada, funcionou",
        "works now, thanks",
        "Perfect!",
        "Problem solved, thanks",
        "Thanks for your quick help",
        "Danke 👍🏼",
        "Thanks :-)",
        "👍",
        "👍🏽👍🏽",
        "🙏\n\nAnn",
        "✅ 🎉",
    ],
)
def test_a_few_words_of_thanks_or_success_are_only_thanks(text: str) -> None:
    assert only_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hi Sam,\n\nthanks!\n\nBest, Ann",
        "Hi Sam, thank you",
        "Hallo zusammen,\nvielen Dank!",
        "Guten Tag Herr Meier,\nherzlichen Dank",
        "Thanks,\nAnn",
        "Thanks Sam!",
        "Thank you very much, Sam",
        "Danke\n\nMit freundlichen Grüßen\nAnn Example",
        "Vielen Dank!\n\nLG\nAnn",
    ],
)
def test_greeting_closing_and_names_do_not_count(text: str) -> None:
    assert only_thanks(text)


def test_hidden_text_does_not_count() -> None:
    assert only_thanks("Thanks\n\nSent from my iPhone")
    assert only_thanks("Thanks\n\n-- \nAnn\nCorp, floor 3")
    assert only_thanks("Thanks!\n\nOn Mon, 5 Feb 2024, Sam <s@h.example> wrote:\n> still broken?")


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, still broken",
        "no, thanks, does not work",
        "Nothing works, thanks",
        "Works not",
        "Danke, geht nicht",
        "Merci, mais non",
        "Ne marche pas, merci",
        "No funciona, gracias",
        "Non funziona, grazie",
        "Werkt niet, bedankt",
        "Não funciona, obrigado",
        "Please reopen, thanks",
        "Help, thanks",
        "Thanks. Problem",
        "Thanks in advance",
        "Yes, thanks",
        "Is it fixed now, thanks",
        "Thanks :(",
        "Thanks 😡",
        "Thanks 404",
        "Thanks https://x.example",
        "thanks, see attached",
    ],
)
def test_any_other_word_makes_it_more_than_thanks(text: str) -> None:
    assert not only_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks\n\nBroken Again",
        "Thanks Broken",
        "Thanks, Not Working",
        "Danke\n\nKaputt",
        "Hi Server Down,\nthanks",
        "The server is down\n\nThanks",
        "Thanks\n\nBest, Ann\nPS: still broken",
    ],
)
def test_a_complaint_in_the_place_of_a_name_is_a_complaint(text: str) -> None:
    assert not only_thanks(text)


@pytest.mark.parametrize("text", ["Thanks?", "Thanks, works now?", "Danke, passt？"])
def test_a_question_is_not_only_thanks(text: str) -> None:
    assert not only_thanks(text)


def test_five_words_are_the_limit() -> None:
    assert only_thanks("thanks a lot, works again")
    assert not only_thanks("thanks a lot, it works again")


@pytest.mark.parametrize(
    "text", ["", "\n\n", "OK", "Hi Sam,", "Best, Ann", "> thanks", "👎", "😡", "🤔"]
)
def test_without_a_word_of_thanks_it_is_not_thanks(text: str) -> None:
    assert not only_thanks(text)


def test_an_answer_between_quoted_lines_is_not_thanks() -> None:
    assert not only_thanks("On 1 May 2024, Sam wrote:\n> Did it help\nthanks\n> Or not\nno")


@given(st.text(st.characters(exclude_characters="\n"), max_size=80))
def test_no_line_with_a_negation_is_thanks(text: str) -> None:
    assert not only_thanks(f"thanks {text} not")
    assert not only_thanks(f"not {text} thanks")


QUOTED_BY_OUTLOOK = """\
________________________________
From: Support <support@help.example>
Sent: Monday, November 30, 2026 9:00
To: Ann
Subject: [#7] Printer

It works."""


@pytest.mark.parametrize(
    "text",
    [
        "👍\n\nAnn Abel reacted via Gmail <https://www.google.com/gmail/about/?utm_source=x>\n",
        "👎\n\nAnn Abel reacted via Gmail",
        "❤️\n\nAnn Abel hat über Gmail reagiert <https://www.google.com/gmail/about/>",
        f"[like] Ann Abel reacted to your message:\n{QUOTED_BY_OUTLOOK}",
        "Ann Abel a réagi à votre message :",
    ],
)
def test_a_reaction_is_what_its_client_writes_for_it(text: str) -> None:
    assert is_reaction(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "👎",
        "Nobody reacted to your message: it is still broken.\nPlease call us.",
        "It is broken.\nAnn reacted via Gmail",
        "Nobody has reacted to your message.",
        f"{'Please look at the pump. ' * 5} Nobody reacted to your message:",
        "👍\nreacted via Gmail\nbut it is broken",
    ],
)
def test_with_words_of_the_author_it_is_none(text: str) -> None:
    assert not is_reaction(text)
