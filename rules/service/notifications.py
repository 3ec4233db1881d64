"""The outgoing mails that a mail or a change causes: one for each recipient.

Nobody is notified of their own comment, of what they got directly as a recipient of the same mail,
or of anything on a ticket that they are not active on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from rules.facts import Facts
from rules.mail import Mail
from rules.people import Company, Presence, Staff
from rules.policy import Policy, TierSection
from rules.sentence import Sentence, sentence
from rules.service.completeness import questions
from rules.service.escalation import Reached, passed_over, reach
from rules.service.limits import (
    NoticeBudget,
    may_notify,
)
from rules.service.participants import Addition, named_addresses
from rules.service.staff_notices import interested, owners
from rules.ticket.model import Ticket
from rules.ticket.notice_payloads import Payload
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.payloads import (
    NO_PAYLOAD,
    AcknowledgementPayload,
    AlertPayload,
    AlertTopic,
    ApprovalPayload,
    NewCommentPayload,
    NewTicketPayload,
    StatusPayload,
)
from rules.ticket.visibility import Visibility

ADDED = "added"
"""What a customer who joins a ticket is notified of."""


class WhoActs(Protocol):
    """What is known of every change or request: who makes it, and who may be alerted of it."""

    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def staff(self) -> tuple[Staff, ...]: ...
    @property
    def unreachable(self) -> frozenset[str]: ...


def acknowledgement(
    address: str, language: str, text: str, additions: Iterable[Addition], policy: Policy
) -> NoticeOrder:
    """The acknowledgement of a request with this text and these people, and the questions that it
    leaves open, including those that may not apply to it."""
    facts = policy.in_language(language).completeness.facts
    asked = tuple(" ".join(q.split()) for q in questions(text, facts))
    people = tuple(additions)
    payload = AcknowledgementPayload(
        asked,
        joined=tuple(a.address for a in people if a.presence is Presence.ACTIVE),
        waiting=tuple(a.address for a in people if a.presence is Presence.PENDING),
    )
    return NoticeOrder(NoticeKind.ACKNOWLEDGEMENT, address, language, payload)


def account_team(
    company: Company | None, tier: TierSection | None, policy: Policy
) -> tuple[str, ...]:
    """The addresses of a company's account team that learn of a new ticket; none on a free tier."""
    paid = tier is not None and tier.paid and policy.account_team.told_of_new
    return company.account_team if company is not None and paid else ()


def for_opening(
    requester: str,
    *,
    staff: Iterable[Staff],
    account_team: Iterable[str],
    additions: Iterable[Addition],
    policy: Policy,
    language: str,
    mentions: int | None = None,
) -> tuple[NoticeOrder, ...]:
    """What a new ticket causes besides its acknowledgement.

    `mentions` is another ticket whose number stands in the subject.
    """
    readers = [s for s in interested(staff) if s.address != requester]
    notified = [] if policy.staff.notify == "none" else readers
    team = [address for address in account_team if address != requester]
    opened = NewTicketPayload(mentions)
    return (
        *to_staff(NoticeKind.NEW_TICKET, opened, staff=notified, policy=policy, quotes=True),
        *(NoticeOrder(NoticeKind.ACCOUNT_TEAM, address) for address in team),
        *approval_requests(requester, language, additions),
    )


def added(
    ticket: Ticket, addition: Addition, policy: Policy, *, quotes: bool, by_staff: bool
) -> tuple[NoticeOrder, ...]:
    """The mail to a customer who joins a ticket; `quotes` the comment that is written with it."""
    budget = NoticeBudget.STAFF if by_staff else NoticeBudget.CUSTOMERS
    return within_budget((welcome(addition, quotes=quotes),), ticket, policy, budget)


def welcome(addition: Addition, *, quotes: bool) -> NoticeOrder:
    """The mail to a customer who is on a ticket now."""
    return NoticeOrder(
        NoticeKind.STATUS,
        addition.address,
        addition.language,
        StatusPayload(ADDED),
        quotes=quotes,
    )


def approval_requests(
    requester: str, language: str, additions: Iterable[Addition]
) -> tuple[NoticeOrder, ...]:
    """One mail that asks the requester about all the people who were proposed."""
    proposed = tuple(a.address for a in additions if a.presence is Presence.PENDING)
    if not proposed or not requester:
        return ()
    return (NoticeOrder(NoticeKind.APPROVAL, requester, language, ApprovalPayload(proposed)),)


