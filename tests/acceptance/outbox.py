"""The mails that a server has written into its Maildir."""

from __future__ import annotations

import email
import os
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path


@dataclass(frozen=True)
class SentMail:
    to: str
    subject: str
    mail: EmailMessage


class Outbox:
    """Reads each file once: what was delivered into a Maildir does not change."""

    def __init__(self, maildir: Path) -> None:
        self._folder = maildir / "new"
        self._read: dict[str, SentMail] = {}

    def mails(self) -> Sequence[SentMail]:
        """Those that were sent so far, by the names of their files."""
        names = sorted(os.listdir(self._folder)) if self._folder.is_dir() else []
        return [self._read.get(name) or self._open(name) for name in names]

    def _open(self, name: str) -> SentMail:
        mail = email.message_from_bytes((self._folder / name).read_bytes(), policy=default)
        opened = SentMail(str(mail["Delivered-To"]), str(mail["Subject"]), mail)
        self._read[name] = opened
        return opened
