"""Tries a policy on recorded mails: what would have been decided otherwise. Nothing is written.

Each mail is decided twice from the same facts, those of the moment at which it was decided: by the
policy of its mailbox and by the new one. So what differs is due to the new policy alone. Each is
decided by itself: had an earlier mail gone another way, the later ones do not know.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import assert_never

from gateway import policies
from gateway.mailbox_cache import Snapshot
from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser, is_ordinary
from gateway.parsing.parser import read as read_mail
from gateway.policies import Policies
from rules.decision.decide import decide
from rules.decision.model import (
    AddComment,
    Decision,
    Defer,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
    Unsubscribe,
    Verdict,
)
from rules.facts import Facts
from rules.mail import Mail
from rules.mail.header import Author
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.sender.pointers import Pointer, find_pointers, is_looped, returned_notice
from rules.sender.signature_scope import apply_dkim_policy, restrict_to_signed, trusted_recipients
from rules.service.participants import Addition
from rules.ticket.notices import NoticeOrder
from rules.ticket.sla import Stage
from storage.db.database import Connection, Database
from storage.mail import history
from storage.mail.facts import gather
from storage.mail.history import RecordedMail
from storage.registry import signing_keys
from storage.registry.mailboxes import list_mailboxes, mailbox_named

Parse = Callable[[bytes], Mail]

BY_STAFF = "staff:"
"""So begins what proves a mail that a person of ours released."""


class Aspect(StrEnum):
    """What of two decisions is compared; each is named like its field of `Outcome`."""

    VERDICT = "verdict"
    REASON = "reason"
    TICKET = "ticket"
    FOLLOWS = "follows"
    SEVERITY = "severity"
    CRITICAL_CLAIMED = "critical_claimed"
    MISSING = "missing"
    FIELDS = "fields"
    JOINS = "joins"
    ORDERS = "orders"
    FIRST_DUE = "first_due"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision comes to, as far as somebody notices it."""

    verdict: Verdict
    reason: str
    ticket: int | None = None
    """None also for a new one."""
    follows: int | None = None
    severity: str | None = None
    critical_claimed: bool = False
    missing: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[str, ...] = ()
    """Each as `address (part, presence)`, in the order of the alphabet."""
    orders: Mapping[str, int] = field(default_factory=dict)
    """How many outgoing mails of each kind."""
    first_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One mail that the new policy decides otherwise."""

    mail: RecordedMail
    was: Outcome
    """By the policy in force."""
    would_be: Outcome
    aspects: tuple[Aspect, ...]


@dataclass(frozen=True, slots=True)
class BacktestQuery:
    """Which mails, and how many of the differing ones are shown."""

    since: datetime
    until: datetime
    mailbox: str | None
    """None for all of them."""
    limit: int


@dataclass(slots=True)
class Report:
    """What a simulation found; it grows mail by mail."""

    mailboxes: tuple[str, ...]
    lines: Mapping[Verdict, int]
    """All lines of the journal in that time, by their verdicts."""
    mails: int = 0
    different: int = 0
    aspects: Counter[Aspect] = field(default_factory=Counter)
    shown: list[Difference] = field(default_factory=list)
    """The newest first."""
    moved_on: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What the journal says, what the policy in force decides now, and how often that is so."""

    @property
    def lost(self) -> int:
        """Lines that ought to have a mail, and have none."""
        return sum(self.lines.get(verdict, 0) for verdict in history.KEPT) - self.mails


async def run_backtest(
    database: Database, known: Policies, new: Policy, wanted: BacktestQuery
) -> Report:
    """Decide the mails again. Raises Unknown for a mailbox and PolicyRefused for its policy."""
    loop, parser = asyncio.get_running_loop(), Parser(workers=1)

    def parse(raw: bytes) -> Mail:
        """As the server does: what is large or odd goes to a process that can be killed."""
        if is_ordinary(raw):
            return read_mail(raw)
        return asyncio.run_coroutine_threadsafe(parser.parse(raw), loop).result()

    try:
        job = partial(_compare, parse=parse, known=known, new=new, wanted=wanted)
        return await asyncio.to_thread(database.read, job)
    finally:
        await parser.close()


def _compare(
    connection: Connection, parse: Parse, known: Policies, new: Policy, wanted: BacktestQuery
) -> Report:
    history.read_only(connection)
    everyone = list_mailboxes(connection)
    snapshot = Snapshot({m.address: m for m in everyone}, signing_keys.load_keys(connection))
    chosen = everyone
    if wanted.mailbox is not None:
        chosen = (mailbox_named(connection, wanted.mailbox),)
    in_force = {m.id: policies.named(known, m.policy, f"mailbox {m.address}") for m in chosen}
    span = ({mailbox.id: mailbox for mailbox in chosen}, wanted.since, wanted.until)
    report = Report(tuple(m.address for m in chosen), history.by_verdict(connection, *span))
    for one in history.recorded_mails(connection, *span):
        parsed, present = parse(one.raw), in_force[one.mailbox.id]
        was, would_be = (
            outcome(decision)
            for decision in _decide(connection, one, parsed, snapshot, present, new)
        )
        _count(report, one, was, would_be, wanted.limit)
    return report


