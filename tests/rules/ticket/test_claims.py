"""Claims of severity, as people write them, under each shipped policy."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policies
from rules.mail.header import Header
from rules.mail.subjects import unmarked_subject
from rules.policy import Policy
from rules.ticket.claim_forms import claims_in
from rules.ticket.claims import (
    CLAIM_LINE_LENGTH,
    claim_in_opening,
    claim_in_reply,
    claim_pattern,
    vocabulary,
)
from rules.ticket.severity import Claim, Level
from tests.rules.building import default_policy
from tests.rules.ticket.claim_sentences import filled, listed

SHIPPED = policies.load(None)
SENTENCES = {language: listed(language) for language in ("en", "de")}
LEVELS = default_policy().levels
WORDS = default_policy().claim_vocabulary


def claimed(policy: Policy, sentence: str) -> Claim | None:
    subject, _, text = filled(policy, sentence).partition("|")
    bare = unmarked_subject(subject.strip(), policy.subject_tag.format)
    return claim_in_opening(policy.claim_vocabulary, bare, text.strip())


def is_right(kind: str, policy: Policy, claim: Claim | None) -> bool:
    level = claim.level if claim is not None else None
    match kind:
        case "critical":
            return claim is not None and claim.critical
        case "lesser":
            return level == policy.levels[1].name
        case "lowest":
            return level == policy.levels[-1].name
        case "not_critical":
            return claim is not None and not claim.critical
        case "nothing":
            return claim is None
        case _:
            raise AssertionError(kind)


@pytest.mark.parametrize("name", sorted(SHIPPED))
@pytest.mark.parametrize(
    ("language", "kind"), [(x, kind) for x, kinds in SENTENCES.items() for kind in kinds]
)
def test_a_claim_is_heard_as_people_write_it(language: str, kind: str, name: str) -> None:
    policy = SHIPPED[name]

    wrong = [
        (filled(policy, sentence), claim)
        for sentence in SENTENCES[language][kind]
        if not is_right(kind, policy, claim := claimed(policy, sentence))
    ]

    assert wrong == []


def heard(subject: str = "", text: str = "") -> str | None:
    found = claim_in_opening(WORDS, subject, text)
    return found.level if found else None


def test_a_line_without_a_word_of_the_vocabulary_would_claim_nothing() -> None:
    policy = SHIPPED["weka"]
    lines = [
        line
        for kinds in SENTENCES.values()
        for sentences in kinds.values()
        for sentence in sentences
        for line in filled(policy, sentence).split("|")
        if "#escalate" not in line
    ]

    found = [
        line
        for line in lines
        if list(claims_in(line, policy.claim_vocabulary.names, is_subject=False))
        and claim_in_opening(policy.claim_vocabulary, "", line) is None
    ]

    assert found == []


def test_only_the_first_lines_that_say_something_count() -> None:
    assert heard(text="\n" * 12 + "Severity: High\nit burns") == "High"
    assert heard(text="a\n\nb\n\nc\n\nd\n\nSeverity: High") == "High"
    assert heard(text="a\nb\nc\nd\ne\nSeverity: High") is None


def test_what_the_author_quotes_claims_nothing() -> None:
    assert heard(text="> Severity: Critical\n> production is down") is None
    assert heard(text="Thanks.\n\nOn Mon, 2 Mar 2026 at 10:00, Ann wrote:\n> [P1] it burns") is None


def test_a_sentence_that_a_client_wrapped_is_read_as_one() -> None:
    text = (
        "We cannot reach the cluster in Frankfurt since this morning, and for us this\nis critical."
    )

    assert heard(text=text) == "Critical"


def test_the_most_severe_of_several_claims_counts() -> None:
    assert claim_in_opening(WORDS, "[P4] slow", "Severity: P2") == Claim("High", False, "text")


def test_a_mark_of_importance_counts_in_an_opening_and_not_in_a_reply() -> None:
    header = Header((("importance", b"High"),))

    assert claim_in_opening(WORDS, "x", "", header) == Claim("High", False, "importance header")
    assert claim_in_reply(WORDS, "x", "") is None


def test_without_a_level_for_it_a_mark_of_importance_claims_nothing() -> None:
    important = Header((("importance", b"high"), ("x-priority", b"1")))

    assert claim_in_opening(vocabulary(LEVELS), "Printing", "", important) is None


def test_a_number_above_the_last_one_claims_the_lowest_level() -> None:
    levels = (Level("Top", "", True, ("P1",), 1), Level("Rest", "", False, ("P2",), 0))

    for subject in ("P4: typo", "Sev 3: typo", "P5 documentation link broken"):
        assert claim_in_opening(vocabulary(levels), subject, "") == Claim("Rest", False, "subject")


def test_a_word_that_the_policy_gives_to_a_level_is_of_that_level() -> None:
    levels = (
        Level("Critical", "", True, (), 2),
        Level("Soon", "", False, ("Urgent",), 1),
        Level("Later", "", False, (), 0),
    )

    claim = claim_in_opening(vocabulary(levels), "URGENT: cannot log in", "")

    assert claim == Claim("Soon", False, "subject")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("The tape robot is stuck", "Critical"),
        ("our tape robot has been completely stuck since 9 am", "Critical"),
        ("the tape robot is not stuck", None),
        ("is the tape robot stuck?", None),
        ("if the tape robot is stuck, we call", None),
        ("the tape robot was stuck yesterday", None),
        ("the robot is stuck", None),
    ],
)
def test_a_phrase_of_the_policy_may_have_small_words_between_its_words(
    text: str, level: str | None
) -> None:
    words = vocabulary(LEVELS, {"Critical": ["tape robot stuck"]})

    claim = claim_in_opening(words, "", text)

    assert (claim.level if claim else None) == level


def test_only_a_level_of_outages_is_claimed_by_describing_one() -> None:
    text = "The whole platform is offline."
    claim = claim_in_opening(vocabulary(LEVELS, outage="Critical"), "", text)

    assert claim == Claim("Critical", True, "text")
    assert claim_in_opening(vocabulary(LEVELS), "", text) is None


def test_a_heading_that_names_an_outage_claims_nothing_where_the_text_only_supposes_one() -> None:
    supposed = "Hello,\nhow would we reach you if the site ever goes down?"

    assert heard("Outage at once", "How do we reach you?") == "Critical"
    assert heard("Nightly outage", supposed) is None
    assert heard("Production is down", supposed) == "Critical"


def test_a_long_line_that_ends_with_a_level_is_complete() -> None:
    text = "The reports take about three times as long as they did. Priority: High\nBest, Noor"

    assert heard(text=text) == "High"


@pytest.mark.parametrize(
    "text",
    [
        "This is an all stop.",
        "We have an all-stop on both telescopes.",
        "Wir haben einen All Stop.",
        "We declare all stop.",
        "Severity 0, please call",
    ],
)
def test_a_critical_level_of_several_words_is_heard_in_a_sentence(text: str) -> None:
    levels = (Level("All stop", "", True, ("S0",), 1), Level("Degraded", "", False, ("S1",), 0))

    claim = claim_in_opening(vocabulary(levels), "Telescope", text)

    assert claim is not None
    assert claim.level == "All stop"
    assert claim_in_opening(vocabulary(levels), "Telescope", "This is not an all stop.") is None
    assert claim_in_opening(vocabulary(levels), "Telescope", "They all stop at noon.") is None


def test_a_pattern_of_the_policy_claims_in_the_subject_and_the_first_lines() -> None:
    words = vocabulary(LEVELS, patterns=[claim_pattern("slow", "High")])

    assert claim_in_opening(words, "It is SLOW", "") == Claim("High", False, "subject")
    assert claim_in_opening(words, "x" * CLAIM_LINE_LENGTH + " slow", "") is None
    assert claim_in_opening(words, "", "1\n2\n3\n4\n5\nslow") is None


SAID = "critical P1 priority is this not ( ) : - ? if a as problem treat down urgent help ' * x"


@given(st.lists(st.sampled_from(SAID.split()), max_size=60).map(" ".join), st.text(max_size=80))
def test_any_line_is_read(words: str, text: str) -> None:
    found = claim_in_opening(WORDS, words, text)

    assert found is None or found.level in [level.name for level in LEVELS]


@pytest.mark.parametrize(
    "said",
    [
        "P1, ",
        "P1 maybe a ",
        "highest priority ",
        "severity is ",
        "urgent help ",
        "(",
        '"P1" ',
        "from P1 to a ",
    ],
)
def test_the_time_does_not_grow_with_a_mail(said: str) -> None:
    line = said * 2000

    def seconds(text: str) -> float:
        begin = time.process_time()
        claim_in_opening(WORDS, text, "\n".join([text] * 50))
        return time.process_time() - begin

    seconds(line)
    assert min(seconds(line) for _ in range(3)) < 0.1
