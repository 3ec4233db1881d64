"""kill -9 under load: each mail that was answered 250 is on exactly one ticket."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults import early_reply
from tests.faults.kill_series import kill_under_load
from tests.faults.launch import Launch, by_command, fresh, preloaded
from tests.faults.node import Node, is_in_time, running

RESTART_S = 5

SERIES = [
    pytest.param(4, preloaded, id="4-kills"),
    pytest.param(1, fresh, id="a-kill-with-a-new-process"),
]


@pytest.mark.parametrize(("kills", "launch"), SERIES)
def test_no_acknowledged_mail_is_lost_or_duplicated(
    enrolled: str, tmp_path: Path, kills: int, launch: Launch
) -> None:
    with running(Node(tmp_path, enrolled, launch=launch)) as node:
        report = kill_under_load(node, enrolled, kills, seed=kills)

    assert report.findings.faults() == {}
    assert report.final_refusals == []
    assert is_in_time(max(report.restarts_s), RESTART_S)


def test_a_server_with_workers_is_killed_without_loss(enrolled: str, tmp_path: Path) -> None:
    with running(Node(tmp_path, enrolled, "--workers", "2")) as node:
        report = kill_under_load(node, enrolled, kills=1, seed=1)

    assert report.findings.faults() == {}
    assert report.final_refusals == []


def test_a_reply_before_the_commit_is_detected_as_loss(enrolled: str, tmp_path: Path) -> None:
    early = by_command(sys.executable, str(early_reply.__file__))

    with running(Node(tmp_path, enrolled, launch=early)) as node:
        report = kill_under_load(node, enrolled, kills=1, seed=1)

    assert len(report.findings.lost) > 0
