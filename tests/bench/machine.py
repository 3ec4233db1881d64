"""Figures from /proc: CPU time and memory of processes, and a description of the machine."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

PROC = Path("/proc")
QUIET_S = 0.5
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def tree(roots: Iterable[int]) -> list[int]:
    """The ids of these processes and of all their present descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_s(roots: Iterable[int]) -> float:
    """User and system time of process trees, in seconds, in steps of a clock tick (10 ms).

    Includes descendants that have ended, if their parents waited for them.
    """
    ticks = 0
    for pid in tree(roots):
        if fields := _stat(pid):
            ticks += sum(int(value) for value in fields[11:15])  # utime stime cutime cstime
    return ticks / _TICKS_PER_S


def settle(roots: Iterable[int], longest_s: float) -> None:
    """Wait until process trees have done what they do after a start: until they take less than a
    twentieth of a core for half a second, at most `longest_s`."""
    deadline = time.monotonic() + longest_s
    last = cpu_s(roots)
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)
        if (now := cpu_s(roots)) - last < QUIET_S / 20:
            return
        last = now


def peak_mib(roots: Iterable[int]) -> float:
    """The sum of the peak memory of the living processes of the trees, in MiB.

    Shared memory (PostgreSQL's buffers, program text) counts once, by the process with most of it.
    """
    own, shared = 0, {"RssShmem": 0, "RssFile": 0}
    for pid in tree(roots):
        try:
            status = (PROC / str(pid) / "status").read_text()
        except OSError:
            continue
        kib = {name: int(value) for name, value in re.findall(r"(\w+):\s+(\d+) kB", status)}
        own += kib.get("VmHWM", 0) - sum(kib.get(name, 0) for name in shared)
        shared = {name: max(most, kib.get(name, 0)) for name, most in shared.items()}
    return (own + sum(shared.values())) / 1024


def fsync_ms(folder: Path, times: int = 200) -> float:
    """The median time in ms to append 8 KiB to a file and sync them to the disk."""
    taken = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(times):
            start = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    return median(taken) * 1000


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may contain spaces; empty if it ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def filesystem(path: Path) -> str:
    """The type of the file system of a path, such as ext4."""
    mounts = [line.split() for line in (PROC / "mounts").read_text().splitlines()]
    above = {str(path.resolve()), *map(str, path.resolve().parents)}
    return max((m for m in mounts if m[1] in above), key=lambda m: len(m[1]))[2]


def summary() -> dict[str, str]:
    """Processor, cores, memory, load and versions, for the report."""
    model = re.search(r"model name\s*:\s*(.+)", (PROC / "cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", (PROC / "meminfo").read_text())
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
    }
