"""The dashboard: what came and what became of it, what is due, and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from aiohttp import web

from gateway.web.console.charts import BarRow, bars, stacks
from gateway.web.console.context import Visit
from gateway.web.console.journal import reason_words, verdict_words
from gateway.web.console.tickets import NOBODY, OVERDUE, list_path
from gateway.web.console.words import Say
from rules.decision.reasons import Verdict
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Stage
from storage.db.database import Connection
from storage.desk import figures
from storage.desk.figures import EXAMINED, TICKETS, Breach, DecidedMails, OfTickets

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ORDER = (
    Verdict.OPENED,
    Verdict.COMMENTED,
    Verdict.RECORDED,
    Verdict.DUPLICATE,
    Verdict.FLAGGED,
    Verdict.HELD,
    Verdict.DEFERRED,
    Verdict.REFUSED,
)
"""Of a bar, from the bottom."""
KEPT_OUT = (Verdict.HELD, Verdict.DEFERRED, Verdict.REFUSED)
TOP_REASONS = 8
BREACHES = 20
"""That are listed, the newest."""
AGES = (HOUR, DAY, 3 * DAY, 7 * DAY)
ANSWERS = (HOUR, 4 * HOUR, DAY, 3 * DAY)
DUES = (timedelta(), HOUR, DAY, 7 * DAY)
"""From now; the answers that are due before the first are overdue."""


@dataclass(frozen=True, slots=True)
class ChartSpan:
    """How far back the mails are counted, and in which steps."""

    name: str
    steps: int
    step: timedelta
    every: int
    """So many steps have one label."""
    form: str
    """Of a label, as for strftime."""


SPANS = (
    ChartSpan("day", 24, HOUR, 4, "%H:%M"),
    ChartSpan("fortnight", 14, DAY, 2, "%m-%d"),
    ChartSpan("quarter", 13, 7 * DAY, 2, "%m-%d"),
)


async def dashboard(visit: Visit) -> web.Response:
    """The charts for the user's mailboxes."""
    wanted = visit.request.query.get("span", "")
    span = next((each for each in SPANS if each.name == wanted), SPANS[1])
    mailboxes = [each.id for each in await visit.mailboxes()]
    now = visit.now
    begins = _begin(now, span)
    times = [begins + at * span.step for at in range(span.steps + 1)]

    def look(
        connection: Connection,
    ) -> tuple[DecidedMails, Sequence[int], OfTickets, Sequence[Breach], Sequence[timedelta]]:
        ages = [now, *(now - age for age in AGES)]
        return (
            figures.decided(connection, mailboxes, times),
            figures.held_before(connection, mailboxes, ages),
            figures.of_tickets(connection, mailboxes, [now + step for step in DUES], ANSWERS),
            figures.breaches(connection, mailboxes, begins),
            figures.sending_times(connection, mailboxes, now - DAY),
        )

    decided, held, tickets, breaches, sending = await visit.show(look)
    counted = decided.by_time
    seen = [each for each in ORDER if any(each in numbers for numbers in counted)]
    return visit.page(
        "figures.html",
        span=span.name,
        spans=[each.name for each in SPANS],
        mails=stacks([f"{at:{span.form}}" for at in times[:-1]], counted, seen, span.every),
        table=[
            (f"{at:%Y-%m-%d %H:%M}", [numbers.get(each, 0) for each in seen])
            for at, numbers in zip(times[:-1], counted, strict=True)
        ],
        verdicts=[(each.value, verdict_words(each, visit.say)) for each in seen],
        since=decided.since,
        examined=f"{EXAMINED:,}",
        reasons=_reasons(decided, visit.say),
        held=_held(held, visit.say),
        due=_due(tickets, visit.say),
        staff=_staff(tickets, visit.say),
        broken=[(each, _stage(each, visit.say)) for each in breaches[:BREACHES]],
        number_broken=len(breaches),
        answers=_answers(tickets.answered, visit.say),
        looked_at=f"{TICKETS:,}" if tickets.is_cut else "",
        sent=len(sending),
        half=_seconds(sending, 0.5),
        most=_seconds(sending, 0.95),
    )


def _begin(now: datetime, span: ChartSpan) -> datetime:
    """The beginning of the first step: of an hour or a day in UTC, with the present one as the
    last."""
    present = now.replace(minute=0, second=0, microsecond=0)
    if span.step >= DAY:
        present = present.replace(hour=0) + DAY - span.step
    return present - (span.steps - 1) * span.step


def _reasons(decided: DecidedMails, say: Say) -> Sequence[BarRow]:
    """Why mails were kept out most often."""
    kept_out = [
        (f"{verdict_words(verdict, say)}: {reason_words(reason, say)}", number, verdict)
        for (verdict, reason), number in decided.reasons.most_common()
        if verdict in KEPT_OUT
    ]
    return bars(kept_out[:TOP_REASONS])


def _held(before: Sequence[int], say: Say) -> Sequence[BarRow]:
    labels = (
        say("less than an hour"),
        say("less than a day"),
        say("less than three days"),
        say("less than a week"),
        say("longer"),
    )
    ends = (*before[1:], 0)
    numbers = [since - end for since, end in zip(before, ends, strict=True)]
    return bars([(label, number, "held") for label, number in zip(labels, numbers, strict=True)])


def _due(tickets: OfTickets, say: Say) -> Sequence[BarRow]:
    number_of: Counter[int | None] = Counter()
    for (_, step), number in tickets.open.items():
        number_of[step] += number
    overdue, soon, today, week, later = (number_of[step] for step in range(len(DUES) + 1))
    first, *others = bars(
        [
            (say("overdue"), overdue, "refused"),
            (say("within an hour"), soon, "held"),
            (say("within a day"), today, "opened"),
            (say("within a week"), week, "opened"),
            (say("later"), later, "opened"),
            (say("nothing promised"), number_of[None], "recorded"),
        ]
    )
    return [replace(first, path=list_path({"view": OVERDUE})), *others]


@dataclass(frozen=True, slots=True)
class StaffRow:
    """The open tickets of a staff person, or of nobody."""

    name: str
    open: int
    overdue: int
    path: str
    """Their list."""


def _stage(breach: Breach, say: Say) -> str:
    return say("First response") if breach.stage == Stage.FIRST.value else say("Updates")


def _staff(tickets: OfTickets, say: Say) -> Sequence[StaffRow]:
    """Those of nobody first, then who has most."""
    open_of: Counter[str] = Counter()
    for (assignee, _), number in tickets.open.items():
        open_of[assignee] += number
    return [
        StaffRow(
            each or say("nobody"),
            number,
            tickets.open[each, 0],
            list_path({"assignee": each or NOBODY, "status": Status.OPEN.value}),
        )
        for each, number in sorted(open_of.items(), key=lambda item: (item[0] != "", -item[1]))
    ]


def _answers(answered: Sequence[int], say: Say) -> Sequence[BarRow]:
    labels = (
        say("within an hour"),
        say("within four hours"),
        say("within a day"),
        say("within three days"),
        say("later"),
    )
    numbers = [end - begin for begin, end in pairwise((0, *answered))]
    return bars([(label, number, "opened") for label, number in zip(labels, numbers, strict=True)])


def _seconds(took: Sequence[timedelta], part: float) -> str:
    """Within how many seconds this part of the mails was sent."""
    if not took:
        return ""
    ordered = sorted(took)
    return f"{ordered[min(len(ordered) - 1, int(part * len(ordered)))].total_seconds():,.0f}"
