"""In which threads functions are called."""

from __future__ import annotations

import threading
from pkgutil import resolve_name
from typing import Any

import pytest


def threads_of(monkeypatch: pytest.MonkeyPatch, *names: str) -> set[int]:
    """The threads in which functions, given by their dotted names, are called from now on; it is
    added to."""
    threads: set[int] = set()
    for name in names:
        called = resolve_name(name)

        def noted(*args: Any, _called: Any = called, **values: Any) -> Any:
            threads.add(threading.get_ident())
            return _called(*args, **values)

        monkeypatch.setattr(name, noted)
    return threads
