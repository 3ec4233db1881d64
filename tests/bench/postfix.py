"""Postfix as a target: a separate instance that delivers to a Maildir by virtual(8)."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance import postfix
from tests.bench.client import Sent
from tests.bench.load import Load
from tests.bench.processes import until
from tests.bench.targets import MAILBOX, RunningTarget

DRAIN_S = 120.0
FOLDER = "support"

_SETTINGS = """\
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {maildirs}
virtual_mailbox_maps = static:{mailbox}/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
{extra}
"""


@dataclass
class RunningPostfix(RunningTarget):
    """A running Postfix, which has finished when the Maildir contains every mail."""

    instance: postfix.Postfix = field(kw_only=True)
    maildir: Path = field(kw_only=True)

    def delivered_s(self, sent: Sent, /) -> float | None:
        new, wanted = self.maildir / "new", len(sent.accepted)

        def filled() -> bool | None:
            return True if new.is_dir() and len(os.listdir(new)) >= wanted else None

        until(self.process, filled, DRAIN_S, "Postfix's delivery")
        # The status change of the last file is its rename into new/.
        last = max((entry.stat().st_ctime for entry in os.scandir(new)), default=sent.started_at)
        return last - sent.started_at

    def finish(self, sent: Sent, /) -> list[str]:
        self.instance.stop()
        found, wanted = len(os.listdir(self.maildir / "new")), len(sent.accepted)
        return [] if found == wanted else [f"{wanted} were answered 250, {found} in the Maildir"]


@dataclass(frozen=True, slots=True)
class PostfixTarget:
    """Postfix with `extra` added to its main.cf."""

    extra: str = ""
    name: str = "postfix"

    def missing(self) -> str | None:
        return postfix.missing()

    @contextmanager
    def running(self, folder: Path, _: Load, /) -> Iterator[RunningTarget]:
        maildirs, nobody = folder / "maildirs", pwd.getpwnam("nobody")
        maildirs.mkdir()
        os.chown(maildirs, nobody.pw_uid, nobody.pw_gid)
        settings = _SETTINGS.format(
            domain=MAILBOX.partition("@")[2],
            maildirs=maildirs,
            mailbox=FOLDER,
            uid=nobody.pw_uid,
            gid=nobody.pw_gid,
            extra=self.extra,
        )
        with postfix.running_postfix(folder, settings) as instance:
            assert instance.process is not None
            maildir = maildirs / FOLDER
            yield RunningPostfix(
                instance.process, instance.port, instance=instance, maildir=maildir
            )
