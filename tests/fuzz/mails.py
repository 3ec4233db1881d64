"""Generated mails through the parser and the rules, one after the other.

Laws: no exception; nothing takes longer than a worker may, nor more memory; nothing that runs on
the event loop holds it for long; no ticket is critical; the text of a well-formed mail is shown;
its HTML is safe.
"""

from __future__ import annotations

import gc
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TypeVar

from gateway.parsing.bounce import read_bounce
from gateway.parsing.html_view import view_of_body
from gateway.parsing.reading import body_of, is_ordinary, read, read_unread
from rules.decision.considered import Received, consider
from rules.decision.decide import decide
from rules.decision.model import Decision, OpenTicket
from rules.mail import Body, Envelope, Mail
from rules.mail.header import Author
from rules.mail.markup import pieces, written
from tests.fuzz.findings import Case, Report, random_for, to_bytes, to_text
from tests.fuzz.mail_grammar import MARK, GeneratedMail, generated
from tests.fuzz.wire import rss_mib
from tests.rules.building import KEYS, MAILBOX, NOON, PROVEN, SUPPORT, World

PART = "mails"
T = TypeVar("T")

PARSING_S = 1.5
LOOP_S = 0.05
MEMORY_MIB = 100
HUNG_S = 60
MIB = 2**20
HTML_CHARACTERS = 64 * 1024
"""Of larger HTML it may take long to build the tree: then its process is ended."""
ATTEMPTS = 3
"""What takes too long is measured again: a loaded machine slows a mail down now and then."""

WORLD = World()
CRITICAL = {level.name for level in WORLD.policy.levels if level.critical}

Broken = Iterator[tuple[str, str]]


class _Hung(Exception):
    pass


def run(seed: int, numbers: range) -> Report:
    """The mails with these numbers."""
    return _run(seed, (generated(random_for(seed, PART, n)) for n in numbers))


def replay(cases: Sequence[Case]) -> list[Report]:
    return [
        _run(
            0,
            (
                GeneratedMail(
                    to_bytes(case["raw"]), case["author"], case["to"], case["well formed"]
                )
                for case in cases
            ),
        )
    ]


def _case(mail: GeneratedMail) -> Case:
    return {
        "raw": to_text(mail.raw),
        "author": mail.author,
        "to": mail.recipient,
        "well formed": mail.well_formed,
    }


def _run(seed: int, mails: Iterator[GeneratedMail]) -> Report:
    report, verdicts = Report(PART, seed), Counter[str]()
    slowest: dict[str, float] = {"parse": 0.0, "loop": 0.0}
    most_mib = 0.0
    gc.collect()
    gc.freeze()
    with _alarm():
        for mail in mails:
            if report.is_full:
                break
            before = _fresh_peak()
            signal.setitimer(signal.ITIMER_REAL, HUNG_S)
            for law, detail in _broken_laws(mail, verdicts, slowest):
                report.add(law, detail, _case(mail))
            signal.setitimer(signal.ITIMER_REAL, 0)
            taken = _peak_mib() - before
            most_mib = max(most_mib, taken)
            if taken > MEMORY_MIB:
                report.add("bounded memory", f"{taken:.0f} MiB, {len(mail.raw)} B", _case(mail))
            report.cases += 1
    report.figures = {
        "verdicts": dict(verdicts.most_common()),
        "slowest parsing s": round(slowest["parse"], 3),
        "longest on the loop s": round(slowest["loop"], 4),
        "most MiB": round(most_mib),
    }
    return report


def _broken_laws(mail: GeneratedMail, verdicts: Counter[str], slowest: dict[str, float]) -> Broken:
    timer = _Timer(slowest)
    try:
        read_mail = _read(mail.raw, timer)
        decision = timer.on_loop(lambda: _decided(mail, read_mail))
    except _Hung:
        yield "bounded time", f"{HUNG_S} s and more, {len(mail.raw)} B"
        return
    except Exception:  # noqa: BLE001 - the law is that there is none
        yield "no exception", traceback.format_exc()[-1800:]
        return
    verdicts[decision.verdict.value] += 1
    for problem in timer.problems:
        yield "bounded time", f"{problem}, {len(mail.raw)} B"
    action = decision.action
    if isinstance(action, OpenTicket) and action.severity.name in CRITICAL:
        yield "never critical", repr(action.severity)
    yield from _lost_text(mail, read_mail)
    yield from _unsafe_html(read_mail)


