"""DNS look-ups: asynchronous, cached by TTL, one query for concurrent callers, bounded.

Every outcome is a value, including a failing server: only `Temporary` may change on a later
attempt.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.resolver

from gateway.authentication.lookup_shares import NOBODY, Asker, LookupShares
from gateway.authentication.nameserver import (
    MAX_ANSWER_BYTES,
    Nameserver,
    ReadingTurns,
    TooLargeError,
)
from gateway.authentication.proven_names import NamesOfAuthor, NamesOfSigners
from rules.validation.messages import InvalidFile

RecordType = Literal["A", "AAAA", "MX", "PTR", "TXT"]
Question = tuple[str, RecordType]

MAX_RECORDS = 100
MAX_TTL_S = 86_400.0
FAILURE_TTL_S = 5.0
"""How long a failure is cached: RFC 9520 §3.2 requires 1 s to 5 min."""
LARGE_TTL_S = 300.0
"""How long it is known that an answer is too large to be read."""
CHOSEN_QUESTION, CHOSEN_QUESTIONS = 0.5, 0.75
"""The parts of a mail's time for one name that its sender chose, and for all of them: what remains
is for the others. Else silent names would let those fail that may defer a mail."""


@dataclass(frozen=True, slots=True)
class TextRecords:
    """The name exists. `texts` is empty if it has no record of the type.

    TXT: the joined strings of each record; other types: the record in ASCII presentation format.
    """

    texts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """NXDOMAIN: neither the name nor anything below it exists (RFC 8020)."""


@dataclass(frozen=True, slots=True)
class UnusableAnswer:
    """A permanent failure: not a domain name, a CNAME loop, an answer too large."""

    why: str


@dataclass(frozen=True, slots=True)
class Temporary:
    """Time-out or SERVFAIL: a later attempt may succeed."""

    why: str
    defers: bool = True
    """False if the sender chose the name: then the mail is not deferred (`proven_names`)."""

    def deferring(self) -> Temporary:
        """The same where it defers the mail, no matter who chose the name."""
        return Temporary(self.why.removesuffix(f"; {CHOSEN}"))


Answer = TextRecords | Absent | UnusableAnswer | Temporary

CHOSEN = "the sender chose this name, and it has proven no mail here: not deferred"

_HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Characters that SPF macros may put into a name (RFC 7208 §7.3): atext, but no backslash, which is
# an escape in a master file, and only ASCII.
_QUERY_LABEL = re.compile(r"[!#-'*+/-9=?A-Z^-~-]{1,63}")


def host_domain(text: str) -> str | None:
    """`text` as a lower-case domain of A-labels without a trailing dot, or None if it is invalid.

    At most 253 octets, labels of at most 63 (RFC 1035 §2.3.4); a single label is valid; address
    literals and names with a numeric last label are not domains.
    """
    name = text.removesuffix(".").lower()
    if len(name) > 253:
        return None
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return None
    labels = name.split(".")
    if len(name) > 253 or labels[-1].isdigit():
        return None
    return name if all(_HOST_LABEL.fullmatch(label) for label in labels) else None


def _query_name(text: str) -> dns.name.Name | None:
    labels = text.removesuffix(".").lower().split(".")
    if len(text) > 254 or not all(_QUERY_LABEL.fullmatch(label) for label in labels):
        return None
    try:
        return dns.name.Name([*(label.encode("ascii") for label in labels), b""])
    except dns.name.NameTooLong:
        return None


class Resolver:
    """Look-ups shared by all mails of one event loop. `nameservers=None` uses the system's."""

    def __init__(
        self,
        nameservers: Sequence[str] | None = None,
        port: int = 53,
        *,
        attempt_s: float = 1.0,
        lifetime_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
        max_entries: int = 20_000,
        max_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        """`attempt_s` limits one attempt at one server, `lifetime_s` all attempts of one question.

        Raises InvalidFile if the system has no nameservers configured.
        """
        try:
            self._dns = dns.asyncresolver.Resolver(configure=nameservers is None)
        except dns.resolver.NoResolverConfiguration as error:
            problem = "no nameserver is set, and /etc/resolv.conf has none either"
            raise InvalidFile("dns.servers", [problem]) from error
        if nameservers is None:
            nameservers, port = [str(each) for each in self._dns.nameservers], self._dns.port
        turns = ReadingTurns()
        self._dns.nameservers = [Nameserver(each, port, turns) for each in nameservers]
        self._dns.timeout = attempt_s
        self._dns.lifetime = lifetime_s
        self._dns.use_edns(0, 0, 1232)  # the payload size that is never fragmented (flag day 2020)
        self._clock = clock
        self._cache = _Cache(max_entries, max_bytes)
        self._queries: dict[Question, asyncio.Task[Answer]] = {}
        self.shares = LookupShares()

    def cached(self, question: Question) -> Answer | None:
        """The answer if it is cached and its TTL has not passed, else None."""
        return self._cache.get(question, self._clock())

    async def ask(self, name: str, kind: RecordType, asker: Asker = NOBODY) -> Answer:
        """The answer, from the cache or by a query that concurrent callers share.

        A query counts for who asked first, until it ends. A cancelled caller does not cancel
        it, since others may be waiting for it.
        """
        question: Question = (name.removesuffix(".").lower(), kind)
        known = self.cached(question)
        if known is not None:
            return known
        query = self._queries.get(question)
        if query is None:
            queried = _query_name(name)
            if queried is None:
                return UnusableAnswer(f"{name[:80]!r} is not a domain name")
            give_back = await self.shares.place(asker, question[0])
            if give_back is None:
                return Temporary("too many DNS look-ups of this client are under way")
            query = self._queries.get(question)  # perhaps asked while this one waited
            if query is not None:
                give_back()
            else:
                query = self._begin(question, queried, give_back)
        return await asyncio.shield(query)

    async def close(self) -> None:
        """Cancels the queries in progress and with them their callers."""
        queries = list(self._queries.values())
        for query in queries:
            query.cancel()
        await asyncio.gather(*queries, return_exceptions=True)

    def _begin(
        self, question: Question, name: dns.name.Name, give_back: Callable[[], None]
    ) -> asyncio.Task[Answer]:
        def end(_: asyncio.Task[Answer]) -> None:
            del self._queries[question]
            give_back()

        query = asyncio.create_task(self._query(question, name))
        self._queries[question] = query
        query.add_done_callback(end)
        return query

    async def _query(self, question: Question, name: dns.name.Name) -> Answer:
        answer, ttl_s = await self._resolve(name, question[1])
        self._cache.put(question, answer, self._clock(), min(ttl_s, MAX_TTL_S))
        return answer

    async def _resolve(self, name: dns.name.Name, kind: RecordType) -> tuple[Answer, float]:
        """The answer, and its TTL in seconds (RFC 2308 §5 for negative answers)."""
        try:
            answer = await self._dns.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as absent:
            # dnspython has no type annotations on response().
            reply = absent.response(name)  # type: ignore[no-untyped-call]
            return Absent(), reply.resolve_chaining().minimum_ttl
        except dns.resolver.NoNameservers as failed:
            if any(isinstance(each[3], dns.message.ChainTooLong) for each in _errors(failed)):
                return UnusableAnswer(f"CNAME loop at {name}"), FAILURE_TTL_S
            if any(isinstance(each[3], TooLargeError) for each in _errors(failed)):
                return UnusableAnswer(f"answer for {name} {kind} is too large"), LARGE_TTL_S
            return Temporary(f"no usable answer for {name} {kind}"), FAILURE_TTL_S
        except dns.exception.Timeout:
            return Temporary(f"time-out for {name} {kind}"), FAILURE_TTL_S
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as failed:
            return Temporary(f"{type(failed).__name__} for {name} {kind}"), FAILURE_TTL_S
        records = tuple(answer)
        texts = tuple(_text(kind, record) for record in records[: MAX_RECORDS + 1])
        ttl_s = float(answer.chaining_result.minimum_ttl)
        if len(texts) > MAX_RECORDS or sum(map(len, texts)) > MAX_ANSWER_BYTES:
            return UnusableAnswer(f"answer for {name} {kind} is too large"), ttl_s
        return TextRecords(texts), ttl_s


class Lookups:
    """The look-ups of one mail: limited in number and time, each question asked once."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        budget_s: float = 3.0,
        limit: int = 30,
        asker: Asker = NOBODY,
        names: NamesOfAuthor | NamesOfSigners | None = None,
    ) -> None:
        """The budget starts now; without `names` every failure may defer the mail. Needs a running
        event loop."""
        self._resolver = resolver
        self._asker = asker
        self._names = names
        self._budget_s = budget_s
        self._deadline = asyncio.get_running_loop().time() + budget_s
        self._limit = limit
        self._answers: dict[Question, Answer] = {}
        self._questions: set[Question] = set()

    @property
    def count(self) -> int:
        return len(self._questions)

    async def ask(self, name: str, kind: RecordType) -> Answer:
        """The answer; `UnusableAnswer` beyond the limit (another attempt would not help),
        `Temporary` beyond the time budget. Cached answers are returned even then. A failure at a
        name that the sender chose does not defer the mail."""
        question: Question = (name.removesuffix(".").lower(), kind)
        known = self._answers.get(question)
        if known is not None:
            return known
        if question not in self._questions:
            if len(self._questions) >= self._limit:
                return UnusableAnswer(f"more than {self._limit} DNS look-ups for one mail")
            self._questions.add(question)
        defers = self._names is None or self._names.defers(question[0])
        answer = self._resolver.cached(question) or await self._in_time(name, kind, defers)
        if isinstance(answer, Temporary) and not defers:
            answer = replace(answer, why=f"{answer.why}; {CHOSEN}", defers=False)
        self._answers[question] = answer
        return answer

    def prove(self, names: Collection[str]) -> None:
        """The mail was proven by what these names answered."""
        if self._names is not None:
            self._names.prove(names)

    async def _in_time(self, name: str, kind: RecordType, defers: bool) -> Answer:
        now, deadline = asyncio.get_running_loop().time(), self._deadline
        if not defers:
            last = deadline - self._budget_s * (1 - CHOSEN_QUESTIONS)
            deadline = min(last, now + self._budget_s * CHOSEN_QUESTION)
        if now >= deadline:
            return Temporary(f"time budget spent before {name} {kind}")
        try:
            async with asyncio.timeout_at(deadline):
                return await self._resolver.ask(name, kind, self._asker)
        except TimeoutError:
            return Temporary(f"time budget spent at {name} {kind}")


class _Cache:
    """Keeps answers until their TTL has passed; evicts the least recently used first."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[Question, tuple[float, int, Answer]] = OrderedDict()

    def get(self, question: Question, now: float) -> Answer | None:
        entry = self._entries.get(question)
        if entry is None:
            return None
        if entry[0] <= now:
            self._drop(question)
            return None
        self._entries.move_to_end(question)
        return entry[2]

    def put(self, question: Question, answer: Answer, now: float, ttl_s: float) -> None:
        self._drop(question)
        if ttl_s <= 0:
            return
        size = len(question[0])
        if isinstance(answer, TextRecords):
            size += sum(map(len, answer.texts))
        self._entries[question] = (now + ttl_s, size, answer)
        self._bytes += size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, question: Question) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            self._bytes -= entry[1]


def _errors(failed: dns.resolver.NoNameservers) -> list[Any]:
    """dnspython's list of (server, tcp, port, exception or text, response), one per attempt."""
    errors: list[Any] = failed.kwargs.get("errors", [])
    return errors


def _text(kind: RecordType, record: Any) -> bytes:
    if kind == "TXT":
        return b"".join(record.strings)
    text: str = record.to_text()
    return text.removesuffix(".").encode("ascii", "replace")
