"""SPF (RFC 7208) with pyspf over our own look-ups.

pyspf is synchronous. It runs here as a calculation over the answers known so far, stops at the
first missing one, and starts again once it has arrived: no thread ever waits for DNS, so silent
servers do not delay other mails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import spf

from gateway.authentication.dns import (
    Absent,
    Answer,
    Lookups,
    Question,
    RecordType,
    Temporary,
    TextRecords,
    UnusableAnswer,
    host_domain,
)
from gateway.authentication.offload import Run
from gateway.authentication.suffixes import is_of_somebody
from rules.mail import Envelope
from rules.sender.authentication import Evidence, Result

MAX_RECORD_BYTES = 4096
MAX_TERM_BYTES = 255
"""Of one term: pyspf's expressions take quadratic time, and hold the interpreter's lock for all of
it. A name has 253 at most."""
MAX_PASSES = 40
"""More than the look-ups of any mail: every pass except the last adds an answer."""
MAX_STEPS = 30_000
"""For one mail, in all passes, each of about 5 µs: all of them take a seventh of a second. Ten
included records with 150 networks each need fewer."""
MACRO_STEPS, SEARCHED_IN_A_STEP = 6, 128
QUADRATIC_FROM = 16
"""A term of so many characters takes one step more, and one of n times as many n² more."""

# `+all` and networks of all addresses prove nothing, so they are treated as neutral (`?`). Terms
# before them keep their meaning.
_ANYONE = re.compile(
    rb"(?<= )\+?(?=all(?: |$)|(?:ip4|ip6|a|mx)[^ ]*/0(?://[0-9]++)?(?: |$))", re.IGNORECASE
)
_OF_PTR = re.compile(rb"(?<= )[+?~-]?ptr:([^ /%]+)", re.IGNORECASE)
_OF_SENDER = re.compile(r"%\{[^do}][^}]*\}", re.IGNORECASE)
"""All macros but those of a domain that is asked in any case (RFC 7208 §7.2)."""
_NO_NAME = "."
_OUTSIDE_ATEXT = re.compile(r"[^A-Za-z0-9!#$&'*+/=?^_`{|}~.-]")


@dataclass(frozen=True, slots=True)
class Identity:
    """The domain that SPF checks (RFC 7208 §2.3 and §2.4)."""

    domain: str
    sender: str
    """The whole reverse-path with a sanitised local part; empty for the HELO identity."""
    identifier: str
    """`smtp.mailfrom` or `smtp.helo`."""


@dataclass(frozen=True, slots=True)
class SpfVerdict:
    result: Result
    detail: str
    warnings: tuple[str, ...] = ()
    defers: bool = False
    """A failure that may defer the mail: see `Temporary`."""
    names: frozenset[str] = frozenset()
    """What a pass is based on: the names asked that are written in a record, and so the same for
    every mail. Others are made of the sender's address or the client's."""


class Steps:
    """What the evaluation of the records for one mail may still cost: their owner chooses it, and
    the threads that evaluate them are those of everybody's mail."""

    def __init__(self, most: int = MAX_STEPS) -> None:
        self._left = most

    def take(self, number: int) -> None:
        """Raises spf.PermError if there are not so many left."""
        self._left -= number
        if self._left < 0:
            raise spf.PermError("the records take too many steps to evaluate")


def identity_of(envelope: Envelope) -> Identity | None:
    """The identity to check; None if the reverse-path (or HELO, if it is null) has no domain.

    The null reverse-path means `postmaster@` the HELO domain (RFC 7208 §2.4).
    """
    if not envelope.mail_from:
        helo = host_domain(envelope.helo)
        return Identity(helo, "", "smtp.helo") if helo else None
    local, at, domain_text = envelope.mail_from.rpartition("@")
    domain = host_domain(domain_text) if at else None
    if domain is None:
        return None
    # pyspf splits at the first "@": for `"a@b"@c` it would use another domain than we do.
    return Identity(domain, f"{_OUTSIDE_ATEXT.sub('-', local)}@{domain}", "smtp.mailfrom")


