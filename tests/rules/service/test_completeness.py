"""Completeness: what is missing from a request, what is asked, and the values extracted from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policies
from rules.policy import FactSection, FieldSection
from rules.service.completeness import (
    SEARCHED,
    extract_fields,
    extract_new_fields,
    missing_facts,
    questions,
    request_text,
)
from rules.ticket.fields import FoundFields

STAKATER = policies.load(None)["stakater"].completeness.facts
AIVEN = policies.load(None)["aiven"]


def fact(name: str, *patterns: str, if_applicable: bool = False) -> FactSection:
    return FactSection(name=name, ask=f"{name}?", patterns=patterns, if_applicable=if_applicable)


def field(
    name: str, *patterns: str, several: bool = False, choices: tuple[str, ...] = ()
) -> FieldSection:
    return FieldSection(name=name, label=name, patterns=patterns, several=several, choices=choices)


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
def test_a_fact_is_missing_when_neither_subject_nor_text_states_it(
    subject: str, text: str, names: tuple[str, ...]
) -> None:
    assert missing_facts(request_text(subject, text), FACTS) == names


def test_a_fact_without_a_wording_is_stated_by_a_text_of_some_length() -> None:
    story = (FactSection(name="what happened", ask="What happened?", words=8),)
    short = request_text("Help with LF-0123", "v4.2.1, please")
    long = request_text("Help", "Since the update the dome turns twice and then stays open.")

    assert missing_facts(short, story) == ("what happened",)
    assert missing_facts(long, story) == ()


def test_an_optional_fact_is_asked_for_but_never_missing() -> None:
    complete = request_text("Help", "v7 affects us")

    assert missing_facts(complete, FACTS) == ()
    assert questions(complete, FACTS) == ("steps?",)


def test_questions_come_in_the_policys_order() -> None:
    assert questions("It is broken.", FACTS) == ("version?", "impact?", "steps?")


def test_a_later_answer_is_asked_only_for_what_was_missing() -> None:
    still = [f for f in FACTS if f.name in missing_facts("v7 is broken", FACTS)]

    assert missing_facts("It affects everybody.", still) == ()


def test_a_policy_without_facts_finds_every_request_complete() -> None:
    assert missing_facts("", ()) == questions("", ()) == ()


def test_s3_in_a_bare_request_everything_except_the_steps_is_missing() -> None:
    assert missing_facts(request_text("Broken", "Please help."), STAKATER) == (
        "environment",
        "product or service",
        "error messages or logs",
        "impact",
        "recent changes",
    )


def test_a6_project_service_and_product_are_extracted() -> None:
    text = request_text("Slow queries", "Project: blue-7\nservice id: pg-main\nProduct: PostgreSQL")

    assert extract_fields(text, AIVEN.fields) == {
        "project_id": "blue-7",
        "service_id": "pg-main",
        "product": "PostgreSQL",
    }


def test_a_field_without_a_value_is_left_out() -> None:
    assert extract_fields("Nothing of the kind", AIVEN.fields) == {}


def test_the_first_of_several_values_counts_and_the_subject_comes_first() -> None:
    number = field("number", r"no\. ?(\d{1,9})")

    assert extract_fields(request_text("About no. 1", "no. 2, no. 3"), (number,)) == {"number": "1"}


def test_a_group_that_did_not_match_gives_no_value() -> None:
    assert extract_fields("order", (field("number", r"order(?: (\d{1,9}))?"),)) == {}


def test_a_later_answer_fills_only_fields_without_a_value() -> None:
    answer = "Reason: question\nProduct: Kafka"

    found = extract_new_fields(answer, AIVEN.fields, {"product": "PostgreSQL"})

    assert found == FoundFields({"reason": "Question"})


def test_the_first_pattern_that_finds_a_value_gives_it() -> None:
    number = field("number", r"number: (\d{1,9})", r"no\. ?(\d{1,9})")

    assert extract_fields("It is no. 1.\nnumber: 2", (number,)) == {"number": "2"}
    assert extract_fields("It is no. 1.", (number,)) == {"number": "1"}


def test_of_a_field_that_takes_several_every_value_is_kept_once() -> None:
    number = field("number", r"numbers?: ([\d, ]{1,60})", r"no\. ?(\d{1,9})", several=True)
    text = "It is no. 7 or no. 1.\nNumbers: 1, 2,3\nno. 7"

    assert extract_fields(text, (number,)) == {"number": "1, 2, 3, 7"}


def test_what_a_later_answer_names_is_added_to_a_list() -> None:
    number = field("number", r"no\. ?(\d{1,9})", several=True)

    found = extract_new_fields("no. 1 and no. 3", (number,), {"number": "1, 2"})

    assert found.onto({"number": "1, 2", "product": "Kafka"}) == {
        "number": "1, 2, 3",
        "product": "Kafka",
    }
    assert not extract_new_fields("no. 2", (number,), {"number": "1, 2"})


def test_a_list_says_that_more_was_named_than_it_keeps() -> None:
    number = field("number", r"no\. ?(\d{1,9})", several=True)
    ten = ", ".join(map(str, range(10)))
    text = "\n".join(f"no. {n}" for n in range(11))

    assert extract_fields(text, (number,)) == {"number": f"{ten}, …"}
    grown = extract_new_fields("no. 11", (number,), {"number": ten})
    assert grown.onto({"number": ten}) == {"number": f"{ten}, …"}
    assert not extract_new_fields("no. 12", (number,), {"number": f"{ten}, …"})


def test_only_a_choice_is_kept_and_as_the_policy_writes_it() -> None:
    reason = field("reason", r"reason: (.{1,40})", choices=("Outage", "How to"))

    assert extract_fields("Reason: no idea\nreason: HOW  TO", (reason,)) == {"reason": "How to"}
    assert extract_fields("Reason: no idea", (reason,)) == {}


@pytest.mark.parametrize(
    ("several", "written", "values"),
    [
        (False, " outage ", ("Outage",)),
        (False, "outage, how to", None),
        (True, "outage, how to, outage", ("Outage", "How to")),
        (True, "outage, flood", None),
        (False, "", ()),
    ],
)
def test_what_people_write_must_be_a_choice(
    several: bool, written: str, values: tuple[str, ...] | None
) -> None:
    reason = field("reason", several=several, choices=("Outage", "How to"))

    assert reason.accepted(written) == values


def test_unprintable_characters_are_removed_from_a_value() -> None:
    taken = field("taken", "id: (.{1,40})")

    assert extract_fields("id: a\u202e\x00b\tc\u200b  d ", (taken,)) == {"taken": "ab c d"}
    assert extract_fields("id: \u202e\x00", (taken,)) == {}


def test_a_value_has_at_most_two_hundred_characters() -> None:
    assert extract_fields("id: " + "x" * 300, (field("taken", "id: (.{1,300})"),)) == {
        "taken": "x" * 200
    }


def test_text_beyond_the_bound_is_not_searched() -> None:
    within, beyond = " " * (SEARCHED - 10) + "\nv7", " " * SEARCHED + "\nv7"
    whole = fact("version", "v7")

    assert missing_facts(within, (whole,)) == ()
    assert missing_facts(beyond, (whole,)) == ("version",)
    assert len(request_text("s" * 90_000, "t" * 90_000)) == SEARCHED


def test_a_subject_of_several_lines_is_one() -> None:
    assert request_text("one\r\n two", "three") == "one two\nthree"


@given(st.text(), st.text())
def test_there_is_a_question_for_every_missing_fact_of_any_request(subject: str, text: str) -> None:
    request = request_text(subject, text)

    assert len(questions(request, FACTS)) >= len(missing_facts(request, FACTS))
    assert set(missing_facts(request, FACTS)) <= {"version", "impact"}


@given(st.text(min_size=1))
def test_every_extracted_value_is_one_short_printable_line(text: str) -> None:
    found = extract_fields(f"id: {text}", (field("taken", "id: (.{1,400})"),))

    assert all(v.isprintable() and v == v.strip() and 0 < len(v) <= 200 for v in found.values())
