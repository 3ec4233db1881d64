"""Escalation: one level up, and who is notified of it. The severity stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rules.commands.readable import readable
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import NOT_STORED, ChangeRefused, Effects, Escalated, notified
from rules.facts import KnownComment
from rules.identity import is_unproven
from rules.mail.extent import whole_words
from rules.mail.quoting import visible
from rules.mail.set_off import set_off
from rules.people import ParticipantKind
from rules.policy import Policy, TierSection
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.calendars import calendar_of
from rules.service.escalation import EscalationRequest, NextLevel, next_level, passed_over
from rules.service.limits import ESCALATIONS_PER_HOUR, may_escalate_at
from rules.ticket.changes import Escalate
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import EscalationPayload

LONGEST_EXCERPT = 500
"""Characters of each comment in the notice; the rest is on the ticket."""


def escalate(
    ticket: Ticket, change: Escalate, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    if facts.by_staff and not policy.escalation.levels:
        return ChangeRefused(
            sentence(
                "the policy {policy} has no [[escalation.levels]], so #{ticket} cannot be "
                "escalated; assign it to somebody instead",
                policy=policy.name,
                ticket=ticket.id,
            )
        )
    policy = policy.in_language(ticket.language_of(facts.actor))
    raised = next_level(
        _request(ticket, facts),
        policy,
        facts.at,
        tier=_tier_of_actor(ticket, facts, policy),
        calendar=calendar_of(policy, ticket.calendar),
        unreachable=facts.unreachable,
    )
    if not isinstance(raised, NextLevel):
        return ChangeRefused(raised.reason)
    again = None if facts.by_staff else may_escalate_at(facts.escalated_lately, facts.at)
    if again is not None:
        return ChangeRefused(_too_many(raised, facts.actor, again))
    manager = ticket.success_manager if policy.success_manager.told_of_escalation else ""
    passed = raised.reached.passed
    if manager in facts.unreachable and manager not in passed:
        manager, passed = "", (*passed, manager)
    orders = _notices(raised, passed, manager, change.reason, facts, policy)
    if not orders:
        return ChangeRefused(
            sentence(
                "Nobody of {title} gets email now, and there is no staff to notify instead.",
                title=raised.title,
            )
        )
    rows = (
        Escalated(
            ticket.escalation_level,
            raised.level,
            change.reason,
            notified=raised.reached.address,
            passed=passed,
        ),
        *notified(orders),
    )
    for_staff = passed_over(passed) if facts.by_staff else ()
    return Effects(rows, (_done(ticket, raised), *_reasons(raised), *for_staff))


def _too_many(raised: NextLevel, actor: str, again: datetime) -> Sentence:
    """When they may escalate again, and the phone of whom the request would have gone to."""
    contact, time = raised.reached.contact, f"{again.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if contact is None or not contact.phone:
        return sentence(
            "{address} has escalated requests {most} times within the hour; try again after {time} "
            "UTC.",
            address=actor,
            most=ESCALATIONS_PER_HOUR,
            time=time,
        )
    return sentence(
        "{address} has escalated requests {most} times within the hour; try again after {time} "
        "UTC, or call {who}: {phone}.",
        address=actor,
        most=ESCALATIONS_PER_HOUR,
        time=time,
        who=contact.called(raised.title),
        phone=contact.phone,
    )


def _request(ticket: Ticket, facts: ChangeFacts) -> EscalationRequest:
    """What the ticket's next level depends on."""
    desk = {each.address for each in facts.staff} - {ticket.requester}
    answers = (each.written_at for each in facts.escalation.history if each.author in desk)
    return EscalationRequest(
        level=ticket.escalation_level,
        staff_spoke=ticket.staff_spoke,
        answered_at=max(answers, default=None),
        earlier=facts.escalation.earlier,
        critical_claimed=ticket.critical_claimed,
        by_portal=ticket.in_portal or facts.may_be_critical,
        # Who escalates their own ticket asks somebody else.
        assigned=next(
            (s for s in facts.staff if s.address == ticket.assignee != facts.actor), None
        ),
    )


def _tier_of_actor(ticket: Ticket, facts: ChangeFacts, policy: Policy) -> TierSection | None:
    """The tier of the ticket; None for a guest, with whose company it is not agreed."""
    member = ticket.participant(facts.actor)
    is_guest = member is not None and member.part is ParticipantKind.GUEST
    return None if is_guest else policy.tier(ticket.tier or None)


