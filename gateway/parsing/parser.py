"""Raw bytes to `Mail`, and the isolation of all parsing.

A mail is read in two steps, its header before its body, so that a mail can be judged before its
body costs anything.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from gateway.loop_turns import LoopTurns
from gateway.parsing.address_fields import date_of, recipients
from gateway.parsing.apart import NotHereError
from gateway.parsing.contained import bytes_in_tree, container, contents_within
from gateway.parsing.labels import Labels, labels_in
from gateway.parsing.mail_tree import numbered_leaves, read_tree
from gateway.parsing.mime import is_type_signed, read_body
from gateway.parsing.process import Contents, WorkerProcess
from gateway.parsing.taken import TakenFile, Wanted
from gateway.parsing.turns import Turns
from gateway.shares import Networks, address_of, is_in, keys_of
from rules.mail import Body, Envelope, Mail, Unread, Unreadable
from rules.mail.detection import SAMPLE_BYTES, detected
from rules.mail.encoded_words import decode_words
from rules.mail.header import Author, Header, author, digests, message_ids
from rules.mail.header import read as read_header
from rules.mail.quoting import is_forward

T = TypeVar("T")

log = logging.getLogger("gateway.parsing")

_SUBJECT_LIMIT_BYTES = 16 * 1024


def read(raw: bytes, most_tags: int | None = None) -> Mail:
    """Parses a mail. Always returns: a body that cannot be read becomes `Unreadable`; but with
    `most_tags`, NotHereError is raised for a body that may take too long here.

    Time is linear in the size as far as we know, but only a process that can be killed guarantees
    a limit: see `Parser`.
    """
    header = read_header(raw)
    return _mail(raw, header, body_of(raw, header, most_tags))


def read_unread(raw: bytes) -> Mail:
    """The mail with its body unread: at most 256 KiB of header, and a hash over all bytes."""
    return _mail(raw, read_header(raw), Unread())


def _mail(raw: bytes, header: Header, body: Body | Unreadable | Unread) -> Mail:
    subjects = header.raw_values("subject")
    whole, body_digest = digests(raw, header)
    return Mail(
        identity=whole,
        size_bytes=len(raw),
        header=header,
        author=author(header),
        subject=_subject(_subject_read(subjects[0]), raw, header) if subjects else "",
        message_id=next(iter(message_ids(header, "message-id")), ""),
        in_reply_to=message_ids(header, "in-reply-to"),
        references=message_ids(header, "references"),
        to=recipients(header, "to"),
        cc=recipients(header, "cc"),
        date=date_of(header),
        body=body,
        body_digest=body_digest,
    )


def _subject_read(value: bytes) -> bytes:
    """What is read of a Subject: its beginning, and of one that is longer its words. A signed
    mail can be sent again with wider gaps between them."""
    if len(value) > _SUBJECT_LIMIT_BYTES:
        value = b" ".join(value.split())
    return value[:_SUBJECT_LIMIT_BYTES]


def _subject(value: bytes, raw: bytes, header: Header) -> str:
    """The text of a Subject. Octets outside ASCII that are not UTF-8 are in the charset that the
    mail declares for its text; if it declares none, in the one that both are likely in."""
    if value.isascii():
        return decode_words(value).strip()
    at = header.body_at
    labels = [*labels_in(b" ".join(header.raw_values("content-type"))), *Labels(raw, at).found()]
    likely = detected(value if labels else value + b"\n" + raw[at : at + SAMPLE_BYTES])
    return decode_words(value, [*labels, likely]).strip()


def body_of(raw: bytes, header: Header, most_tags: int | None = None) -> Body | Unreadable:
    """The body of a mail with this header."""
    tree = read_tree(raw, header)
    if isinstance(tree, Unreadable):
        return tree
    subjects = header.raw_values("subject")
    return read_body(
        tree,
        type_signed=is_type_signed(header),
        forwarded=bool(subjects) and is_forward(decode_words(_subject_read(subjects[0])).strip()),
        most_tags=most_tags,
    )


def parts_bytes(raw: bytes, parts: Collection[str]) -> dict[str, bytes]:
    """The decoded bytes of attachments, by `Attachment.part`; an attached message as sent.

    Raises LookupError if one is missing.
    """
    tree = read_tree(raw, read_header(raw))
    if isinstance(tree, Unreadable):
        raise LookupError("the mail cannot be read")
    return bytes_in_tree(tree, parts)


def nested_files(raw: bytes, *, here: bool = False) -> Iterator[bytes]:
    """The decoded bytes of the parts of a file that is a mail; none of any other file, and of a
    part that is the file as it stands. Raises LimitError where more is packed than is read, and
    with `here` NotHereError for what may take longer than a thread of the server has time."""
    if here and not is_ordinary(raw):
        raise NotHereError
    header = read_header(raw)
    tree = read_tree(raw, header)
    if isinstance(tree, Unreadable):
        return
    for _, leaf in numbered_leaves(tree):
        content = leaf.content()
        if len(content) < len(raw) - header.body_at:
            yield content
        if here and container(leaf, leaf.parameter("name")):
            raise NotHereError
        yield from contents_within(leaf)


_ORDINARY_BYTES = 64 * 1024
_ORDINARY_ANGLES = 8_000
_ORDINARY_TAGS = 3_000
"""Which are read: see `HtmlReader`. Counted once the body is decoded."""
_ORDINARY_HEADER_BYTES = 16 * 1024
_ORDINARY_ENCODED_WORDS = 100
_ORDINARY_LINES = 2_000
_ORDINARY_BOUNDARIES = 50
_ORDINARY_MULTIPARTS = 20


def is_ordinary(raw: bytes) -> bool:
    """Whether this mail is small and simple enough to be parsed in the event loop, as far as its
    bytes show. The tags of its HTML are counted when it is read there.

    Within these limits every known costly case takes less than 50 ms.
    """
    if len(raw) > _ORDINARY_BYTES or raw.count(b"<") > _ORDINARY_ANGLES:
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


class Parser:
    """Parses mails: ordinary ones here, one in each iteration of the event loop; the bodies of all
    others in a worker process that can be killed.

    At most `workers` processes, each started when first needed and kept running, and shared fairly
    among clients. A body that takes
    longer than `timeout_s`, or more memory than a worker may use, is `Unreadable` (`timeout`,
    `crash`); the next mail gets a new worker.
    """

    def __init__(
        self,
        workers: int = 4,
        timeout_s: float = 10.0,
        memory_bytes: int = 1 << 30,
        listed: Networks = (),
        on_moved: Callable[[], None] = lambda: None,
    ) -> None:
        """`listed` are clients that speak for many senders: relays, trusted peers. `on_moved` is
        called for each small mail that a worker process reads after all."""
        self._on_moved = on_moved
        self.turns = Turns(workers, listed=listed)
        """Who has a worker process, and who waits for one."""
        self._listed = listed
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._idle: list[WorkerProcess] = []
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="parsing")
        self._loop_turns = LoopTurns()
        self._closed = False

    async def parse(self, raw: bytes) -> Mail:
        """Parses a mail of nobody's in particular; like `read`, it always returns."""
        return await self.read_rest(await self.begin(raw), raw)

    async def begin(self, raw: bytes, envelope: Envelope | None = None) -> Mail:
        """An ordinary mail as a whole; any other with its body unread."""
        if is_ordinary(raw):
            await self._loop_turns.wait(self._client_of(envelope))
            try:
                return read(raw, _ORDINARY_TAGS)
            except NotHereError:
                self._on_moved()
            except Exception:
                # Whatever its body is, a mail gets its ticket: a worker may fail on it.
                log.exception("a body could not be read; a worker process reads it")
        return await self.apart(partial(read_unread, raw))

    def _client_of(self, envelope: Envelope | None) -> object:
        """Whose mails wait for each other: those of an IPv6 provider or IPv4 network, or those of a
        sender that a relay brings."""
        client = address_of(envelope.peer) if envelope is not None else None
        if envelope is None or client is None or is_in(client, self._listed):
            return envelope and envelope.mail_from
        _, network, provider = keys_of(client)
        return provider or network

    def apart(self, call: Callable[[], T]) -> Awaitable[T]:
        """The result of a call that would hold the event loop, from one of two threads."""
        threads = None if self._closed else self._threads
        return asyncio.get_running_loop().run_in_executor(threads, call)

    async def read_rest(self, mail: Mail, raw: bytes, envelope: Envelope | None = None) -> Mail:
        """The mail with its body, and with its delivery reports if that was unread.

        Raises Overloaded if the envelope's client has too many mails that wait for this.
        """
        if not isinstance(mail.body, Unread):
            return mail
        client = address_of(envelope.peer) if envelope is not None else None
        sender = mail.author.address if isinstance(mail.author, Author) else ""
        async with self.turns.turn(client, sender):
            body, bounces = await self._contents(raw)
        # Everything else was read here: a worker that reads hostile bytes may be compromised.
        return replace(mail, body=body, bounces=bounces)

    async def files(
        self, raw: bytes, wanted: Wanted, envelope: Envelope
    ) -> dict[str, TakenFile] | None:
        """The wanted files of a mail, from a worker; None where it has none to give. Raises
        Overloaded as `read_rest` does."""
        async with self.turns.turn(address_of(envelope.peer), envelope.mail_from):
            found = await self._asked(lambda worker: worker.ask_files(raw, wanted))
        return None if isinstance(found, Unreadable) else found

    async def _contents(self, raw: bytes) -> Contents:
        found = await self._asked(lambda worker: worker.ask(raw))
        return (found, ()) if isinstance(found, Unreadable) else found

    async def _asked(self, question: Callable[[WorkerProcess], Awaitable[T]]) -> T | Unreadable:
        """What a worker answers, or why it did not."""
        if self._closed:
            return Unreadable("closed")
        worker = self._idle.pop() if self._idle else None
        healthy = False
        try:
            async with asyncio.timeout(self._timeout_s):
                if worker is None or worker.is_dead():
                    worker = await WorkerProcess.start(self._timeout_s, self._memory_bytes)
                answer = await question(worker)
            healthy = True
        except TimeoutError:
            return Unreadable("timeout")
        except (OSError, EOFError, pickle.UnpicklingError):
            return Unreadable("crash")
        finally:
            # After a failure or a cancellation the pipe may still contain part of an answer.
            if worker and (not healthy or self._closed):
                await worker.stop()
            elif worker:
                self._idle.append(worker)
        return answer

    async def close(self) -> None:
        """Waits for the mails in progress (at most the time limit), then ends the workers."""
        self._closed = True
        await self.turns.finished()
        while self._idle:
            await self._idle.pop().stop()
        await asyncio.to_thread(self._threads.shutdown)
