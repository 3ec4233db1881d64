"""Of the forms of a text whose type was not signed, one is hidden only if it says nothing else."""

from __future__ import annotations

import pytest

from rules.mail import Body
from rules.mail.forms import with_every_form

PLAIN = "Hello *Ann*,\n\nsee <https://x.example/a-b> and pay 5\u00a0€:\n> it\u2019s late\n"


def body(*forms: str) -> Body:
    return Body(forms[0] if forms else "text", "", False, (), forms)


@pytest.mark.parametrize(
    "other",
    [
        PLAIN,
        "Hello Ann, see and pay 5 €: it's late",
        "• Hello — Ann\n\nit\u2019s LATE",
        "",
    ],
)
def test_a_form_that_repeats_the_shown_one_is_hidden(other: str) -> None:
    assert with_every_form(body(PLAIN, other)) == body(PLAIN, other)


@pytest.mark.parametrize(
    "other",
    [
        "Hello Eve",
        "Ann, Hello",
        "Hello Ann. Hello Ann.",
        "Hello Ann, pay 50 €",
        "Hello Ann, pay 5 $",
        "Hello Ann, pay 5.5 €",
        "Hello Ann, pay 5 %",
        "Hello Ann 👎",
        "Нет",
        "不",
    ],
)
def test_a_form_that_says_something_else_is_shown(other: str) -> None:
    shown = with_every_form(body(PLAIN, other))

    assert shown.text == f"{PLAIN}\n{other}"
    assert shown.every_form


def test_a_body_without_forms_stays_as_it_is() -> None:
    assert with_every_form(body()) == body()


def test_a_form_without_text_is_left_out() -> None:
    assert with_every_form(Body("b", "", False, (), ("\n", "a", "b"))).text == "a\nb"
