"""The file by which `postern reload` finds the server."""

from __future__ import annotations

import os
from pathlib import Path

from structlog.testing import capture_logs

from gateway.pid_file import naming_this_process, server_at


def test_a_server_is_found_while_it_runs_and_not_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "postern.pid"
    assert server_at(path) is None

    with naming_this_process(path):
        assert server_at(path) == os.getpid()

    assert server_at(path) is None


def test_the_number_that_a_killed_server_left_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "postern.pid"
    path.write_text(f"{os.getpid()}\n")

    assert server_at(path) is None
    with naming_this_process(path):
        assert server_at(path) == os.getpid()


def test_a_second_server_leaves_the_file_to_the_first_and_runs_without_one(tmp_path: Path) -> None:
    path = tmp_path / "postern.pid"

    with naming_this_process(path), capture_logs() as log, naming_this_process(path):
        assert server_at(path) == os.getpid()

    assert [(each["event"], each["why"]) for each in log] == [
        ("no_pid_file", "another server has it")
    ]


def test_a_folder_that_does_not_exist_stops_no_server(tmp_path: Path) -> None:
    path = tmp_path / "run" / "postern.pid"

    with capture_logs() as log, naming_this_process(path):
        assert server_at(path) is None

    assert [(each["event"], each["path"]) for each in log] == [("no_pid_file", str(path))]
