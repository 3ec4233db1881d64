"""The floor of free disk space, on the real file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.disk import FRESH_S, DiskFloor


def test_there_is_room_above_the_floor_and_none_below(tmp_path: Path) -> None:
    """Other programs write to the disk meanwhile, so what is free is measured once."""
    floor = DiskFloor([tmp_path], 1, lambda: 0.0)
    free_bytes = floor.free_bytes()
    assert free_bytes is not None
    assert floor.has_room(free_bytes - 1)
    assert not floor.has_room(free_bytes)


def test_what_is_free_is_what_the_file_system_says(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    free_bytes, total_bytes = (n * found.f_frsize for n in (found.f_bavail, found.f_blocks))
    assert DiskFloor([tmp_path], free_bytes // 4, lambda: 0.0).has_room()
    assert not DiskFloor([tmp_path], total_bytes + 1, lambda: 0.0).has_room()


def test_a_folder_that_is_not_made_yet_is_measured_where_it_will_be(tmp_path: Path) -> None:
    assert DiskFloor([tmp_path / "not" / "yet"], 1, lambda: 0.0).has_room()


def test_without_a_folder_there_is_nothing_to_measure() -> None:
    floor = DiskFloor([], 2**60, lambda: 0.0)
    assert floor.has_room(2**60)
    assert floor.free_bytes() is None


def test_a_measurement_is_good_for_a_second_and_a_change_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr("gateway.log.disk_low", lambda *_: events.append("low"))
    monkeypatch.setattr("gateway.log.disk_free", lambda *_: events.append("free"))
    now = [0.0]
    gone = tmp_path / "gone"
    gone.mkdir()
    floor = DiskFloor([gone], 1, lambda: now[0])
    assert floor.has_room()
    gone.rmdir()  # a file system that does not respond has no room
    assert floor.has_room()
    now[0] += FRESH_S
    assert not floor.has_room()
    assert not floor.has_room()
    gone.mkdir()
    now[0] += FRESH_S
    assert floor.has_room()
    assert events == ["low", "free"]
