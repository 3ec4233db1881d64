"""Tries a policy on recorded mails: what would have been decided otherwise. Nothing is written.

Each mail is decided twice from the facts of the time at which it was decided: by the policy of its
mailbox and by the new one. So what differs is due to the new policy alone. Each is decided by
itself: had an earlier mail gone another way, the later ones do not know.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gateway import policies
from gateway.backtest_report import Report, outcome_of
from gateway.mailbox_cache import Snapshot, read_snapshot
from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser
from gateway.parsing.reading import is_ordinary
from gateway.parsing.reading import read as read_mail
from gateway.policies import Policies
from rules.decision.considered import Attempt, Considered, Received, consider
from rules.decision.decide import decide
from rules.decision.model import Decision
from rules.facts import Facts
from rules.mail import Mail
from rules.mail.header import Author
from rules.policy import Policy
from storage.db.database import Connection, Database
from storage.mail.facts import gather
from storage.mail.past_facts import facts_at
from storage.mail.recorded import RecordedMail, by_verdict, read_only, recorded_mails
from storage.registry.mailboxes import mailbox_named

Parse = Callable[[bytes], Mail]

RELEASED_BY_STAFF = "staff:"
"""The proof of a mail that staff released begins with this."""


@dataclass(frozen=True, slots=True)
class BacktestQuery:
    """Which mails, and how many of the differing ones are shown."""

    since: datetime
    until: datetime
    mailbox: str | None
    """None for all of them."""
    limit: int
    mails: int | None = None
    """So many mails at most, the newest; None for all of them."""
    patience_s: float | None = None
    """After this time no further mail is decided; None for no such limit."""
    rests: bool = False
    """Whether it rests after each mail for as long as that took: in a process that takes mail too,
    whose other threads wait while this one computes."""


async def run_backtest(
    database: Database, known: Policies, new: Policy, wanted: BacktestQuery
) -> Report:
    """Decide the mails again, in a thread. Raises Unknown for a mailbox and PolicyRefused for its
    policy."""
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
    read_only(connection)
    snapshot = read_snapshot(connection)
    chosen = tuple(snapshot.mailboxes.values())
    if wanted.mailbox is not None:
        chosen = (mailbox_named(connection, wanted.mailbox),)
    in_force = {mailbox.id: policies.of_mailbox(known, mailbox) for mailbox in chosen}
    span = ({mailbox.id: mailbox for mailbox in chosen}, wanted.since, wanted.until)
    report, oldest, began = Report(tuple(m.address for m in chosen)), None, time.monotonic()
    for recorded in recorded_mails(connection, *span):
        if oldest is not None and _is_enough(report, wanted, time.monotonic() - began):
            report.cut_at = oldest.decided_at
            break
        oldest, started = recorded, time.monotonic()
        mail, present = parse(recorded.raw), in_force[recorded.mailbox.id]
        considered = [_consider(recorded, mail, snapshot, policy) for policy in (present, new)]
        was, would_be = map(outcome_of, _decide_both(connection, recorded, *considered))
        report.add(recorded, was, would_be, wanted.limit)
        if wanted.rests:
            time.sleep(time.monotonic() - started)
    first = oldest.journal_id if oldest is not None and report.cut_at is not None else None
    report.lines = by_verdict(connection, *span, first)
    return report


def _is_enough(report: Report, wanted: BacktestQuery, passed_s: float) -> bool:
    if wanted.mails is not None and report.mails >= wanted.mails:
        return True
    return wanted.patience_s is not None and passed_s > wanted.patience_s


def _consider(recorded: RecordedMail, mail: Mail, snapshot: Snapshot, policy: Policy) -> Considered:
    by_staff = recorded.author and recorded.authentication.by.startswith(RELEASED_BY_STAFF)
    received = Received(
        mail=mail,
        envelope=recorded.envelope,
        mailbox=recorded.mailbox,
        authentication=recorded.authentication,
        first_authentication=recorded.first_proof,
        read_bounces=partial(read_bounce, recorded.raw),
        stated_author=Author(recorded.author) if by_staff else None,
        came_at=recorded.came_at,
    )
    considered = consider(
        received, keys=snapshot.keys, own_addresses=snapshot.own_addresses, policy=policy
    )
    # Under another policy its identity may differ; it is still the mail that was recorded.
    return replace(considered, mail=replace(considered.mail, identity=recorded.identity))


def _decide_both(
    connection: Connection, recorded: RecordedMail, present: Considered, new: Considered
) -> tuple[Decision, Decision]:
    """What the present policy decides, and what the new one.

    Where both see the mail alike, as they do unless their subject tags differ or only one counts
    its proof, the facts are gathered once.
    """
    facts = _facts(connection, recorded, present)
    alike = replace(present, policy=new.policy) == new
    new_facts = facts if alike else _facts(connection, recorded, new)
    return (
        decide(present.mail, facts, present.policy),
        decide(new.mail, new_facts, new.policy),
    )


def _facts(connection: Connection, recorded: RecordedMail, considered: Considered) -> Facts:
    """The facts as they were when the mail was decided."""
    attempt = Attempt(recorded.decided_at, recorded.came_at, recorded.kept_under)
    facts = gather(connection, considered, attempt)
    return facts_at(connection, facts, considered.mail, recorded)
