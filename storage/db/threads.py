"""Threads that may wait for a store that does not respond, without keeping the process alive."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_Call = tuple[Callable[[], Any], Future[Any]]


class Threads:
    """A fixed number of threads, started when they are needed.

    A `ThreadPoolExecutor` is joined when the interpreter ends: a thread that waits for a server
    that does not respond would keep the process from ending.
    """

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._starting = threading.Lock()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """The result of a call in one of the threads. Never blocks."""
        future: Future[T] = Future()
        self._calls.put((call, future))
        if not self._idle.acquire(blocking=False):
            self._start()
        return future

    def close(self, timeout_s: float) -> bool:
        """Wait until all calls that were submitted ended, but not longer; whether they did."""
        for _ in self._threads:
            self._calls.put(None)
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _start(self) -> None:
        with self._starting:
            if len(self._threads) >= self._number:
                return
            name = f"{self._name}-{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads: those that run take the call
                if not self._threads:
                    raise
                return
            self._threads.append(thread)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            call, future = item
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 - the submitter gets it
                    future.set_exception(error)
                else:
                    future.set_result(result)
            del item, call, future  # an idle thread must not keep the last call's values
            self._idle.release()
