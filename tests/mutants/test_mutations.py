"""Each mutation finds the text that it breaks: `make mutants` is not part of every run of tests."""

from __future__ import annotations

import pytest

from tests.mutants.__main__ import ROOT
from tests.mutants.mutations import MUTATIONS, Mutation
from tests.mutants.rows import ROWS


@pytest.mark.parametrize("mutation", [*MUTATIONS, *ROWS], ids=lambda each: each.name)
def test_each_text_is_found_once_and_each_file_of_tests_exists(mutation: Mutation) -> None:
    for edit in mutation.edits:
        assert (ROOT / edit.path).read_text().count(edit.old) == 1, edit
    for test in mutation.tests:
        path, *names = test.split("::")
        assert f"def {names[-1].partition('[')[0] if names else ''}" in (ROOT / path).read_text()
