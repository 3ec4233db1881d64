"""The first cases of `make fuzz` with a fixed seed: the same on every machine."""

from __future__ import annotations

import pytest

from tests.fuzz import authors, mails, web, web_sizes, wire
from tests.fuzz.__main__ import FOLDER
from tests.fuzz.findings import Report, save

SEED = 20261128


def check(report: Report, cases: int) -> None:
    paths = save(report, FOLDER)
    assert not report.findings, "\n".join(
        f"{finding}\npython -m tests.fuzz replay {path}"
        for finding, path in zip(report.findings, paths, strict=True)
    )
    assert report.cases == cases


@pytest.mark.parametrize("loop", wire.LOOPS)
def test_no_dialogue_breaks_a_law_of_the_wire(loop: str) -> None:
    report = wire.run(SEED, range(500), loop)
    check(report, 500)
    assert report.figures["mails"] > 20, "otherwise the dialogues prove little"


def test_no_mail_breaks_a_law_of_the_parser_or_the_rules() -> None:
    report = mails.run(SEED, range(2500))
    check(report, 2500)
    assert len(report.figures["verdicts"]) >= 6


def test_no_reader_finds_another_author_than_we_do() -> None:
    report = authors.run(SEED, range(6000))
    check(report, 6000)
    assert report.figures["authors"] > 600


def test_no_request_breaks_a_law_of_the_web() -> None:
    report = web.run(SEED, range(800))
    check(report, 800)
    assert {200, 201, 400, 403, 404, 409} <= set(report.figures["answers"])


def test_no_large_request_holds_the_event_loop_or_is_kept() -> None:
    report = web_sizes.run(SEED, range(100))
    check(report, 100)
    assert {"400", "415"} <= set(report.figures["answers"])
