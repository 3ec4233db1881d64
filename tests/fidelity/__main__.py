"""`python -m tests.fidelity [FOLDER …]`: how faithfully the mails of folders are read.

By default those beside the project, `../shared/corpus` and `../shared/cases`, and the folder that
FIDELITY_DIR names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fidelity.mails import mails_of, measured
from tests.fidelity.replies import scored

SHARED = Path(__file__).parents[3] / "shared"
CORPUS, REPLIES, CASES = SHARED / "corpus/mails", SHARED / "corpus/replies", SHARED / "cases"


def folders(arguments: Sequence[str]) -> list[Path]:
    """Raises SystemExit for one that is not there, and if none is."""
    named = [Path(each) for each in arguments]
    if own := os.environ.get("FIDELITY_DIR"):
        named.append(Path(own))
    for folder in named:
        if not folder.is_dir():
            raise SystemExit(f"{folder} is not a folder: name one that contains mails")
    found = named if arguments else [each for each in (CORPUS, CASES) if each.is_dir()] + named
    if not found:
        raise SystemExit("no mails: put some into a folder and set FIDELITY_DIR to it")
    return found


def main(arguments: Sequence[str]) -> int:
    """The exit code is 1 if a mail raised an exception or took too long."""
    failed = False
    for folder in folders(arguments):
        result = measured(mails_of(folder))
        print(f"{folder}\n{result}", flush=True)
        failed |= any(kind.startswith(("exceptions", "over")) for kind in result.found)
    if REPLIES.is_dir() and not arguments:
        print(f"{REPLIES}\n{scored(REPLIES)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
