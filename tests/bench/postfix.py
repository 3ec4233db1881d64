"""Debian's Postfix as a target: its own instance, delivering to a Maildir by virtual(8).

Configuration, queue, data, log and port are all its own; the system's instance is not touched.
Everything that has to do with speed is as shipped, fsync of queue file and delivery included.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.client import Sent
from tests.bench.load import Load
from tests.bench.processes import Failed, end, free_ports, program, until
from tests.bench.targets import MAILBOX, START_S, Running

DRAIN_S = 120.0
COMMAND_S = 60.0
FOLDER = "support"

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.help.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/maildirs
virtual_mailbox_maps = static:{mailbox}/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
{extra}
"""
# service type private unpriv chroot wakeup maxproc command: no chroot, else as Debian ships it
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class RunningPostfix(Running):
    """Postfix, which is done when the Maildir has every mail."""

    config: Path = field(kw_only=True)
    maildir: Path = field(kw_only=True)

    def delivered_s(self, sent: Sent, /) -> float | None:
        new, wanted = self.maildir / "new", len(sent.accepted)

        def filled() -> bool | None:
            return True if new.is_dir() and len(os.listdir(new)) >= wanted else None

        until(self.process, filled, DRAIN_S, "Postfix's delivery")
        # The last rename into new/ is the last file's change of status.
        last = max((entry.stat().st_ctime for entry in os.scandir(new)), default=sent.started_at)
        return last - sent.started_at

    def finish(self, sent: Sent, /) -> list[str]:
        _stop(self.process, self.config)
        found, wanted = len(os.listdir(self.maildir / "new")), len(sent.accepted)
        return [] if found == wanted else [f"{wanted} were answered 250, {found} in the Maildir"]


@dataclass(frozen=True, slots=True)
class Postfix:
    """`extra` is added to main.cf as it is."""

    extra: str = ""
    name: str = "postfix"

    def missing(self) -> str | None:
        if shutil.which("postfix") is None:
            return "Postfix is not installed (Debian: apt-get install postfix)"
        if os.geteuid() != 0:
            return "Postfix starts only as root"
        try:
            pwd.getpwnam("postfix")
        except KeyError:
            return "Postfix has no user `postfix`"
        return None

    @contextmanager
    def running(self, folder: Path, _: Load, /) -> Iterator[Running]:
        (port,) = free_ports(1)
        config = self._configure(folder, port)
        with program(["postfix", "-c", str(config), "start-fg"], folder / "postfix.log") as process:
            try:
                until(process, lambda: _greets(port), START_S, "Postfix")
                maildir = folder / "maildirs" / FOLDER
                yield RunningPostfix(process, port, config=config, maildir=maildir)
            finally:
                _stop(process, config)

    def _configure(self, folder: Path, port: int) -> Path:
        folder.chmod(0o755)  # its processes are other users'
        owner, nobody = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        config = folder / "etc"
        for name, user in (("etc", None), ("queue", None), ("data", owner), ("maildirs", nobody)):
            (folder / name).mkdir()
            if user is not None:
                os.chown(folder / name, user.pw_uid, user.pw_gid)
        (config / "main.cf").write_text(
            _MAIN.format(
                folder=folder,
                domain=MAILBOX.partition("@")[2],
                mailbox=FOLDER,
                uid=nobody.pw_uid,
                gid=nobody.pw_gid,
                extra=self.extra,
            )
        )
        (config / "master.cf").write_text(_MASTER.format(port=port))
        return config


def _greets(port: int) -> bool | None:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            return True if client.recv(3) == b"220" else None
    except OSError:
        return None


def _stop(process: subprocess.Popen[bytes], config: Path) -> None:
    """By its own command: a signal would end the script that started it and leave it running."""
    if process.poll() is not None:
        return
    command = ["postfix", "-c", str(config), "stop"]
    done = subprocess.run(command, capture_output=True, timeout=COMMAND_S, check=False)
    try:
        process.wait(COMMAND_S)
    except subprocess.TimeoutExpired:
        end(process)
        raise Failed(f"Postfix does not stop: {done.stderr.decode()}") from None
