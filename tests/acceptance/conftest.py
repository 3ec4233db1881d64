"""A running Postern with the demo enrolled, on each store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Postern, postern, serving, write_config


@pytest.fixture
def demo(store_url: str, tmp_path: Path) -> Iterator[Postern]:
    config = write_config(tmp_path, store_url)
    done = postern("init", "--demo", "--config", str(config))
    assert done.returncode == 0, done.stderr
    with serving(config) as running:
        yield running
