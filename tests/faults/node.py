"""One server as a fault finds it: the real command on a store and a port of its own.

It can be killed with all its processes and started again where it was.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.running import write_config

GATEWAY = (sys.executable, "-m", "gateway")
START_S = 30
STOP_S = 40

Event = dict[str, Any]


class Node:
    """A `postern serve` that keeps its configuration and its SMTP port from life to life."""

    def __init__(
        self,
        folder: Path,
        store_url: str,
        *options: str,
        program: Sequence[str] = GATEWAY,
        extra: str = "",
    ) -> None:
        """Prepares it; `start` starts it. `options` are those of `serve`, `extra` is TOML."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._reserved, self.smtp = _reserve_port()
        config = write_config(folder, store_url, extra)
        config.write_text(config.read_text().replace("127.0.0.1:0", "%s:%d" % self.smtp, 1))
        self._command = [*program, "serve", "--config", str(config), *options]
        self._process: subprocess.Popen[str] | None = None
        self._events: list[Event] = []
        self._heard = threading.Condition()
        self._log_ended = True

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start it; returns after how many seconds its sockets were open."""
        began = time.monotonic()
        self._events, self._log_ended = [], False
        self._process = subprocess.Popen(
            self._command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TMPDIR": str(self._folder)},  # what a killed node leaves behind
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        self.wait_for_event(lambda event: event.get("event") == "started", START_S)
        return time.monotonic() - began

    def wait_for_event(self, wanted: Callable[[Event], bool], timeout_s: float = 20) -> Event:
        """The first such event in the log of this life, past or to come."""

        def found() -> Event | None:
            return next((event for event in self._events if wanted(event)), None)

        with self._heard:
            self._heard.wait_for(lambda: found() or self._log_ended, timeout_s)
            event = found()
            assert event is not None, f"not in the log: {self._events[-5:]}"
            return event

    def kill(self) -> None:
        """SIGKILL to its processes, none of which is left when this returns."""
        self._signal_all(signal.SIGKILL)

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; the exit code, and after how many seconds it came."""
        began = time.monotonic()
        self.ask_to_stop()
        return self.wait(), time.monotonic() - began

    def ask_to_stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(STOP_S)

    def close(self) -> None:
        """End it if it runs, and give the port back."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._reserved.close()

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        # A supervisor that is stopped starts no worker behind our back.
        self._process.send_signal(signal.SIGSTOP)
        family = [os.pidfd_open(pid) for pid in (self.pid, *_descendants(self.pid))]
        for process in family:
            signal.pidfd_send_signal(process, number)
        for process in family:
            ended, _, _ = select.select([process], [], [], STOP_S)
            assert ended, "a killed process is still there"
            os.close(process)
        self._process.wait(STOP_S)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        """Read the log as it comes: a full pipe would hold the server."""
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                event = json.loads(line) if line.startswith("{") else {"event": line}
                with self._heard:
                    self._events.append(event)
                    self._heard.notify_all()
        with self._heard:
            self._log_ended = process is self._process or self._log_ended
            self._heard.notify_all()


@contextmanager
def running(node: Node) -> Iterator[Node]:
    """The node, started; gone with the context."""
    try:
        node.start()
        yield node
    finally:
        node.close()


def _reserve_port() -> tuple[socket.socket, tuple[str, int]]:
    """A free port of the loopback that stays ours while no server listens on it.

    The kernel gives a port that is bound to no client as its own one: without this, a client
    that knocks at a dead server could in the end be connected to itself.
    """
    holder = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):  # as servers ask for, one or both
        holder.setsockopt(socket.SOL_SOCKET, option, 1)
    holder.bind(("127.0.0.1", 0))
    host, port = holder.getsockname()
    return holder, (host, port)


def _descendants(pid: int) -> list[int]:
    """The processes that this one started, and they in turn."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread may end while we look
            children += map(int, (task / "children").read_text().split())
    return [each for child in children for each in (child, *_descendants(child))]
