"""The processes that parse bodies, and how they are asked."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
from contextlib import suppress

from gateway.confinement import environment
from gateway.parsing.answers import LENGTH, READ, SHOW, TAKE, Contents, unpickled, unpickled_html
from gateway.parsing.taken import TakenFile, Wanted, listed_files
from rules.mail.shown_html import HtmlView

_BLOCK_BYTES = 256 * 1024
ENDING_S = 5.0
"""How long a process may take to end once its pipe has closed, until it is killed."""


class WorkerProcess:
    """One `gateway.parsing.worker` process: what to do, a length and a mail in; a length and a
    pickle out. See `gateway.parsing.taken` for files."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, cpu_limit_s: float, memory_bytes: int) -> WorkerProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.parsing.worker",
            str(int(cpu_limit_s) + 1),
            str(memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(),
        )
        return cls(process)

    async def ask(self, raw: bytes) -> Contents:
        """The contents of a mail. Raises OSError, EOFError or UnpicklingError if it died."""
        answer = await self._answer(READ, raw)
        if len(answer) <= _BLOCK_BYTES:
            return unpickled(answer)
        return await asyncio.to_thread(unpickled, answer)

    async def ask_html(self, raw: bytes) -> HtmlView:
        """The HTML of a mail as it can be shown. Raises the same."""
        return await asyncio.to_thread(unpickled_html, await self._answer(SHOW, raw))

    async def ask_files(self, raw: bytes, wanted: Wanted) -> dict[str, TakenFile] | None:
        """Files of a mail; None if it has not all of them. Raises the same."""
        question = wanted.written()
        answer = await self._answer(TAKE + LENGTH.pack(len(question)) + question, raw)
        listed = listed_files(answer, wanted, len(raw))
        if listed is None:
            return None
        return {
            each.part: TakenFile(await self._octets(each.size_bytes), each.is_ours)
            for each in listed
        }

    async def _answer(self, kind: bytes, raw: bytes) -> bytes:
        stdin, stdout = self._pipes()
        stdin.write(kind + LENGTH.pack(len(raw)))
        # In blocks: the transport would copy a whole mail at once.
        for at in range(0, len(raw), _BLOCK_BYTES):
            stdin.write(raw[at : at + _BLOCK_BYTES])
            await stdin.drain()
        (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
        return await stdout.readexactly(length)

    async def _octets(self, size_bytes: int) -> bytes:
        """So many octets of an answer, in memory once: `readexactly` would hold them twice."""
        _, stdout = self._pipes()
        octets = io.BytesIO()
        while left := size_bytes - octets.tell():
            block = await stdout.read(min(left, _BLOCK_BYTES))
            if not block:
                raise EOFError
            octets.write(block)
        return octets.getvalue()

    def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise EOFError
        return stdin, stdout

    def is_dead(self) -> bool:
        return self._process.returncode is not None

    async def used_its_cpu(self) -> bool:
        """Whether the system ends it, because a mail took too long. For one whose pipe has closed.

        The pipe closes shortly before the process has ended, and to kill a process that has ended
        just before takes its exit status away from asyncio (`Popen.poll`).
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING_S):
                await self._process.wait()
        return self._process.returncode == -signal.SIGXCPU

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin:
            self._process.stdin.close()
        await self._process.wait()
