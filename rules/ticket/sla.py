"""The clock of one ticket: a promise with a start, a due time and a warning before it.

A clock is a value stored in the ticket's row; every transition returns a new one. Instants are
aware and in UTC. A span in business time follows the calendar, any other runs round the clock;
pauses and warnings are measured in the same kind of time as the span.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rules.ticket.business_time import (
    ALWAYS,
    Calendar,
    NeverPasses,
    Span,
    add_business_seconds,
    business_seconds,
    due,
)

WARN_FRACTION = 0.75
"""The fraction of the time after which the warning is due."""


class Stage(StrEnum):
    FIRST = "first"
    ONGOING = "ongoing"


class SlaEvent(StrEnum):
    """What the assignee and the contact on duty are notified of, once each."""

    WARNING = "warning"
    BREACH = "breach"


_IN_ORDER = (None, SlaEvent.WARNING, SlaEvent.BREACH)


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised for a severity and a tier; None where nothing is promised."""

    first: Span | None
    ongoing: Span | None

    def span(self, stage: Stage) -> Span | None:
        return self.first if stage is Stage.FIRST else self.ongoing


@dataclass(frozen=True, slots=True)
class Clock:
    """A running or paused clock."""

    stage: Stage
    span: Span
    """What was promised; its unit determines the kind of time that the clock runs in."""
    started_at: datetime
    due_at: datetime
    """While the clock is paused, the value from before the pause."""
    warn_at: datetime
    """Likewise."""
    notified: SlaEvent | None = None
    """The last event that somebody was notified of."""
    paused_at: datetime | None = None
    waited_s: float = 0.0
    """Total length of all ended pauses, in seconds round the clock."""
    waited_business_s: float = 0.0
    """The part of it within business time, in seconds."""

    @property
    def notify_at(self) -> datetime | None:
        """When the next notification is due; None when all were sent or the clock is paused.

        A clock that was overdue when it was paused still has its breach to report.
        """
        if self.paused_at is not None and self.passed(self.paused_at) is not SlaEvent.BREACH:
            return None
        match self.notified:
            case None:
                return self.warn_at
            case SlaEvent.WARNING:
                return self.due_at
            case SlaEvent.BREACH:
                return None

    def overdue(self, at: datetime) -> bool:
        """Whether an answer at this time is late.

        An answer exactly at the due time is in time, unless the breach was already reported.
        """
        return self._counted(at) > self.due_at or self.notified is SlaEvent.BREACH

    def passed(self, at: datetime) -> SlaEvent | None:
        """The last event that the clock has passed; None before the warning."""
        at = self._counted(at)
        if at >= self.due_at:
            return SlaEvent.BREACH
        return SlaEvent.WARNING if at >= self.warn_at else None

    def _counted(self, at: datetime) -> datetime:
        return at if self.paused_at is None else self.paused_at


@dataclass(frozen=True, slots=True)
class Ended:
    """How a promise ended; a broken one is recorded in the ticket's history."""

    stage: Stage
    due_at: datetime
    breached: bool
    notified: bool
    """The breach was already reported, and is in the history."""


def start(
    target: Target,
    at: datetime,
    calendar: Calendar,
    *,
    stage: Stage = Stage.FIRST,
    warn_fraction: float = WARN_FRACTION,
) -> Clock | None:
    """A clock that starts at `at`; None where nothing is promised, or where what is promised never
    passes in the hours that count.

    ValueError for a fraction outside (0, 1].
    """
    span = target.span(stage)
    if span is None:
        return None
    try:
        due_at = due(at, span, calendar)
    except NeverPasses:
        return None
    return Clock(stage, span, at, due_at, _warning(span, at, due_at, calendar, warn_fraction))


def answered(
    clock: Clock | None,
    target: Target,
    at: datetime,
    calendar: Calendar,
    *,
    warn_fraction: float = WARN_FRACTION,
) -> tuple[Ended | None, Clock | None]:
    """The effect of a public comment by staff: it ends the promise and starts the ongoing one."""
    ended = None if clock is None else stopped(clock, at)
    following = start(target, at, calendar, stage=Stage.ONGOING, warn_fraction=warn_fraction)
    return ended, following


def stopped(clock: Clock, at: datetime) -> Ended:
    """How the promise ended: the ticket was answered, resolved or closed.

    A promise that was in time when the clock was paused is in time whenever it ends in that pause.
    """
    notified_before = clock.notified is SlaEvent.BREACH
    return Ended(clock.stage, clock.due_at, clock.overdue(at), notified_before)


def paused(clock: Clock, at: datetime) -> Clock:
    """The clock paused at `at`. A clock that is already paused keeps its first pause.

    A clock that is overdue stays overdue, and a breach not yet reported is still reported.
    """
    if clock.paused_at is not None:
        return clock
    return replace(clock, paused_at=max(at, clock.started_at))


def resumed(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock running again, with as much time left as when it was paused. NeverPasses where that
    does not pass in the hours that count now."""
    pause = clock.paused_at
    if pause is None:
        return clock
    running = replace(
        clock,
        paused_at=None,
        waited_s=clock.waited_s + business_seconds(pause, at, ALWAYS),
        waited_business_s=clock.waited_business_s + business_seconds(pause, at, calendar),
    )
    passed = clock.passed(pause)
    if passed is SlaEvent.BREACH:
        return running
    counted = _calendar(clock.span, calendar)
    waited = business_seconds(pause, at, counted)
    return replace(
        running,
        due_at=add_business_seconds(clock.due_at, waited, counted),
        warn_at=clock.warn_at
        if passed is SlaEvent.WARNING
        else add_business_seconds(clock.warn_at, waited, counted),
    )


def retargeted(
    clock: Clock,
    target: Target,
    at: datetime,
    calendar: Calendar,
    *,
    warn_fraction: float = WARN_FRACTION,
) -> Clock | None:
    """The clock with another promise, from its own start, without its pauses.

    None as for a new clock. The same promise changes nothing. What was reported stays
    reported, unless that event is still ahead under the new promise.
    """
    span = target.span(clock.stage)
    if span is None:
        return None
    if span == clock.span:
        return clock
    waited = clock.waited_business_s if span.business else clock.waited_s
    counted = _calendar(span, calendar)
    try:
        due_at = due(clock.started_at, span, calendar)
        warn_at = _warning(span, clock.started_at, due_at, calendar, warn_fraction)
        moved = replace(
            clock,
            span=span,
            due_at=add_business_seconds(due_at, waited, counted),
            warn_at=add_business_seconds(warn_at, waited, counted),
        )
    except NeverPasses:
        return None
    return replace(moved, notified=min(clock.notified, moved.passed(at), key=_IN_ORDER.index))


def notified(clock: Clock, at: datetime) -> tuple[Clock, SlaEvent | None]:
    """The event to report at `at`, if any, and the clock that has recorded it as reported.

    Where warning and breach both passed unreported, only the breach is reported.
    """
    if clock.notify_at is None or clock.notify_at > at:
        return clock, None
    event = clock.passed(at) or SlaEvent.WARNING
    return replace(clock, notified=event), event


def _calendar(span: Span, calendar: Calendar) -> Calendar:
    return calendar if span.business else ALWAYS


def _warning(
    span: Span, started_at: datetime, due_at: datetime, calendar: Calendar, fraction: float
) -> datetime:
    if not 0 < fraction <= 1:
        raise ValueError(f"the warning fraction must be above 0 and at most 1, not {fraction}")
    counted = _calendar(span, calendar)
    whole = business_seconds(started_at, due_at, counted)
    return add_business_seconds(started_at, whole * fraction, counted)
