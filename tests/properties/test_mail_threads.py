"""The threading algorithm that the notice tests use follows RFC 5256."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.properties.mail_threads import Thread, ThreadedMail, base_subject, threads
from tests.rules.building import NOON


def a_mail(number: int, *references: int | str, subject: str = "") -> ThreadedMail:
    ids = tuple(f"<{one}>" for one in references)
    return ThreadedMail(f"<{number}>", ids, subject, NOON + timedelta(minutes=number))


def shape(found: list[Thread]) -> str:
    """The threads in the notation of a THREAD response (§4): `(2)(3 6 (4 23)(44 7 96))`."""
    return "".join(f"({_shape(root)})" for root in found)


def _shape(thread: Thread) -> str:
    own = thread.mail.message_id[1:-1] if thread.mail else ""
    below = [_shape(child) for child in thread.children]
    if len(below) == 1:
        return f"{own} {below[0]}".strip()
    return " ".join(filter(None, (own, "".join(f"({one})" for one in below))))


def test_the_example_of_the_rfc() -> None:
    mails = [
        a_mail(2),
        a_mail(3),
        a_mail(6, 3),
        a_mail(4, 3, 6),
        a_mail(23, 6, 4),
        a_mail(44, 3, 6),
        a_mail(7, 44),
        a_mail(96, 3, 6, 44, 7),
    ]
    assert shape(threads(mails)) == "(2)(3 6 (4 23)(44 7 96))"


def test_the_order_of_arrival_does_not_matter() -> None:
    mails = [a_mail(1), a_mail(2, 1), a_mail(3, 1, 2), a_mail(4, 1)]
    assert shape(threads(mails)) == shape(threads(mails[::-1])) == "(1 (2 3)(4))"


def test_answers_to_a_missing_parent_form_one_thread() -> None:
    """§3 step 3: as siblings without a common parent: `((3)(5))`."""
    assert shape(threads([a_mail(3, 1), a_mail(5, 1)])) == "((3)(5))"


def test_a_single_answer_to_a_missing_parent_is_a_root() -> None:
    assert shape(threads([a_mail(3, 1, 2)])) == "(3)"


def test_a_reference_loop_is_not_closed() -> None:
    assert shape(threads([a_mail(1, 2), a_mail(2, 1)])) in ("(1 2)", "(2 1)")


def test_a_mail_s_own_references_decide_its_parent() -> None:
    """§3 step 1 C: they override what the References of another mail imply."""
    mails = [a_mail(1), a_mail(2), a_mail(4, 1, 3), a_mail(3, 2)]
    assert shape(threads(mails)) == "(1)(2 3 4)"


def test_two_mails_with_the_same_id_are_two_threads() -> None:
    assert shape(threads([a_mail(1), a_mail(1)])) == "(1)(1)"


def test_answers_without_references_are_threaded_by_subject() -> None:
    mails = [a_mail(1, subject="Pump"), a_mail(2, subject="Re: Pump")]
    assert shape(threads(mails)) == "(1 2)"


def test_two_mails_with_the_same_subject_are_siblings() -> None:
    mails = [a_mail(1, subject="Pump"), a_mail(2, subject="Pump")]
    assert shape(threads(mails)) == "((1)(2))"
    assert shape(threads(mails, by_subject=False)) == "(1)(2)"


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
