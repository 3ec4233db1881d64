"""The processes that parse bodies: what is sent to them, and what is accepted from them."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import signal
import struct
import sys
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from gateway.parsing.taken import TakenFile, Wanted, listed_files
from rules.mail import Body, Unreadable
from rules.mail.bounces import Bounce
from rules.mail.shown_html import HtmlView, PlainOnly

Contents = tuple[Body | Unreadable, tuple[Bounce, ...]]
"""What a worker reads in a mail: its body, and the failed recipients if it is a bounce."""

# The worker needs none of our secrets: it gets only the variables that Python itself reads.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
LENGTH = struct.Struct(">I")
KIND_BYTES = 1
READ, SHOW, TAKE = b"R", b"S", b"T"
"""What a worker does with a mail: read its contents, sanitise its HTML, or take files out of it."""
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
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.parsing.worker",
            str(int(cpu_limit_s) + 1),
            str(memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
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


_ALLOWED = frozenset(
    {
        ("rules.mail.bounces", "Bounce"),
        ("rules.mail.bounces", "Failure"),
        ("rules.mail.message", "AttachedMail"),
        ("rules.mail.message", "Attachment"),
        ("rules.mail.message", "Body"),
        ("rules.mail.message", "Unreadable"),
        ("rules.mail.shown_html", "HtmlView"),
        ("rules.mail.shown_html", "PlainOnly"),
    }
)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        # Python 3.11.0 to 3.11.3 make a member of an enum with `getattr`, which is not allowed.
        return (type(value), (value.value,)) if isinstance(value, Enum) else NotImplemented


def pickled(answer: Contents | HtmlView) -> bytes:
    """A worker's answer, which names nothing but its classes on every Python."""
    written = io.BytesIO()
    _Pickler(written, protocol=5).dump(answer)
    return written.getvalue()


class _ContentsUnpickler(pickle.Unpickler):
    """Accepts nothing but a body: a worker that reads hostile bytes cannot be trusted."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a body")


def unpickled(data: bytes) -> Contents:
    """A worker's answer. Raises UnpicklingError if it is anything else."""
    try:
        body, bounces = _ContentsUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        raise pickle.UnpicklingError("not the contents of a mail") from error
    genuine = isinstance(body, Body | Unreadable) and isinstance(bounces, tuple)
    if not genuine or not all(isinstance(bounce, Bounce) for bounce in bounces):
        raise pickle.UnpicklingError("not the contents of a mail")
    return body, bounces


def unpickled_html(data: bytes) -> HtmlView:
    """A worker's answer about HTML. Raises UnpicklingError if it is anything else."""
    try:
        view = _ContentsUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        raise pickle.UnpicklingError("not the HTML of a mail") from error
    genuine = isinstance(view, HtmlView) and isinstance(view.plain_only, PlainOnly | None)
    if not genuine or not _is_of_texts(view):
        raise pickle.UnpicklingError("not the HTML of a mail")
    shown: HtmlView = view
    return shown


def _is_of_texts(view: HtmlView) -> bool:
    texts = all(isinstance(each, str) for each in (view.html, view.quoted, view.text))
    texts = texts and all(isinstance(name, str) for name in view.quoted_images)
    return texts and all(
        isinstance(name, str) and isinstance(content, bytes) for name, content in view.images
    )