async def check_spf(
    identity: Identity, ip: str, helo: str, lookups: Lookups, run: Run
) -> SpfVerdict:
    """Whether the domain allows `ip` to send for it. Every outcome is a value."""
    answers: dict[Question, Answer] = {}
    missing: Question = (identity.domain, "TXT")
    steps = Steps()
    for _ in range(MAX_PASSES):
        answers[missing] = await lookups.ask(*missing)
        outcome = await run(partial(evaluate, identity, ip, helo, answers, steps))
        if isinstance(outcome, SpfVerdict):
            return outcome
        missing = outcome
    return SpfVerdict(Result.PERMERROR, "no end in sight")


def evaluate(
    identity: Identity,
    ip: str,
    helo: str,
    answers: Mapping[Question, Answer],
    steps: Steps | None = None,
) -> SpfVerdict | Question:
    """The verdict, or the first question that has no answer yet. CPU-bound, never raises."""
    steps = steps or Steps()
    try:
        query = _Query(ip, identity.sender, host_domain(helo) or identity.domain, answers, steps)
        result, _, explanation = query.check()
        verdict = Result(result)
    except _MissingAnswerError as missing:
        return missing.question
    except Exception as error:  # noqa: BLE001  pyspf raises anything on hostile bytes
        return SpfVerdict(Result.PERMERROR, f"record cannot be read ({type(error).__name__})")
    warnings = tuple(
        f"SPF record of {name} allows any host to send" for name in query.open_to_anyone
    )
    if warnings and verdict is not Result.PASS:
        return SpfVerdict(verdict, "+all is not counted", warnings)
    if query.unasked_macro:
        warnings += ("a macro in SPF that ends a name in what the sender wrote does not count",)
    if query.unasked_ptr:
        warnings += ("ptr in SPF counts only for a client that greets by its own name",)
    detail = explanation if verdict in (Result.PERMERROR, Result.TEMPERROR) else ""
    names = _written_names(identity, answers) if verdict is Result.PASS else frozenset()
    return SpfVerdict(verdict, detail, warnings, query.defers, names)


def evidence(identity: Identity, verdict: SpfVerdict, *, aligned: bool) -> Evidence:
    """The verdict as evidence for the journal."""
    return Evidence(
        "spf",
        verdict.result,
        identity.domain,
        detail=verdict.detail,
        aligned=aligned,
        identifier=identity.identifier,
    )


def _written_names(identity: Identity, answers: Mapping[Question, Answer]) -> frozenset[str]:
    texts = [
        text.lower()
        for (_, kind), answer in answers.items()
        if kind in ("TXT", "MX") and isinstance(answer, TextRecords)
        for text in answer.texts
    ]
    asked = {name for name, _ in answers}
    return frozenset(
        name
        for name in asked
        if name == identity.domain or any(name.encode() in text for text in texts)
    )


