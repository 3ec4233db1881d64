"""Escalation: one level up, and who is notified of it. The severity stays."""

from __future__ import annotations

import re

from rules.commands.readable import readable
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects, Escalated, notified
from rules.facts import KnownComment
from rules.mail.quoting import visible
from rules.mail.set_off import set_off
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service.escalation import NextLevel, next_level
from rules.ticket.changes import Escalate
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import EscalationPayload

LONGEST_EXCERPT = 500
"""Characters of each comment in the notice; the rest is on the ticket."""
_CUT_WORD = re.compile(r"(?:(?<![!-~])[!-~]+|.)\Z", re.DOTALL)


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
    raised = next_level(
        ticket.escalation_level,
        staff_spoke=ticket.staff_spoke or facts.escalation.asked_again,
        critical_claimed=ticket.critical_claimed,
        by_portal=ticket.in_portal or facts.may_be_critical,
        policy=policy,
        at=facts.at,
        tier=policy.tier(ticket.tier or None),
    )
    if not isinstance(raised, NextLevel):
        return ChangeRefused(raised.reason)
    orders = _notices(raised, change.reason, facts, policy)
    rows = (
        Escalated(ticket.escalation_level, raised.level, change.reason),
        *notified(orders),
    )
    return Effects(rows, (_done(ticket, raised), *_reasons(raised)))


def _done(ticket: Ticket, raised: NextLevel) -> Sentence:
    contact = raised.contact
    if not contact.phone:
        return sentence(
            "#{ticket} is at level {level}: {title} ({contact})",
            ticket=ticket.id,
            level=raised.level,
            title=raised.title,
            contact=contact.name,
        )
    return sentence(
        "#{ticket} is at level {level}: {title} ({contact}, phone {phone})",
        ticket=ticket.id,
        level=raised.level,
        title=raised.title,
        contact=contact.name,
        phone=contact.phone,
    )


def _reasons(raised: NextLevel) -> tuple[Sentence, ...]:
    return () if raised.reason is None else (raised.reason,)


def _notices(
    raised: NextLevel, reason: str, facts: ChangeFacts, policy: Policy
) -> tuple[NoticeOrder, ...]:
    payload = EscalationPayload(
        level=raised.level,
        title=raised.title,
        name=raised.contact.name,
        phone=raised.contact.phone,
        by=facts.actor,
        why=reason,
        notes=_reasons(raised),
        history=_history(facts),
    )
    manager = facts.escalation.success_manager
    addresses = [raised.contact.address]
    if policy.success_manager.told_of_escalation and manager:
        addresses.append(manager)
    return tuple(
        NoticeOrder(NoticeKind.ESCALATION, address, payload=payload)
        for address in dict.fromkeys(addresses)
        if address
    )


def _excerpt(comment: KnownComment) -> str:
    """What its author wrote, as people who are not staff may read it: the contact may be none. No
    link or reply address is cut: the mask of the notice would not find it."""
    text = visible(readable(comment.text, mail_of_staff=comment.has_commands)).text.strip()
    if len(text) > LONGEST_EXCERPT:
        text = _CUT_WORD.sub("", text[: LONGEST_EXCERPT + 1])
    return f"{comment.subject}\n{text}" if comment.subject else text


def _history(facts: ChangeFacts) -> str:
    """The last public comments, the oldest first, each shortened and set off."""
    return "\n\n".join(
        f"{comment.written_at:%Y-%m-%d %H:%M} UTC, {comment.author}:\n"
        f"{set_off(_excerpt(comment)).rstrip()}"
        for comment in facts.escalation.history
    )
