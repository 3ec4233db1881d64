"""Parallel workers compile different test modules, and each finds those that the others compiled.

pytest rewrites the assertions of a module when it is first imported in a checkout, which takes
longer than all the rest of a collection. Workers that began at the same module would each rewrite
every one.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent


def import_tests(worker: int, workers: int) -> None:
    """Import all test modules; each worker begins with a share of its own."""
    paths = sorted(FOLDER.rglob("test_*.py"))
    begin = len(paths) * worker // workers
    for path in paths[begin:] + paths[:begin]:
        with suppress(Exception):  # the collection imports it again and reports what it raises
            import_module(".".join(path.relative_to(FOLDER.parent).with_suffix("").parts))
