"""The benchmark works; no test depends on its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import load, mail_generator
from tests.bench.client import Sent, stuffed
from tests.bench.haraka import HarakaTarget
from tests.bench.outbox import differences
from tests.bench.postern import audit
from tests.bench.report import Figures, Measured, summarise


def test_a_small_run_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--mails", "8", "--senders", "1", "--sessions", "4", "--rounds", "1"]
    targets = ["--settle", "0", "--workers", "1", "--targets", "sink", "postern-sqlite"]
    code = bench.main([*arguments, *targets, "--load", "desk", "--new-connections"])
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert "each mail over a connection of its own" in shown
    assert "with all" in shown, "its notices are counted"
    rows = [line.split() for line in shown.partition("Medians")[2].splitlines()]
    names = [row[0] for row in rows if row]
    assert names.index("target") < names.index("sink") < names.index("postern-sqlite")


def test_a_target_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "Haraka is not installed" in (HarakaTarget(1).missing() or "")


def test_the_generated_mails_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("once", "again"):
        mail_generator.write(tmp_path / name, 30, 3, "support@help.example")
    once, again = (load.read(tmp_path / name) for name in ("once", "again"))
    assert [m.path.read_bytes() for m in once] == [m.path.read_bytes() for m in again]
    assert len({mail.message_id() for mail in once}) == 30
    assert any(b"\nIn-Reply-To:" in mail.path.read_bytes() for mail in once)


def test_a_lost_and_a_duplicated_mail_are_detected(tmp_path: Path) -> None:
    mail_generator.write(tmp_path / "mails", 3, 1, "support@help.example")
    mails = load.read(tmp_path / "mails")
    first, second, _ = (mail.message_id() for mail in mails)

    def query(sql: str) -> Sequence[tuple[object, ...]]:
        return [("opened", 3)] if "journal GROUP" in sql else [(first,), (first,), (second,)]

    sent = Sent([mail.path.name for mail in mails], {"250": 3}, [], 0, 1, [], 0)
    assert audit(query, load.Load(tmp_path, mails, "us"), sent) == [
        "1 mails answered 250 are on no ticket",
        "1 mails are on tickets more than once",
    ]


def test_a_lost_and_a_repeated_notice_are_detected() -> None:
    assert differences({"sent": 5}, received=5, different=5) == []
    assert differences({"sent": 5, "dead": 1}, received=5, different=4) == [
        "1 notices are dead",
        "5 notices are sent in the store, 4 at the relay",
        "the relay has 1 mails twice",
    ]


@pytest.mark.parametrize(
    ("raw", "carried"),
    [
        (b"a\n.b\n", b"a\r\n..b\r\n.\r\n"),
        (b".a", b"..a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
    ],
)
def test_dots_are_doubled_on_the_wire(raw: bytes, carried: bytes) -> None:
    assert stuffed(raw) == carried


def test_a_ratio_compares_within_a_round() -> None:
    lines = summarise([_at("sink", 1, 100), _at("postern", 1, 50), _at("sink", 2, 10)])
    assert [(line.target, line.ratios) for line in lines] == [
        ("sink", {"sink": 1.0}),
        ("postern", {"sink": 0.5}),
    ]


def _at(target: str, number: int, mails_per_s: float) -> Measured:
    return Measured(
        target, number, Figures(mails_per_s, 1, 1, 1, 1, 1, mails_per_s), {}, [], [], {}
    )
