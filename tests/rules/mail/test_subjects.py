"""What the subject of a reply says besides the subject of its ticket."""

from __future__ import annotations

import time

import pytest

from rules.mail.subjects import (
    SHOWN_CHARACTERS,
    bare_subject,
    subject_besides,
    unmarked_subject,
)

TICKET = "Old matter"


def besides(subject: str, ticket: str = TICKET, *, by_staff: bool = False) -> str:
    return subject_besides(bare_subject(subject, "[#{n}]"), ticket, by_staff=by_staff)


@pytest.mark.parametrize(
    "subject",
    [
        "Old matter",
        "Re: [#7] Old matter",
        "RE: AW: [#7] old  MATTER",
        "Re[2]: Old matter",
        "回复：[#7] Old matter",
        "Sv: Re: Old matter",
        "[#7] Re: Old matter",
        "Re: [#7]",
        "Re:",
        "",
        "Re: [#7] Old mat…",
    ],
)
def test_a_reply_as_clients_write_it_says_nothing_more(subject: str) -> None:
    assert besides(subject) == ""


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Completely new: order 5 laptops", "Completely new: order 5 laptops"),
        ("NOW IT BURNS, call 555 0100 at once", "NOW IT BURNS, call 555 0100 at once"),
        ("Re: [#7] Old matter: STILL broken", "Old matter: STILL broken"),
        ("URGENT: Re: [#7] Old matter", "URGENT: Re: Old matter"),
        ("WG: Old matter", "WG: Old matter"),
        ("WG: Something else entirely", "WG: Something else entirely"),
        ("[#36] Toner order", "Toner order"),
    ],
)
def test_what_the_author_changed_is_shown(subject: str, said: str) -> None:
    assert besides(subject) == said


@pytest.mark.parametrize(
    "subject",
    [
        "FW: [#7] Old matter",
        "Fw: Re: [#7] Old matter",
        "Fwd: RE: AW: [#7] old matter",
        "[#7] WG: Old matter",
        "TR : Réf : [#7] Old matter",
        "ENC: RES: [#7] Old matter",
        "RV: RE: [#7] Old matter",
        "İLT: [#7] Old matter",
        "转发：[#7] Old matter",
        "[Fwd: Re: [#7] Old matter]",
        "[#7] [Fwd: Old matter]",
        "Re: [#7] Old matter (fwd)",
        "[#7] Old matter",
    ],
)
def test_marks_of_replies_and_forwards_fall_away(subject: str) -> None:
    assert unmarked_subject(subject, "[#{n}]").casefold() == "old matter"


@pytest.mark.parametrize(
    "subject", ["URGENT: Old matter", "Fwd Old matter", "[Fwd] Old matter", "Old matter [x]"]
)
def test_what_no_client_writes_before_a_subject_stays(subject: str) -> None:
    assert unmarked_subject(f"[#7] {subject}", "[#{n}]") == subject


def test_many_marks_cost_no_quadratic_time() -> None:
    began = time.process_time_ns()
    unmarked_subject("[ Fwd: I Re " * 400_000, "[#{n}]")
    assert time.process_time_ns() - began < 50_000_000


def test_a_subject_with_the_tag_of_another_desk_is_that_of_its_ticket() -> None:
    assert besides("Re: [#7] [#36] Toner", "[#36] Toner") == ""


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Response overdue: [#7] Old matter",
        "AW: Escalated to level 2: [#7] Old matter",
        "Attention needed: [#7] Old matter",
    ],
)
def test_what_a_notice_to_staff_says_before_the_subject_is_not_repeated(subject: str) -> None:
    assert besides(subject, by_staff=True) == ""
    assert besides("Fixed in version 3", by_staff=True) == "Fixed in version 3"


def test_a_long_ticket_subject_that_a_notice_shortened_is_the_same() -> None:
    assert besides("Re: [#7] " + "x" * 199 + "…", "x" * 500) == ""


def test_a_long_subject_is_shortened_where_it_is_shown() -> None:
    assert len(besides("y" * 5_000)) == SHOWN_CHARACTERS


def test_gaps_in_a_ticket_s_subject_cost_no_quadratic_time() -> None:
    spent = []
    for gap in (4_000, 40_000):
        began = time.process_time_ns()
        assert besides("Toner", f"Re{chr(0xA0) * gap}Old matter") == "Toner"
        spent.append(time.process_time_ns() - began)

    assert spent[1] < 50_000_000  # 1 ms when measured; quadratic, it was 30 s


@pytest.mark.parametrize("said", ["Done", "Not done", "Ausgeführt", "NICHT AUSGEFÜHRT"])
def test_an_answer_to_a_receipt_has_the_subject_of_its_ticket(said: str) -> None:
    assert bare_subject(f"Re: {said}: [#5] Printer", "[#{n}]") == "Printer"


@pytest.mark.parametrize(
    "subject", ["Done: Printer", "Undone: [#5] Printer", "All done [#5] Printer"]
)
def test_a_word_of_the_author_s_that_looks_like_an_outcome_stays(subject: str) -> None:
    assert "done" in bare_subject(subject, "[#{n}]").lower()
