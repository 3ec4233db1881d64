"""A class is known by its name alone, so that a search for it finds one thing."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CLASS = re.compile(r"\s*class (\w+)[(:\[]")


def test_no_class_name_is_defined_twice() -> None:
    modules_by_name = defaultdict(set)
    for room in ("gateway", "rules", "storage"):
        for path in (ROOT / room).rglob("*.py"):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if named := _CLASS.match(line):
                    modules_by_name[named[1]].add(f"{path.relative_to(ROOT)}:{number}")
    assert modules_by_name, f"no classes found under {ROOT}"
    twice = {name: places for name, places in modules_by_name.items() if len(places) > 1}
    assert not twice, f"names of several classes: {twice}"
