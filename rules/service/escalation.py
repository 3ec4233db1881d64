"""Escalation: the level that a request goes to, and who is notified at that level.

A request to escalate does not change the severity. It goes up one level at a time, from level 1,
and always to somebody who gets the mail: people whom no mail reaches are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rules.facts import DESK, EarlierRequest
from rules.mail.addresses import normalise
from rules.people import Staff
from rules.policy import Duty, EscalationLevel, Policy, RosterWindow, TierSection
from rules.policy.roster import edges
from rules.sentence import Sentence, sentence
from rules.ticket.business_time import Calendar, due, parse_span
from rules.ticket.model import Ticket

_LOOK_AHEAD = timedelta(days=15)
"""Every window opens weekly; if the clocks skip it, a week later."""
PAUSE = timedelta(minutes=15)
"""The same contact is asked at most once in this time about one ticket."""


@dataclass(frozen=True, slots=True)
class Contact:
    """The person to notify."""

    name: str
    address: str
    phone: str
    """Empty if the policy names none."""

    def called(self, title: str) -> str:
        """The level's title, with the person's name where they have one of their own."""
        return title if self.name == title else f"{title} ({self.name})"


@dataclass(frozen=True, slots=True)
class Reached:
    """Who is notified: the first who can be."""

    contact: Contact | None
    """None for the desk: nobody else can be reached."""
    passed: tuple[str, ...] = ()
    """The addresses of those before them, whom no mail reaches."""

    @property
    def address(self) -> str:
        return self.contact.address if self.contact is not None else DESK


@dataclass(frozen=True, slots=True)
class EscalationRequest:
    """What is known of a ticket when somebody asks to escalate it."""

    level: int = 0
    """The ticket's level; 0 before the first escalation."""
    staff_spoke: bool = False
    """Staff have answered on it in public."""
    answered_at: datetime | None = None
    """When they last did."""
    earlier: Sequence[EarlierRequest] = ()
    """The earlier escalations, the latest first."""
    critical_claimed: bool = False
    by_portal: bool = False
    """The ticket was logged or confirmed in the portal."""
    assigned: Staff | None = None
    """The staff person whom it is assigned to."""


@dataclass(frozen=True, slots=True)
class NextLevel:
    """The request goes to this level."""

    level: int
    """1 is the first."""
    title: str
    reached: Reached
    reason: Sentence | None = None
    """Why it is not the next level; None if it is."""


@dataclass(frozen=True, slots=True)
class EscalationRefused:
    """Nobody is notified; the reason states what the requester can do instead."""

    reason: Sentence


def next_level(
    request: EscalationRequest,
    policy: Policy,
    at: datetime,
    *,
    tier: TierSection | None = None,
    calendar: Calendar | None = None,
    unreachable: Collection[str] = (),
) -> NextLevel | EscalationRefused:
    """The level that a request to escalate goes to.

    `tier` is the customer's; its critical channel takes precedence over the policy's. `calendar` is
    the ticket's; None for the policy's. Mail to the addresses in `unreachable` does not arrive.
    """
    levels = policy.escalation.levels
    if not levels:
        return EscalationRefused(
            sentence("There is nobody to escalate to. Staff read what you write on the request.")
        )
    in_portal = policy.escalation.critical_begins_in == "portal"
    if request.critical_claimed and not request.by_portal and in_portal:
        return EscalationRefused(_critical_channel(policy, tier))
    current = min(request.level, len(levels))
    why = _stays(request, current, policy, calendar or policy.calendar, at) if current else None
    number = current + 1 if why is None else current
    level = levels[number - 1]
    assigned = _contact_of(request.assigned, level) if level.assigned_first else None
    reached = reach(level, at, unreachable, first=assigned)
    asked_at = _asked_at(request.earlier, number, reached.address, at)
    if why is not None and asked_at is not None:
        return EscalationRefused(_asked_already(level.title, reached.contact, asked_at))
    return NextLevel(number, level.title, reached, why)


def reach(
    duty: Duty, at: datetime, unreachable: Collection[str], *, first: Contact | None = None
) -> Reached:
    """Who is notified at a time: `first`, else whose roster window is open, else the contact of the
    duty, else whose window opens next; in each case the first whom mail reaches, or the desk."""
    passed: dict[str, None] = {}
    for contact in _in_order(duty, at, first):
        if contact.address not in unreachable:
            return Reached(contact, tuple(passed))
        passed[contact.address] = None
    return Reached(None, tuple(passed))


def passed_over(addresses: Iterable[str]) -> tuple[Sentence, ...]:
    """For those who are notified: who was passed over. Nothing where nobody was."""
    named = ", ".join(dict.fromkeys(addresses))
    if not named:
        return ()
    return (sentence("Passed over, since no mail reaches them: {addresses}.", addresses=named),)


