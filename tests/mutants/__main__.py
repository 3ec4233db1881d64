"""Break each barrier against critical tickets in a copy, and find the test that detects it.

    python -m tests.mutants
    python -m tests.mutants --rows [NAME ...]

With `--rows`, the promises of the presets are broken instead: all, or those whose names begin so.
Prints a line for each mutation. Exits with 1 if one survives or no longer matches the code, or if
the unbroken copy fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutations import MUTATIONS, Edit, Mutation
from tests.mutants.rows import ROWS

ROOT = Path(__file__).parents[2]
COPIED = ("rules", "storage", "gateway", "tests", "pyproject.toml")
TIMEOUT_S = 90
"""The limit of one run of pytest."""
EXAMPLES_TIMES = "4"
"""A mutation is a subtle fault, for which the few examples of `make test` are not meant."""
CONSTRAINT = "CHECK constraint failed: ck_ticket_mail_is_never_critical"
WHERE = "import gateway, rules, storage, tests as t; print(*(m.__file__ for m in ({})), sep='\\n')"

_FAILED = re.compile(r"^(?:FAILED|ERROR) (?:\S*::)?([^\s\[]+)", re.MULTILINE)


class CannotTest(Exception):
    """A mutation cannot be tested; the text gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the working tree."""

    folder: Path

    def pytest(self, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
        options = ("-q", "-x", "--tb=short", "-k", "not postgres", "--hypothesis-seed=1")
        plugins = ("-p", "tests.mutants.unshrunk", "-p", "no:cacheprovider", "-p", "no:xdist")
        return self.python("-m", "pytest", *options, *plugins, *tests)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy. Raises CannotTest if it does not end in time."""
        run = [sys.executable, *arguments]
        try:
            return subprocess.run(
                run,
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CannotTest(
                f"not finished after {TIMEOUT_S} s; choose faster tests: {run}"
            ) from error

    def environment(self) -> Mapping[str, str]:
        """The copy takes precedence over the installed tree.

        No byte code is written: its check for stale files, by size and second, is too coarse here.
        """
        here = {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "EXAMPLES_TIMES": EXAMPLES_TIMES,
        }
        return {**os.environ, **here}

    def check_imports(self) -> None:
        """Raise CannotTest unless the copy is what is tested."""
        found = self.python("-c", WHERE.format("gateway, rules, storage, t"))
        paths = [Path(line) for line in found.stdout.split("\n") if line]
        if len(paths) != 4 or not all(path.is_relative_to(self.folder) for path in paths):
            raise CannotTest(f"the copy is not imported: {found.stdout}{found.stderr}")

    @contextmanager
    def mutated(self, edits: Sequence[Edit]) -> Iterator[None]:
        """Apply these edits and undo them at the end. Raises CannotTest if one does not match."""
        before = {each.path: (self.folder / each.path).read_text() for each in edits}
        after = dict(before)
        for each in edits:
            if (times := after[each.path].count(each.old)) != 1:
                raise CannotTest(f"{each.path} has {each.old!r} {times} times; update the mutation")
            after[each.path] = after[each.path].replace(each.old, each.new)
        try:
            for path, text in after.items():
                (self.folder / path).write_text(text)
            yield
        finally:
            for path, text in before.items():
                (self.folder / path).write_text(text)


def copied(folder: Path) -> Copy:
    """Copy the files that git tracks or would add, in their present state."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *COPIED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return Copy(folder)


def check_unbroken(copy: Copy, mutations: Sequence[Mutation]) -> None:
    """Raise CannotTest if a test fails without a mutation."""
    copy.check_imports()
    every = {test: None for mutation in mutations for test in mutation.tests}
    done = copy.pytest(tuple(every))
    if done.returncode != 0:
        raise CannotTest(f"the unbroken copy fails; fix that first:\n{done.stdout[-3000:]}")


def detected_by(copy: Copy, mutation: Mutation) -> str:
    """The test that detects a mutation; empty if none does. Raises CannotTest."""
    with copy.mutated(mutation.edits):
        done = copy.pytest(mutation.tests)
    match done.returncode:
        case 0:
            return ""
        case 1:
            found = _FAILED.search(done.stdout)
            test = found[1] if found else "a test without a name"
            return f"the database, in {test}" if CONSTRAINT in done.stdout else test
        case _:
            raise CannotTest(f"pytest could not run:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")


def chosen(arguments: Sequence[str]) -> Sequence[Mutation]:
    """The mutations that the command line asks for."""
    if not arguments:
        return MUTATIONS
    option, *names = arguments
    found = [row for row in ROWS if not names or row.name.startswith(tuple(names))]
    if option != "--rows" or (names and not found):
        sys.exit("usage: python -m tests.mutants [--rows [NAME ...]]; see tests/mutants/rows")
    return found


def main() -> int:
    mutations, faults = chosen(sys.argv[1:]), 0
    if not mutations:
        print("no rows yet")
        return 0
    with tempfile.TemporaryDirectory(prefix="postern-mutants-") as folder:
        copy = copied(Path(folder).resolve())
        try:
            check_unbroken(copy, mutations)
        except CannotTest as error:
            print(error)
            return 1
        width = max(len(mutation.name) for mutation in mutations)
        for mutation in mutations:
            try:
                detector = detected_by(copy, mutation)
            except CannotTest as error:
                detector, faults = f"CANNOT TEST: {error}", faults + 1
            else:
                faults += not detector
            print(f"{mutation.name:{width}}  {detector or 'SURVIVES'}", flush=True)
    print(f"{len(mutations)} mutations, {faults} not detected")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
