"""Who is on call, and the escalation levels: who is notified at each of them."""

from __future__ import annotations

from typing import Literal

from rules.policy.base import Section, SpanText, Text
from rules.policy.roster import Duty


class OnCallSection(Duty):
    """The active support personnel: alerted of critical claims and of due times, day and night."""


class EscalationLevel(Duty):
    title: Text
    answer_within: SpanText | None = None
    """How long this level has to answer before a request goes to the next one."""
    assigned_first: bool = False
    """Whether the staff person whom the ticket is assigned to takes precedence over the roster."""

    @property
    def label(self) -> str:
        return self.title

    @property
    def in_the_file(self) -> str:
        return f'the level "{self.title}"'


class EscalationSection(Section):
    levels: tuple[EscalationLevel, ...] = ()
    """In order: an escalation goes up one level at a time."""
    how: Text | None = None
    """How customers escalate besides #escalate, such as by phone: quoted in mails to them."""
    spoken_first: bool = False
    """Whether level 1 must have answered, or been asked twice, before level 2 is notified."""
    critical_begins_in: Literal["anywhere", "portal"] = "anywhere"
    """Where a critical problem must be logged before its escalation begins."""
