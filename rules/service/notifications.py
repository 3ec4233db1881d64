"""Who is told what: the outgoing mails that a mail or a change causes, one for each recipient.

Nobody is told what he wrote himself, what he got directly as a recipient of the same mail, or
anything of a ticket that he is not active on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from rules.facts import Company, Facts, Participant, Presence, Staff, Ticket
from rules.mail import Mail
from rules.policy import Policy, TierSection
from rules.service.completeness import questions
from rules.service.escalation import on_duty
from rules.service.limits import answers_like_a_machine, may_notify, storm
from rules.service.participants import Addition, named_addresses
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.visibility import Visibility

Detail = tuple[tuple[str, str], ...]


def acknowledgement(address: str, language: str, said: str, policy: Policy) -> NoticeOrder:
    """With the questions that the request leaves open, those too that may not apply to it."""
    asks = "\n".join(" ".join(q.split()) for q in questions(said, policy.completeness.facts))
    return NoticeOrder(
        NoticeKind.ACKNOWLEDGEMENT, address, language, (("asks", asks),) if asks else ()
    )


def account_team(
    company: Company | None, tier: TierSection | None, policy: Policy
) -> tuple[str, ...]:
    """Those of a company's account team who are told of a new ticket; nobody on a free tier."""
    paid = tier is not None and tier.paid and policy.account_team.told_of_new
    return company.account_team if company is not None and paid else ()


def for_opening(
    requester: str,
    staff: Iterable[Staff],
    account_team: Iterable[str],
    additions: Iterable[Addition],
    policy: Policy,
    language: str,
    detail: Detail,
) -> tuple[NoticeOrder, ...]:
    """What a new ticket causes besides its acknowledgement."""
    told = () if policy.staff.notify == "none" else [s for s in staff if s.address != requester]
    team = [address for address in account_team if address != requester]
    return (
        *to_staff(NoticeKind.NEW_TICKET, told, policy, detail, quotes=True),
        *(NoticeOrder(NoticeKind.ACCOUNT_TEAM, address, detail=detail) for address in team),
        *approval_requests(requester, language, additions),
    )


def approval_requests(
    requester: str, language: str, additions: Iterable[Addition]
) -> tuple[NoticeOrder, ...]:
    """The requester is asked about those who were proposed, in one mail."""
    proposed = [a.address for a in additions if a.presence is Presence.PENDING]
    if not proposed or not requester:
        return ()
    return (
        NoticeOrder(NoticeKind.APPROVAL, requester, language, (("addresses", " ".join(proposed)),)),
    )


def for_mailed_comment(
    mail: Mail,
    facts: Facts,
    ticket: Ticket,
    author: str,
    visibility: Visibility,
    policy: Policy,
    detail: Detail,
) -> tuple[NoticeOrder, ...]:
    """Whom a mail's words reach; not those whom it was sent to directly."""
    direct = named_addresses(mail)
    return for_comment(ticket, author, visibility, facts.staff, policy, detail, direct)


def for_comment(
    ticket: Ticket,
    author: str,
    visibility: Visibility,
    staff: Iterable[Staff],
    policy: Policy,
    detail: Detail = (),
    direct: Collection[str] = (),
) -> tuple[NoticeOrder, ...]:
    """Whom words reach: in public everybody on the ticket, otherwise staff alone.

    Customers among `direct` have them already.
    """
    public = visibility is Visibility.PUBLIC
    everybody = public_comment(ticket, author, policy) if public else ()
    customers = tuple(order for order in everybody if order.address not in direct)
    shown = (*detail, ("visibility", visibility.value))
    told = {author, *(order.address for order in customers)}
    followers = (s for s in notified_staff(ticket, staff, policy) if s.address not in told)
    desk = to_staff(NoticeKind.NEW_COMMENT, followers, policy, shown, quotes=True)
    return (*customers, *within_budget(desk, ticket, policy))


