"""The decision on a request that does not come by mail: a ticket opened over the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rules.decision.change.fields import field_value
from rules.decision.change.people import added_by_customer, added_by_staff, address_to_add
from rules.decision.change.state import unknown_severity
from rules.decision.effects import ChangeRefused, NewComment
from rules.decision.model import OpenTicket
from rules.decision.opening import TicketRequest, open_ticket, opening_notices, terms_of
from rules.mail import NO_FILES, SentFiles
from rules.mail.invisible import is_visible
from rules.mail.language import written_language
from rules.people import Company, ParticipantKind, Person, Presence, Staff
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.participants import Addition
from rules.service.permissions import RequestedSeverity, opening_severity
from rules.ticket.changes import Source
from rules.ticket.severity import Level
from rules.ticket.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a new ticket."""

    requester: str
    """The address of a registered person."""
    subject: str
    text: str
    severity: str = ""
    """A level's name or alias; empty for the policy's default."""
    cc: tuple[str, ...] = ()
    """The addresses of further people, as they were written."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values by the names of fields, as they were written."""
    files: SentFiles = NO_FILES

    def comment(self, author: str, at: datetime, source: Source) -> NewComment:
        """The first comment of the ticket."""
        return NewComment(
            author,
            Visibility.PUBLIC,
            self.text,
            at,
            source.value,
            attachments=self.files.attachments,
            files_digest=self.files.digest,
        )


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
    unreachable: frozenset[str] = frozenset()
    """Of the addresses that the policy alerts, and of staff, those that no mail reaches."""
    opened: int = 0
    """Tickets that the requester has opened within the hour, by whatever door."""
    people: Mapping[str, Person] = field(default_factory=dict)
    """The registered among the people who are named."""
    own_addresses: frozenset[str] = frozenset()
    """Of all mailboxes; may be empty unless the request names people."""


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
    additions = _people_named(request.cc, person, facts, policy)
    if isinstance(additions, ChangeRefused):
        return additions
    fields = _fields_named(request.fields, policy)
    if isinstance(fields, ChangeRefused):
        return fields
    opening = _opening(request, person, severity, additions, facts, policy)
    return replace(opening, fields={**opening.fields, **fields})


def _people_named(
    cc: Sequence[str], requester: Person, facts: RequestFacts, policy: Policy
) -> tuple[Addition, ...] | ChangeRefused:
    """The people who are on the ticket with its requester, added as on a ticket that exists."""
    company = requester.company.id if requester.company is not None else None
    added: dict[str, Addition] = {}
    for written in cc:
        address = address_to_add(
            written, facts.own_addresses, facts.mailbox, policy, by_staff=facts.by_staff
        )
        if isinstance(address, ChangeRefused):
            return address
        if address == requester.address or address in added:
            continue
        known = facts.people.get(address)
        active = 1 + sum(each.presence is Presence.ACTIVE for each in added.values())
        addition = (
            added_by_staff(address, known)
            if facts.by_staff
            else added_by_customer(address, known, company, active, policy)
        )
        if isinstance(addition, ChangeRefused):
            return addition
        added[address] = addition
    return tuple(added.values())


def _fields_named(written: Mapping[str, str], policy: Policy) -> dict[str, str] | ChangeRefused:
    fields: dict[str, str] = {}
    for name, value in written.items():
        kept = field_value(name.casefold(), value, policy)
        if isinstance(kept, ChangeRefused):
            return kept
        if kept:
            fields[name.casefold()] = kept
    return fields


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
    additions: tuple[Addition, ...],
    facts: RequestFacts,
    policy: Policy,
) -> OpenTicket[RequestedSeverity]:
    wanted = TicketRequest(
        requester=person.address,
        author=facts.actor,
        person=person,
        company=person.company,
        language=person.language or ("" if facts.by_staff else written_language(request.text)),
        subject=request.subject,
        text=request.text,
        severity=severity,
        terms=terms_of(person.company),
        additions=additions,
        door=facts.source,
    )
    acknowledged = policy.acknowledgement.send and person.company is not None
    staff = [each for each in facts.staff if each.address != facts.actor]
    # Unlike people in copy of a mail, they have not read the request.
    welcomed = (
        notifications.welcome(each, quotes=True)
        for each in additions
        if each.presence is Presence.ACTIVE and each.part is not ParticipantKind.FOLLOWER
    )
    orders = (*opening_notices(wanted, staff, acknowledged, policy), *welcomed)
    if severity.level.critical or severity.critical_claimed:
        what = sentence(
            "A new ticket of {requester} is {severity}",
            requester=person.address,
            severity=severity.name,
        )
        if severity.claim:
            what = sentence(
                "A new ticket of {requester} is {severity}; the customer claims {claimed}",
                requester=person.address,
                severity=severity.name,
                claimed=severity.claim,
            )
        alerts = notifications.alert_of_change(facts, what, policy)
        orders = (*orders, *alerts)
    return replace(open_ticket(wanted, facts.at, orders, facts.staff, policy), audited=True)
