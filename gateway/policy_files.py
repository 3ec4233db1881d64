"""A policy file that somebody sends to the server, read within limits.

To read one may take hours: a roster of thousands of windows, or patterns with ranges of all
characters. So a process that can be killed reads it first, and the server reads what that could.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from contextlib import suppress

from gateway.confinement import confine, environment
from rules.policy import Policy, parse
from rules.validation.messages import InvalidFile

CPU_S = 5
WALL_S = 60.0
"""The same on a busy machine."""
MEMORY_BYTES = 512 * 2**20


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
        env=environment(),
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
    confine(MEMORY_BYTES)
    cpu_s = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    with suppress(InvalidFile):
        parse(sys.stdin.buffer.read().decode(), "")


if __name__ == "__main__":
    main()