def contacts_for(
    policy: Policy, staff: Iterable[Staff], tickets: Iterable[Ticket]
) -> frozenset[str]:
    """Every address that may be notified of an escalation of these tickets, or of an alert."""
    desk = {each.address for each in staff}
    of_tickets = {who for each in tickets for who in (each.assignee, each.success_manager)}
    return contacts_of(policy) | desk | of_tickets - {""}


def contacts_of(policy: Policy) -> frozenset[str]:
    """Every address that the policy notifies of escalations, or alerts."""
    duties: list[Duty] = [*policy.escalation.levels]
    duties += [policy.on_call] if policy.on_call is not None else []
    written = [duty.contact for duty in duties]
    written += [window.contact for duty in duties for window in duty.roster]
    return frozenset(_normalised(address) for address in written if address is not None)


def _stays(
    request: EscalationRequest,
    current: int,
    policy: Policy,
    calendar: Calendar,
    at: datetime,
) -> Sentence | None:
    """Why the current level is asked again; None if the request goes to the next one."""
    levels = policy.escalation.levels
    level = levels[current - 1]
    if current == len(levels):
        return sentence("{title} is the highest level and is asked again.", title=level.title)
    following = levels[current]
    if level.answer_within is not None:
        until = _answers_until(request, current, level.answer_within, calendar)
        if until is None or at >= until:
            return None
        return sentence(
            "{title} has until {time} UTC to answer and is asked again; "
            "{next_title} follows after that time, or after an answer.",
            title=level.title,
            time=_time(until),
            next_title=following.title,
        )
    asked_twice = any(each.was == 1 == each.became for each in request.earlier)
    if current > 1 or not policy.escalation.spoken_first or request.staff_spoke or asked_twice:
        return None
    return sentence(
        "{title} has not answered yet and is asked again; "
        "{next_title} follows after that answer, or with the next request.",
        title=level.title,
        next_title=following.title,
    )


def _answers_until(
    request: EscalationRequest, level: int, within: str, calendar: Calendar
) -> datetime | None:
    """Until when a level has to answer; None if it has, or if it is not known since when."""
    reached = (each.at for each in request.earlier if each.became == level != each.was)
    since = next(reached, None)
    if since is None or (request.answered_at is not None and request.answered_at >= since):
        return None
    return due(since, parse_span(within), calendar)


def _asked_at(
    earlier: Sequence[EarlierRequest], level: int, address: str, at: datetime
) -> datetime | None:
    """When this contact was asked at this level, if that is less than a pause ago."""
    same = (each for each in earlier if (each.became, each.notified) == (level, address))
    return next((each.at for each in same if at - each.at < PAUSE), None)


def _asked_already(title: str, contact: Contact | None, asked_at: datetime) -> Sentence:
    asked, again = _time(asked_at), _time(asked_at + PAUSE)
    if contact is None:
        return sentence(
            "The support team was asked at {asked} UTC, since nobody else of {title} gets email "
            "now; it can be asked again after {again} UTC.",
            title=title,
            asked=asked,
            again=again,
        )
    who = contact.called(title)
    if not contact.phone:
        return sentence(
            "{who} was asked at {asked} UTC and can be asked again after {again} UTC.",
            who=who,
            asked=asked,
            again=again,
        )
    return sentence(
        "{who} was asked at {asked} UTC and can be asked again after {again} UTC, "
        "or by phone: {phone}.",
        who=who,
        asked=asked,
        again=again,
        phone=contact.phone,
    )


def _critical_channel(policy: Policy, tier: TierSection | None) -> Sentence:
    """The policy's own text on its critical channel, else ours."""
    if channel := policy.critical_channel_of(tier):
        return sentence("{text}", text=channel)
    return sentence(
        "A critical problem is escalated once it is logged in the portal; "
        "please log it there first."
    )


def _in_order(duty: Duty, at: datetime, first: Contact | None) -> Iterator[Contact]:
    """Everybody of a duty in the order in which they are tried, some of them twice."""
    if first is not None:
        yield first
    yield from (_of_window(window, duty) for window in duty.roster if window.covers(at))
    if duty.contact is not None:
        yield Contact(duty.label, _normalised(duty.contact), duty.phone)
    if duty.roster:
        yield from (_of_window(window, duty) for window in _open_next(duty, at))


def _open_next(duty: Duty, at: datetime) -> Iterator[RosterWindow]:
    """The windows of the roster in the order in which they open next; last those that never do."""
    for edge in sorted(edges(duty.roster, at, at + _LOOK_AHEAD)):
        yield from (window for window in duty.roster if window.covers(edge))
    yield from duty.roster


def _of_window(window: RosterWindow, duty: Duty) -> Contact:
    return Contact(window.name, _normalised(window.contact), window.phone or duty.phone)


def _contact_of(staff: Staff | None, level: EscalationLevel) -> Contact | None:
    if staff is None:
        return None
    return Contact(staff.name or staff.address, staff.address, level.phone)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _normalised(address: str) -> str:
    return normalise(address) or address
