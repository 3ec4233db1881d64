"""The mails of a benchmark: a folder of files with a manifest, the same for every target."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import mail_generator

GENERATOR = Path(__file__).parents[3] / "shared" / "load" / "gen.py"
MANIFEST = "manifest.csv"

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>\s]+)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MailFile:
    """One mail: its file, and the address in From, which is also the envelope sender."""

    path: Path
    sender: str

    def message_id(self) -> str:
        """The id without its angle brackets. Raises ValueError if there is none."""
        found = _MESSAGE_ID.search(self.path.read_bytes())
        if found is None:
            raise ValueError(f"{self.path} has no Message-ID")
        return found[1].decode()


@dataclass(frozen=True, slots=True)
class Load:
    """All mails of a run, in the order of sending."""

    folder: Path
    mails: Sequence[MailFile]
    source: str
    """The generator that wrote them, for the report."""

    @property
    def senders(self) -> list[str]:
        return sorted({mail.sender for mail in self.mails})

    @property
    def octets(self) -> int:
        return sum(mail.path.stat().st_size for mail in self.mails)


def write(folder: Path, count: int, senders: int, mailbox: str) -> Load:
    """Write `count` mails to `mailbox` into a new folder; the same arguments give the same mails.

    Uses the project's shared generator if it is available, else `tests.bench.mail_generator`.
    """
    if GENERATOR.is_file():
        source = str(GENERATOR)
        numbers = ["-n", str(count), "--senders", str(senders)]
        command = [sys.executable, source, str(folder), "--to", mailbox, *numbers]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    else:
        source = f"tests/bench/mail_generator.py (there is no {GENERATOR})"
        mail_generator.write(folder, count, senders, mailbox)
    return Load(folder, read(folder), source)


def read(folder: Path) -> list[MailFile]:
    """The mails of a folder that `write` has made, in order."""
    with (folder / MANIFEST).open(newline="") as file:
        return [MailFile(folder / row["file"], row["sender"]) for row in csv.DictReader(file)]
