"""What was promised for a ticket, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.outgoing.sentences import worded
from gateway.web.console.ticket_words import day_and_time, span_words
from gateway.web.console.words import Say, age
from rules.policy import Policy
from rules.service import sla_rules
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Clock, SlaEvent, Stage, Target
from storage.ticket.views import TicketView


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of a ticket as it is shown."""

    name: str
    mark: str
    """Identifies how it is drawn: `met`, `late`, `soon`, `running`, `paused` or `none`."""
    text: str
    promised: str = ""
    """The span that was promised."""
    at: datetime | None = None
    """When it is due."""
    passed: int | None = None
    """The percentage of the time that has passed; None where no time runs."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The ticket whose promises are read, and the reader."""

    ticket: TicketView
    policy: Policy | None
    """None where the policy of its mailbox is not there."""
    now: datetime
    language: str
    say: Say

    @property
    def is_over(self) -> bool:
        return Status(self.ticket.summary.status).is_over

    @property
    def target(self) -> Target:
        if self.policy is None:
            return Target(None, None)
        details = self.ticket.details
        level = self.ticket.summary.severity
        return sla_rules.target(self.policy, details.tier, details.targets, level)


def promises(reading: Reading) -> Iterator[Promise]:
    """The first response, then the updates, then the end of a ticket that is over."""
    say, details = reading.say, reading.ticket.details
    yield _of_stage(Stage.FIRST, say("First response"), reading)
    yield _of_stage(Stage.ONGOING, say("Updates"), reading)
    if reading.is_over:
        at = details.status_at
        text = day_and_time(at) if at is not None else ""
        yield Promise(say("Resolution"), "met", text)


def _of_stage(stage: Stage, name: str, reading: Reading) -> Promise:
    details, say = reading.ticket.details, reading.say
    span = reading.target.span(stage)
    promised = span_words(span, say) if span is not None else ""
    clock = details.clock
    if clock is not None and clock.stage is stage:
        return _running(name, clock, reading)
    if stage is Stage.FIRST and details.first_answered_at is not None:
        return _answered(name, promised, details.first_answered_at, reading)
    if reading.is_over:
        text = "over"
        if stage is Stage.FIRST:
            text = "not answered"
        return Promise(name, "none", say(text), promised)
    if details.waits_for:
        text = "The time begins once the request is complete."
        if details.waits_for == "portal":
            text = "The time begins once the request is submitted in the portal."
        return Promise(name, "paused", say(text), promised)
    if span is None:
        return Promise(name, "none", say("nothing is promised"))
    if stage is Stage.ONGOING and details.first_answered_at is None:
        return Promise(name, "none", say("after the first response"), promised)
    return Promise(name, "none", _without_due_time(stage, reading), promised)


def _without_due_time(stage: Stage, reading: Reading) -> str:
    details, policy = reading.ticket.details, reading.policy
    if policy is not None:
        calendar, now = details.calendar, reading.now
        why = sla_rules.endless(policy, reading.target, stage, calendar, now)
        if why is not None:
            return worded(why, reading.language)
    return reading.say("no time runs")


def _answered(name: str, promised: str, at: datetime, reading: Reading) -> Promise:
    due, say = reading.ticket.details.first_due_at, reading.say
    if due is not None and at > due:
        text = say("{time}, {late} late", time=day_and_time(at), late=age(due, at, say))
        return Promise(name, "late", text, promised)
    return Promise(name, "met", day_and_time(at), promised)


def _running(name: str, clock: Clock, reading: Reading) -> Promise:
    say = reading.say
    at = clock.paused_at or reading.now
    if clock.passed(at) is SlaEvent.BREACH:
        mark, text = "late", say("{late} late", late=age(clock.due_at, at, say))
    elif clock.paused_at is not None:
        left = age(at, clock.due_at, say)
        mark, text = "paused", say("stands, {left} left: waits for the customer", left=left)
    else:
        mark = "soon" if clock.passed(at) is SlaEvent.WARNING else "running"
        text = say("{left} left", left=age(at, clock.due_at, say))
    whole = (clock.due_at - clock.started_at).total_seconds()
    spent = (at - clock.started_at).total_seconds()
    return Promise(
        name,
        mark,
        text,
        span_words(clock.span, say),
        clock.due_at,
        passed=100 if spent >= whole else max(0, int(100 * spent / whole)),
    )
