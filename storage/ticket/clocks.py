"""The clock of a ticket, and what it waits for, as columns of its row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rules.ticket.business_time import parse_span
from rules.ticket.sla import Clock, SlaEvent, Stage
from rules.ticket.waiting import Waiting

FOR_PORTAL = '%"portal": true%'
"""As `LIKE` finds it: the column of what waits for its submission in the portal."""


def columns(clock: Clock | None, waiting: Waiting | None = None) -> Mapping[str, Any]:
    """The columns of a ticket's row that hold its clock, or what that waits for."""
    assert clock is None or waiting is None, "a clock that runs waits for nothing"
    standing = clock is None or clock.paused_at is not None
    next_at = waiting.next_at if waiting is not None else None
    return {
        "clock": _dump(clock),
        "waiting": _dump_waiting(waiting),
        "due_at": clock.due_at if clock is not None and not standing else None,
        "tell_at": clock.notify_at if clock is not None else next_at,
    }


def read(text: str) -> Clock | None:
    """The clock of a row."""
    if not text:
        return None
    kept = json.loads(text)
    return Clock(
        stage=Stage(kept["stage"]),
        span=parse_span(kept["span"]),
        started_at=datetime.fromisoformat(kept["started_at"]),
        due_at=datetime.fromisoformat(kept["due_at"]),
        warn_at=datetime.fromisoformat(kept["warn_at"]),
        notified=SlaEvent(kept["told"]) if kept["told"] else None,
        paused_at=datetime.fromisoformat(kept["paused_at"]) if kept["paused_at"] else None,
        waited_s=kept["waited_s"],
        waited_business_s=kept["waited_business_s"],
    )


def read_waiting(text: str) -> Waiting | None:
    """What the clock of a row waits for."""
    if not text:
        return None
    kept = json.loads(text)
    return Waiting(
        since=datetime.fromisoformat(kept["since"]),
        facts=kept["facts"],
        portal=kept["portal"],
        ask_at=datetime.fromisoformat(kept["ask_at"]) if kept["ask_at"] else None,
        until=datetime.fromisoformat(kept["until"]) if kept["until"] else None,
    )


def _dump_waiting(waiting: Waiting | None) -> str:
    if waiting is None:
        return ""
    return json.dumps(
        {
            "since": waiting.since.isoformat(),
            "facts": waiting.facts,
            "portal": waiting.portal,
            "ask_at": waiting.ask_at.isoformat() if waiting.ask_at is not None else "",
            "until": waiting.until.isoformat() if waiting.until is not None else "",
        }
    )


def _dump(clock: Clock | None) -> str:
    if clock is None:
        return ""
    return json.dumps(
        {
            "stage": clock.stage.value,
            "span": str(clock.span),
            "started_at": clock.started_at.isoformat(),
            "due_at": clock.due_at.isoformat(),
            "warn_at": clock.warn_at.isoformat(),
            "told": clock.notified.value if clock.notified is not None else "",
            "paused_at": clock.paused_at.isoformat() if clock.paused_at is not None else "",
            "waited_s": clock.waited_s,
            "waited_business_s": clock.waited_business_s,
        }
    )
