"""Break each barrier before a critical ticket in a copy, and see who notices.

    python -m tests.mutants

Prints a line for each mutation. Exits with 1 if one survives or fits the code no more, or if the
unbroken copy fails.
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

ROOT = Path(__file__).parents[2]
COPIED = ("rules", "storage", "gateway", "tests", "pyproject.toml")
PATIENCE_S = 90
"""For one run of pytest."""
CONSTRAINT = "CHECK constraint failed: ck_ticket_mail_is_never_critical"
WHERE = "import gateway, rules, storage, tests as t; print(*(m.__file__ for m in ({})), sep='\\n')"

_FAILED = re.compile(r"^(?:FAILED|ERROR) (?:\S*::)?([^\s\[]+)", re.MULTILINE)


class Unfit(Exception):
    """Nothing can be shown; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The working tree in a folder of its own."""

    folder: Path

    def pytest(self, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
        options = ("-q", "-x", "--tb=short", "-k", "not postgres", "--hypothesis-seed=1")
        plugins = ("-p", "tests.mutants.unshrunk", "-p", "no:cacheprovider", "-p", "no:xdist")
        return self.python("-m", "pytest", *options, *plugins, *tests)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Raises Unfit where it does not come to an end."""
        run = [sys.executable, *arguments]
        try:
            return subprocess.run(
                run,
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unfit(f"no end after {PATIENCE_S} s; name faster tests: {run}") from error

    def environment(self) -> Mapping[str, str]:
        """The copy goes before the tree that the interpreter has installed.

        A compiled file is told from a stale one by size and second, which is too coarse here.
        """
        here = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **here}

    def check_imports(self) -> None:
        """Raise Unfit unless the copy is what is tested."""
        found = self.python("-c", WHERE.format("gateway, rules, storage, t"))
        paths = [Path(line) for line in found.stdout.split("\n") if line]
        if len(paths) != 4 or not all(path.is_relative_to(self.folder) for path in paths):
            raise Unfit(f"not the copy is imported: {found.stdout}{found.stderr}")

    @contextmanager
    def mutated(self, edits: Sequence[Edit]) -> Iterator[None]:
        """With these edits; raises Unfit where one does not fit. Undone at the end."""
        before = {each.path: (self.folder / each.path).read_text() for each in edits}
        after = dict(before)
        for each in edits:
            if (times := after[each.path].count(each.old)) != 1:
                raise Unfit(f"{each.path} has {each.old!r} {times} times; renew the mutation")
            after[each.path] = after[each.path].replace(each.old, each.new)
        try:
            for path, text in after.items():
                (self.folder / path).write_text(text)
            yield
        finally:
            for path, text in before.items():
                (self.folder / path).write_text(text)


def copied(folder: Path) -> Copy:
    """What git knows or would add, as it is now."""
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


def check_unbroken(copy: Copy) -> None:
    """Raise Unfit where a test fails without any mutation."""
    copy.check_imports()
    every = {test: None for mutation in MUTATIONS for test in mutation.tests}
    done = copy.pytest(tuple(every))
    if done.returncode != 0:
        raise Unfit(f"the unbroken copy fails; mend that first:\n{done.stdout[-3000:]}")


def stopped_by(copy: Copy, mutation: Mutation) -> str:
    """Who notices; empty where nobody does. Raises Unfit."""
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
            raise Unfit(f"pytest could not run:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")


def main() -> int:
    faults = 0
    with tempfile.TemporaryDirectory(prefix="postern-mutants-") as folder:
        copy = copied(Path(folder).resolve())
        try:
            check_unbroken(copy)
        except Unfit as error:
            print(error)
            return 1
        width = max(len(mutation.name) for mutation in MUTATIONS)
        for mutation in MUTATIONS:
            try:
                stopper = stopped_by(copy, mutation)
            except Unfit as error:
                stopper, faults = f"UNFIT: {error}", faults + 1
            else:
                faults += not stopper
            print(f"{mutation.name:{width}}  {stopper or 'SURVIVES'}", flush=True)
    print(f"{len(MUTATIONS)} mutations, {faults} not stopped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