def _done(ticket: Ticket, raised: NextLevel) -> Sentence:
    """Whom the request went to, by name."""
    if ticket.id == NOT_STORED:
        return _done_at_opening(raised)
    contact, level = raised.reached.contact, raised.level
    if contact is None:
        return sentence(
            "#{ticket} is at level {level}: {title}. Nobody of that level gets email now; "
            "the support team was notified instead.",
            ticket=ticket.id,
            level=level,
            title=raised.title,
        )
    who = contact.called(raised.title)
    if not contact.phone:
        return sentence(
            "#{ticket} is at level {level}: {who}", ticket=ticket.id, level=level, who=who
        )
    return sentence(
        "#{ticket} is at level {level}: {who}, phone {phone}",
        ticket=ticket.id,
        level=level,
        who=who,
        phone=contact.phone,
    )


def _done_at_opening(raised: NextLevel) -> Sentence:
    """The same of a request that has no number yet."""
    contact, level = raised.reached.contact, raised.level
    if contact is None:
        return sentence(
            "Your request is at level {level}: {title}. Nobody of that level gets email now; "
            "the support team was notified instead.",
            level=level,
            title=raised.title,
        )
    who = contact.called(raised.title)
    if not contact.phone:
        return sentence("Your request is at level {level}: {who}", level=level, who=who)
    return sentence(
        "Your request is at level {level}: {who}, phone {phone}",
        level=level,
        who=who,
        phone=contact.phone,
    )


def _reasons(raised: NextLevel) -> tuple[Sentence, ...]:
    """Why the level is asked again; not where all staff are in its place."""
    if raised.reason is None or raised.reached.contact is None:
        return ()
    return (raised.reason,)


def _notices(
    raised: NextLevel,
    passed: Sequence[str],
    manager: str,
    reason: str,
    facts: ChangeFacts,
    policy: Policy,
) -> tuple[NoticeOrder, ...]:
    """One mail to whom the request goes to, and one to the company's success manager."""
    contact = raised.reached.contact
    payload = EscalationPayload(
        level=raised.level,
        title=raised.title,
        name=contact.name if contact is not None else "",
        phone=contact.phone if contact is not None else "",
        by=facts.actor,
        why=reason,
        notes=(
            *_reasons(raised),
            *_for_the_desk(raised),
            *passed_over(passed),
            *_unproven(facts.escalation.history),
        ),
        history=_history(facts),
    )
    orders = notifications.to_reached(
        NoticeKind.ESCALATION,
        payload,
        raised.reached,
        unreachable=facts.unreachable,
        staff=facts.staff,
        policy=policy,
    )
    if orders and manager not in {"", *(order.address for order in orders)}:
        orders = (*orders, NoticeOrder(NoticeKind.ESCALATION, manager, payload=payload))
    return orders


def _for_the_desk(raised: NextLevel) -> tuple[Sentence, ...]:
    if raised.reached.contact is not None:
        return ()
    return (
        sentence(
            "All staff are notified, since nobody of {title} gets email now.", title=raised.title
        ),
    )


def _unproven(history: Sequence[KnownComment]) -> tuple[Sentence, ...]:
    """Which of the comments may be by somebody else than the author whom the history names."""
    which = [_when_and_who(comment) for comment in history if is_unproven(comment.proof)]
    if not which:
        return ()
    return (
        sentence(
            "Not verified, so that somebody else may have written it: {which}.",
            which="; ".join(which),
        ),
    )


def _when_and_who(comment: KnownComment) -> str:
    return f"{comment.written_at:%Y-%m-%d %H:%M} UTC, {comment.author}"


def _excerpt(comment: KnownComment) -> str:
    """What its author wrote, as people who are not staff may read it: the contact may be none. No
    link or reply address is cut: the mask of the notice would not find it."""
    text = visible(readable(comment.text, mail_of_staff=comment.has_commands)).text.strip()
    text = whole_words(text, LONGEST_EXCERPT)
    return f"{comment.subject}\n{text}" if comment.subject else text


def _history(facts: ChangeFacts) -> str:
    """The last public comments, the oldest first, each shortened and set off."""
    return "\n\n".join(
        f"{_when_and_who(comment)}:\n{set_off(_excerpt(comment)).rstrip()}"
        for comment in facts.escalation.history
    )
