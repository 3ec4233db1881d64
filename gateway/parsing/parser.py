"""Raw bytes to `Mail`: the only user of mail-parser, and the isolation of all parsing.

mail-parser guesses where a mail is ambiguous, so it is used only for fields on which no identity
depends: the addresses of To and Cc, and the date. Everything else comes from `rules.mail.header`
and `mime`.
"""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import re
import struct
import sys
from collections import deque
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import mailparser

from gateway.parsing.mime import numbered_leaves, read_body, read_tree
from rules.mail import Body, Mail, Unreadable
from rules.mail.header import Header, author, decode_words, identity, message_ids
from rules.mail.header import read as read_header

_RECIPIENTS_LIMIT_BYTES = 64 * 1024


def read(raw: bytes) -> Mail:
    """Parses a mail. Always returns: a body that cannot be read becomes `Unreadable`.

    Time is linear in the size as far as we know, but only a process that can be killed guarantees
    a limit: see `Parser`.
    """
    header = read_header(raw)
    to, cc, date = _with_mail_parser(header)
    return _mail(raw, header, to=to, cc=cc, date=date, body=_body(raw, header))


def read_header_only(raw: bytes, why: str) -> Mail:
    """The mail without its body, in linear time and without third-party code: for bytes that have
    already crashed a worker."""
    header = read_header(raw)
    to, cc = (_plain_addresses(_joined(header, name)) for name in ("to", "cc"))
    date = _standard_date(header)
    return _mail(raw, header, to=to, cc=cc, date=date, body=Unreadable(why))


def part_bytes(raw: bytes, part: str) -> bytes:
    """The decoded bytes of an attachment, by `Attachment.part`; an attached message as sent.

    Raises LookupError if the mail has no such part.
    """
    tree = read_tree(raw, read_header(raw))
    if not isinstance(tree, Unreadable):
        for number, leaf in numbered_leaves(tree):
            if number == part:
                return leaf.content()
    raise LookupError(f"no part {part}")


def _mail(
    raw: bytes,
    header: Header,
    *,
    to: tuple[str, ...],
    cc: tuple[str, ...],
    date: datetime | None,
    body: Body | Unreadable,
) -> Mail:
    subjects = header.unfolded_values("subject")
    return Mail(
        identity=identity(raw, header),
        size_bytes=len(raw),
        header=header,
        author=author(header),
        subject=decode_words(subjects[0]).strip() if subjects else "",
        message_id=next(iter(message_ids(header, "message-id")), ""),
        in_reply_to=message_ids(header, "in-reply-to"),
        references=message_ids(header, "references"),
        to=to,
        cc=cc,
        date=date,
        body=body,
    )


def _body(raw: bytes, header: Header) -> Body | Unreadable:
    tree = read_tree(raw, header)
    return tree if isinstance(tree, Unreadable) else read_body(tree)


class _HeadersOnly(mailparser.MailParser):  # type: ignore[misc]  # untyped base
    """mail-parser without its parsing of the parts and its dict of all headers."""

    def parse(self) -> _HeadersOnly:
        self._reset()
        return self


def _with_mail_parser(
    header: Header,
) -> tuple[tuple[str, ...], tuple[str, ...], datetime | None]:
    """To, Cc and Date.

    mail-parser gets one of these fields at a time: it reads eagerly and without limits (Received,
    bodies, Unicode normalisation), and none of that is needed here.
    """
    to, cc = (
        (_cached_recipients if len(value) <= _CACHED_CHARACTERS else _recipients)(value)
        for value in (_joined(header, "to"), _joined(header, "cc"))
    )
    date = _utc(_field_by_mail_parser("Date", header.get("date")[:200]))
    return to, cc, date or _standard_date(header)


def _recipients(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    pairs: list[tuple[str, str]] = _field_by_mail_parser("To", value) or []
    return _addresses(pairs) or _standard_addresses(value)


# Most mails to a support address have the same To; the result depends only on the value.
_CACHED_CHARACTERS = 256
_cached_recipients = lru_cache(maxsize=512)(_recipients)


def _field_by_mail_parser(name: str, value: str) -> Any:
    """One field as mail-parser reads it; None if it fails."""
    message = Message()
    message[name] = value
    try:
        return getattr(_HeadersOnly(message), name.lower())
    # It raises whatever its helpers raise: AttributeError and TypeError were seen.
    except Exception:  # noqa: BLE001
        return None


def _joined(header: Header, name: str) -> str:
    return ", ".join(header.get_all(name))[:_RECIPIENTS_LIMIT_BYTES]


def _addresses(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for _, address in pairs if "@" in address))


def _standard_addresses(value: str) -> tuple[str, ...]:
    return _addresses(getaddresses([value])) if "@" in value else ()


_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:\\@]{1,64}+@[^\s<>()\[\]\",;:\\@]{1,253}+")


def _plain_addresses(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_ADDRESS.findall(value)))


