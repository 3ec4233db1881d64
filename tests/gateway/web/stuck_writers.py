"""A store whose writers wait, while it can be read: somebody else holds it for longer than anybody
waits for an answer."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from gateway import runtime
from gateway.in_time import in_time
from gateway.runtime import Runtime

WAIT_S = 1.0


@contextmanager
def stuck_writers(monkeypatch: pytest.MonkeyPatch, of: Runtime) -> Iterator[None]:
    """Until the end of the context no comment is written, and a request waits `WAIT_S`; what has
    begun by then is done afterwards."""
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "in_time", partial(in_time, limit_s=WAIT_S))
        if (turn := of.database.lock_file) is not None:
            with turn.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
            return
        with of.database.engine.connect() as connection:
            connection.exec_driver_sql("LOCK TABLE comment IN SHARE ROW EXCLUSIVE MODE")
            yield
