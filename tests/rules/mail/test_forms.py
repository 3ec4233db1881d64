"""Of the forms of a text whose type was not signed, one is hidden only if it says nothing else."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rules.mail import Attachment, Body
from rules.mail.forms import with_every_form

PLAIN = "Hello *Ann*,\n\nsee <https://x.example/a-b> and pay 5\u00a0€:\n> it\u2019s late\n"


def body(*forms: str) -> Body:
    shown = forms[0] if forms else "text"
    return Body(shown, "", False, (), forms, one_form=shown if forms else "")


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
    shown = with_every_form(body(PLAIN, other))

    assert (shown.text, shown.every_form) == (PLAIN, False)


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
    every = with_every_form(Body("b", "", False, (), ("\n", "a", "b"), one_form="b"))

    assert every.text == "a\nb"


def test_forms_that_say_the_same_are_shown_once_whatever_the_type_is() -> None:
    mixed = Body(f"{PLAIN}\n{PLAIN}", "", False, (), (PLAIN, PLAIN), one_form=PLAIN)

    assert with_every_form(mixed).text == PLAIN


def test_many_or_long_forms_are_all_shown_at_once() -> None:
    """Each of 2,000 forms would be compared with a text of megabytes."""
    long = "x " * 100_000 + "zz"
    started = time.process_time()

    assert with_every_form(body(long, *["zz"] * 1_000)).every_form
    assert time.process_time() - started < 1


def test_an_invitation_is_answered_by_no_unsigned_type() -> None:
    calendar = Attachment("2", "invite.ics", "text/calendar", 9, "", False, is_click=True)
    inner = replace(calendar, part="1.2")

    shown = with_every_form(Body("Yes", "", False, (calendar, inner)))

    assert [each.is_click for each in shown.attachments] == [False, True]