def _standard_date(header: Header) -> datetime | None:
    try:
        return _utc(parsedate_to_datetime(header.get("date")[:200]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _utc(date: datetime | None) -> datetime | None:
    """Aware UTC; None for a date that datetime cannot represent."""
    try:
        if date is None:
            return None
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_ORDINARY_BYTES = 64 * 1024
_ORDINARY_HEADER_BYTES = 16 * 1024
_ORDINARY_ENCODED_WORDS = 100
_ORDINARY_LINES = 2_000
_ORDINARY_BOUNDARIES = 100
_ORDINARY_MULTIPARTS = 20


def is_ordinary(raw: bytes) -> bool:
    """Whether this mail is small and simple enough to be parsed in the event loop.

    Within these limits every known costly case takes less than a tenth of a second.
    """
    if len(raw) > _ORDINARY_BYTES:
        return False
    # A longer header is not ordinary, so its end need not be found.
    search_end = _ORDINARY_HEADER_BYTES + 4
    crlf = raw.find(b"\n\r\n", 0, search_end)
    lf = raw.find(b"\n\n", 0, search_end if crlf < 0 else crlf + 2)
    ends = [at for at in (crlf, lf) if at >= 0]
    header_bytes = len(raw)
    if ends:
        header_bytes = min(ends) - raw.endswith(b"\r", 0, min(ends))
    lines = raw.count(b"\n")
    return (
        header_bytes <= _ORDINARY_HEADER_BYTES
        and raw.count(b"=?", 0, header_bytes) <= _ORDINARY_ENCODED_WORDS
        and lines <= _ORDINARY_LINES
        and (lines <= _ORDINARY_BOUNDARIES or raw.count(b"\n--") <= _ORDINARY_BOUNDARIES)
        and raw.count(b"multipart/") <= _ORDINARY_MULTIPARTS
    )


class _LoopTurns:
    """Assigns the iterations of the event loop to waiting tasks, one each, in order.

    Otherwise mails that arrive together would be parsed in one iteration, and all other tasks would
    wait for all of them.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False
        """Whether this iteration is assigned."""

    async def wait(self) -> None:
        """Returns in an iteration that no other task has."""
        if self._taken:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        else:
            self._occupy()

    def _hand_over(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():  # cancelled
                waiter.set_result(None)
                self._occupy()
                return
        self._taken = False

    def _occupy(self) -> None:
        self._taken = True
        asyncio.get_running_loop().call_soon(self._hand_over)


class Parser:
    """Parses mails: ordinary ones here, one in each iteration of the event loop; all others in a
    worker process that can be killed.

    At most `workers` processes, each started when first needed and kept running. A mail that takes
    longer than `timeout_s`, or more memory than a worker may use, is returned with its header and
    an `Unreadable` body (`timeout`, `crash`); the next mail gets a new worker.
    """

    def __init__(
        self, workers: int = 2, timeout_s: float = 10.0, memory_bytes: int = 1 << 30
    ) -> None:
        self._workers = workers
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._idle: asyncio.Queue[_WorkerProcess | None] = asyncio.Queue()
        for _ in range(workers):
            self._idle.put_nowait(None)
        self._turns = _LoopTurns()
        self._closed = False

    async def parse(self, raw: bytes) -> Mail:
        """Parses a mail; like `read`, it always returns."""
        if is_ordinary(raw):
            await self._turns.wait()
            return read(raw)
        worker = await self._idle.get()
        if self._closed:
            self._idle.put_nowait(worker)
            return read_header_only(raw, "closed")
        healthy = False
        try:
            async with asyncio.timeout(self._timeout_s):
                if worker is None or worker.is_dead():
                    worker = await _WorkerProcess.start(self._timeout_s, self._memory_bytes)
                answer = await worker.ask(raw)
            healthy = True
        except TimeoutError:
            return read_header_only(raw, "timeout")
        except (OSError, EOFError, pickle.UnpicklingError):
            return read_header_only(raw, "crash")
        finally:
            # After a failure or a cancellation the pipe may still contain part of an answer.
            self._idle.put_nowait(worker if healthy else None)
            if worker and not healthy:
                await worker.stop()
        # The author is determined here from the bytes, since a worker may be compromised.
        header = read_header(raw)
        return replace(answer, header=header, author=author(header))

    async def close(self) -> None:
        """Waits for the mails in progress (at most the time limit), then ends the workers."""
        self._closed = True
        for _ in range(self._workers):
            worker = await self._idle.get()
            if worker:
                await worker.stop()
        for _ in range(self._workers):
            self._idle.put_nowait(None)


# The worker needs none of our secrets: it gets only the variables that Python itself reads.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
LENGTH = struct.Struct(">I")


class _WorkerProcess:
    """One `gateway.parsing.worker` process: a length and a mail in, a length and a pickle out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, cpu_limit_s: float, memory_bytes: int) -> _WorkerProcess:
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

    async def ask(self, raw: bytes) -> Mail:
        """The worker's result. Raises OSError, EOFError or UnpicklingError if the worker died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise EOFError
        stdin.write(LENGTH.pack(len(raw)))
        stdin.write(raw)
        await stdin.drain()
        (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
        return _unpickled(await stdout.readexactly(length))

    def is_dead(self) -> bool:
        return self._process.returncode is not None

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin:
            self._process.stdin.close()
        await self._process.wait()


_ALLOWED = frozenset(
    {
        ("datetime", "datetime"),
        ("datetime", "timezone"),
        ("datetime", "timedelta"),
        ("rules.mail.header", "Ambiguous"),
        ("rules.mail.header", "Author"),
        ("rules.mail.header", "Header"),
        ("rules.mail.message", "Attachment"),
        ("rules.mail.message", "Body"),
        ("rules.mail.message", "Mail"),
        ("rules.mail.message", "Unreadable"),
    }
)


class _MailUnpickler(pickle.Unpickler):
    """Accepts nothing but a mail: a worker that reads hostile bytes cannot be trusted."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a mail")


def _unpickled(data: bytes) -> Mail:
    try:
        answer = _MailUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        raise pickle.UnpicklingError("not a mail") from error
    if not isinstance(answer, Mail):
        raise pickle.UnpicklingError("not a mail")
    return answer
