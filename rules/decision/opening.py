"""The ticket that a request opens, by mail or otherwise, under what is promised to its company."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic

from rules.decision.acknowledged import acknowledged, mail_severity
from rules.decision.case import Case, Ruling
from rules.decision.content import body_text
from rules.decision.model import Hold, OpenTicket, SeverityT
from rules.decision.opening_escalation import escalation_notes, with_escalation
from rules.decision.reasons import Reason
from rules.identity import Standing, is_machine
from rules.mail import Mail
from rules.mail.invisible import is_visible
from rules.mail.language import author_language, written_language
from rules.mail.quoting import own_text
from rules.people import Company, Person, Staff
from rules.policy import Policy
from rules.sentence import sentence
from rules.service import notifications, sla_rules
from rules.service.acknowledging import (
    Acknowledging,
    AtOnce,
    Later,
    NamedWith,
)
from rules.service.calendars import calendar_in_force, calendar_of
from rules.service.completeness import extract_fields, missing_facts, request_text
from rules.service.limits import may_open
from rules.service.participants import Addition
from rules.service.sla_rules import AgreedTargets
from rules.service.waiting import opened_waiting
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertTopic
from rules.ticket.severity import MailSeverity
from rules.ticket.sla import Stage

SUBJECT_LENGTH = 255
_ENDLESS = sentence("This request has no due time, and nobody is warned of it:")
_CORRECT = sentence("Give the calendar more hours, or change the contract (postern company tier).")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised for a ticket."""

    tier: str = ""
    """Empty for the policy's default tier."""
    targets: AgreedTargets = field(default_factory=dict)
    """What the company's contract promises in addition to the tier."""
    calendar: str = ""
    """That the contract names; empty for the tier's."""


@dataclass(frozen=True, slots=True)
class TicketRequest(Generic[SeverityT]):
    """A request for a new ticket, by mail or otherwise."""

    requester: str
    author: str
    """Who wrote the text: the requester, or staff on their behalf."""
    person: Person | None
    """The requester; None where they are not registered."""
    company: Company | None
    language: str
    """Of the requester; empty where it is not known."""
    subject: str
    text: str
    severity: SeverityT
    terms: Terms
    additions: tuple[Addition, ...] = ()
    mentions: int | None = None
    """A ticket that the subject names although the requester has no right there."""
    enrol: bool = False
    """Whether it enrols the requester in their company."""
    door: Source = Source.MAIL
    """How it comes: `STAFF_MAIL` for what staff open for a customer."""

    @property
    def searched(self) -> str:
        """The text that is searched for facts and fields."""
        return request_text(self.subject, self.text)


def terms_of(company: Company | None) -> Terms:
    """What is promised to a company now; the policy's default for a requester without one."""
    if company is None:
        return Terms()
    return Terms(company.tier, company.targets, company.calendar)


def open_ticket(
    request: TicketRequest[SeverityT],
    opens_at: datetime,
    orders: tuple[NoticeOrder, ...],
    staff: Iterable[Staff],
    policy: Policy,
) -> OpenTicket[SeverityT]:
    """The ticket that a request opens; its clock begins at `opens_at`. Staff are alerted where what
    is promised never falls due."""
    tier = policy.tier(request.terms.tier or None)
    tier_name, targets = tier.name if tier is not None else "", request.terms.targets
    missing = missing_facts(request.searched, policy.completeness.facts)
    promised = sla_rules.target(policy, tier_name, targets, request.severity.name)
    calendar = calendar_in_force(request.terms.calendar, tier, policy)
    waiting = opened_waiting(
        policy,
        calendar_of(policy, calendar),
        missing,
        request.door,
        opens_at,
        critical=sla_rules.is_critical(policy, request.severity.name),
    )
    clock = sla_rules.opened(policy, promised, waiting, opens_at, calendar)
    why = None
    if clock is None and waiting is None:
        why = sla_rules.endless(policy, promised, Stage.FIRST, calendar, opens_at)
    if why is not None:
        orders = (
            *orders,
            *notifications.alert(AlertTopic.NO_DUE_TIME, (_ENDLESS, why, _CORRECT), staff, policy),
        )
    return OpenTicket(
        subject=_seen(request.subject[:SUBJECT_LENGTH]),
        requester=request.requester,
        requester_id=request.person.id if request.person is not None else None,
        company=request.company.id if request.company is not None else None,
        severity=request.severity,
        additions=request.additions,
        orders=orders,
        enrol=request.enrol,
        mentions=request.mentions,
        author=request.author,
        tier=tier_name,
        targets=targets,
        language=request.language,
        fields=extract_fields(request.searched, policy.fields),
        missing=missing,
        clock=clock,
        endless=str(why or ""),
        waiting=waiting,
        calendar=calendar,
    )


def _seen(subject: str) -> str:
    """In lists a ticket has nothing else by which a person finds it."""
    return subject if is_visible(subject) else "(no subject)"


