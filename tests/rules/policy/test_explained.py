"""Every sentence of `postern policy explain` is backed by tests of the engine.

`explained.toml` maps the key of each sentence to these tests.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import rules.policy.explain
from gateway import policies
from rules.policy.explain import chapters_of

TESTS = Path(__file__).parents[2]
PROOFS: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "explained.toml").read_text(encoding="utf-8")
)


def keys() -> Iterator[str]:
    """The key of each `Explained(key, text)` in the code; it must be written out there."""
    for path in sorted(Path(rules.policy.explain.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Explained":
                key = node.args[0]
                assert isinstance(key, ast.Constant), f"{path.name}:{node.lineno}"
                yield str(key.value)


@cache
def names_in(module: str) -> frozenset[str]:
    """The names of the tests of a module, those in classes too."""
    path = TESTS / f"{module}.py"
    if not path.exists():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_all_every_sentence_of_explain_has_its_test() -> None:
    assert set(keys()) == set(PROOFS)
    assert all(PROOFS.values())


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_a_shipped_policy_is_explained_by_these_sentences_alone(name: str) -> None:
    said = {
        each.key for chapter in chapters_of(policies.load(None)[name]) for each in chapter.sentences
    }

    assert said <= set(PROOFS)


def test_each_test_that_proves_a_sentence_exists() -> None:
    proofs = {proof for each in PROOFS.values() for proof in each}
    missing = {
        proof
        for proof in proofs
        for module, _, name in [proof.partition(": ")]
        if f"test_{name}" not in names_in(module)
    }

    assert not missing
