"""For each promise of the presets, the edit that breaks it, and the test that must detect it.

A row is named as its test is, `W3 …`. `python -m tests.mutants --rows W3` tries the rows whose
names begin so; `--rows` alone tries all of them. Append yours to its preset.
"""

from __future__ import annotations

from tests.mutants.mutations import Edit, Mutation

POLICIES = "tests/acceptance/policies"


def row(name: str, path: str, old: str, new: str, test: str) -> Mutation:
    """A row with one edit; `test` is a module of `POLICIES` and a test in it, `test_weka.py::…`."""
    return Mutation(name, (Edit(path, old, new),), (f"{POLICIES}/{test}",))


WEKA: tuple[Mutation, ...] = ()

STAKATER: tuple[Mutation, ...] = ()

AIVEN: tuple[Mutation, ...] = ()

ATLAN: tuple[Mutation, ...] = ()

ALL: tuple[Mutation, ...] = ()
"""What holds for every preset."""

ROWS = (*WEKA, *STAKATER, *AIVEN, *ATLAN, *ALL)
