"""The file that names the process of a server, so that `postern reload` finds it.

The server keeps the file locked. A number that a dead server left, which may be another program's
by now, is therefore never taken for a server's.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway import log

_NUMBER = re.compile(rb"\d{0,20}\n?")


@contextmanager
def naming_this_process(path: Path) -> Iterator[None]:
    """The file names this process; it is empty at the end.

    If it cannot be written, holds anything but a number, or another server has it, a warning says
    so and the server runs without it: it can still be sent a signal by hand.
    """
    file = _taken(path)
    if file is None:
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # a full disk; the lock alone counts
            os.ftruncate(file, 0)
        os.close(file)


def _taken(path: Path) -> int | None:
    """The file, locked and with the number of this process; None, and a warning, if that fails."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        log.no_pid_file(str(path), error.strerror or str(error))
        return None
    try:
        _name_this_process(file)
    except BlockingIOError:
        why = "another server has it"
    except OSError as error:  # a full disk, or no ordinary file
        why = error.strerror or str(error)
    else:
        return file
    os.close(file)
    log.no_pid_file(str(path), why)
    return None


def _name_this_process(file: int) -> None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if not _NUMBER.fullmatch(os.pread(file, 64, 0)):
        raise OSError("it holds something else than the number of a process")
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def server_at(path: Path) -> int | None:
    """The process id of the server that has the file; None where no server has it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            number = os.pread(file, 32, 0).strip()
            return int(number) if number.isdigit() else None
        return None
    finally:
        os.close(file)
