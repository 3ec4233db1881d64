"""One promise of a preset, and the edit that breaks it."""

from __future__ import annotations

from tests.mutants.mutations import Edit, Mutation

POLICIES = "tests/acceptance/policies"


def row(name: str, path: str, old: str, new: str, test: str) -> Mutation:
    """A row with one edit; `test` is a module of `POLICIES` and a test in it, `test_weka.py::…`."""
    return Mutation(name, (Edit(path, old, new),), (f"{POLICIES}/{test}",))
