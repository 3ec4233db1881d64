"""The clock of one ticket: a promise with a start, a due time and a warning before it.

A clock is a value that is kept in the ticket's row; every transition makes the next one. Instants
are aware and in UTC. A span in business time runs by the calendar, any other round the clock, and
a clock is paused and warned of in the same time that it runs in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rules.ticket.business_time import (
    ALWAYS,
    Calendar,
    Span,
    add_business_seconds,
    business_seconds,
    due,
)

WARN_FRACTION = 0.75
"""The part of the time that has passed when the warning is due."""


class Stage(StrEnum):
    FIRST = "first"
    ONGOING = "ongoing"


class SlaEvent(StrEnum):
    """What the owner and the roster are told, once each."""

    WARNING = "warning"
    BREACH = "breach"


_IN_ORDER = (None, SlaEvent.WARNING, SlaEvent.BREACH)


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised for a severity and a tier; None where nothing is."""

    first: Span | None
    ongoing: Span | None

    def span(self, stage: Stage) -> Span | None:
        return self.first if stage is Stage.FIRST else self.ongoing


@dataclass(frozen=True, slots=True)
class Clock:
    """A running or paused clock."""

    stage: Stage
    span: Span
    """What was promised; it says which time the clock runs in."""
    started_at: datetime
    due_at: datetime
    """While the clock is paused, as it was before the pause."""
    warn_at: datetime
    """Likewise."""
    notified: SlaEvent | None = None
    """The last that was told."""
    paused_at: datetime | None = None
    waited_s: float = 0.0
    """Seconds of all ended pauses, round the clock."""
    waited_business_s: float = 0.0
    """Seconds of them within business time."""

    @property
    def notify_at(self) -> datetime | None:
        """When something has to be told next; None where all was, or while the clock stands."""
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
        """An answer at the very due time is in time, unless the breach was told already."""
        return self._counted(at) > self.due_at or self.notified is SlaEvent.BREACH

    def passed(self, at: datetime) -> SlaEvent | None:
        """The last moment that is behind the clock."""
        at = self._counted(at)
        if at >= self.due_at:
            return SlaEvent.BREACH
        return SlaEvent.WARNING if at >= self.warn_at else None

    def _counted(self, at: datetime) -> datetime:
        return at if self.paused_at is None else self.paused_at


@dataclass(frozen=True, slots=True)
class Ended:
    """How a promise ended; one that was broken goes into the ticket's history."""

    stage: Stage
    due_at: datetime
    breached: bool
    notified: bool
    """The breach was told before, and is in the history."""


def start(
    target: Target,
    at: datetime,
    calendar: Calendar,
    *,
    stage: Stage = Stage.FIRST,
    warn_fraction: float = WARN_FRACTION,
) -> Clock | None:
    """The clock that runs from now on; None where nothing is promised.

    ValueError for a calendar that does not open enough, or a fraction out of (0, 1].
    """
    span = target.span(stage)
    if span is None:
        return None
    due_at = due(at, span, calendar)
    return Clock(stage, span, at, due_at, _warning(span, at, due_at, calendar, warn_fraction))


def answered(
    clock: Clock | None,
    target: Target,
    at: datetime,
    calendar: Calendar,
    *,
    warn_fraction: float = WARN_FRACTION,
) -> tuple[Ended | None, Clock | None]:
    """What a public comment of the staff does: it meets the promise and starts the ongoing one."""
    ended = None if clock is None else stopped(clock, at)
    following = start(target, at, calendar, stage=Stage.ONGOING, warn_fraction=warn_fraction)
    return ended, following


def stopped(clock: Clock, at: datetime) -> Ended:
    """How the promise stands when it is answered, or when the ticket is resolved or closed.

    What was in time when the clock was paused is in time whenever it ends in that pause.
    """
    told_before = clock.notified is SlaEvent.BREACH
    return Ended(clock.stage, clock.due_at, clock.overdue(at), told_before)


def paused(clock: Clock, at: datetime) -> Clock:
    """The clock stands from now on. Of two pauses the first counts.

    A clock that is overdue stays overdue, and a breach that was not told yet still is.
    """
    if clock.paused_at is not None:
        return clock
    return replace(clock, paused_at=max(at, clock.started_at))


def resumed(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock runs again with as much time left as when it was paused."""
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
    """The clock under another promise, from its own start, pauses left out; None where none is.

    The same promise again changes nothing. What was told stays told, unless the new promise has
    that moment still ahead.
    """
    span = target.span(clock.stage)
    if span is None:
        return None
    if span == clock.span:
        return clock
    waited = clock.waited_business_s if span.business else clock.waited_s
    counted = _calendar(span, calendar)
    due_at = due(clock.started_at, span, calendar)
    warn_at = _warning(span, clock.started_at, due_at, calendar, warn_fraction)
    moved = replace(
        clock,
        span=span,
        due_at=add_business_seconds(due_at, waited, counted),
        warn_at=add_business_seconds(warn_at, waited, counted),
    )
    return replace(moved, notified=min(clock.notified, moved.passed(at), key=_IN_ORDER.index))


def notified(clock: Clock, at: datetime) -> tuple[Clock, SlaEvent | None]:
    """What has to be told now, if anything, and the clock that knows it was told.

    Where both moments went by unseen, the breach alone is told.
    """
    if clock.notify_at is None or clock.notify_at > at:
        return clock, None
    tell = clock.passed(at) or SlaEvent.WARNING
    return replace(clock, notified=tell), tell


def _calendar(span: Span, calendar: Calendar) -> Calendar:
    return calendar if span.business else ALWAYS


def _warning(
    span: Span, started_at: datetime, due_at: datetime, calendar: Calendar, fraction: float
) -> datetime:
    if not 0 < fraction <= 1:
        raise ValueError(f"the warning comes after a part of the time, from 0 to 1: {fraction}")
    counted = _calendar(span, calendar)
    whole = business_seconds(started_at, due_at, counted)
    return add_business_seconds(started_at, whole * fraction, counted)
