"""A reply to a ticket that is over opens a new ticket with the same people."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.case import Case, Ruling
from rules.decision.model import OpenTicket
from rules.decision.notices import approval_request
from rules.decision.opening import SUBJECT_LENGTH, Terms, opened_by_mail, opening_notes, terms_of
from rules.decision.reasons import Reason
from rules.people import Presence
from rules.service import notifications
from rules.service.participants import Addition, additions, stays_removed, without_pending
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.severity import MailSeverity
from rules.ticket.visibility import Visibility


def follow_up(case: Case, ticket: Ticket, saw: str, conflict: tuple[str, ...]) -> Ruling:
    """The new ticket: its request is the mail's, its requester and people are the old ticket's.

    Who was removed there stays removed; who was only proposed may be proposed again.
    """
    among = without_pending(ticket)
    joining = additions(case.mail, case.facts, case.sender, among, case.policy)
    of_theirs = _without_other_company(case, ticket)
    opening = opened_by_mail(of_theirs, _terms(of_theirs, ticket), (), answers=ticket.subject)
    carried = tuple(
        Addition(
            address=p.address,
            person=None,
            part=p.part,
            presence=p.presence,
            language=p.language,
            muted=p.muted,
        )
        for p in ticket.participants
        if p.address != ticket.requester and (p.presence is Presence.ACTIVE or stays_removed(p))
    )
    present = {ticket.requester, *(a.address for a in carried)}
    requester = ticket.participant(ticket.requester)
    action = replace(
        opening,
        subject=ticket.subject[:SUBJECT_LENGTH] or opening.subject,
        requester=ticket.requester,
        requester_id=None,
        company=ticket.company,
        enrol=False,
        muted=requester is not None and requester.muted,
        additions=(*carried, *(a for a in joining if a.address not in present)),
        orders=_notices(case, ticket, opening, joining),
        language=ticket.language_of(ticket.requester),
        follows=ticket.id,
        carried=frozenset(a.address for a in carried),
    )
    notes = (f"follow-up of #{ticket.id}", *opening_notes(opening), *conflict)
    return Ruling(saw, action, Reason.FOLLOW_UP, notes)


def _without_other_company(case: Case, ticket: Ticket) -> Case:
    """The case without the company of a guest, which has no part in the ticket: neither its plan
    applies, nor is its account team notified."""
    sender, company = case.sender, case.sender.company
    is_own = ticket.company is None and sender.address == ticket.requester
    if company is None or company.id == ticket.company or is_own:
        return case
    return replace(case, sender=replace(sender, company=None))


def _terms(case: Case, ticket: Ticket) -> Terms:
    """What the sender's company is promised now; what the ticket was if it has no tier."""
    company = case.sender.company
    if company is None or case.policy.tier(company.tier) is None:
        return Terms(ticket.tier, ticket.targets, ticket.calendar)
    return terms_of(company)


def _notices(
    case: Case, ticket: Ticket, opening: OpenTicket[MailSeverity], joining: tuple[Addition, ...]
) -> tuple[NoticeOrder, ...]:
    """The comment for the people of the old ticket, the opening notices for others, and what the
    people cause whom the mail proposes."""
    commented = notifications.for_mailed_comment(
        case.mail,
        case.facts,
        ticket,
        author=case.sender.address,
        visibility=Visibility.PUBLIC,
        policy=case.policy,
    )
    comments = tuple(o for o in commented if o.kind is NoticeKind.COMMENT)
    reached = {o.address for o in comments if not o.withheld}
    opened = (
        o for o in opening.orders if o.address not in reached or o.kind is NoticeKind.ESCALATION
    )
    return (*comments, *opened, *approval_request(case, ticket, joining))
