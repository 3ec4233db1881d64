"""The measurements of mixed loads work; no test depends on their figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench import mail_generator, mixed
from tests.bench.beside_large import Comparison
from tests.bench.client import Pace
from tests.bench.processes import end, program, until
from tests.bench.targets import MAILBOX, START_S, listening_port


def test_small_mails_are_compared_alone_and_with_large_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mail_generator.write(tmp_path / "mails", 7, 2, MAILBOX)
    log = tmp_path / "sink.log"
    with program([sys.executable, "-m", "tests.bench.sink", "--count"], log) as sink:
        port = until(sink, lambda: listening_port(log), START_S, "sink")
        pace = Pace(sessions=2, rate=20)
        compared = Comparison(port, [sink.pid], tmp_path / "mails", pace, connections=1)
        compared.round(1, 3, between=1)
        end(sink)
        received = f"received {compared.accepted} mails, {compared.accepted} different"
        assert received in log.read_text()

    assert compared.accepted > 7, "a large mail was taken"
    compared.result(lambda _: [(compared.accepted,)])
    assert "the p99 rises by" in capsys.readouterr().out
    assert compared.faults == []
    assert not compared.result(lambda _: [(7,)]), "a mail that is not filed is detected"


@pytest.mark.soak
def test_a_desk_works_until_all_notices_are_sent(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    short = ["--rate", "10", "--minutes", "0.01", "--senders", "2", "--folder", str(tmp_path)]
    assert mixed.main(short) == 0
    shown = capsys.readouterr().out
    assert "6 mails taken" in shown
    assert "no notice is due" in shown


@pytest.mark.soak
def test_the_intake_is_compared_with_and_without_sending(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    few = ["--mails", "8", "--rounds", "1", "--senders", "1", "--folder", str(tmp_path)]
    mixed.main(["--intake", *few])
    shown = capsys.readouterr().out
    assert "of the intake" in shown
    assert "FAULT" not in shown
