"""What the owner of a zone writes into SPF records costs the mail of others nothing: the threads
that evaluate them are those of everybody."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateway.authentication.dns import Absent, Question, TextRecords
from gateway.authentication.spf_check import MAX_RECORD_BYTES, Identity, SpfVerdict, Steps, evaluate
from rules.sender.authentication import Result

HOST = "198.51.100.9"
LONG_GREETING = ".".join(["a"] * 120) + ".evil.test"
WHO = Identity("evil.test", f"{'e.v.' * 14}e@evil.test", "smtp.mailfrom")
Term = Callable[[int], str]

HOSTILE: dict[str, Term] = {
    "a label without end": lambda n: f"exists:a{n}.{'a' * 240}.b",
    "a label that is none": lambda n: f"exists:a.{'a' * 4000}!",
    "labels behind a macro": lambda n: f"x{n}=%%{'.' * 240}",
    "labels without end behind a macro": lambda n: f"x{n}=%%{'.a' * 1900}",
    "macros": lambda n: f"x{n}={'%{h99r}' * 34}",
    "macros that are taken apart": lambda n: f"x{n}=a{'%{S1r-.}' * 29}",
    "macros that do not end": lambda n: f"x{n}={'%{' * 120}",
    "an explanation that is the record": lambda n: f"x{n}=%%{'.' * 240}" if n else "exp=evil.test",
    "names": lambda n: f"a:{n}.evil.test",
    "networks": lambda n: f"ip4:192.0.{n % 256}.0/24",
    "networks of IPv6": lambda n: f"ip6:2001:db8::{n}",
}


def chained(term: Term, records: int = 10) -> dict[Question, TextRecords]:
    """Records that include each other, each as full of such terms as a record may be."""
    texts: dict[Question, TextRecords] = {}
    for number in range(records):
        text = f"v=spf1 include:n{number + 1}.evil.test" if number + 1 < records else "v=spf1"
        count = 0
        while len(text) + len(added := f" {term(count)}") <= MAX_RECORD_BYTES - len(" -all"):
            text, count = text + added, count + 1
        name = "evil.test" if number == 0 else f"n{number}.evil.test"
        texts[name, "TXT"] = TextRecords((f"{text} -all".encode(),))
    return texts


def including(networks: int) -> dict[Question, TextRecords]:
    """A record that includes ten others with so many networks each; the last one has our host."""
    texts: dict[Question, TextRecords] = {}
    for number in range(10):
        each = [f"ip4:10.{number}.{n}.0/24" for n in range(networks)]
        last = [f"ip4:{HOST}"] if number == 9 else []
        record = " ".join(["v=spf1", *each, *last, "-all"])
        texts[f"n{number}.evil.test", "TXT"] = TextRecords((record.encode(),))
    includes = " ".join(f"include:n{number}.evil.test" for number in range(10))
    texts["evil.test", "TXT"] = TextRecords((f"v=spf1 {includes} -all".encode(),))
    return texts


def evaluated(published: dict[Question, TextRecords]) -> tuple[SpfVerdict, float]:
    """The verdict, and the CPU time of all passes in seconds."""
    known: dict[Question, TextRecords | Absent] = {}
    missing: Question = (WHO.domain, "TXT")
    steps, began_s = Steps(), time.thread_time()
    while True:
        known[missing] = published.get(missing, Absent())
        outcome = evaluate(WHO, HOST, LONG_GREETING, known, steps)
        if isinstance(outcome, SpfVerdict):
            return outcome, time.thread_time() - began_s
        missing = outcome


@pytest.mark.parametrize("term", HOSTILE.values(), ids=HOSTILE)
def test_no_records_take_longer_than_large_honest_ones(term: Term) -> None:
    hostile = chained(term)
    for _ in range(3):  # on a busy machine one of two measurements may be off
        verdict, taken_s = evaluated(hostile)
        honest_s = evaluated(including(150))[1]
        if taken_s < 6 * honest_s:
            break

    assert verdict.result in (Result.PERMERROR, Result.FAIL)
    assert taken_s < 6 * honest_s


def test_ten_included_records_with_150_networks_each_are_evaluated() -> None:
    verdict, _ = evaluated(including(150))
    assert (verdict.result, verdict.detail) == (Result.PASS, "")


def test_more_than_that_is_an_error_that_the_journal_names() -> None:
    verdict, _ = evaluated(including(200))
    assert verdict.result is Result.PERMERROR
    assert "too many steps" in verdict.detail


def test_so_is_a_term_that_is_longer_than_a_name() -> None:
    record = f"v=spf1 exists:a.{'a' * 250}!"
    verdict, _ = evaluated({(WHO.domain, "TXT"): TextRecords((record.encode(),))})
    assert verdict.result is Result.PERMERROR
    assert "a term of more than 255 bytes" in verdict.detail
