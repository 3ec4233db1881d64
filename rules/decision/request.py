"""The decision on a request that does not come by mail: a ticket opened over the API."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rules.decision.change.state import unknown_severity
from rules.decision.effects import ChangeRefused
from rules.decision.model import OpenTicket
from rules.decision.opening import TicketRequest, open_ticket, opening_notices, terms_of
from rules.mail.invisible import is_visible
from rules.people import Company, Person, Staff
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.permissions import RequestedSeverity, opening_severity
from rules.ticket.changes import Source
from rules.ticket.severity import Level


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a new ticket."""

    requester: str
    """The address of a registered person."""
    subject: str
    text: str
    severity: str = ""
    """A level's name or alias; empty for the policy's default."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    at: datetime
    actor: str
    """The requester, or a staff person for themselves or for a customer."""
    by_staff: bool
    mailbox: str
    """The address of the mailbox."""
    requester: Person | None
    """None if they are not registered."""
    staff: tuple[Staff, ...]
    source: Source = Source.API
    opened: int = 0
    """Tickets that the requester has opened within the hour, by whatever door."""


def decide_request(
    request: Request, facts: RequestFacts, policy: Policy
) -> OpenTicket[RequestedSeverity] | ChangeRefused:
    """The ticket that a request opens. Unlike a mail it may be critical."""
    person = facts.requester
    if person is None or not person.active:
        return ChangeRefused(
            sentence(
                "{address} is not an active user of {mailbox}",
                address=request.requester,
                mailbox=facts.mailbox,
            )
        )
    if not is_visible(request.subject):
        return ChangeRefused(sentence("the subject has only characters that nobody sees"))
    if not is_visible(request.text):
        return ChangeRefused(sentence("the text has only characters that nobody sees"))
    if (why := _refused_company(person.company, facts, policy)) is not None:
        return ChangeRefused(why)
    budget = policy.budgets.tickets_per_hour
    if not facts.by_staff and facts.opened >= budget:
        return ChangeRefused(
            sentence(
                "{address} has opened {budget} tickets within the hour; "
                "comment on one of them, or try again later",
                address=person.address,
                budget=budget,
            )
        )
    level: Level | None = None
    if request.severity:
        level = next((each for each in policy.levels if each.has_name(request.severity)), None)
        if level is None:
            return ChangeRefused(unknown_severity(request.severity, policy))
    severity = opening_severity(level, facts.by_staff, policy)
    return _opening(request, person, severity, facts, policy)


def _refused_company(
    company: Company | None, facts: RequestFacts, policy: Policy
) -> Sentence | None:
    if company is None:
        return None
    if not company.active:
        return sentence("{company} is suspended", company=company.name)
    tier = policy.tier(company.tier)
    if tier is not None and not tier.support and not facts.by_staff:
        return sentence("{text}", text=policy.texts.community)
    return None


def _opening(
    request: Request,
    person: Person,
    severity: RequestedSeverity,
    facts: RequestFacts,
    policy: Policy,
) -> OpenTicket[RequestedSeverity]:
    wanted = TicketRequest(
        requester=person.address,
        author=facts.actor,
        person=person,
        company=person.company,
        language=person.language,
        subject=request.subject,
        text=request.text,
        severity=severity,
        terms=terms_of(person.company),
        door=facts.source,
    )
    acknowledged = policy.acknowledgement.send and person.company is not None
    staff = [each for each in facts.staff if each.address != facts.actor]
    orders = opening_notices(wanted, staff, acknowledged, policy)
    if severity.level.critical or severity.critical_claimed:
        what = f"A new ticket of {person.address} is {severity.name}{severity.claim_note}"
        orders = (*orders, *notifications.on_call(policy, facts.at, what))
    return replace(open_ticket(wanted, facts.at, orders, policy), audited=True)