class _MissingAnswerError(Exception):
    """Interrupts pyspf when it needs an answer that is not known yet."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.question = question


class _Query(spf.query):  # type: ignore[misc]  # untyped base class
    """pyspf's evaluation with `dns()`, its only access to the network, replaced."""

    def __init__(
        self, ip: str, sender: str, helo: str, answers: Mapping[Question, Answer], steps: Steps
    ) -> None:
        super().__init__(i=ip, s=sender, h=helo)
        self.open_to_anyone: dict[str, None] = {}
        self.defers = False
        self.unasked_ptr = False
        self.unasked_macro = False
        self._answers = answers
        self._steps = steps

    def validate_mechanism(self, mech: str) -> Any:
        """pyspf reads a term in quadratic time."""
        self._steps.take(1 + (len(mech) // QUADRATIC_FROM) ** 2)
        return super().validate_mechanism(mech)

    def expand(self, s: str, stripdot: bool = True) -> str:
        """pyspf searches all of a text with macros once for each of its labels."""
        if macros := s.count("%"):
            searched = len(s) * (1 + s.count("."))
            self._steps.take(macros * MACRO_STEPS + searched // SEARCHED_IN_A_STEP)
        expanded: str = super().expand(s, stripdot)
        return expanded

    def cidrmatch(self, ipaddrs: list[str], n: int) -> bool:
        """A step for each address."""
        self._steps.take(len(ipaddrs))
        return bool(super().cidrmatch(ipaddrs, n))

    def dns(self, name: str, qtype: str, ignore_void: bool = False) -> list[Any]:
        """Records in pyspf's own format. Counts void look-ups (RFC 7208 §4.6.4) as pyspf does.

        Raises spf.TempError, spf.PermError, _MissingAnswerError.
        """
        if qtype not in ("A", "AAAA", "MX", "PTR", "TXT"):  # type SPF is obsolete (RFC 7208 §3.1)
            return []
        name = name.removesuffix(".")
        kind: RecordType = qtype  # type: ignore[assignment]  # narrowed by the line above
        question: Question = (name.lower(), kind)
        if len(question[0]) > 253 or not all(0 < len(each) < 64 for each in name.split(".")):
            return []  # a name that macros made invalid matches nothing (RFC 7208 §4.8)
        if question not in self._answers:
            raise _MissingAnswerError(question)
        match self._answers[question]:
            case Temporary(why=why, defers=defers):
                self.defers = defers
                raise spf.TempError(why)
            case UnusableAnswer(why=why):
                raise spf.PermError(why)
            case TextRecords(texts=texts) if texts:
                return self._records(kind, question[0], texts)
            case TextRecords() | Absent():
                if not ignore_void:
                    self.void_lookups += 1
                    if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                        raise spf.PermError("too many void look-ups")
        return []

    def expand_domain(self, arg: str) -> str:
        """The name that a term of a record names; none, which matches nothing, where the sender
        chose whose it is, as in `a:%{h}`: they would see in their own zone that the author's domain
        has a customer here, and could publish there what lets any host send."""
        expanded: str = super().expand_domain(arg)
        chosen = [found.end() for found in _OF_SENDER.finditer(arg)]
        if not chosen:
            return expanded
        # What stands before the first dot is joined to what the sender chose.
        written = self.expand(arg[chosen[-1] :]).partition(".")[2]
        if is_of_somebody(written):
            return expanded
        self.unasked_macro = True
        return _NO_NAME

    def validated_ptrs(self) -> list[str]:
        """The name by which the client greeted, if its address and its reverse zone agree.

        pyspf asks the reverse zone first. It is the client's own: who runs it would see that the
        author's domain, of which only a registered one is asked for SPF, has a customer here. So
        it is asked last, and before it no name but one below those that the record names.
        """
        name: str = self.h.lower()
        if self._is_below_a_written_name(name) and self.cidrmatch(
            self.dns_a(name, self.A), self.cidrmax
        ):
            return [each for each in self.dns_ptr(self.i) if each.rstrip(".").lower() == name]
        self.unasked_ptr = True
        return []

    def _is_below_a_written_name(self, name: str) -> bool:
        texts = [
            (asked, text)
            for (asked, kind), answer in self._answers.items()
            if kind == "TXT" and isinstance(answer, TextRecords)
            for text in answer.texts
        ]
        targets = {each.decode("ascii", "replace") for _, t in texts for each in _OF_PTR.findall(t)}
        written = {asked for asked, _ in texts} | {each.lower().rstrip(".") for each in targets}
        return any(f".{name}".endswith(f".{each}") for each in written if "." in each)

    def _records(self, kind: RecordType, name: str, texts: tuple[bytes, ...]) -> list[Any]:
        if kind == "MX":
            # The host of a null MX (RFC 7505) is the root, which has no address.
            pairs = (text.decode("ascii").partition(" ") for text in texts)
            return [(int(preference), host) for preference, _, host in pairs]
        if kind != "TXT":
            return [text.decode("ascii") for text in texts]
        records = []
        for text in texts:
            if not spf.RE_SPF.match(text):
                continue
            if len(text) > MAX_RECORD_BYTES:
                raise spf.PermError(f"record of {len(text)} bytes")
            if any(len(term) > MAX_TERM_BYTES for term in text.split(b" ")):
                raise spf.PermError(f"record with a term of more than {MAX_TERM_BYTES} bytes")
            closed, found = _ANYONE.subn(b"?", text)
            if found:
                self.open_to_anyone[name] = None
            records.append((closed,))
        return records