def _unsafe_html(parsed: Mail) -> Broken:
    """What is shown of the HTML is listed, and is shown the same again."""
    body = parsed.body
    if not isinstance(body, Body) or len(body.html) > HTML_CHARACTERS:
        return
    try:
        view = view_of_body(body)
        for markup in (view.html, view.quoted):
            if written(pieces(markup)) != markup:
                yield "the HTML is safe", markup[:300]
    except Exception:  # noqa: BLE001 - the law is that there is none
        yield "the HTML is safe", traceback.format_exc()[-1800:]


def _read(raw: bytes, timer: _Timer) -> Mail:
    """As `gateway.parsing.parser.Parser` does it."""
    if timer.on_loop(lambda: is_ordinary(raw)):
        timer.on_loop(lambda: read_bounce(raw))
        return timer.on_loop(lambda: read(raw))
    begun = timer.on_loop(lambda: read_unread(raw)) if len(raw) < MIB else read_unread(raw)
    body = timer.in_worker(lambda: body_of(raw, begun.header))
    return replace(begun, body=body, bounces=timer.in_worker(lambda: read_bounce(raw)))


def _decided(mail: GeneratedMail, parsed: Mail) -> Decision:
    """As `gateway.reception` and `storage.mail.filing` do it, with facts from memory."""
    envelope = Envelope("127.0.0.1", "client.example", False, mail.author, (mail.recipient,))
    received = Received(
        mail=replace(parsed, bounces=()),
        envelope=envelope,
        mailbox=MAILBOX,
        authentication=PROVEN,
        first_authentication=PROVEN,
        read_bounces=lambda: parsed.bounces,
        came_at=NOON,
    )
    considered = consider(
        received, keys=KEYS, own_addresses=frozenset({SUPPORT}), policy=WORLD.policy
    )
    written_by = considered.mail.author
    address = written_by.address if isinstance(written_by, Author) else ""
    facts = WORLD.facts(considered.mail, envelope, address)
    return decide(considered.mail, facts, WORLD.policy)


def _lost_text(mail: GeneratedMail, parsed: Mail) -> Broken:
    body = parsed.body
    if not isinstance(body, Body):
        if mail.well_formed:
            yield "the text is shown", f"unreadable: {body}"
    elif mail.well_formed and MARK not in body.text:
        yield "the text is shown", f"{body.text[:300]!r}"
    elif not (body.text or body.html or body.attachments):
        content = mail.raw[parsed.header.body_at :]
        kind = parsed.header.get("content-type").lower()  # a multipart's text may lie in no part
        if "multipart" not in kind and len(content.translate(None, b"=\r\n \t\0")) > 400:
            yield "the text is shown", f"no text, no attachment of {len(content)} B"


class _Timer:
    """Measures steps in CPU time of this thread, which other processes hardly change."""

    def __init__(self, slowest: dict[str, float]) -> None:
        self._slowest = slowest
        self.problems: list[str] = []

    def on_loop(self, step: Callable[[], T]) -> T:
        return self._timed("loop", LOOP_S, step)

    def in_worker(self, step: Callable[[], T]) -> T:
        return self._timed("parse", PARSING_S, step)

    def _timed(self, kind: str, limit_s: float, step: Callable[[], T]) -> T:
        result, taken_s = _measured(step)
        for _ in range(ATTEMPTS - 1):
            if taken_s > limit_s:
                taken_s = min(taken_s, _measured(step)[1])
        self._slowest[kind] = max(self._slowest[kind], taken_s)
        if taken_s > limit_s:
            self.problems.append(f"{kind}: {taken_s:.3f} s")
        return result


def _measured(step: Callable[[], T]) -> tuple[T, float]:
    started = time.thread_time()
    result = step()
    return result, time.thread_time() - started


@contextmanager
def _alarm() -> Iterator[None]:
    """A mail that takes far too long raises `_Hung`."""

    def ring(_: int, __: FrameType | None) -> None:
        raise _Hung

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_bytes()  # getrusage has a peak that is never reset
    return int(status[status.index(b"VmHWM:") + 6 :].split(maxsplit=1)[0]) / 1024


def _fresh_peak() -> float:
    """The peak of the memory so far, after it was reset where it is far above what is in use."""
    peak, now = _peak_mib(), rss_mib()
    if peak - now > MEMORY_MIB / 4:
        Path("/proc/self/clear_refs").write_text("5")
        return _peak_mib()
    return now
