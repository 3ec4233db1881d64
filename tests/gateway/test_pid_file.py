"""The file by which `postern reload` finds the server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
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


def test_a_file_that_holds_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "postern.toml"
    path.write_text("[store]\n")
    link = tmp_path / "postern.pid"
    link.symlink_to(path)

    with capture_logs() as log, naming_this_process(link):
        assert server_at(link) is None

    assert path.read_text() == "[store]\n"
    assert [each["event"] for each in log] == ["no_pid_file"]


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null"])
def test_a_number_that_cannot_be_written_stops_no_server(path: str) -> None:
    with capture_logs() as log, naming_this_process(Path(path)):
        pass

    assert [(each["event"], each["path"]) for each in log] == [("no_pid_file", path)]


def test_a_pipe_neither_stops_a_server_nor_a_command(tmp_path: Path) -> None:
    path = tmp_path / "postern.pid"
    os.mkfifo(path)

    with capture_logs() as log, naming_this_process(path):
        assert server_at(path) is None

    assert [each["event"] for each in log] == ["no_pid_file"]
