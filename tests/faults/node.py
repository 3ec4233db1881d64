"""One server of a fault test: the real command on its own store and port.

It can be killed with all its processes and started again with the same configuration.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tests.faults.launch import Launch, Process, fresh
from tests.running import generous, write_config

START_S = 30
STOP_S = 40

Event = dict[str, Any]


def is_in_time(taken_s: float, limit_s: float) -> bool:
    """Whether something took less than the limit; on a busy machine, less than a few times what
    loading the program takes there now."""
    if taken_s < limit_s:
        return True
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import gateway.app, gateway.after_mail"], check=True)
    return taken_s < 4 * (time.perf_counter() - started)


class Log:
    """The log of one run of a server, read continuously, because a full pipe would block it."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._ended = False
        self._changed = threading.Condition()

    def follow(self, stream: IO[str]) -> None:
        """Read the stream to its end, in a thread."""
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def wait_for(self, name: str, timeout_s: float = 20) -> Event:
        """The first event of this name, past or future. Fails if the log ends without one."""

        def found() -> Event | None:
            return next((event for event in self._events if event.get("event") == name), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, timeout_s)
            event = found()
            assert event is not None, f"no {name} in the log, which ends with {self._events[-5:]}"
            return event

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self._events.append(_event(line))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _event(line: str) -> Event:
    try:
        event: Event = json.loads(line)
    except ValueError:  # a traceback, or a line truncated by a kill
        return {"event": line}
    return event


class Node:
    """A `postern serve` that keeps its configuration and its SMTP port between restarts."""

    def __init__(
        self,
        folder: Path,
        store_url: str,
        *options: str,
        launch: Launch = fresh,
        extra: str = "",
        relay: str = "",
    ) -> None:
        """Prepare it; `start` starts it. `options` are options of `serve`, `extra` is TOML.

        Outgoing mail goes to the server at the URL `relay`, or into a Maildir. Each mail that opens
        a ticket is acknowledged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._reserved, self.smtp = _reserve_port()
        config = write_config(folder, store_url, extra + generous(folder, pause_minutes="0"))
        host, port = self.smtp
        self._reserved_http, self.http = _reserve_port()  # workers can share only fixed ports
        text = config.read_text().replace("127.0.0.1:0", f"{host}:{port}", 1)
        config.write_text(text.replace("127.0.0.1:0", f"{host}:{self.http[1]}"))
        if relay:
            self._send_to(config, relay)
        self._launch = launch
        self._arguments = ["serve", "--config", str(config), *options]
        self._process: Process | None = None
        self._log = Log()

    def configure(self, section: str) -> None:
        """Add settings to an existing section of the configuration: `[store]` and its lines."""
        name, _, settings = section.partition("\n")
        config = self._folder / "postern.toml"
        config.write_text(config.read_text().replace(f"{name}\n", f"{name}\n{settings}", 1))

    @staticmethod
    def _send_to(config: Path, relay: str) -> None:
        lines = config.read_text().splitlines()
        server = f'url = "{relay}"\ntls = "none"'
        lines = [server if line.startswith("maildir") else line for line in lines]
        config.write_text("\n".join(lines) + "\n")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, until: str = "started") -> float:
        """Start it; the number of seconds until this event, by which it serves everything."""
        began = time.monotonic()
        # A killed server leaves temporary files, which go away with the test's folder.
        self._process, log = self._launch(self._arguments, {"TMPDIR": str(self._folder)})
        self._log = Log()
        self._log.follow(log)
        self._log.wait_for(until, START_S)
        return time.monotonic() - began

    def readiness(self) -> int:
        """The status of `/readyz`."""
        client = http.client.HTTPConnection(*self.http, timeout=STOP_S)
        try:
            client.request("GET", "/readyz")
            return client.getresponse().status
        finally:
            client.close()

    def process_tree(self) -> list[int]:
        """The ids of its process and of all descendants."""
        return [self.pid, *_descendants(self.pid)]

    def wait_for_event(self, name: str) -> Event:
        """The first event of this name in the log of this run, past or future."""
        return self._log.wait_for(name)

    def kill(self) -> None:
        """Send SIGKILL to all its processes; none is left when this returns."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGSTOP)  # so that a supervisor starts no new worker meanwhile
        for pid in self.process_tree():
            with suppress(ProcessLookupError):  # it has ended by itself meanwhile
                _kill(pid)
        self._process.wait(STOP_S)

    def terminate(self) -> tuple[int, float]:
        """Send SIGTERM; the exit code and the number of seconds until the end."""
        began = time.monotonic()
        self.ask_to_stop()
        return self.wait(), time.monotonic() - began

    def pause(self) -> None:
        """Stop all its processes, as a machine that is suspended."""
        for pid in self.process_tree():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self.process_tree():
            os.kill(pid, signal.SIGCONT)

    def ask_to_stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        return self._process.wait(STOP_S)

    def close(self) -> None:
        """Kill it if it runs, and release the ports."""
        if self._process is not None and self._process.is_alive():
            self.kill()
        self._reserved.close()
        self._reserved_http.close()


@contextmanager
def running(node: Node) -> Iterator[Node]:
    """Start the node; it ends with the context."""
    try:
        node.start()
        yield node
    finally:
        node.close()


def _reserve_port() -> tuple[socket.socket, tuple[str, int]]:
    """A free port of the loopback that stays reserved while no server listens on it.

    The kernel gives a bound port to no client as its source port. Without this, a client that
    connects to a dead server could be connected to itself.
    """
    reserved = socket.socket()
    for option in (
        socket.SO_REUSEADDR,
        socket.SO_REUSEPORT,
    ):  # the options that servers set, one or both
        reserved.setsockopt(socket.SOL_SOCKET, option, 1)
    reserved.bind(("127.0.0.1", 0))
    host, port = reserved.getsockname()
    return reserved, (host, port)


def _kill(pid: int) -> None:
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        ended, _, _ = select.select([process], [], [], STOP_S)
        assert ended, f"process {pid} is still there"
    finally:
        os.close(process)


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread may end meanwhile
            children += map(int, (task / "children").read_text().split())
    return [each for child in children for each in (child, *_descendants(child))]
