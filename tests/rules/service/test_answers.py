"""Answers: what a reply states, read together with the questions that it answers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.policy import FactSection
from rules.service.answers import answered, own_words
from tests.rules.building import preset

FACTS = preset("stakater").completeness.facts
ASK = {fact.name: fact.ask for fact in FACTS}
ALL = tuple(fact.name for fact in FACTS if not fact.if_applicable)
ENVIRONMENT, IMPACT, CHANGES = "environment", "impact", "recent changes"
WROTE = "On Mon, 6 Jul 2026 at 10:00, Support <support@help.example> wrote:"


def quoted(*names: str) -> str:
    """The acknowledgement with the questions about these facts, as a client quotes it."""
    asked = "\n".join(f"> * {ASK[name]}" for name in names)
    return (
        f"{WROTE}\n\n> To help you, we still need the following information:\n>\n{asked}\n>\n"
        "> To add information, reply to this email.\n>\n> -- \n> Support"
    )


# Own words


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (f"Production.\n\n{quoted(IMPACT)}", "Production."),
        (
            f"{WROTE}\n> Which one?\nThe blue one.\n> Why?\nIt is torn.",
            "The blue one.\nIt is torn.",
        ),
        ("On Monday Sam wrote:\n> Is it on?\nIt is.", "It is."),
        ("Ann Smith <ann@acme.example> wrote:\n> Is it on?\nIt is.", "It is."),
        (f"{WROTE}\n> Is it on?\nIt is.\n-- \nAnn, Production Systems", "It is."),
        ("It is on.", "It is on."),
        ("> Is it on?", ""),
        ("", ""),
    ],
)
def test_own_words_are_neither_quoted_nor_introduce_a_quote(text: str, own: str) -> None:
    assert own_words(text) == own


def test_a_forwarded_mail_is_in_the_authors_own_words() -> None:
    text = (
        "See this.\n\n---------- Forwarded message ---------\nFrom: Bob <b@acme.example>\n\nDown."
    )

    assert "Down." in own_words(text)


# Our own questions


def test_a_quoted_question_answers_nothing() -> None:
    for name in ALL:
        assert answered(f"Any news?\n\n{quoted(*ALL)}", FACTS, (name,)) == ()


def test_questions_between_which_nothing_is_written_answer_nothing() -> None:
    interleaved = quoted(*ALL).replace(
        f"> * {ASK[ENVIRONMENT]}", f"> * {ASK[ENVIRONMENT]}\nProd 7."
    )

    assert answered(interleaved, FACTS, ALL) == (ENVIRONMENT,)


def test_a_copied_question_answers_nothing() -> None:
    assert answered(ASK[IMPACT], FACTS, ALL) == ()


def test_an_answer_below_a_copied_question_counts() -> None:
    text = f"{ASK[ENVIRONMENT]}\nThe first one.\n{ASK[IMPACT]}\n"

    assert answered(text, FACTS, ALL) == (ENVIRONMENT,)


# Answers below a question


@pytest.mark.parametrize(
    "answer",
    [
        "Production.",
        "production",
        "prod-eu-1, since this morning",
        "None.",
        "n/a",
        "I do not know.",
        "Weiß nicht.",
        "Keine Ahnung, leider.",
        "Production. Why do you ask?",
        "See the attached log.",
    ],
)
def test_a_bare_answer_below_a_question_counts(answer: str) -> None:
    text = quoted(*ALL).replace(ASK[IMPACT], f"{ASK[IMPACT]}\n>\n\n{answer}\n")

    assert IMPACT in answered(text, FACTS, ALL)


@pytest.mark.parametrize(
    "words",
    [
        "?",
        "What do you mean?",
        "Production?",
        "See below.",
        "Siehe unten",
        "Later.",
        "I'll check with our administrator.",
        "Das muss ich noch prüfen.",
        "Thank you!",
        "Best regards\nAnn",
        "-",
    ],
)
def test_what_is_no_answer_below_a_question_does_not_count(words: str) -> None:
    text = quoted(ENVIRONMENT, IMPACT).replace(ASK[IMPACT], f"{ASK[IMPACT]}\n{words}\n")

    assert answered(text, FACTS, ("impact", "recent changes")) == ()


def test_an_answer_next_to_the_question_counts() -> None:
    text = quoted(*ALL).replace(ASK[ENVIRONMENT], f"{ASK[ENVIRONMENT]} The old one")

    assert answered(text, FACTS, ALL) == (ENVIRONMENT,)


def test_a_wrapped_question_is_recognised() -> None:
    wrapped = "> * Which environment is affected:\n>   production, staging or\n>   another?"

    assert answered(f"{WROTE}\n{wrapped}\nThe old one.", FACTS, ALL) == (ENVIRONMENT,)


def test_a_question_that_was_wrapped_without_a_mark_is_no_answer() -> None:
    wrapped = "> * Which environment is affected: production, staging or\nanother?"

    assert answered(f"{WROTE}\n{wrapped}\n> * {ASK[IMPACT]}", FACTS, ALL) == ()


def test_words_below_the_whole_quote_answer_no_single_question() -> None:
    assert answered(f"{quoted(*ALL)}\nThe old one.", FACTS, ALL) == ()


@pytest.mark.parametrize("names", [(IMPACT,), (IMPACT, CHANGES)])
def test_words_below_the_rest_of_the_mail_answer_no_question_above(names: tuple[str, ...]) -> None:
    text = f"{quoted(*names)}\nI hope that this helps.\nPlease call me.\n"

    assert answered(text, FACTS, ALL) == ()


def test_a_list_below_the_whole_quote_answers_its_questions() -> None:
    text = f"{quoted(ENVIRONMENT, CHANGES)}\n1. the old one\n2. none\n"

    assert answered(text, FACTS, ALL) == (ENVIRONMENT, CHANGES)


def test_below_a_quote_without_marks_only_the_next_line_answers() -> None:
    header = "From: Support\nSent: Monday\nTo: Ann\nSubject: Printer\n"
    body = f"\nWe need:\n\n* {ASK[ENVIRONMENT]}\nThe old one.\n* {ASK[IMPACT]}\n\nTo add, reply."

    assert answered(f"See below\n\n{header}{body}", FACTS, ALL) == (ENVIRONMENT,)


# Lists


def test_a_list_with_as_many_items_as_questions_answers_them_in_their_order() -> None:
    answers = "1. The old one\n2) Your router\n3. ?\n4. All of us\n5. none"

    assert answered(f"{answers}\n\n{quoted(*ALL)}", FACTS, ALL) == (
        "environment",
        "product or service",
        "impact",
        "recent changes",
    )


def test_without_a_quote_a_list_answers_what_is_missing() -> None:
    assert answered("- the old one\n- none at all", FACTS, (ENVIRONMENT, CHANGES)) == (
        ENVIRONMENT,
        CHANGES,
    )


def test_a_list_may_answer_the_optional_questions_too() -> None:
    answers = "* the old one\n* click on it\n* none at all"

    assert answered(answers, FACTS, (ENVIRONMENT, CHANGES)) == (ENVIRONMENT, CHANGES)


def test_a_list_of_another_length_answers_nothing() -> None:
    assert answered("1. It is slow\n2. It is loud", FACTS, ALL) == ()


def test_lines_below_several_questions_answer_them_in_their_order() -> None:
    below = f"{WROTE}\n> * {ASK[ENVIRONMENT]}\n> * {ASK[CHANGES]}\n\nThe old one\nnone\n"

    assert answered(below, FACTS, ALL) == (ENVIRONMENT, CHANGES)


def test_a_name_before_the_answer_is_enough() -> None:
    facts = [FactSection(name=n, ask=f"Which {n}?", patterns=("x9",)) for n in ("Map", "App", "OS")]
    text = "Map: the old one\n- App: ?\n* OS : none"

    assert answered(text, facts, ("Map", "App", "OS")) == ("Map", "OS")


# The last open question


@pytest.mark.parametrize("text", ["The old one.", "Hi Sam,\n\nthe old one\n\nBest\nAnn"])
def test_a_short_reply_answers_the_only_open_question(text: str) -> None:
    assert answered(f"{text}\n\n{quoted(ENVIRONMENT)}", FACTS, (ENVIRONMENT,)) == (ENVIRONMENT,)


@pytest.mark.parametrize(
    "text", ["Any news?", "Thank you.", "It is still broken, why?", "", "x " * 150]
)
def test_not_every_reply_answers_the_only_open_question(text: str) -> None:
    assert answered(text, FACTS, (ENVIRONMENT,)) == ()


def test_a_short_reply_does_not_answer_one_of_several_questions() -> None:
    assert answered("The old one.", FACTS, (ENVIRONMENT, IMPACT)) == ()


# German


def test_german_answers_count() -> None:
    text = (
        "Hallo,\n\nes betrifft die Produktionsumgebung, Komponente: Router.\n"
        "Die Fehlermeldung lautet 502. Unsere Kunden können nicht bestellen.\n"
        "Wir haben gestern nichts geändert.\n\nViele Grüße\nAnn"
    )

    assert answered(text, FACTS, ALL) == ALL


# Bounds


@given(st.text(), st.sampled_from(ALL))
def test_only_missing_facts_are_answered(text: str, name: str) -> None:
    assert set(answered(text, FACTS, (name,))) <= {name}
    assert answered(text, FACTS, ()) == ()


@given(st.text())
def test_quoting_everything_states_nothing(text: str) -> None:
    quoted_text = "\n".join(f"> {line}" for line in text.split("\n"))

    assert answered(quoted_text, FACTS, ALL) == ()


@pytest.mark.parametrize(
    "text",
    [
        "which what how was\n" * 5000,
        "> which environment is affected:\n" * 5000,
        f"> * {ASK[ENVIRONMENT]}\n" * 5000,
        ". " * 100_000,
        "- " * 100_000,
        "1. x\n" * 5000,
    ],
)
def test_a_hostile_text_is_read_in_bounded_time(text: str) -> None:
    began = time.process_time()

    answered(text, FACTS, ALL)

    assert time.process_time() - began < 1
