"""How a ticket is escalated, and who is alerted of critical claims and due times."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Duty, EscalationLevel, Policy, RosterWindow
from rules.policy.explain.english import Explained, days, quoted


def alerts(policy: Policy) -> Iterator[Explained]:
    what = "critical claims and tickets that become critical"
    duty = policy.on_call
    if duty is None:
        yield Explained("on_call.staff", f"All staff are alerted of {what}.")
    else:
        yield Explained("on_call", f"Of {what}, and of due times, {_notified(duty)}.")
        for window in duty.roster:
            yield Explained("on_call.roster", _on_duty("for alerts", window))
        yield Explained(
            "on_call.unreachable",
            "A person whom no mail reaches is passed over: for further people on "
            "call, or in the end for all staff.",
        )
    yield Explained(
        "on_call.assigned",
        "The staff person whom a ticket is assigned to is notified of its due times; all staff are "
        "while there is none.",
    )
    if policy.escalation.levels:
        yield Explained(
            "on_call.no_escalation",
            "The levels of the escalation are notified of escalations only.",
        )


def escalation(policy: Policy) -> Iterator[Explained]:
    escalation = policy.escalation
    if escalation.how is not None:
        yield Explained(
            "escalation.how", f"Customers are informed how to escalate: {quoted(escalation.how)}"
        )
    if not escalation.levels:
        yield Explained("escalation.nobody", "There is nobody to escalate to by mail.")
        return
    yield Explained(
        "escalation.command",
        "Customers and staff escalate a ticket by mail with #escalate and the reason on the "
        "first line; mails to customers say so.",
    )
    if len(escalation.levels) > 1:
        yield Explained("escalation.levels", "An escalation goes up one level at a time:")
    for number, level in enumerate(escalation.levels, 1):
        yield from _level(number, level)
    yield Explained(
        "escalation.top",
        "Another request at the highest level goes to "
        f"{_whom(escalation.levels[-1], 'who is on duty there then')} again; the same person is "
        "asked about a ticket at most every 15 minutes.",
    )
    yield Explained(
        "escalation.unreachable",
        "A person whom no mail reaches is passed over: for further people of the "
        "level, or in the end for all staff.",
    )
    yield Explained(
        "escalation.replies",
        "What a person of the escalation answers by mail, if they are not staff, is a comment that "
        "only staff read.",
    )
    if len(escalation.levels) > 1 and escalation.levels[0].answer_within is None:
        if escalation.spoken_first:
            yield Explained(
                "escalation.spoken_first",
                "Level 1 must have answered, or been asked twice, before level 2 is notified.",
            )
        else:
            yield Explained(
                "escalation.unspoken", "Level 2 may be notified before level 1 has answered."
            )
    match escalation.critical_begins_in:
        case "anywhere":
            yield Explained(
                "escalation.critical_anywhere",
                "A critical problem can be escalated wherever it was reported.",
            )
        case "portal":
            yield Explained(
                "escalation.critical_in_portal",
                "A critical problem can be escalated once it is logged in the portal.",
            )


def _level(number: int, level: EscalationLevel) -> Iterator[Explained]:
    yield Explained("escalation.level", f"Level {number}, {level.title}: {_notified(level)}.")
    for window in level.roster:
        yield Explained("escalation.roster", _on_duty(f"at level {number}", window))
    if level.assigned_first:
        yield Explained(
            "escalation.assigned_first",
            f"At level {number}, the staff person whom the ticket is assigned to is notified "
            f"instead of {_whom(level)}.",
        )
    if level.answer_within is not None:
        yield Explained(
            "escalation.answer_within",
            f"Level {number} has {level.answer_within} to answer before the next is notified; an "
            "answer ends this time.",
        )


def _notified(duty: Duty) -> str:
    if duty.contact is None:
        notified = "the person on duty is notified"
    else:
        when = " while nobody is on duty" if duty.roster else ""
        notified = f"{duty.contact} is notified{when}"
    return f"{notified}, phone {duty.phone}" if duty.phone else notified


def _whom(level: EscalationLevel, then: str = "on duty") -> str:
    if level.roster or level.contact is None:
        return f"the person {then}"
    return level.contact


def _on_duty(where: str, window: RosterWindow) -> str:
    phone = f", phone {window.phone}" if window.phone else ""
    return (
        f"On duty {where} {days(window.days)} from {window.opens} to {window.closes}, "
        f"time zone {window.zone}: {window.name}, {window.contact}{phone}."
    )
