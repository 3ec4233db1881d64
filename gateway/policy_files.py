"""A policy file that somebody sends to the server, read within limits.

To read one may take hours: a roster of thousands of windows, or patterns with ranges of all
characters. So a process that can be killed reads it first, and the server reads what that could.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from rules.policy import Policy, parse
from rules.validation.messages import InvalidFile

CPU_S = 5
WALL_S = 60.0
"""The same on a busy machine."""
MEMORY_BYTES = 512 * 2**20
# The process needs none of our secrets: it gets only the variables that Python itself reads.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")


class TakesTooLong(Exception):
    """The file cannot be read within the limits."""


async def read(text: str, source: str) -> Policy:
    """The policy in a TOML text. Raises PolicyRefused as `parse` does, and TakesTooLong."""
    await _try(text)
    return await asyncio.to_thread(parse, text, source)


async def _try(text: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.policy_files",
        str(CPU_S),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            **{name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
    )
    try:
        async with asyncio.timeout(WALL_S):
            await process.communicate(text.encode())
    except TimeoutError:
        raise TakesTooLong from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise TakesTooLong


def main() -> None:
    """Argument: seconds of CPU. Reads a policy from the standard input, and ends with 0 whether or
    not it is valid."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpu_s = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    os.nice(5)  # the server, which talks to all clients, takes precedence
    with suppress(InvalidFile):
        parse(sys.stdin.buffer.read().decode(), "")


if __name__ == "__main__":
    main()
