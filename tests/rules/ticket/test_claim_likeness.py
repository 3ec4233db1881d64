"""Claims that no pattern finds are heard by their likeness to known mails."""

from __future__ import annotations

import pytest

from gateway import policies
from rules.service.claiming import may_claim_critical
from rules.ticket.claim_likeness import Weights, likeness, parsed, shipped
from rules.ticket.claims import claim_in_opening, claim_in_reply, vocabulary
from rules.ticket.severity import Claim, Level
from tests.claim_model import examples_of, learnt, source_of, written
from tests.properties.severity_strategies import HEARD_BY_LIKENESS
from tests.rules.building import default_policy
from tests.rules.ticket.claim_sentences import Sentence, everything

SHIPPED = policies.load(None)
WORDS = default_policy().claim_vocabulary
SENTENCES = [
    Sentence("Mill | It burns, so {top} if you ask us", "critical"),
    Sentence("Mill | It burns here, {top} if anybody asks", "critical"),
    Sentence("Mill | It may wait, {lesser} if you ask us", "lesser"),
    Sentence("Mill | It may wait here, {lesser} if anybody asks", "lesser"),
    Sentence("Mill | Who reads mails that are {top} at night", ""),
    Sentence("Mill | Who reads mails that are {lesser} at night", ""),
] * 4


@pytest.fixture(scope="module")
def weights() -> Weights:
    return learnt(list(examples_of(SENTENCES)), source_of(SENTENCES))


def heard(weights: Weights, line: str) -> str | None:
    found = likeness([line], WORDS.names, WORDS.by_rank, weights)
    return WORDS.by_rank[found.rank].name if found is not None else None


def test_the_shipped_weights_were_learnt_from_the_sentences_of_the_tests() -> None:
    # If this fails, learn them again: python -m tests.claim_model
    assert shipped().learnt_from == source_of(everything())


def test_what_is_learnt_is_heard_in_other_sentences(weights: Weights) -> None:
    assert heard(weights, "It burns everywhere, Critical if you ask us") == "Critical"
    assert heard(weights, "It may wait a bit, High if you ask us") == "High"
    assert heard(weights, "Who reads the mails that are Critical at night") is None


def test_the_same_weights_are_learnt_each_time_and_can_be_read_again(weights: Weights) -> None:
    again = learnt(list(examples_of(SENTENCES)), source_of(SENTENCES))

    assert again == weights
    assert parsed(written(weights)) == weights


def test_of_a_lesser_claim_the_level_is_the_one_that_is_named(weights: Weights) -> None:
    assert heard(weights, "It may wait, Low if you ask us") == "Low"
    assert heard(weights, "It may wait, Major if you ask us") == "High"


def test_a_claim_names_the_words_by_which_it_was_heard(weights: Weights) -> None:
    line = "Zebra 4711: it burns, so Critical if you ask us"

    found = likeness([line], WORDS.names, WORDS.by_rank, weights)

    assert found is not None
    assert found.wording
    assert all(passage in line for passage in found.wording)
    assert not any("Zebra" in passage or "4711" in passage for passage in found.wording)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_claim_without_a_pattern_is_heard_under_each_policy(name: str) -> None:
    policy = SHIPPED[name]
    words, text = policy.claim_vocabulary, f"Guten Morgen,\n{HEARD_BY_LIKENESS}"

    opening, reply = claim_in_opening(words, "Ofen", text), claim_in_reply(words, "Ofen", text)

    for claim in (opening, reply):
        assert claim is not None
        assert claim.level == policy.levels[0].name
        assert claim.where.startswith('wording "kritisch"')
    assert may_claim_critical("Re: something else", text, policy)


def test_a_lesser_claim_without_a_pattern_is_of_the_level_that_is_named() -> None:
    text = "Hallo,\nder Export dauert. Für uns eher niedrig, bei Gelegenheit genügt."

    claim = claim_in_opening(WORDS, "Export", text)

    assert claim is not None
    assert (claim.level, claim.critical) == ("Low", False)
    assert claim.where.startswith("wording ")


def test_what_the_patterns_find_is_not_asked_of_the_likeness() -> None:
    claim = claim_in_opening(WORDS, "Ofen", f"Severity: Low\n{HEARD_BY_LIKENESS}")

    assert claim == Claim("Low", False, "text")


def test_without_a_level_of_outages_no_words_of_an_outage_are_a_claim(weights: Weights) -> None:
    levels = (Level("Critical", "", True, (), 1), Level("Rest", "", False, (), 0))
    always = Weights("", weights.bias._replace(critical=9999), {})

    def heard_of(outage: str | None) -> bool:
        words = vocabulary(levels, outage=outage)
        return likeness(["Nobody can work"], words.names, words.by_rank, always) is not None

    assert heard_of("Critical")
    assert not heard_of(None)


def test_of_several_lesser_levels_none_is_claimed(weights: Weights) -> None:
    always = Weights("", weights.bias._replace(lesser=9999), {})

    assert heard(always, "It is Low") == "Low"
    assert heard(always, "It is Low or High") is None
