"""Learns the weights of `rules.ticket.claim_likeness` from the sentences of the tests.

    python -m tests.claim_model            # learn, and write the file of weights
    python -m tests.claim_model measure    # learn from four fifths, measure on the rest, five times

The result depends on nothing but the sentences: no clock, no other library, a fixed order. It is
softmax regression by FTRL-proximal (McMahan and others, 2013), whose L1 term makes the weights of
most runs zero, so that they need not be shipped.
"""

from __future__ import annotations

import hashlib
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rules.ticket.claim_likeness import (
    SCALE,
    UNIT,
    WEIGHTS,
    Weight,
    Weights,
    likeness,
    read_words,
    runs_of,
)
from rules.ticket.claim_lines import Word
from rules.ticket.claims import opening_lines
from tests.rules.ticket import claim_sentences
from tests.rules.ticket.claim_sentences import POLICY, Sentence

EPOCHS = 8
RATE, L1, L2 = 0.3, 0.5, 0.3
LEAST_MAILS = 2
"""A run that is in fewer of them is not learnt."""
SHUFFLED = 5
"""Of each so many claims, one is learnt a second time as claiming nothing, with its words in
another order: a subject of which people claim much is not a claim."""
CLASSES = ("critical", "lesser")
FILE = Path(__file__).parents[1] / "rules" / "ticket" / WEIGHTS


class Example(NamedTuple):
    runs: Sequence[str]
    claim: str
    """One of `CLASSES`, or empty for none."""


@dataclass
class _Learnt:
    """The state of one class: a weight for each run, and what FTRL keeps next to it."""

    weights: list[float]
    sums: list[float]
    squares: list[float]
    bias: float = 0.0
    bias_squares: float = 0.0

    @classmethod
    def of(cls, count: int) -> _Learnt:
        return cls([0.0] * count, [0.0] * count, [0.0] * count)

    def correct(self, runs: Sequence[int], error: float, scale: float) -> None:
        """Move the weights against the error of a prediction."""
        self.bias_squares += error * error
        self.bias -= 0.1 * error / math.sqrt(1 + self.bias_squares)
        slope = error * scale
        for run in runs:
            before = self.squares[run]
            self.squares[run] = after = before + slope * slope
            root = math.sqrt(after)
            total = self.sums[run] + slope
            total -= (root - math.sqrt(before)) / RATE * self.weights[run]
            self.sums[run] = total
            beyond = max(0.0, abs(total) - L1)
            self.weights[run] = -math.copysign(beyond, total) / ((1 + root) / RATE + L2)


def mail_words(sentence: Sentence) -> list[list[Word]]:
    words = POLICY.claim_vocabulary
    return read_words(opening_lines(words, *sentence.mail(POLICY)), words.names)


def example(mail: Iterable[Sequence[Word]], claim: str) -> Example:
    return Example(sorted(runs_of(mail, POLICY.claim_vocabulary.by_rank)), claim)


def examples_of(sentences: Iterable[Sentence]) -> Iterator[Example]:
    """What is learnt."""
    order, claims = random.Random(1), 0
    for sentence in sentences:
        mail = mail_words(sentence)
        yield example(mail, sentence.claim)
        claims += bool(sentence.claim)
        if sentence.claim and claims % SHUFFLED == 0:
            words = [word for line in mail for word in line if word.raw]
            order.shuffle(words)
            yield example([words], "")


def learnt(examples: Sequence[Example], source: str) -> Weights:
    """The weights, in whole numbers of `UNIT`."""
    seen = Counter(run for each in examples for run in each.runs)
    runs = sorted(run for run, count in seen.items() if count >= LEAST_MAILS)
    ids = {run: number for number, run in enumerate(runs)}
    of_class = Counter(each.claim for each in examples)
    known = [
        (
            [ids[run] for run in each.runs if run in ids],
            SCALE / math.sqrt(len(each.runs)),
            each.claim,
            len(examples) / len(of_class) / of_class[each.claim],
        )
        for each in examples
    ]
    model = {name: _Learnt.of(len(runs)) for name in CLASSES}
    order = random.Random(1)  # the order of learning, the same each time
    for _ in range(EPOCHS):
        order.shuffle(known)
        for found, scale, claim, importance in known:
            scores = {
                name: of.bias + scale * sum(map(of.weights.__getitem__, found))
                for name, of in model.items()
            }
            total = 1 + sum(math.exp(score) for score in scores.values())
            for name, of in model.items():
                chance = math.exp(scores[name]) / total
                of.correct(found, importance * (chance - (name == claim)), scale)
    return _rounded(runs, model, source)


def _rounded(runs: Sequence[str], model: dict[str, _Learnt], source: str) -> Weights:
    critical, lesser = (model[name] for name in CLASSES)
    pairs = {
        run: Weight(round(UNIT * critical.weights[at]), round(UNIT * lesser.weights[at]))
        for at, run in enumerate(runs)
    }
    return Weights(
        source,
        Weight(round(UNIT * critical.bias), round(UNIT * lesser.bias)),
        {run: pair for run, pair in pairs.items() if pair != (0, 0)},
    )


def source_of(sentences: Sequence[Sentence]) -> str:
    """The hash of the sentences that weights are learnt from."""
    text = "\0".join(f"{each.claim}\0{each.text}" for each in sentences)
    return hashlib.sha256(text.encode()).hexdigest()


def written(weights: Weights) -> str:
    """The file of weights."""
    head = (
        "// The weights of claim_likeness.py, learnt by `python -m tests.claim_model`: a run of\n"
        '// words, or of their codes after "=", its weight for a critical and for a lesser claim.\n'
        "// First the hash of the sentences, and the weights of every mail.\n"
    )
    lines = [f"{run}\t{w.critical}\t{w.lesser}" for run, w in sorted(weights.by_run.items())]
    bias = f"{weights.bias.critical}\t{weights.bias.lesser}"
    return head + "\n".join([weights.learnt_from, bias, *lines]) + "\n"


@dataclass
class Measured:
    right: Counter[str] = field(default_factory=Counter)
    count: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(
            f"{kind or 'none'} {self.right[kind]} of {self.count[kind]}" for kind in (*CLASSES, "")
        )


def measured(sentences: Sequence[Sentence], parts: int = 5) -> Iterator[Measured]:
    """How many sentences are heard as they are meant by weights that were not learnt from them."""
    words = POLICY.claim_vocabulary
    for part in range(parts):
        others = [each for n, each in enumerate(sentences) if n % parts != part]
        weights = learnt(list(examples_of(others)), "")
        result = Measured()
        for sentence in sentences[part::parts]:
            lines = opening_lines(words, *sentence.mail(POLICY))
            heard = likeness(lines, words.names, words.by_rank, weights)
            kind = "" if heard is None else CLASSES[not words.by_rank[heard.rank].critical]
            result.count[sentence.claim] += 1
            result.right[sentence.claim] += kind == sentence.claim
        yield result


def main() -> None:
    sentences = claim_sentences.everything()
    if sys.argv[1:] == ["measure"]:
        for result in measured(sentences):
            print(result, flush=True)
        return
    weights = learnt(list(examples_of(sentences)), source_of(sentences))
    FILE.write_text(written(weights), "utf-8")
    print(f"{len(weights.by_run)} runs from {len(sentences)} sentences: {FILE}")


if __name__ == "__main__":
    main()
