"""Debian's Postfix as a separate instance, and a server that receives what it delivers.

It has its own configuration, queue, data, log and port, and the system's instance is not touched.
All settings that affect speed are as shipped, including fsync of the queue files.
"""

from __future__ import annotations

import asyncio
import email
import json
import os
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.bench.processes import Failed, end, free_ports, until

START_S = 60.0
COMMAND_S = 60.0
DELIVERY_S = 20.0

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
{settings}
"""
# service type private unpriv chroot wakeup maxproc command: without chroot, else as in Debian
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
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
_MAIL = re.compile(r": (?P<queue_id>\w+): message-id=(?P<message_id>\S+)$", re.MULTILINE)
_DELIVERY = re.compile(
    r": (?P<queue_id>\w+): to=<(?P<to>[^>]*)>, .*\bdsn=(?P<dsn>[\d.]+), "
    r"status=(?P<status>\w+) \((?P<response>.*)\)$",
    re.MULTILINE,
)


def missing() -> str | None:
    """Why Postfix cannot run here; None if it can."""
    if shutil.which("postfix") is None:
        return "Postfix is not installed (Debian: apt-get install postfix)"
    if os.geteuid() != 0:
        return "Postfix starts only as root"
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return "Postfix has no user `postfix`"
    return None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery attempt to one recipient, from the log."""

    recipient: str
    dsn: str
    """The enhanced status code, such as 5.7.1."""
    status: str
    """`sent`, `bounced` or `deferred`."""
    response: str
    """The server's reply, or why Postfix could not reach the server."""


class Postfix:
    """An instance; `running_postfix` starts one."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and wait for its greeting. Raises Failed if there is none."""
        with (self._folder / "postfix.log").open("ab") as output:
            process = subprocess.Popen(
                ["postfix", "-c", str(self._config), "start-fg"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.process = process
        until(process, self._greets, START_S, "Postfix")
        return process

    def stop(self) -> None:
        """Stop it by its own command, because a signal would only end the script that started it.

        Mails stay in its queue. Does nothing if it has already stopped.
        """
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        done = self._run("postfix", "stop", check=False)
        try:
            process.wait(COMMAND_S)
        except subprocess.TimeoutExpired:
            end(process)
            raise Failed(f"Postfix does not stop: {done.stderr.decode()}") from None

    def flush(self) -> None:
        """Retry all queued mails, once no earlier attempt is in progress.

        A mail whose attempt is in the log may not be back in the queue yet, and a flush would
        miss it.
        """
        assert self.process is not None
        until(self.process, self._is_idle, DELIVERY_S, "Postfix's queue")
        self._run("postqueue", "-f")

    def queued(self) -> Sequence[str]:
        """The remaining recipients of the queued mails."""
        return [str(to["address"]) for mail in self._queue() for to in mail["recipients"]]

    def _is_idle(self) -> bool | None:
        idle = all(mail["queue_name"] == "deferred" for mail in self._queue())
        return True if idle else None

    def _queue(self) -> Sequence[dict[str, Any]]:
        return [json.loads(line) for line in self._run("postqueue", "-j").stdout.splitlines()]

    def deliveries(self, message_id: str) -> Sequence[Delivery]:
        """All delivery attempts for a Message-ID so far, oldest first."""
        log = self._folder / "mail.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        ids = {m["queue_id"] for m in _MAIL.finditer(text) if m["message_id"] == message_id}
        return [
            Delivery(found["to"], found["dsn"], found["status"], found["response"])
            for found in _DELIVERY.finditer(text)
            if found["queue_id"] in ids
        ]

    def delivered(self, message_id: str, count: int = 1) -> Sequence[Delivery]:
        """The same, once there are at least `count`. Raises Failed if that takes too long."""
        assert self.process is not None

        def look() -> Sequence[Delivery] | None:
            found = self.deliveries(message_id)
            return found if len(found) >= count else None

        return until(self.process, look, DELIVERY_S, f"delivery of {message_id}")

    def submit(self, raw: bytes, sender: str, *recipients: str) -> None:
        """Submit a mail, which it must accept for all recipients."""
        options = [] if raw.isascii() else ["BODY=8BITMIME", "SMTPUTF8"]
        with smtplib.SMTP("127.0.0.1", self.port, timeout=COMMAND_S) as client:
            assert client.sendmail(sender, recipients, raw, mail_options=options) == {}

    @property
    def _config(self) -> Path:
        return self._folder / "etc"

    def _run(
        self, program: str, argument: str, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        command = [program, "-c", str(self._config), argument]
        return subprocess.run(command, capture_output=True, timeout=COMMAND_S, check=check)

    def _greets(self) -> bool | None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as client:
                return True if client.recv(3) == b"220" else None
        except OSError:
            return None


@contextmanager
def running_postfix(folder: Path, settings: str) -> Iterator[Postfix]:
    """Start an instance in an empty folder; `settings` are added to its main.cf.

    The folder becomes readable for everybody, because Postfix runs as several users. Its parent
    folders must be readable already.
    """
    (port,) = free_ports(1)
    folder.chmod(0o755)
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    owner = pwd.getpwnam("postfix")
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    (folder / "etc" / "main.cf").write_text(_MAIN.format(folder=folder, settings=settings))
    (folder / "etc" / "master.cf").write_text(_MASTER.format(port=port))
    postfix = Postfix(folder, port)
    try:
        postfix.start()
        yield postfix
    finally:
        postfix.stop()


@contextmanager
def without_retries(*settings: str) -> Iterator[Postfix]:
    """An instance in a new folder that retries a delivery only on `flush`."""
    delays = ("queue_run_delay", "minimal_backoff_time", "maximal_backoff_time")
    lines = [*(f"{name} = 1h" for name in delays), *settings]
    with public_folder() as folder, running_postfix(folder, "\n".join(lines)) as postfix:
        yield postfix


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's folders are private to their owner."""
    folder = Path(tempfile.mkdtemp(prefix="postern-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail with its envelope, as received."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=default)

    @property
    def text(self) -> str:
        """The plain text part."""
        plain = self.mail.get_body(("plain",))
        assert plain is not None
        return str(plain.get_content())


@dataclass
class MailSink:
    """The mail server of all other domains: accepts and keeps every mail."""

    port: int = 0
    received: list[ReceivedMail] = field(default_factory=list)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd, which defines the name."""
        assert isinstance(envelope.content, bytes)
        mail_from = (envelope.mail_from or "").strip("<>")
        self.received.append(ReceivedMail(mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 Kept"

    def mails_to(self, address: str) -> list[ReceivedMail]:
        return [each for each in self.received if address in each.rcpt_tos]


@contextmanager
def running_sink() -> Iterator[MailSink]:
    """Start a sink in a thread, on a free port of the loopback."""
    sink, loop = MailSink(), asyncio.new_event_loop()

    def session() -> SMTP:
        return SMTP(sink, hostname="sink.example", enable_SMTPUTF8=True, loop=loop)

    server = loop.run_until_complete(loop.create_server(session, "127.0.0.1", 0))
    sink.port = int(server.sockets[0].getsockname()[1])
    thread = threading.Thread(target=loop.run_forever, name="sink")
    thread.start()
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