def opening_notices(
    request: TicketRequest[SeverityT], staff: Iterable[Staff], acknowledged: bool, policy: Policy
) -> tuple[NoticeOrder, ...]:
    """The mails that a new ticket causes: to its requester, to staff and to the account team."""
    requester, language = request.requester, request.language
    tier = policy.tier(request.terms.tier or None)
    team = notifications.account_team(request.company, tier, policy)
    others = notifications.for_opening(
        requester,
        staff=staff,
        account_team=team,
        additions=request.additions,
        policy=policy,
        language=language,
        mentions=request.mentions,
    )
    if not acknowledged:
        return others
    acknowledgement = notifications.acknowledgement(
        requester, language, request.searched, request.additions, policy
    )
    return (acknowledgement, *others)


def too_many_tickets(case: Case, saw: str) -> Ruling | None:
    """Hold the mail of an author who has opened enough within the hour, follow-ups included; None
    for any other, and for what staff release."""
    facts, budget = case.facts, case.policy.budgets.tickets_per_hour
    if facts.authentication.staff or may_open(facts.recent, facts.decided_at, budget):
        return None
    notes = (f"more than {budget} new tickets within the hour",)
    return Ruling(saw, Hold(), Reason.TOO_MANY_TICKETS, notes)


def opened_by_mail(
    case: Case,
    terms: Terms,
    additions: tuple[Addition, ...],
    mentions: int | None = None,
    answers: str | None = None,
) -> OpenTicket[MailSeverity]:
    """The ticket that a mail opens in its sender's name. `answers` is the subject of a ticket that
    it goes on from."""
    sender, mail, policy = case.sender, case.mail, case.policy
    registered_language = sender.person.language if sender.person is not None else ""
    request = TicketRequest(
        requester=sender.address,
        author=sender.address,
        person=sender.person,
        company=sender.company,
        language=registered_language or _language_of(mail),
        subject=mail.subject,
        text=body_text(mail),
        severity=mail_severity(case, mail.subject, body_text(mail), answers),
        terms=terms,
        additions=additions,
        mentions=mentions,
        enrol=case.enrols,
        door=Source.STAFF_MAIL if sender.standing is Standing.STAFF else Source.MAIL,
    )
    timing, staff = acknowledged(case, request.severity), case.facts.staff
    orders = _notices(case, request, timing)
    opened = open_ticket(request, case.facts.opens_at, orders, staff, policy)
    opened = with_escalation(case, opened)
    match timing:
        case NamedWith(at=at):
            return replace(opened, named_with=at)
        case _:
            return opened


def opening_notes(opening: OpenTicket[MailSeverity]) -> tuple[str, ...]:
    """For the trace: that it has no due time, and what becomes of its `#escalate`."""
    endless = (f"no due time: {opening.endless}",) if opening.endless else ()
    return (*endless, *escalation_notes([opening.escalated], opening.not_escalated))


def _language_of(mail: Mail) -> str:
    """The language that its author writes, or else that of its header."""
    return written_language(own_text(body_text(mail))) or author_language(mail.header)


def _notices(
    case: Case, request: TicketRequest[MailSeverity], timing: Acknowledging
) -> tuple[NoticeOrder, ...]:
    """What a ticket opened by mail causes.

    Nothing automatic answers the mail of a machine or through a list: a machine may answer back.
    """
    is_ordered = isinstance(timing, AtOnce | Later)
    orders = notices_of_opening(case, request, case.facts.staff, acknowledged=is_ordered)
    if isinstance(timing, Later):
        orders = tuple(
            replace(o, due_at=timing.at) if o.kind is NoticeKind.ACKNOWLEDGEMENT else o
            for o in orders
        )
    if case.takes_answers:
        return orders
    author = case.sender.address
    acknowledgement = NoticeKind.ACKNOWLEDGEMENT  # ordered for a critical claim alone
    orders = tuple(o for o in orders if o.address != author or o.kind is acknowledgement)
    if is_machine(case.sender) or case.policy.staff.notify == "none":
        return orders
    others = (s for s in case.facts.staff if s.address != author)
    alerts = notifications.alert_of_proposed(request.additions, author, others, case.policy)
    return (*orders, *alerts)


def notices_of_opening(
    case: Case,
    request: TicketRequest[MailSeverity],
    staff: Iterable[Staff],
    *,
    acknowledged: bool,
) -> tuple[NoticeOrder, ...]:
    """The mails that the ticket causes; a critical claim also alerts the person on call."""
    orders = opening_notices(request, staff, acknowledged, case.policy)
    if not request.severity.critical_claimed:
        return orders
    what = sentence("{author} claims by mail to have a critical problem", author=request.requester)
    facts = case.facts
    alerts = notifications.alert_on_call(
        case.policy,
        facts.decided_at,
        AlertTopic.CLAIM,
        what,
        author=case.sender.address,
        unreachable=facts.unreachable,
        staff=facts.staff,
    )
    return (*orders, *alerts)
