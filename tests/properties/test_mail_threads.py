"""The threader that the notices are tested with is itself right (RFC 5256)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.properties.mail_threads import Letter, Thread, base_subject, threads
from tests.rules.building import NOON


def a_letter(number: int, *references: int | str, subject: str = "") -> Letter:
    named = tuple(f"<{one}>" for one in references)
    return Letter(f"<{number}>", named, subject, NOON + timedelta(minutes=number))


def shape(found: list[Thread]) -> str:
    """As the server's answer to THREAD writes it (§4): `(2)(3 6 (4 23)(44 7 96))`."""
    return "".join(f"({_shape(root)})" for root in found)


def _shape(thread: Thread) -> str:
    own = thread.letter.message_id[1:-1] if thread.letter else ""
    below = [_shape(child) for child in thread.children]
    if len(below) == 1:
        return f"{own} {below[0]}".strip()
    return " ".join(filter(None, (own, "".join(f"({one})" for one in below))))


def test_the_answer_that_the_rfc_shows() -> None:
    letters = [
        a_letter(2),
        a_letter(3),
        a_letter(6, 3),
        a_letter(4, 3, 6),
        a_letter(23, 6, 4),
        a_letter(44, 3, 6),
        a_letter(7, 44),
        a_letter(96, 3, 6, 44, 7),
    ]
    assert shape(threads(letters)) == "(2)(3 6 (4 23)(44 7 96))"


def test_the_order_of_arrival_is_no_matter() -> None:
    letters = [a_letter(1), a_letter(2, 1), a_letter(3, 1, 2), a_letter(4, 1)]
    assert shape(threads(letters)) == shape(threads(letters[::-1])) == "(1 (2 3)(4))"


def test_mails_of_a_parent_that_is_not_there_hang_together() -> None:
    """§3 step 3: as siblings, below nothing: `((3)(5))`."""
    assert shape(threads([a_letter(3, 1), a_letter(5, 1)])) == "((3)(5))"


def test_one_mail_of_a_parent_that_is_not_there_stands_for_itself() -> None:
    assert shape(threads([a_letter(3, 1, 2)])) == "(3)"


def test_a_circle_is_not_closed() -> None:
    assert shape(threads([a_letter(1, 2), a_letter(2, 1)])) in ("(1 2)", "(2 1)")


def test_its_own_references_move_a_mail() -> None:
    """§3 step 1 C: another mail's idea of its parent gives way to its own."""
    letters = [a_letter(1), a_letter(2), a_letter(4, 1, 3), a_letter(3, 2)]
    assert shape(threads(letters)) == "(1)(2 3 4)"


def test_the_same_id_twice_is_two_mails() -> None:
    assert shape(threads([a_letter(1), a_letter(1)])) == "(1)(1)"


def test_answers_without_references_go_below_the_same_subject() -> None:
    letters = [a_letter(1, subject="Pump"), a_letter(2, subject="Re: Pump")]
    assert shape(threads(letters)) == "(1 2)"


def test_the_same_subject_twice_stands_side_by_side() -> None:
    letters = [a_letter(1, subject="Pump"), a_letter(2, subject="Pump")]
    assert shape(threads(letters)) == "((1)(2))"
    assert shape(threads(letters, by_subject=False)) == "(1)(2)"


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: [#7] Pump", ("Pump", True)),
        ("RE: FW: Re[2]: Pump (fwd)", ("Pump", True)),
        ("[Fwd: Re: Pump]", ("Pump", True)),
        ("[#7] Pump", ("Pump", False)),
        ("[#7]", ("[#7]", False)),
        ("  Pump \t stands ", ("Pump stands", False)),
        ("Re:", ("", True)),
    ],
)
def test_base_subjects(subject: str, base: tuple[str, bool]) -> None:
    assert base_subject(subject) == base
