"""A class is known by its name alone, so that a search for it finds one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_class_name_is_defined_twice() -> None:
    modules_by_name = defaultdict(set)
    for room in ("gateway", "rules", "storage"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.ClassDef):
                    modules_by_name[node.name].add(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert modules_by_name, f"no classes found under {ROOT}"
    twice = {name: places for name, places in modules_by_name.items() if len(places) > 1}
    assert not twice, f"names of several classes: {twice}"
