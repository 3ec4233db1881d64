"""Our regular expressions mean the same on every Python that Postern runs on.

Python 3.11.0 to 3.11.4 go on behind the end of a possessive group, `(?:ab?c)*+`, when its last
attempt fails halfway (CPython issue 106052): `a` matches. A possessive repeat of one character and
an atomic group, `(?>(?:ab?c)*)`, are right everywhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The end of a group, or the beginning of a text: then what is repeated stands in another constant.
_POSSESSIVE = re.compile(r"[*+?}]\+")
_POSSESSIVE_GROUP = re.compile(r"(?:(?<!\\)\)|\A)(?:[*+?]|\{\d*,?\d*\})\+")


def possessive_groups(source: str) -> Iterator[int]:
    """The lines of the constants that could be part of such an expression."""
    if _POSSESSIVE.search(source) is None:
        return
    module = ast.parse(source)
    compared = {
        each
        for node in ast.walk(module)
        if isinstance(node, ast.Compare)
        for each in node.comparators
    }
    for node in ast.walk(module):
        if (
            node not in compared
            and isinstance(node, ast.Constant)
            and isinstance(node.value, str | bytes)
        ):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if _POSSESSIVE_GROUP.search(text):
                yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        'r"(?:ab?c)*+"',
        'rb"(ab?c)?+"',
        'r"(?:ab?c){1,8}+"',
        'rf"{WORD}++"',
        'rf"{WORD}{{2,}}+x"',
        'rb"(?:" + WORD + rb")*+"',
        'WORD + r"?+"',
    ],
)
def test_a_possessive_group_is_found(source: str) -> None:
    assert list(possessive_groups(source)) == [1]


@pytest.mark.parametrize(
    "source",
    [r'r"\)*+"', 'r"[a-z]*+"', 'r"(?>(?:ab?c)*)"', 'rf"(?>{WORD}+)"', 'f"{a}+{b}"', 'a in "*+?"'],
)
def test_what_means_the_same_everywhere_is_allowed(source: str) -> None:
    assert not list(possessive_groups(source))


def test_no_expression_repeats_a_group_possessively() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ("gateway", "rules", "storage")
        for path in (ROOT / room).rglob("*.py")
        for line in possessive_groups(path.read_text())
    ]
    assert not found, f"write (?>(?:…)*) instead of (?:…)*+ in {found}"