def for_proposed(
    ticket: Ticket,
    additions: Iterable[Addition],
    *,
    author: str,
    staff: Iterable[Staff],
    policy: Policy,
    budget: NoticeBudget = NoticeBudget.CUSTOMERS,
    asks: bool = True,
) -> tuple[NoticeOrder, ...]:
    """What the people proposed for a ticket cause: its requester decides; staff, who are alerted,
    where the requester gets no mail about it, since they have left or unsubscribed, or may not be
    asked."""
    requester = ticket.participant(ticket.requester)
    if asks and requester is not None and requester.is_notified:
        requests = approval_requests(requester.address, requester.language, additions)
        return within_budget(requests, ticket, policy, budget)
    others = (s for s in notified_staff(ticket, staff, policy) if s.address != author)
    alerts = alert_of_proposed(additions, author, others, policy)
    return within_budget(alerts, ticket, policy, budget)


def alert_of_proposed(
    additions: Iterable[Addition], author: str, staff: Iterable[Staff], policy: Policy
) -> tuple[NoticeOrder, ...]:
    """The mails to staff about people on whom the requester is not asked to decide."""
    proposed = ", ".join(a.address for a in additions if a.presence is Presence.PENDING)
    if not proposed:
        return ()
    what = sentence(
        "{author} asks to add {proposed}, and the requester, who would decide, gets no email "
        "about it. To add a person, reply with #cc +ADDRESS.",
        author=author,
        proposed=proposed,
    )
    return alert(AlertTopic.PEOPLE, (what,), staff, policy)


def for_mailed_comment(
    mail: Mail,
    facts: Facts,
    ticket: Ticket,
    *,
    author: str,
    visibility: Visibility,
    policy: Policy,
    status: str = "",
    budget: NoticeBudget = NoticeBudget.CUSTOMERS,
    proven: bool = True,
) -> tuple[NoticeOrder, ...]:
    """The mails that a comment by mail causes; none to customers whom the mail went to directly.

    `status` is how the comment moves the ticket, as `resolved → open`.
    """
    return for_comment(
        ticket,
        author=author,
        visibility=visibility,
        staff=facts.staff,
        policy=policy,
        status=status,
        direct=direct_recipients(mail, proven=proven),
        budget=budget,
    )


def direct_recipients(mail: Mail, *, proven: bool) -> tuple[str, ...]:
    """Who has a mail from its author. An unproven one went here, and nobody knows where else."""
    return named_addresses(mail) if proven else ()


def for_comment(
    ticket: Ticket,
    *,
    author: str,
    visibility: Visibility,
    staff: Iterable[Staff],
    policy: Policy,
    status: str = "",
    direct: Collection[str] = (),
    budget: NoticeBudget = NoticeBudget.CUSTOMERS,
) -> tuple[NoticeOrder, ...]:
    """The mails that a comment causes: to everybody on the ticket if it is public, else to staff.

    Customers among `direct` have it already.
    """
    public = visibility is Visibility.PUBLIC
    budget = NoticeBudget.WAITING if visibility is Visibility.PRIVATE else budget
    everybody = public_comment(ticket, author, policy, budget) if public else ()
    customers = tuple(order for order in everybody if order.address not in direct)
    notified = {author, *(order.address for order in customers)}
    desk = tuple(staff)
    readers = [s for s in notified_staff(ticket, desk, policy) if s.address not in notified]
    if visibility is Visibility.PRIVATE and not readers and policy.staff.notify != "none":
        # It waits for somebody, and its author may be the only one who follows the ticket.
        readers = [s for s in desk if s.address not in notified]
    orders = to_staff(
        NoticeKind.NEW_COMMENT,
        NewCommentPayload(visibility, status),
        staff=readers,
        policy=policy,
        quotes=True,
    )
    return (*customers, *within_budget(orders, ticket, policy, budget))


def to_requester(
    kind: NoticeKind, ticket: Ticket, payload: Payload = NO_PAYLOAD
) -> tuple[NoticeOrder, ...]:
    """The mail to a ticket's requester; none where they are notified of nothing on it."""
    requester = ticket.participant(ticket.requester)
    if requester is None or not requester.is_notified:
        return ()
    return (NoticeOrder(kind, requester.address, requester.language, payload),)


def to_staff(
    kind: NoticeKind,
    payload: Payload,
    *,
    staff: Iterable[Staff],
    policy: Policy,
    quotes: bool = False,
) -> tuple[NoticeOrder, ...]:
    """The same notice to several staff; each is put on the ticket, and so has a reply address."""
    subscription = (
        StaffSubscription.ONLOOKER
        if policy.staff.notify == "followers"
        else StaffSubscription.FOLLOWER
    )
    return tuple(
        NoticeOrder(
            kind, s.address, s.language, payload=payload, quotes=quotes, subscription=subscription
        )
        for s in staff
    )


