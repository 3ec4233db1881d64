"""How a ticket is escalated, and who is alerted of critical claims and due times."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Duty, EscalationLevel, Policy, RosterWindow
from rules.policy.explain.english import Explained, days, quoted, span
from rules.sentence import Phrase, phrase


def alerts(policy: Policy) -> Iterator[Explained]:
    what = phrase("critical claims and tickets that become critical")
    duty = policy.on_call
    if duty is None:
        yield Explained("on_call.staff", "All staff are alerted of {what}.", what=what)
    else:
        yield Explained(
            "on_call",
            "Of {what}, and of due times, {notified}.",
            what=what,
            notified=_notified(duty),
        )
        for window in duty.roster:
            yield Explained("on_call.roster", _on_duty(phrase("for alerts"), window))
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
            "escalation.how",
            "Customers are informed how to escalate: {how}",
            how=quoted(escalation.how),
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
        "Another request at the highest level goes to {person} again; the same person "
        "is asked about a ticket at most every 15 minutes.",
        person=_whom(escalation.levels[-1], "the person who is on duty there then"),
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
                "escalation.unspoken",
                "Level 2 may be notified before level 1 has answered.",
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
    yield Explained(
        "escalation.level",
        "Level {number}, {title}: {notified}.",
        number=number,
        title=level.title,
        notified=_notified(level),
    )
    for window in level.roster:
        yield Explained(
            "escalation.roster", _on_duty(phrase("at level {number}", number=number), window)
        )
    if level.assigned_first:
        yield Explained(
            "escalation.assigned_first",
            "At level {number}, the staff person whom the ticket is assigned to is "
            "notified instead of {person}.",
            number=number,
            person=_whom(level),
        )
    if level.answer_within is not None:
        yield Explained(
            "escalation.answer_within",
            "Level {number} has {answer_within} to answer before the next is notified; an "
            "answer ends this time.",
            number=number,
            answer_within=span(level.answer_within),
        )


def _notified(duty: Duty) -> Phrase:
    if duty.contact is None:
        notified = phrase("the person on duty is notified")
    elif duty.roster:
        notified = phrase("{contact} is notified while nobody is on duty", contact=duty.contact)
    else:
        notified = phrase("{contact} is notified", contact=duty.contact)
    return _with_phone(notified, duty.phone)


def _whom(level: EscalationLevel, then: str = "the person on duty") -> Phrase | str:
    if level.roster or level.contact is None:
        return phrase(then)
    return level.contact


def _on_duty(where: Phrase, window: RosterWindow) -> Phrase:
    return phrase(
        "On duty {where} {days} from {opens} to {closes}, time zone {zone}: {person}.",
        where=where,
        days=days(window.days),
        opens=window.opens,
        closes=window.closes,
        zone=window.zone,
        person=_with_phone(
            phrase("{name}, {contact}", name=window.name, contact=window.contact), window.phone
        ),
    )


def _with_phone(person: Phrase, phone: str | None) -> Phrase:
    return phrase("{person}, phone {phone}", person=person, phone=phone) if phone else person