def _as_decided(
    parsed: Mail, one: RecordedMail, snapshot: Snapshot, first_proof: Authentication
) -> Mail:
    """The mail as the rules see it: sealed, with its reports, by whom staff say who wrote it."""
    mail = restrict_to_signed(parsed, one.envelope, first_proof)
    if one.author and one.authentication.by.startswith(BY_STAFF):
        mail = replace(mail, author=Author(one.author))
    if returned_notice(one.envelope, one.mailbox, snapshot.keys) is not None:
        mail = replace(mail, bounces=read_bounce(one.raw))
    return replace(mail, identity=one.identity)


def _decide(
    connection: Connection,
    one: RecordedMail,
    parsed: Mail,
    snapshot: Snapshot,
    present: Policy,
    new: Policy,
) -> tuple[Decision, Decision]:
    """By the present policy and by the new one. Their subject tags may point differently, and one
    may count a proof that the other does not."""
    seen = [_as_seen(parsed, one, snapshot, policy) for policy in (present, new)]
    mail = _as_decided(parsed, one, snapshot, one.first_proof)
    facts = gather(
        connection,
        mail=mail,
        envelope=one.envelope,
        authentication=one.authentication,
        pointers=tuple(dict.fromkeys((*seen[0].pointers, *seen[1].pointers))),
        mailbox=one.mailbox,
        own_addresses=snapshot.own_addresses,
        decided_at=one.decided_at,
        held=one.kept_under,
        returned=returned_notice(one.envelope, one.mailbox, snapshot.keys),
        looped=is_looped(mail, snapshot.keys),
        came_at=one.came_at,
    )
    facts = history.facts_at(connection, facts, mail, one)
    return seen[0].decided(facts, present), seen[1].decided(facts, new)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A mail as a policy counts its proof, and where it points by that."""

    mail: Mail
    proven: Authentication
    pointers: tuple[Pointer, ...]

    def decided(self, facts: Facts, policy: Policy) -> Decision:
        known = replace(facts, authentication=self.proven, pointers=self.pointers)
        return decide(self.mail, known, policy)


def _as_seen(parsed: Mail, one: RecordedMail, snapshot: Snapshot, policy: Policy) -> _Seen:
    mail = _as_decided(
        parsed, one, snapshot, apply_dkim_policy(one.first_proof, policy.proof.dkim_required)
    )
    proven = apply_dkim_policy(one.authentication, policy.proof.dkim_required)
    towards = trusted_recipients(mail, one.envelope, proven)
    tag_format = policy.subject_tag.format
    return _Seen(mail, proven, find_pointers(mail, towards, one.mailbox, snapshot.keys, tag_format))


def _count(report: Report, one: RecordedMail, was: Outcome, would_be: Outcome, limit: int) -> None:
    report.mails += 1
    then, now = _then(one), _now(was, one)
    if then != now:
        report.moved_on[then, now] += 1
    aspects = differing(was, would_be)
    if not aspects:
        return
    report.different += 1
    report.aspects.update(aspects)
    if len(report.shown) < limit:
        # A shown mail may be large, and nobody reads its bytes again.
        report.shown.append(Difference(replace(one, raw=b""), was, would_be, aspects))


def _then(one: RecordedMail) -> str:
    return f"{one.verdict}, {one.reason}"


def _now(was: Outcome, one: RecordedMail) -> str:
    """What is decided now; another ticket is named as such, since numbers would not add up."""
    elsewhere = was.ticket is not None and was.ticket != one.ticket
    return f"{was.verdict}, {was.reason}{' on another ticket' if elsewhere else ''}"


def differing(was: Outcome, would_be: Outcome) -> tuple[Aspect, ...]:
    """In what two outcomes differ.

    Where a mail would go another way altogether, that and its reason are named: the rest follows.
    """
    found = tuple(a for a in Aspect if getattr(was, a.value) != getattr(would_be, a.value))
    if Aspect.VERDICT in found:
        return tuple(a for a in found if a in (Aspect.VERDICT, Aspect.REASON))
    return found


def outcome(decision: Decision) -> Outcome:
    """What a decision comes to."""
    plain = Outcome(decision.verdict, decision.reason.value)
    match decision.action:
        case OpenTicket() as opening:
            return replace(
                plain,
                follows=opening.follows,
                severity=opening.severity.name,
                critical_claimed=opening.severity.critical_claimed,
                missing=opening.missing,
                fields=dict(opening.fields),
                joins=_joins(opening.additions),
                orders=_kinds(opening.orders),
                first_due=opening.clock.due_at if opening.clock is not None else None,
            )
        case AddComment() as adding:
            clock = adding.clock_change.clock if adding.clock_change is not None else None
            first = clock is not None and clock.stage is Stage.FIRST
            return replace(
                plain,
                ticket=adding.ticket,
                missing=adding.missing or (),
                fields=dict(adding.fields),
                joins=_joins(adding.additions),
                orders=_kinds(adding.orders),
                first_due=clock.due_at if clock is not None and first else None,
            )
        case Record(ticket=ticket, orders=orders) | Unsubscribe(ticket=ticket, orders=orders):
            return replace(plain, ticket=ticket, orders=_kinds(orders))
        case Hold(orders=orders):
            return replace(plain, orders=_kinds(orders))
        case Repeat(ticket=ticket):
            return replace(plain, ticket=ticket)
        case Refuse() | Defer():
            return plain
        case _:
            assert_never(decision.action)


def _joins(additions: tuple[Addition, ...]) -> tuple[str, ...]:
    return tuple(sorted(f"{a.address} ({a.part}, {a.presence})" for a in additions))


def _kinds(orders: tuple[NoticeOrder, ...]) -> Mapping[str, int]:
    return dict(sorted(Counter(order.kind.value for order in orders).items()))