def public_comment(
    ticket: Ticket, author: str, policy: Policy, budget: NoticeBudget
) -> tuple[NoticeOrder, ...]:
    """The mails that carry a public comment to the customers on a ticket, within their budgets."""
    others = (p for p in ticket.notified_customers if p.address != author)
    orders = (NoticeOrder(NoticeKind.COMMENT, p.address, p.language, quotes=True) for p in others)
    return within_budget(orders, ticket, policy, budget)


def within_budget(
    orders: Iterable[NoticeOrder],
    ticket: Ticket,
    policy: Policy,
    budget: NoticeBudget = NoticeBudget.CUSTOMERS,
) -> tuple[NoticeOrder, ...]:
    """The orders; those to addresses that were sent enough about the ticket within the hour are
    marked as withheld."""
    most = policy.budgets.notices_per_hour
    return tuple(
        o if may_notify(ticket.sent.get(o.address, 0), most, budget) else replace(o, withheld=True)
        for o in orders
    )


def status_change(
    ticket: Ticket, change: StatusPayload, policy: Policy, *, by_staff: bool = False
) -> tuple[NoticeOrder, ...]:
    """The mails to the customers on a ticket about a change of its status or severity."""
    orders = (
        NoticeOrder(NoticeKind.STATUS, p.address, p.language, change)
        for p in ticket.notified_customers
    )
    budget = NoticeBudget.STAFF if by_staff else NoticeBudget.CUSTOMERS
    return within_budget(orders, ticket, policy, budget)


def alert(
    topic: AlertTopic,
    what: tuple[Sentence, ...],
    staff: Iterable[Staff],
    policy: Policy,
    *,
    reopens: bool = False,
) -> tuple[NoticeOrder, ...]:
    """The mails to staff about something that needs a person's attention; with `reopens`, each
    carries a link that reopens the ticket."""
    payload = AlertPayload(reopens=reopens, sentences=what, topic=topic)
    return to_staff(NoticeKind.ALERT, payload, staff=staff, policy=policy)


def alert_on_call(
    policy: Policy,
    now: datetime,
    topic: AlertTopic,
    what: Sentence,
    *,
    author: str,
    unreachable: Collection[str],
    staff: Sequence[Staff],
    claimed: bool = False,
    outside: bool = False,
) -> tuple[NoticeOrder, ...]:
    """The mail about something urgent to the person on call; to all staff, whatever they are
    notified of otherwise, where the policy names nobody or nobody of it can be reached. None goes
    to its author."""
    reached = reach(policy.on_call, now, unreachable) if policy.on_call else Reached(None)
    sentences = (what, *passed_over(reached.passed))
    payload = AlertPayload(claimed=claimed, outside=outside, sentences=sentences, topic=topic)
    orders = to_reached(
        NoticeKind.ALERT, payload, reached, unreachable=unreachable, staff=staff, policy=policy
    )
    return tuple(order for order in orders if order.address != author)


def alert_of_change(facts: WhoActs, what: Sentence, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The same for a ticket that somebody makes critical over the API or the command line."""
    return alert_on_call(
        policy,
        facts.at,
        AlertTopic.CRITICAL,
        what,
        author=facts.actor,
        unreachable=facts.unreachable,
        staff=facts.staff,
    )


def to_reached(
    kind: NoticeKind,
    payload: Payload,
    reached: Reached,
    *,
    unreachable: Collection[str],
    staff: Sequence[Staff],
    policy: Policy,
) -> tuple[NoticeOrder, ...]:
    """The notice to the person who is reached, or to the desk: to all staff whom mail reaches.
    Staff have a reply address; other people get none."""
    contact = reached.contact
    if contact is None:
        desk = [each for each in staff if each.address not in unreachable]
        return to_staff(kind, payload, staff=desk, policy=policy)
    as_staff = [each for each in staff if each.address == contact.address]
    if as_staff:
        return to_staff(kind, payload, staff=as_staff, policy=policy)
    return (NoticeOrder(kind, contact.address, payload=payload),)


def notified_staff(ticket: Ticket, staff: Iterable[Staff], policy: Policy) -> Iterator[Staff]:
    """The staff who follow a ticket: all of the mailbox, or those on it; all while none is."""
    if policy.staff.notify == "none":
        return iter(())
    own = owners(ticket)
    everybody = interested(staff, own)
    if policy.staff.notify == "all":
        return iter(everybody)
    return iter([s for s in everybody if s.address in own] or everybody)
