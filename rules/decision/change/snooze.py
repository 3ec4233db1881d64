"""A ticket is set aside until a time, and comes back."""

from __future__ import annotations

from collections.abc import Sequence

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects, notified
from rules.decision.staff_effects import Snoozed
from rules.people import Staff
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.calendars import calendar_of
from rules.service.limits import NoticeBudget
from rules.ticket.changes import Snooze
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import NO_PAYLOAD
from rules.ticket.snooze import LONGEST, parse_until, wakes_at


def snooze(
    ticket: Ticket, change: Snooze, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """Its status and its clock stay what they are."""
    until = parse_until(change.until)
    if until is None:
        return ChangeRefused(unreadable(change.until))
    if until.is_end:
        done = sentence("#{ticket} is not snoozed any more", ticket=ticket.id)
        ended = (Snoozed(ticket.snooze_until, None),) if ticket.snooze_until is not None else ()
        return Effects(ended, (done,))
    if ticket.status.is_over:
        return ChangeRefused(
            sentence(
                "#{ticket} is {status}: nothing is left to snooze",
                ticket=ticket.id,
                status=ticket.status,
            )
        )
    try:
        at = wakes_at(until, facts.at, calendar_of(policy, ticket.calendar))
    except OverflowError:
        at = facts.at + LONGEST * 2
    if not facts.at < at <= facts.at + LONGEST:
        return ChangeRefused(
            sentence(
                "{until} is not within the year to come; write a later or an earlier time",
                until=repr(change.until),
            )
        )
    done = sentence(
        "#{ticket} is snoozed until {time} UTC; a reply of the customer ends it",
        ticket=ticket.id,
        time=f"{at:%Y-%m-%d %H:%M}",
    )
    return Effects(
        (Snoozed(ticket.snooze_until, at),) if at != ticket.snooze_until else (), (done,)
    )


def wake_up(ticket: Ticket, facts: ChangeFacts, policy: Policy) -> Effects:
    """The time has come: the one who works on it is notified, once."""
    if ticket.snooze_until is None or ticket.snooze_until > facts.at:
        return Effects()
    orders = notifications.to_staff(
        NoticeKind.SNOOZE_OVER,
        NO_PAYLOAD,
        staff=_owners(ticket, facts.staff),
        policy=policy,
    )
    within = notifications.within_budget(orders, ticket, policy, NoticeBudget.STAFF)
    done = sentence("the snooze of #{ticket} is over", ticket=ticket.id)
    return Effects((Snoozed(ticket.snooze_until, None), *notified(within)), (done,))


def unreadable(written: str) -> Sentence:
    return sentence(
        "{until} is no time to snooze until; write 3d, 4h, 2w, monday, 2026-12-01 or off",
        until=repr(written[:40]),
    )


def _owners(ticket: Ticket, staff: Sequence[Staff]) -> Sequence[Staff]:
    """The assignee; else the staff who follow; else all staff; of them those whom mail reaches."""
    following = {p.address for p in ticket.participants if p.is_staff and p.is_notified}
    reached = [each for each in staff if each.reachable] or staff
    assigned = [each for each in reached if each.address == ticket.assignee]
    return assigned or [each for each in reached if each.address in following] or reached
