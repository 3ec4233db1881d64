"""The real command as a process of its own, on free loopback ports."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import IO, Any

from typer.testing import CliRunner

from gateway.cli.commands import app
from tests import preloaded
from tests.preloaded import Forked

START_S = 30
STOP_S = 40


@dataclass
class Postern:
    """A running `postern serve`."""

    process: Forked
    stderr: IO[str]
    config: Path
    smtp: tuple[str, int]
    http: str
    log: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The events that it has logged before its sockets were open."""

    def client(self) -> smtplib.SMTP:
        """A connected client that has sent EHLO."""
        client = smtplib.SMTP(*self.smtp, timeout=30)
        client.ehlo("client.example")
        return client

    def send(self, raw: bytes, mail_from: str, *rcpt_tos: str) -> tuple[int, str]:
        """Send one mail in a dialogue of its own; returns the last reply, to whichever command."""
        with self.client() as client:
            code, text = client.mail(mail_from)
            for rcpt_to in rcpt_tos:
                if code == 250:
                    code, text = client.rcpt(rcpt_to)
            if code == 250:
                code, text = client.data(raw)
        return code, text.decode()

    def run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Run another `postern` command on the same configuration."""
        return postern(*arguments, "--config", str(self.config), stdin=stdin)

    def event(self, name: str) -> dict[str, Any]:
        """Wait for the next event of this name in the log."""
        while line := self.log.get(timeout=START_S):
            if line.startswith("{") and (event := json.loads(line))["event"] == name:
                return dict(event)
        raise AssertionError(f"the log ended without {name}")

    def stop(self) -> int:
        """Send SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_S)


def initialised(config: Path, *options: str) -> str:
    """Run `postern init` and return its output; in this process, since a new one takes a second."""
    done = CliRunner().invoke(app, ["init", *options, "--config", str(config)])
    assert done.exit_code == 0, done.output
    return done.stdout


def postern(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Run a `postern` command to its end, in a process of its own."""
    environment = {**os.environ, "COLUMNS": "200"}
    done = preloaded.finished(arguments, environment, stdin or b"", timeout_s=120)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def fresh(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same as `python -m gateway`, with its imports: for the few tests of the start itself."""
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def write_config(folder: Path, store_url: str, extra: str = "") -> Path:
    """A configuration on free ports, with outgoing mail in a Maildir in the same folder.

    Pages and API have one port. Mail from loopback is trusted unless `extra` has a section `trust`.
    """
    if "[trust]" not in extra:
        extra += '\n[trust]\npeers = ["127.0.0.0/8", "::1/128"]\n'
    path = folder / "postern.toml"
    path.write_text(
        f"""
[smtp]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store]
url = "{store_url}"
[relay]
maildir = "{folder}/outbox"
{extra}
"""
    )
    return path


def generous(folder: Path, **changes: str) -> str:
    """Settings with the default policy, but without its limits on mail from one person.

    `changes` replace further settings of the policy: `pause_minutes="0"`.
    """
    text = (
        resources.files("rules.policy.presets").joinpath("default.toml").read_text(encoding="utf-8")
    )
    for key, value in {**HIGH_LIMITS, **changes}.items():
        # Levels have `aliases` too; those of the mailbox are at the top of the file.
        text, replaced = re.subn(rf"(?m)^{key} = \S+", f"{key} = {value}", text, count=1)
        assert replaced == 1, f"the default policy has no {key}"
    policies = folder / "policies"
    policies.mkdir(parents=True, exist_ok=True)
    (policies / "default.toml").write_text(text, encoding="utf-8")
    return f'[policies]\nfolder = "{policies}"\n'


HIGH_LIMITS = {
    "notices_per_hour": "1000",
    "tickets_per_hour": "1000",
    "reopens_per_hour": "100",
    "sender_mails_per_hour": "1000",
    "domain_mails_per_hour": "10000",
}


@contextmanager
def serving(config: Path, *arguments: str) -> Iterator[Postern]:
    """A ready server; killed at the end if it still runs."""
    running = start(config, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()
        running.stderr.close()


def start(config: Path, *arguments: str) -> Postern:
    """Start a server and wait until it logs that its sockets are open."""
    command = ["serve", "--config", str(config), *arguments]
    process, stderr = preloaded.started(command, os.environ)
    log: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_pump, args=(stderr, log), daemon=True).start()
    lines: list[str] = []
    while True:
        line = log.get(timeout=START_S)
        lines.append(line)
        if not line:
            stderr.close()
            raise RuntimeError("postern did not start:\n" + "".join(lines))
        if line.startswith("{") and (event := json.loads(line)).get("event") == "started":
            host, _, port = event["smtp"].rpartition(":")
            http = f"http://{event['http']}"
            before = [json.loads(each) for each in lines if each.startswith("{")]
            return Postern(process, stderr, config, (host, int(port)), http, log, before)


def _pump(stderr: IO[str], log: queue.SimpleQueue[str]) -> None:
    """Queue the log's lines, so that the server never waits for a full pipe; "" at its end."""
    try:
        for line in stderr:
            log.put(line)
    except ValueError:  # the test has ended and closed the pipe
        pass
    log.put("")
