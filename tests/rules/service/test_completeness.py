"""Completeness: what a request leaves out, what is asked, and the values lifted out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policies
from rules.policy import FactSection, FieldSection
from rules.service.completeness import (
    SEARCHED,
    lifted,
    missing,
    newly_lifted,
    questions,
    request_text,
)

STAKATER = policies.load(None)["stakater"].completeness.facts
AIVEN = policies.load(None)["aiven"]


def fact(name: str, *patterns: str, if_applicable: bool = False) -> FactSection:
    return FactSection(name=name, ask=f"{name}?", patterns=patterns, if_applicable=if_applicable)


def field(name: str, pattern: str) -> FieldSection:
    return FieldSection(name=name, label=name, pattern=pattern)


VERSION = fact("version", r"\bversion \d{1,3}", r"\bv\d{1,3}\b")
IMPACT = fact("impact", "affects", "blocks")
STEPS = fact("steps", "reproduce", if_applicable=True)
FACTS = (VERSION, IMPACT, STEPS)


@pytest.mark.parametrize(
    ("subject", "text", "names"),
    [
        ("Help", "It is broken.", ("version", "impact")),
        ("Version 7 is broken", "It is.", ("impact",)),
        ("Help", "It BLOCKS us all.", ("version",)),
        ("Help", "v7 is broken\nwhich affects two of us", ()),
    ],
)
def test_a_fact_is_missing_when_neither_subject_nor_text_says_it(
    subject: str, text: str, names: tuple[str, ...]
) -> None:
    assert missing(request_text(subject, text), FACTS) == names


def test_what_may_not_apply_is_asked_for_but_never_missing() -> None:
    complete = request_text("Help", "v7 affects us")

    assert missing(complete, FACTS) == ()
    assert questions(complete, FACTS) == ("steps?",)


def test_every_question_stands_in_the_policys_order() -> None:
    assert questions("It is broken.", FACTS) == ("version?", "impact?", "steps?")


def test_a_later_answer_is_asked_only_for_what_was_missing() -> None:
    still = [f for f in FACTS if f.name in missing("v7 is broken", FACTS)]

    assert missing("It affects everybody.", still) == ()


def test_a_policy_without_facts_finds_every_request_complete() -> None:
    assert missing("", ()) == questions("", ()) == ()


def test_s3_a_bare_request_misses_everything_but_the_steps() -> None:
    assert missing(request_text("Broken", "Please help."), STAKATER) == (
        "environment",
        "product or service",
        "error messages or logs",
        "impact",
        "recent changes",
    )


def test_a6_project_service_and_product_are_lifted() -> None:
    text = request_text("Slow queries", "Project: blue-7\nservice id: pg-main\nProduct: PostgreSQL")

    assert lifted(text, AIVEN.fields) == {
        "project_id": "blue-7",
        "service_id": "pg-main",
        "product": "PostgreSQL",
    }


def test_a_field_without_a_value_is_left_out() -> None:
    assert lifted("Nothing of the kind", AIVEN.fields) == {}


def test_the_first_of_several_values_counts_and_the_subject_comes_first() -> None:
    number = field("number", r"no\. ?(\d{1,9})")

    assert lifted(request_text("About no. 1", "no. 2, no. 3"), (number,)) == {"number": "1"}


def test_a_group_that_took_no_part_gives_no_value() -> None:
    assert lifted("order", (field("number", r"order(?: (\d{1,9}))?"),)) == {}


def test_of_a_later_answer_only_fields_without_a_value_are_lifted() -> None:
    answer = "Project: red-1\nProduct: Kafka"

    assert newly_lifted(answer, AIVEN.fields, {"project_id": "blue-7"}) == {"product": "Kafka"}


def test_a_value_is_cleared_of_what_cannot_be_printed() -> None:
    taken = field("taken", "id: (.{1,40})")

    assert lifted("id: a\u202e\x00b\tc\u200b  d ", (taken,)) == {"taken": "ab c d"}
    assert lifted("id: \u202e\x00", (taken,)) == {}


def test_a_value_is_two_hundred_characters_at_most() -> None:
    assert lifted("id: " + "x" * 300, (field("taken", "id: (.{1,300})"),)) == {"taken": "x" * 200}


def test_what_stands_beyond_the_bound_is_not_searched() -> None:
    within, beyond = " " * (SEARCHED - 10) + "\nv7", " " * SEARCHED + "\nv7"
    whole = fact("version", "v7")

    assert missing(within, (whole,)) == ()
    assert missing(beyond, (whole,)) == ("version",)
    assert len(request_text("s" * 90_000, "t" * 90_000)) == SEARCHED


def test_a_subject_of_several_lines_is_one() -> None:
    assert request_text("one\r\n two", "three") == "one two\nthree"


@given(st.text(), st.text())
def test_whatever_is_written_a_question_is_asked_for_whatever_is_missing(
    subject: str, text: str
) -> None:
    request = request_text(subject, text)

    assert len(questions(request, FACTS)) >= len(missing(request, FACTS))
    assert set(missing(request, FACTS)) <= {"version", "impact"}


@given(st.text(min_size=1))
def test_every_lifted_value_is_one_short_printable_line(text: str) -> None:
    found = lifted(f"id: {text}", (field("taken", "id: (.{1,400})"),))

    assert all(v.isprintable() and v == v.strip() and 0 < len(v) <= 200 for v in found.values())