def to_staff(
    kind: NoticeKind, staff: Iterable[Staff], policy: Policy, detail: Detail, quotes: bool = False
) -> tuple[NoticeOrder, ...]:
    """The same to several staff; each gets a seat on the ticket, and with it a reply address."""
    seat = (
        StaffSubscription.ONLOOKER
        if policy.staff.notify == "followers"
        else StaffSubscription.FOLLOWER
    )
    return tuple(NoticeOrder(kind, s.address, s.language, detail, quotes, seat) for s in staff)


def public_comment(ticket: Ticket, author: str, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The mails that carry a public comment to the customers on a ticket, within their budgets."""
    others = (p for p in _customers(ticket) if p.address != author)
    orders = (NoticeOrder(NoticeKind.COMMENT, p.address, p.language, quotes=True) for p in others)
    return within_budget(orders, ticket, policy)


def within_budget(
    orders: Iterable[NoticeOrder], ticket: Ticket, policy: Policy
) -> tuple[NoticeOrder, ...]:
    """Those to addresses that have not been sent too much about the ticket within the hour."""
    most = policy.budgets.notices_per_hour
    return tuple(o for o in orders if may_notify(ticket.sent.get(o.address, 0), most))


def status_change(
    ticket: Ticket, what: str, was: str, became: str, why: str, policy: Policy
) -> tuple[NoticeOrder, ...]:
    """The customers on a ticket are told of a change of its status or severity."""
    detail = (("what", what), ("was", was), ("became", became), ("why", why))
    orders = (
        NoticeOrder(NoticeKind.STATUS, p.address, p.language, detail) for p in _customers(ticket)
    )
    return within_budget(orders, ticket, policy)


def alert(what: str, staff: Iterable[Staff], policy: Policy) -> tuple[NoticeOrder, ...]:
    """Staff are told of something that wants a person's eye."""
    return to_staff(NoticeKind.ALERT, staff, policy, (("what", what),))


def on_call(policy: Policy, now: datetime, what: str) -> tuple[NoticeOrder, ...]:
    """Whoever is on duty is told of what cannot wait; nobody where the policy names nobody."""
    if not policy.escalation.levels:
        return ()
    contact = on_duty(policy.escalation.levels[0], now)
    return (NoticeOrder(NoticeKind.ALERT, contact.address, detail=(("what", what),)),)


def notified_staff(ticket: Ticket, staff: Iterable[Staff], policy: Policy) -> Iterator[Staff]:
    """The staff who follow a ticket: all of the mailbox, or those on it; all while none is."""
    if policy.staff.notify == "none":
        return iter(())
    everybody = list(staff)
    if policy.staff.notify == "all":
        return iter(everybody)
    following = {p.address for p in ticket.participants if p.is_staff and p.is_notified}
    following |= {ticket.assignee} if ticket.assignee else set()
    return iter([s for s in everybody if s.address in following] or everybody)


def apply_storm_breaker(
    mail: Mail,
    orders: tuple[NoticeOrder, ...],
    facts: Facts,
    ticket: Ticket,
    author: str,
    policy: Policy,
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The orders, or in a storm none but the one alert; and the notes on that for the trace."""
    blowing = storm(facts.recent, ticket.id, facts.decided_at)
    if blowing is None:
        answered = _answered(mail, facts)
        if not answers_like_a_machine(facts.recent, ticket.id, answered, facts.decided_at):
            return orders, ()
        staff_alone = tuple(o for o in orders if o.kind is not NoticeKind.COMMENT)
        return staff_alone, ("answers at once, again: only staff are notified",)
    if not blowing.breaks_now:
        return (), ("storm: nobody is notified",)
    what = f"{author} and #{ticket.id} write to each other like machines; muted for an hour"
    others = [s for s in facts.staff if s.address != author]
    return alert(what, others, policy), ("storm: one alert, then no notifications",)


def _answered(mail: Mail, facts: Facts) -> datetime | None:
    """When the notice was ordered that a mail replies to; None where it replies to none."""
    replied = (s.made_at for s in facts.pointers if s.message_id in mail.in_reply_to)
    return next((moment for moment in replied if moment is not None), None)


def _customers(ticket: Ticket) -> Iterator[Participant]:
    return (p for p in ticket.participants if p.is_notified and not p.is_staff)
