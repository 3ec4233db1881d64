"""Opens a ticket otherwise than by mail: over the API."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from rules.people import ParticipantKind, Person, Presence
from rules.policy import Policy
from rules.service import notifications, sla_rules
from rules.service.completeness import extract_fields, missing_facts, request_text
from rules.service.participants import Addition
from rules.service.permissions import RequestedSeverity, opening_severity
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeOrder
from rules.ticket.severity import Level
from rules.ticket.visibility import Visibility
from storage.db.tables import TicketRow, table
from storage.registry import lookup
from storage.ticket import clocks, write
from storage.ticket.changes import ChangeRefused
from storage.ticket.write import ChangeContext, storable

_ticket = table(TicketRow)

SUBJECT_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, by whom."""

    requester: str
    """The address of a registered person."""
    subject: str
    text: str
    severity: str = ""
    """A level's name or another word for it; empty for the policy's default."""


def open_ticket(
    connection: Connection, hand: ChangeContext, request: Request, policy: Policy, by_staff: bool
) -> int:
    """Open a ticket and tell those who are told of one; returns its number.

    `by_staff`: the hand is that of a staff person, for himself or for a customer. Raises
    ChangeRefused.
    """
    requester = _requester(connection, hand, request, policy, by_staff)
    severity = opening_severity(_level(request.severity, policy), by_staff, policy)
    number = _insert(connection, hand, request, requester, severity, policy)
    language = requester.language
    joining = Addition(
        requester.address,
        requester.id,
        ParticipantKind.REQUESTER,
        Presence.ACTIVE,
        requester.language,
    )
    write.add_participants(connection, hand, number, [joining])
    comment = write.add_comment(
        connection,
        hand,
        number,
        Visibility.PUBLIC,
        hand.actor,
        request.text,
        degraded=None,
        attachments=(),
        written_at=hand.now,
        numbered=True,
    )
    write.audit(connection, hand, number, "opened", "", severity.level.name, "")
    said = request_text(request.subject, request.text)
    acknowledged = policy.acknowledgement.send and requester.company is not None
    what = f"#{number} of {requester.address} is {severity.level.name}"
    urgent = severity.level.critical or severity.critical_claimed
    orders = (
        *(
            (notifications.acknowledgement(requester.address, language, said, policy),)
            if acknowledged
            else ()
        ),
        *_told(connection, hand, requester, policy),
        *(notifications.on_call(policy, hand.now, what + severity.claim_note) if urgent else ()),
    )
    write.queue_notices(connection, hand, orders, number, comment)
    return number


def _requester(
    connection: Connection, hand: ChangeContext, request: Request, policy: Policy, by_staff: bool
) -> Person:
    people = lookup.people(connection, hand.mailbox, [request.requester], hand.now)()
    person = people.get(request.requester)
    if person is None or not person.active:
        raise ChangeRefused(f"{request.requester} is no active user of {hand.mailbox.address}")
    if person.company is None:
        return person
    if not person.company.active:
        raise ChangeRefused(f"{person.company.name} is suspended")
    tier = policy.tier(person.company.tier)
    if tier is not None and not tier.support and not by_staff:
        raise ChangeRefused(policy.texts.community)
    return person


def _level(wanted: str, policy: Policy) -> Level | None:
    if not wanted:
        return None
    found = next((level for level in policy.levels if level.has_name(wanted)), None)
    if found is None:
        known = ", ".join(level.name for level in policy.levels)
        raise ChangeRefused(f"there is no severity {wanted!r}; there are {known}")
    return found


def _insert(
    connection: Connection,
    hand: ChangeContext,
    request: Request,
    requester: Person,
    severity: RequestedSeverity,
    policy: Policy,
) -> int:
    company = requester.company
    tier = sla_rules.tier_of(company, policy)
    tier_name = tier.name if tier is not None else ""
    agreed = company.targets if company is not None else {}
    promised = sla_rules.target(policy, tier_name, agreed, severity.level.name)
    said = request_text(request.subject, request.text)
    lacks = missing_facts(said, policy.completeness.facts)
    clock = sla_rules.opened(policy, promised, lacks, hand.now)
    row = {
        "mailbox_id": hand.mailbox.id,
        "subject": storable(request.subject, SUBJECT_LENGTH),
        "status": Status.OPEN.value,
        "severity": severity.level.name,
        "severity_source": hand.source.value,
        "critical": severity.level.critical,
        "severity_claimed": severity.claimed.name if severity.claimed is not None else None,
        "critical_claimed": severity.critical_claimed,
        "requester": requester.address,
        "company_id": company.id if company is not None else None,
        "opened_at": hand.now,
        "updated_at": hand.now,
        "tier": tier_name,
        "targets": json.dumps(agreed),
        "fields": json.dumps(extract_fields(said, policy.fields), ensure_ascii=False),
        "missing": json.dumps(lacks, ensure_ascii=False),
        "first_due_at": clock.due_at if clock is not None else None,
        **clocks.columns(clock),
    }
    opened = connection.execute(insert(_ticket).values(**row).returning(_ticket.c.id))
    return int(opened.scalar_one())


def _told(
    connection: Connection, hand: ChangeContext, requester: Person, policy: Policy
) -> tuple[NoticeOrder, ...]:
    """Staff, but for the one who opened it, and the account team of a paid tier."""
    company = requester.company
    team = notifications.account_team(company, sla_rules.tier_of(company, policy), policy)
    staff = [s for s in lookup.staff(connection, hand.mailbox)() if s.address != hand.actor]
    return notifications.for_opening(
        requester.address,
        staff=staff,
        account_team=team,
        additions=(),
        policy=policy,
        language=requester.language,
    )
